//! References declared by a file: there is no Rust type for `Ref` to name.

use crate::text::Text;
use crate::value::{Hints, Kind, Leaf, Malformed, Native, OneLeaf, Refers, Value};

/// The same leaf, canonical text and kind as `Ref<T>`; the target stands in the attribute instead of the type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference(Text);

impl Value for Reference {
    const KIND: Kind = Kind { name: "ref", version: 1 };

    fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
        Self::from_canonical(leaf.as_text().ok_or(Malformed::new("not an id"))?)
    }

    fn canonical(&self, out: &mut String) {
        out.push_str(&self.0);
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        if text.is_empty() { Err(Malformed::new("not an id")) } else { Ok(Self(text.into())) }
    }

    fn native(&self, _: &Hints) -> Native {
        Native::Text(self.0.clone())
    }
}

impl OneLeaf for Reference {}
impl Refers for Reference {}
