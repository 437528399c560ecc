//! The shape shared by value types whose canonical form is one checked text.

/// Declares a newtype over canonical text. `$read` checks and rewrites native text; serde and `FromStr` go through it.
macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $read:path) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
        )]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        pub struct $name($crate::text::Text);

        impl $name {
            /// The canonical text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::value::Malformed;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut canonical = String::new();
                $read(text.trim(), &$crate::value::Hints::default(), &mut canonical)?;
                Ok(Self(canonical.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::value::Malformed;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0.as_str().to_owned()
            }
        }

        impl $crate::value::Value for $name {
            const KIND: $crate::value::Kind = $crate::value::Kind { name: $kind, version: 1 };

            fn parse(
                leaf: $crate::value::Leaf<'_>,
                hints: &$crate::value::Hints,
            ) -> Result<Self, $crate::value::Malformed> {
                let mut canonical = String::new();
                Self::canonical_of(leaf, hints, &mut canonical)?;
                Ok(Self(canonical.into()))
            }

            fn canonical(&self, out: &mut String) {
                out.push_str(&self.0);
            }

            fn from_canonical(text: &str) -> Result<Self, $crate::value::Malformed> {
                Ok(Self(text.into()))
            }

            fn native(&self, _: &$crate::value::Hints) -> $crate::value::Native {
                $crate::value::Native::Text(self.0.clone())
            }

            fn canonical_of(
                leaf: $crate::value::Leaf<'_>,
                hints: &$crate::value::Hints,
                out: &mut String,
            ) -> Result<(), $crate::value::Malformed> {
                let text = leaf.as_text().ok_or($crate::value::Malformed::new("not a text"))?;
                $read(text.trim(), hints, out)
            }
        }

        impl $crate::value::OneLeaf for $name {}
    };
}

pub(super) use text_newtype;
