//! `Composite`: the value of a group, a keyed element or an ordered list, as policies see it.

use crate::text::Text;
use crate::value::{Hints, Kind, Leaf, Malformed, Native, OneLeaf, Value};

/// The canonical text of several fields together ([`crate::value::join`]).
///
/// Group policies choose among composites whole: no golden record mixes one system's street with another's postal code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Composite(Text);

impl Composite {
    /// The joined text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for Composite {
    const KIND: Kind = Kind { name: "composite", version: 1 };

    fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
        leaf.as_text().map(|text| Self(text.into())).ok_or(Malformed::new("not a composite"))
    }

    fn canonical(&self, out: &mut String) {
        out.push_str(&self.0);
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        Ok(Self(text.into()))
    }

    fn native(&self, _: &Hints) -> Native {
        Native::Text(self.0.clone())
    }
}

impl OneLeaf for Composite {}
