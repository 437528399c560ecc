//! Comparisons that a user declares: how the values of one attribute are compared, beside what is sensible for its kind.

use serde::{Deserialize, Serialize};

use super::fields::days;
use crate::attribute::{Kind, Schema};
use crate::similarity::{jaro_winkler, within_edits};

/// How the values of an attribute are compared: a level for values that are the same, one for each tolerance, the narrowest first, and one
/// for all others. What each level is worth is learned.
///
/// A pair is at the first level whose tolerance it keeps. Values are compared as they are normalised: small letters without accents, dates
/// by their days, numbers without units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Declared {
    /// The same or not.
    Same,
    /// So many edits at most lead from one to the other: of a letter, or of two neighbours that changed places (optimal string alignment).
    /// Ascending, from 1 to 16.
    Edits(Vec<u8>),
    /// They are alike by so many percent at least, after Jaro and Winkler. Descending, from 99 to 1.
    Alike(Vec<u8>),
    /// Dates so many days apart at most. Ascending, from 1 on.
    Days(Vec<u32>),
    /// Numbers apart by such a share of the greater at most. Ascending, above 0 and below 1.
    Share(Vec<f64>),
    /// Numbers so far apart at most, in their own unit. Ascending, above 0.
    Apart(Vec<f64>),
}

/// A comparison has so many tolerances at most.
const MOST: usize = 8;

/// What is wrong with a declared comparison. It names the attribute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeclarationError {
    /// No attribute is of this name.
    #[error("a comparison is declared of `{attribute}`, where attributes are {known}")]
    Unknown {
        /// The attribute.
        attribute: String,
        /// The names of the attributes that there are.
        known: String,
    },
    /// The attribute is looked at together with others, or not at all.
    #[error(
        "a comparison is declared of `{attribute}`, which is not compared on its own: as {kind:?} it is part of what says one thing together, or tells nothing; of another kind, as a text, it would be"
    )]
    NotOnItsOwn {
        /// The attribute.
        attribute: String,
        /// What it holds.
        kind: Kind,
    },
    /// What is declared does not fit what the attribute holds.
    #[error("a comparison of {of} is declared of `{attribute}`, which holds {kind:?}")]
    Kind {
        /// The attribute.
        attribute: String,
        /// What it holds.
        kind: Kind,
        /// What is compared.
        of: &'static str,
    },
    /// The tolerances are none, too many, out of order, or out of bounds.
    #[error("the tolerances of `{attribute}` are wrong: {why}")]
    Tolerances {
        /// The attribute.
        attribute: String,
        /// What is wrong.
        why: &'static str,
    },
}

impl Declared {
    /// What is wrong with its tolerances; none if nothing is.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        let numbers: Vec<f64> = match self {
            Self::Same => return None,
            Self::Edits(most) => most.iter().map(|most| f64::from(*most)).collect(),
            // The most alike comes first.
            Self::Alike(least) => least.iter().map(|least| 100.0 - f64::from(*least)).collect(),
            Self::Days(most) => most.iter().map(|most| f64::from(*most)).collect(),
            Self::Share(most) | Self::Apart(most) => most.clone(),
        };
        let below = match self {
            Self::Edits(_) => 17.0,
            Self::Alike(_) => 100.0,
            Self::Share(_) => 1.0,
            _ => f64::INFINITY,
        };
        let within = |number: &f64| *number > 0.0 && *number < below;
        if numbers.is_empty() {
            Some("there are none")
        } else if numbers.len() > MOST {
            Some("there are more than eight")
        } else if !numbers.iter().all(within) {
            Some("one is out of bounds")
        } else {
            (!numbers.windows(2).all(|two| two[0] < two[1]))
                .then_some("the narrowest comes first, and none comes twice")
        }
    }

    /// What is compared of a value, if its kind does not fit.
    fn misfit(&self, kind: Kind) -> Option<&'static str> {
        match self {
            Self::Days(_) if kind != Kind::Date => Some("days"),
            Self::Share(_) | Self::Apart(_) if kind != Kind::Number => Some("numbers"),
            _ => None,
        }
    }

    /// What each tolerance says, for people.
    pub(super) fn says(&self) -> Vec<String> {
        match self {
            Self::Same => Vec::new(),
            Self::Edits(most) => most.iter().map(|most| format!("within {most} edits")).collect(),
            Self::Alike(least) => least.iter().map(|least| format!("alike by {least} %")).collect(),
            Self::Days(most) => most.iter().map(|most| format!("within {most} days")).collect(),
            Self::Share(most) => most.iter().map(|most| format!("within {} %", (most * 1e4).round() / 1e2)).collect(),
            Self::Apart(most) => most.iter().map(|most| format!("within {most}")).collect(),
        }
    }

    /// The first tolerance that two values keep that are not the same; as many as there are if they keep none.
    pub(super) fn kept(&self, a: &[u8], b: &[u8]) -> usize {
        fn first<T>(of: &[T], is: impl Fn(&T) -> bool) -> usize {
            of.iter().position(is).unwrap_or(of.len())
        }
        match self {
            Self::Same => 0,
            Self::Edits(most) => first(most, |most| within_edits(a, b, usize::from(*most))),
            Self::Alike(least) => first(least, |least| jaro_winkler(a, b, f64::from(*least) / 100.0) > 0.0),
            Self::Days(most) => {
                let apart = days(a).zip(days(b)).map(|(a, b)| a.abs_diff(b));
                first(most, |most| apart.is_some_and(|apart| apart <= u64::from(*most)))
            }
            Self::Share(most) => {
                let share = |(a, b): (f64, f64)| (a - b).abs() / a.abs().max(b.abs()).max(f64::MIN_POSITIVE);
                let share = numbers(a, b).map(share);
                first(most, |most| share.is_some_and(|share| share <= *most))
            }
            Self::Apart(most) => {
                let apart = numbers(a, b).map(|(a, b)| (a - b).abs());
                first(most, |most| apart.is_some_and(|apart| apart <= *most))
            }
        }
    }
}

fn numbers(a: &[u8], b: &[u8]) -> Option<(f64, f64)> {
    let number = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.parse::<f64>().ok();
    number(a).zip(number(b))
}

/// That a comparison can be declared of an attribute of a schema.
pub(crate) fn fits(schema: &Schema, attribute: &str, declared: &Declared) -> Result<(), DeclarationError> {
    let name = attribute.to_owned();
    let Some(found) = schema.attributes.iter().find(|of| of.name == attribute) else {
        let known: Vec<&str> = schema.attributes.iter().map(|of| of.name.as_str()).collect();
        return Err(DeclarationError::Unknown { attribute: name, known: known.join(", ") });
    };
    if let Some(of) = declared.misfit(found.kind) {
        return Err(DeclarationError::Kind { attribute: name, kind: found.kind, of });
    }
    if let Some(why) = declared.fault() {
        return Err(DeclarationError::Tolerances { attribute: name, why });
    }
    let layout = crate::layout::Layout::of(schema.clone());
    let alone = super::Comparison::standard(&layout, false).iter().any(|of| of.is_of_one_field(&layout, attribute));
    if alone { Ok(()) } else { Err(DeclarationError::NotOnItsOwn { attribute: name, kind: found.kind }) }
}
