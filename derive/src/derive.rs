//! From input to output: check, then expand, or report with a skeleton beside.

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::errors::Errors;
use crate::{check, expand, fallback};

/// `#[derive(Canonical)]`
pub(crate) fn canonical(input: &DeriveInput) -> TokenStream {
    run(input, check::entity, expand::entity, fallback::entity)
}

/// `#[derive(CanonicalValue)]`
pub(crate) fn canonical_value(input: &DeriveInput) -> TokenStream {
    run(input, check::value, expand::value, fallback::value)
}

/// `#[derive(CanonicalPart)]`
pub(crate) fn canonical_part(input: &DeriveInput) -> TokenStream {
    run(input, check::part, expand::part, fallback::part)
}

fn run<M>(
    input: &DeriveInput,
    check: fn(&DeriveInput, &mut Errors) -> Option<M>,
    expand: fn(&M) -> TokenStream,
    fallback: fn(&DeriveInput) -> TokenStream,
) -> TokenStream {
    let mut errors = Errors::default();
    let model = check(input, &mut errors);
    match (errors.into_tokens(), model) {
        (None, Some(model)) => expand(&model),
        (errors, _) => {
            let skeleton = fallback(input);
            quote! { #errors #skeleton }
        }
    }
}
