//! Mismatches: what is wrong with a mapping, and what to do about it.

use std::fmt;

use crate::id::{ObjectType, SystemName};
use crate::model::Path;
use crate::text::Text;

/// A mapping that a system, as it is described, cannot keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The system.
    pub system: SystemName,
    /// Its object type.
    pub object: ObjectType,
    /// The field, by path of the documented shape.
    pub field: Path,
    /// Who maps it: `customer.email`; `None`: nobody does.
    pub attribute: Option<Text>,
    /// What is wrong.
    pub kind: MismatchKind,
}

/// `hubspot/contacts properties.phone: there is none, or it is not seen`.
impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} {}: {}", self.system, self.object, self.field, self.kind)
    }
}

/// What is wrong with a mapping.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum MismatchKind {
    /// The system has no such field, or its credentials do not see it.
    Missing,
    /// The system had the field, and has another of its kind instead.
    Renamed {
        /// Which, by path of the documented shape.
        to: Text,
    },
    /// What the field holds does not read, or is not taken, as the attribute's type.
    WrongType {
        /// What the field holds.
        field: Text,
        /// The attribute's type.
        attribute: Text,
    },
    /// What the field holds reads as the attribute's type, and not all that is written of the attribute is taken.
    MayRefuse {
        /// What the field holds.
        field: Text,
        /// The attribute's type.
        attribute: Text,
    },
    /// It is written, and its values are the system's own.
    ReadOnly,
    /// The mapping writes options that the field does not have.
    UnknownOption {
        /// Which.
        written: Vec<Text>,
    },
    /// The field has options that the mapping does not read: records that hold one are not understood there.
    UnreadOption {
        /// Which.
        held: Vec<Text>,
    },
    /// A record cannot be made without it, and nothing is mapped to it.
    RequiredNotMapped,
    /// A record cannot be made without it, and what is mapped to it may have no value when one is made.
    RequiredMayLack,
    /// What is written may not fit.
    TooLong {
        /// How many characters fit.
        fits: usize,
        /// How many there may be.
        may_be: usize,
    },
    /// Creates are to carry our keys there, and its values are not unique.
    NotUnique,
}

impl MismatchKind {
    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::Missing => "map another field, or let the integration see it".into(),
            Self::Renamed { .. } => "map the new name, or rename it back".into(),
            Self::WrongType { .. } => "map a field of that type, or read it by a transform".into(),
            Self::MayRefuse { .. } => "map it read_only, or write it by a transform".into(),
            Self::ReadOnly => "map it read_only".into(),
            Self::UnknownOption { .. } => "add the options there, or write others".into(),
            Self::UnreadOption { .. } => "name the options in the mapping of the type".into(),
            Self::RequiredNotMapped => "map an attribute to it, or give it a default there".into(),
            Self::RequiredMayLack => "name the attribute in create_needs".into(),
            Self::TooLong { .. } => "lengthen the field, or map a shorter attribute".into(),
            Self::NotUnique => "make its values unique there".into(),
        }
    }
}

impl fmt::Display for MismatchKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |names: &[Text]| names.iter().map(Text::as_str).collect::<Vec<_>>().join(", ");
        match self {
            Self::Missing => f.write_str("there is none, or it is not seen"),
            Self::Renamed { to } => write!(f, "there is none any more; it seems to be {to} now"),
            Self::WrongType { field, attribute } => {
                write!(f, "it holds {field}, and the attribute is of type {attribute}")
            }
            Self::MayRefuse { field, attribute } => {
                write!(f, "it holds {field}, and may refuse what is written of type {attribute}")
            }
            Self::ReadOnly => f.write_str("it is written, and is read-only"),
            Self::UnknownOption { written } => write!(f, "it has no option {}", names(written)),
            Self::UnreadOption { held } => write!(f, "nothing is made of its option {}", names(held)),
            Self::RequiredNotMapped => f.write_str("no record is made without it, and nothing is mapped to it"),
            Self::RequiredMayLack => f.write_str("no record is made without it, and the attribute may lack"),
            Self::TooLong { fits, may_be } => write!(f, "{fits} characters fit, and there may be {may_be}"),
            Self::NotUnique => f.write_str("it is to carry our keys, and its values are not unique"),
        }
    }
}

/// Every mapping that systems cannot keep.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mismatches {
    /// Which, by system, object type and field.
    pub found: Vec<Mismatch>,
    /// How many object types were compared.
    pub compared: usize,
}

impl Mismatches {
    /// Fails a test, with the whole list, unless it is empty and something was compared.
    ///
    /// # Panics
    ///
    /// If there is a mismatch, or nothing that is described is mapped.
    pub fn require_none(&self) {
        assert!(self.found.is_empty(), "the model does not fit its systems\n{self}");
        assert!(self.compared > 0, "nothing that is described is mapped");
    }
}

/// An aligned list, and a line of counts.
impl fmt::Display for Mismatches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = ["system", "object", "field", "attribute", "what is wrong", "what to do"].map(str::to_owned);
        let line = |mismatch: &Mismatch| {
            let Mismatch { system, object, field, attribute, kind } = mismatch;
            let attribute = attribute.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
            [system.to_string(), object.to_string(), field.to_string(), attribute, kind.to_string(), kind.advice()]
        };
        let lines: Vec<[String; 6]> = self.found.iter().map(line).collect();
        if !lines.is_empty() {
            let all = || std::iter::once(&heading).chain(&lines);
            let width = |column: usize| all().filter_map(|line| Some(line.get(column)?.chars().count())).max();
            let widths: Vec<usize> = (0..5).map(|column| width(column).unwrap_or_default()).collect();
            for line in all() {
                for (cell, width) in line.iter().zip(&widths) {
                    write!(f, "{cell:width$}  ")?;
                }
                writeln!(f, "{}", line[5])?;
            }
        }
        let plural = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        let found = plural(lines.len(), "mismatch", "mismatches");
        write!(f, "{found} in {}", plural(self.compared, "object type", "object types"))
    }
}
