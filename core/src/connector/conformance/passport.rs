//! The passport: what was promised, what was declared, what was measured.

use std::fmt;

/// What a connector promises: by a declaration of a surface, or by the contract of
/// [`Connector`](crate::connector::Connector).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Promise {
    /// Tokens order a record's states, and every surface tells the same one of a state.
    Order,
    /// Items carry as much of a record as is declared.
    Completeness,
    /// Deletions show as declared.
    Deletes,
    /// Merges show as declared.
    Merges,
    /// Nothing is lost between pages, or while people edit.
    Delivery,
    /// What shows late is heard, if it shows within the declared lag.
    Lag,
    /// A walk goes on at a cursor, as often as it is asked to, and after a restart.
    Cursors,
    /// A call that is dropped in the middle leaves nothing half done.
    CancelSafety,
    /// A read by id answers each key in its place; what is not there is gone.
    Answers,
    /// A record that is not as expected is not written.
    Expectation,
    /// What a write does not name stays as it is.
    UnnamedValues,
    /// Each write has its receipt in its place, and what a receipt says is so.
    Receipts,
    /// A create has one effect, as far as is declared.
    CreateSafety,
    /// A system that cannot be reached is an error, and never an answer.
    Errors,
    /// The system's limits of requests, pages and batches are kept.
    Limits,
    /// What the system did not sign is not taken.
    Signatures,
    /// What is meant for another tenant is not taken.
    Tenants,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Promise::Order => "order",
            Promise::Completeness => "completeness",
            Promise::Deletes => "deletes",
            Promise::Merges => "merges",
            Promise::Delivery => "delivery",
            Promise::Lag => "lag",
            Promise::Cursors => "cursors",
            Promise::CancelSafety => "cancel safety",
            Promise::Answers => "answers",
            Promise::Expectation => "expectation",
            Promise::UnnamedValues => "unnamed values",
            Promise::Receipts => "receipts",
            Promise::CreateSafety => "create safety",
            Promise::Errors => "errors",
            Promise::Limits => "limits",
            Promise::Signatures => "signatures",
            Promise::Tenants => "tenants",
        })
    }
}

/// What measuring a promise came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measured {
    /// It holds, as far as was looked: what was seen.
    Kept(String),
    /// It does not hold: what was seen instead.
    Broken(String),
    /// It was not measured, and why.
    Skipped(String),
}

/// One line of a passport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The surface, the object type, or the connector as a whole.
    pub place: String,
    /// The promise.
    pub promise: Promise,
    /// What the connector declares.
    pub declared: String,
    /// What was measured.
    pub measured: Measured,
}

/// What a connector promises, and whether it keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passport {
    /// The connector's system.
    pub system: String,
    /// Every promise of every surface and object type.
    pub entries: Vec<Entry>,
}

impl Passport {
    /// The promises that were found broken.
    pub fn broken(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| matches!(entry.measured, Measured::Broken(_)))
    }

    /// The promises that were found to hold.
    pub fn kept(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| matches!(entry.measured, Measured::Kept(_)))
    }

    /// What was not measured.
    pub fn skipped(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| matches!(entry.measured, Measured::Skipped(_)))
    }

    /// Fails a test, with the whole passport, unless every promise that was measured holds, and any was.
    ///
    /// # Panics
    ///
    /// If a promise is broken, or none was measured.
    pub fn require(&self) {
        assert!(self.broken().next().is_none(), "promises are broken\n{self}");
        assert!(self.kept().next().is_some(), "nothing was measured\n{self}");
    }
}

/// An aligned table, broken promises marked, and a line of counts.
impl fmt::Display for Passport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = |of: fn(&Entry) -> String, heading: &str| {
            let widths = self.entries.iter().map(|entry| of(entry).chars().count());
            widths.chain([heading.chars().count()]).max().unwrap_or_default()
        };
        let place = widest(|entry| entry.place.clone(), "place");
        let promise = widest(|entry| entry.promise.to_string(), "promise");
        let declared = widest(|entry| entry.declared.clone(), "declared");
        writeln!(f, "Passport of the connector to {}", self.system)?;
        writeln!(f, "  {:place$}  {:promise$}  {:declared$}  measured", "place", "promise", "declared")?;
        for entry in &self.entries {
            let (mark, told) = match &entry.measured {
                Measured::Kept(told) => (' ', told.clone()),
                Measured::Broken(told) => ('!', format!("BROKEN: {told}")),
                Measured::Skipped(why) => (' ', format!("skipped: {why}")),
            };
            let Entry { place: at, promise: what, declared: by, .. } = entry;
            writeln!(f, "{mark} {at:place$}  {what:promise$}  {by:declared$}  {told}")?;
        }
        let (kept, broken, skipped) = (self.kept().count(), self.broken().count(), self.skipped().count());
        write!(f, "{kept} kept, {broken} broken, {skipped} skipped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(place: &str, promise: Promise, measured: Measured) -> Entry {
        Entry { place: place.into(), promise, declared: "x".into(), measured }
    }

    #[test]
    fn a_passport_is_aligned_and_counted() {
        let passport = Passport {
            system: "crm".into(),
            entries: vec![
                entry("contacts.search", Promise::Order, Measured::Kept("seen".into())),
                entry("contacts", Promise::Answers, Measured::Broken("none".into())),
                entry("crm", Promise::Tenants, Measured::Skipped("alone".into())),
            ],
        };
        let table = "\
Passport of the connector to crm
  place            promise  declared  measured
  contacts.search  order    x         seen
! contacts         answers  x         BROKEN: none
  crm              tenants  x         skipped: alone
1 kept, 1 broken, 1 skipped";
        assert_eq!(passport.to_string(), table);
        assert_eq!(passport.broken().map(|entry| entry.promise).collect::<Vec<_>>(), [Promise::Answers]);
    }

    #[test]
    #[should_panic(expected = "nothing was measured")]
    fn a_passport_of_skips_is_none() {
        Passport { system: "crm".into(), entries: Vec::new() }.require();
    }
}
