//! Derived attributes: computed in the hub from other golden values, never merged.

use std::borrow::Cow;

use crate::fingerprint::Fingerprint;
use crate::value::{Field, Value};

/// The golden values that a derivation reads, in the order it named them.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    fields: &'a [Field],
}

impl<'a> Inputs<'a> {
    /// Wraps the fields, in declaration order.
    #[must_use]
    pub const fn new(fields: &'a [Field]) -> Self {
        Self { fields }
    }

    /// The typed value of input `index`; `None` if it has none.
    #[must_use]
    pub fn value<T: Value>(&self, index: usize) -> Option<T> {
        T::from_canonical(self.fields.get(index)?.as_value()?).ok()
    }
}

/// Computes one attribute from others. Pure.
///
/// Any `fn(&Inputs) -> Option<T>` is one, under the name and version given beside it in the model.
pub trait Derivation<T: Value>: Send + Sync + 'static {
    /// The name written in the journal.
    fn name(&self) -> Cow<'static, str>;
    /// Adds version and parameters.
    fn fingerprint(&self, fingerprint: &mut Fingerprint);
    /// The value, or none.
    fn derive(&self, inputs: &Inputs<'_>) -> Option<T>;
}
