//! The stored form of a golden cell. It stands in the entity's row and in the journal, once for each time it is settled, and says
//! nothing twice: mostly the first of those who were heard is golden's own value and origin.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::base::Origin;
use crate::golden::{GoldenCell, Resolution, Status, Voice};
use crate::id::Actor;
use crate::text::Text;
use crate::value::Field;

/// A golden cell as it is read.
#[derive(Deserialize)]
pub(super) struct StoredCell {
    field: Field,
    #[serde(default)]
    origin: Option<Origin>,
    resolution: Resolution,
    /// Whether golden's own value and origin won, and are the first candidate, which the resolution leaves out.
    #[serde(default)]
    won: bool,
    fingerprint: u64,
    #[serde(default)]
    status: Status,
    #[serde(default)]
    last: Option<Field>,
}

impl From<StoredCell> for GoldenCell {
    fn from(stored: StoredCell) -> Self {
        let StoredCell { field, origin, mut resolution, won, fingerprint, status, last } = stored;
        if let Some(origin) = origin.clone().filter(|_| won) {
            resolution.candidates.insert(0, Voice { field: field.clone(), origin, won });
        }
        Self { field, origin, resolution: Arc::new(resolution), fingerprint, status, last }
    }
}

/// A golden cell as it is written.
#[derive(Serialize)]
struct CellToStore<'a> {
    field: &'a Field,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'a Origin>,
    resolution: ResolutionToStore<'a>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    won: bool,
    fingerprint: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<&'a Field>,
}

/// A resolution as it is written, without the candidate that golden is.
#[derive(Serialize)]
struct ResolutionToStore<'a> {
    policy: &'a Text,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    passed: &'a [(Text, Text)],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    candidates: &'a [Voice],
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a Actor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_by: Option<&'a Actor>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [(Text, Text)],
    #[serde(skip_serializing_if = "Option::is_none")]
    migrated: Option<&'a Text>,
}

impl Serialize for GoldenCell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { field, origin, resolution, fingerprint, status, last } = self;
        let Resolution { policy, passed, candidates, by, approved_by, warnings, migrated } = &**resolution;
        let is_golden = |voice: &Voice| voice.won && voice.field == *field && Some(&voice.origin) == origin.as_ref();
        let (won, candidates) = match candidates.split_first() {
            Some((first, others)) if is_golden(first) => (true, others),
            _ => (false, candidates.as_slice()),
        };
        let resolution = ResolutionToStore {
            policy,
            passed,
            candidates,
            by: by.as_ref(),
            approved_by: approved_by.as_deref(),
            warnings,
            migrated: migrated.as_ref(),
        };
        let cell = CellToStore {
            field,
            origin: origin.as_ref(),
            resolution,
            won,
            fingerprint: *fingerprint,
            status: Some(status).filter(|status| **status != Status::Settled),
            last: last.as_ref(),
        };
        cell.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RecordRef;
    use crate::stamp::Stamp;

    fn voice(id: &str, said: &str, won: bool) -> Voice {
        let origin = Origin { record: RecordRef::new("crm", "people", id).into(), stamp: Stamp::new(5) };
        Voice { field: Field::value(said), origin, won }
    }

    fn cell(field: &str, origin: Option<Origin>, candidates: Vec<Voice>, status: Status) -> GoldenCell {
        let resolution = Arc::new(Resolution { candidates, ..Resolution::by_policy("latest") });
        GoldenCell { field: Field::value(field), origin, resolution, fingerprint: 7, status, last: None }
    }

    #[test]
    fn a_cell_is_read_as_it_was_written() {
        let (ana, bob) = (voice("1", "Ana", true), voice("2", "Bob", false));
        let parked = Status::Parked { reason: "nobody knows".into() };
        let of = |origin: &Voice| Some(origin.origin.clone());
        let cells = [
            cell("Ana", of(&ana), vec![ana.clone()], Status::Settled),
            cell("Ana", of(&ana), vec![ana.clone(), bob.clone()], Status::Settled),
            // What is the same is left out; anything else stands in full.
            cell("Ana", of(&bob), vec![ana.clone(), bob.clone()], Status::Settled),
            cell("Anna", of(&ana), vec![ana.clone()], Status::Settled),
            cell("Bob", of(&bob), vec![bob.clone()], parked.clone()),
            cell("Ana", None, vec![ana.clone()], Status::Settled),
            cell("Ana", of(&ana), Vec::new(), Status::Settled),
            cell("Ana", None, Vec::new(), parked),
        ];
        for cell in cells {
            let stored = serde_json::to_string(&cell).expect("a cell is JSON");
            assert_eq!(serde_json::from_str::<GoldenCell>(&stored).ok(), Some(cell), "{stored}");
        }
    }

    #[test]
    fn what_wins_alone_is_told_once() {
        let ana = voice("1", "Ana", true);
        let stored = serde_json::to_string(&cell("Ana", Some(ana.origin.clone()), vec![ana], Status::Settled));
        let short = r#"{"field":"Ana","origin":[["crm","people","1"],[5,0]],"resolution":{"policy":"latest"},"won":true,"fingerprint":7}"#;
        assert_eq!(stored.expect("a cell is JSON"), short);
    }

    #[test]
    fn a_cell_is_read_in_full_too() {
        let full = r#"{
            "field": "Ana",
            "origin": { "record": { "connection": "crm", "object": "people", "id": "1" }, "stamp": { "token": 5, "read": 0 } },
            "resolution": { "policy": "latest", "candidates": [{
                "field": "Ana",
                "origin": { "record": { "connection": "crm", "object": "people", "id": "1" }, "stamp": { "token": 5, "read": 0 } },
                "won": true
            }] },
            "fingerprint": 7,
            "status": "settled"
        }"#;
        let ana = voice("1", "Ana", true);
        let expected = cell("Ana", Some(ana.origin.clone()), vec![ana], Status::Settled);
        assert_eq!(serde_json::from_str::<GoldenCell>(full).ok(), Some(expected));
    }
}
