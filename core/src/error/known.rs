//! The names that there are, for whoever misspelt one.

use std::fmt;

use crate::policy::suggest::nearest;
use crate::text::Text;

/// The names that there are, and the one that was probably meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    names: Vec<Text>,
    nearest: Option<Text>,
}

/// How many names an error message lists.
const MOST_NAMES: usize = 12;

impl Known {
    /// The names that there are where `found` was asked for.
    #[must_use]
    pub fn beside<'a>(found: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names: Vec<&str> = names.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        let nearest = nearest(found, names.iter().copied()).map(Text::from);
        Self { names: names.into_iter().map(Text::from).collect(), nearest }
    }

    /// The names, ascending.
    #[must_use]
    pub fn names(&self) -> &[Text] {
        &self.names
    }

    /// The name that was probably meant.
    #[must_use]
    pub fn nearest(&self) -> Option<&str> {
        self.nearest.as_deref()
    }
}

/// What follows the sentence that a name is unknown.
impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(nearest) = &self.nearest {
            return write!(f, "; did you mean `{nearest}`?");
        }
        let Some((first, rest)) = self.names.split_first() else { return f.write_str("; there are none") };
        write!(f, "; known: `{first}`")?;
        for name in rest.iter().take(MOST_NAMES - 1) {
            write!(f, ", `{name}`")?;
        }
        match self.names.len().saturating_sub(MOST_NAMES) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Known;

    #[test]
    fn what_was_meant_is_asked_and_else_everything_listed() {
        let known = |found| Known::beside(found, ["hubspot", "shopify", "netsuite"]).to_string();
        assert_eq!(known("hubspto"), "; did you mean `hubspot`?");
        assert_eq!(known("sap"), "; known: `hubspot`, `netsuite`, `shopify`");
        assert_eq!(Known::beside("sap", []).to_string(), "; there are none");
        let many: Vec<String> = (10..30).map(|n| format!("attribute{n}")).collect();
        let text = Known::beside("x", many.iter().map(String::as_str)).to_string();
        assert!(text.ends_with("`attribute21` and 8 more"), "{text}");
    }
}
