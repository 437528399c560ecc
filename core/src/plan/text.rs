//! Plans as text: one line per operation, the same for the same plan, for snapshots and for people.

use std::fmt;

use super::{Intent, Operation, Parked, Plan, Target};
use crate::value::Field;

/// One line per operation, then one per parked operation. An empty plan is the empty text.
///
/// Values stand in it as they are: mask it for readers who may not see personal data.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for operation in &self.operations {
            writeln!(f, "{operation}")?;
        }
        for Parked { operation, why, .. } in &self.parked {
            writeln!(f, "parked: {operation}: {why}")?;
        }
        Ok(())
    }
}

/// `hubspot/contacts/101 phone: "1" -> "2" (propagates the golden value)`.
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Record(record) => write!(f, "{record}")?,
            Target::New { connection, object, generation: 0 } => write!(f, "{connection}/{object}")?,
            Target::New { connection, object, generation } => write!(f, "{connection}/{object} ({generation})")?,
        }
        match &self.intent {
            Intent::Set(value) => write!(f, " {}: {} -> {}", self.unit, Quoted(&self.expect), Quoted(value))?,
            Intent::Create(units) => {
                f.write_str(" create:")?;
                for (place, (unit, value)) in units.iter().enumerate() {
                    let comma = if place == 0 { "" } else { "," };
                    write!(f, "{comma} {unit} {}", Quoted(value))?;
                }
            }
            Intent::Archive => f.write_str(" archive")?,
        }
        write!(f, " ({})", self.reason)
    }
}

/// A field as a reader tells it from words: quoted, or the members of a group in brackets.
struct Quoted<'a>(&'a Field);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Field::Value(text) if serde_json::from_str::<Vec<Option<&str>>>(text).is_ok() => f.write_str(text),
            Field::Value(text) => write!(f, "{:?}", text.as_str()),
            Field::Null | Field::Empty => fmt::Display::fmt(self.0, f),
        }
    }
}
