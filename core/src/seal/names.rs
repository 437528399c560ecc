//! Names of rows under the seal: where a key holds a value, a keyed hash stands for it.

use std::ops::Range;

use ring::hmac;

use super::{SealError, Secret};
use crate::engine::{CASES, CONFIRMATIONS, REFUSALS, identity_of_key};
use crate::hex::hex;
use crate::store::{RowKey, Table};
use crate::text::Text;

const PART: char = '\u{1f}';

/// A tenant's key of names. It is never destroyed: a row is found by the hash of what it is about for as long as it stands.
pub(super) struct Names {
    key: hmac::Key,
    /// Whether digests that values went into are hidden as values are.
    hides_digests: bool,
}

impl Names {
    pub(super) fn new(secret: &Secret, hides_digests: bool) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &secret.0), hides_digests }
    }

    /// The key under which a row is stored: HMAC-SHA256 ([RFC 2104](https://www.rfc-editor.org/rfc/rfc2104)) in place of a value.
    pub(super) fn stored(&self, row: &RowKey) -> RowKey {
        let digest = if self.hides_digests { digest_in(row) } else { None };
        match digest.or_else(|| value_in(row)) {
            Some(value) => RowKey::new(row.table, self.hashed(row, value)),
            None => row.clone(),
        }
    }

    /// The place behind which a scan goes on.
    pub(super) fn stored_place(&self, table: Table, after: &str) -> Text {
        self.stored(&RowKey::new(table, after)).key
    }

    fn hashed(&self, row: &RowKey, value: Range<usize>) -> Text {
        let (before, behind) = (&row.key[..value.start], &row.key[value.end..]);
        let mut context = hmac::Context::with_key(&self.key);
        for part in [row.table.name(), before, &row.key[value]] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        Text::of_parts(&[before, "#", &hex(context.sign().as_ref()), behind])
    }
}

/// Refuses a prefix that reaches into an identity value.
pub(super) fn require_whole(table: Table, prefix: &str) -> Result<(), SealError> {
    let reaches = table == Table::Index && identity_of_key(prefix).is_some_and(|(_, _, value)| !value.is_empty());
    if reaches { Err(SealError::Beginning) } else { Ok(()) }
}

/// Where the key of a row holds a value.
fn value_in(row: &RowKey) -> Option<Range<usize>> {
    let key = row.key.as_str();
    match row.table {
        Table::Index => {
            let (_, _, value) = identity_of_key(key)?;
            Some(key.len() - value.len()..key.len())
        }
        // The unit stands before the operation's own key.
        Table::Approval => element(key, unit_behind_target(key)?..key.rfind(PART)?),
        Table::Meta => {
            let target = key.strip_prefix(REFUSALS)?;
            element(key, REFUSALS.len() + unit_behind_target(target)?..key.len())
        }
        Table::Case => {
            let case = key.strip_prefix("desk/").unwrap_or(key);
            let at = key.len() - case.len();
            if let Some(shared) = case.strip_prefix("shared/") {
                return Some(key.len() - shared.len()..key.len());
            }
            let unit = case.strip_prefix("unmerged/")?.split_once('/')?.1;
            element(key, at + case.len() - unit.len()..key.len())
        }
        _ => None,
    }
}

/// Where the key of a row holds a digest that values went into: whoever guesses those would find it, without any key. What stands
/// between a value and such a digest goes with them.
fn digest_in(row: &RowKey) -> Option<Range<usize>> {
    let key = row.key.as_str();
    let begins = match row.table {
        Table::Index => {
            let filed = key.strip_prefix(CASES)?;
            CASES.len() + filed.find(PART)? + PART.len_utf8()
        }
        Table::Approval => match key.strip_prefix(CONFIRMATIONS) {
            Some(_) => CONFIRMATIONS.len(),
            None => unit_behind_target(key)?,
        },
        Table::Case => {
            let case = key.strip_prefix("desk/").unwrap_or(key);
            let digest = case.strip_prefix("refused/").or_else(|| case.strip_prefix("discrepancy/"))?;
            key.len() - digest.len()
        }
        Table::Discrepancy => 0,
        _ => return None,
    };
    Some(begins..key.len())
}

/// Where the unit begins behind the record that is written, or what is created.
fn unit_behind_target(key: &str) -> Option<usize> {
    // `write`, a connection, an object type, an id; or `create`, the same with an entity, and a generation.
    let parts = if key.starts_with("write\u{1f}") { 4 } else { 5 };
    let (end, _) = key.match_indices(PART).nth(parts - 1)?;
    Some(end + PART.len_utf8())
}

/// Where the name of a unit holds an element: between brackets.
fn element(key: &str, unit: Range<usize>) -> Option<Range<usize>> {
    let (id, element) = key.get(unit.clone())?.strip_suffix(']')?.split_once('[')?;
    let start = unit.start + id.len() + 1;
    Some(start..start + element.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_a_key_is_hashed_and_the_rest_stays() {
        let names = Names::new(&Secret([7; 32]), false);
        for (table, key, value) in [
            (Table::Index, "customer\u{1f}email\u{1f}ana@acme.test", Some("ana@acme.test")),
            (Table::Index, "customer\u{1f}email\u{1f}a\u{1f}b", Some("a\u{1f}b")),
            (Table::Index, "\u{1f}waits\u{1f}crm\u{1f}contacts\u{1f}7\u{1f}x", None),
            (Table::Index, "a", None),
            (Table::Approval, "write\u{1f}crm\u{1f}contacts\u{1f}7\u{1f}tags[ana]\u{1f}ab12", Some("ana")),
            (Table::Approval, "create\u{1f}crm\u{1f}contacts\u{1f}e\u{1f}0\u{1f}tags[a[n]a]\u{1f}ab12", Some("a[n]a")),
            (Table::Approval, "write\u{1f}crm\u{1f}contacts\u{1f}7[1]\u{1f}tags\u{1f}ab12", None),
            (Table::Approval, "confirmed\u{1f}ab12", None),
            (Table::Meta, "refusals\u{1f}write\u{1f}crm\u{1f}contacts\u{1f}7\u{1f}tags[ana]", Some("ana")),
            (Table::Meta, "refusals\u{1f}write\u{1f}crm\u{1f}contacts\u{1f}7\u{1f}tags", None),
            (Table::Meta, "model", None),
            (Table::Case, "unmerged/01890a5d/tags[ana]", Some("ana")),
            (Table::Case, "desk/unmerged/01890a5d/tags[ana]", Some("ana")),
            (Table::Case, "desk/shared/ab12", Some("ab12")),
            (Table::Case, "unlinked/crm\u{1f}contacts\u{1f}tags[ana]", None),
            (Table::Plan, "ab12", None),
        ] {
            let row = RowKey::new(table, key);
            assert_eq!(value_in(&row).map(|range| &key[range]), value, "{key}");
            let stored = names.stored(&row);
            match value {
                None => assert_eq!(stored, row),
                Some(value) => {
                    assert!(!stored.key.contains(value), "{}", stored.key);
                    assert_eq!(names.stored(&row), stored);
                    assert_ne!(Names::new(&Secret([8; 32]), false).stored(&row), stored);
                }
            }
        }
        assert!(require_whole(Table::Index, "customer\u{1f}email\u{1f}").is_ok());
        assert!(require_whole(Table::Index, "customer\u{1f}").is_ok());
        assert!(require_whole(Table::Index, "\u{1f}waits\u{1f}crm\u{1f}").is_ok());
        assert!(matches!(require_whole(Table::Index, "customer\u{1f}email\u{1f}a"), Err(SealError::Beginning)));
    }
    #[test]
    fn a_digest_that_values_went_into_is_hashed_with_them() {
        let (names, before) = (Names::new(&Secret([7; 32]), true), Names::new(&Secret([7; 32]), false));
        for (table, key, hidden) in [
            (
                Table::Approval,
                "write\u{1f}crm\u{1f}contacts\u{1f}7\u{1f}birthdate\u{1f}ab12",
                Some("birthdate\u{1f}ab12"),
            ),
            (
                Table::Approval,
                "write\u{1f}crm\u{1f}contacts\u{1f}7\u{1f}tags[ana]\u{1f}ab12",
                Some("tags[ana]\u{1f}ab12"),
            ),
            (
                Table::Approval,
                "create\u{1f}crm\u{1f}contacts\u{1f}e\u{1f}0\u{1f}name\u{1f}ab12",
                Some("name\u{1f}ab12"),
            ),
            (Table::Approval, "confirmed\u{1f}ab12", Some("ab12")),
            (Table::Approval, "deletes\u{1f}crm\u{1f}contacts", None),
            (Table::Case, "refused/ab12", Some("ab12")),
            (Table::Case, "desk/refused/ab12", Some("ab12")),
            (Table::Case, "desk/discrepancy/ab12", Some("ab12")),
            (Table::Case, "desk/shared/ab12", Some("ab12")),
            (Table::Case, "unlinked/crm\u{1f}contacts\u{1f}7", None),
            (Table::Discrepancy, "ab12", Some("ab12")),
            (Table::Index, "\u{1f}case\u{1f}2000000000000000f\u{1f}ab12", Some("ab12")),
            (Table::Index, "\u{1f}case\u{1f}2000000000000000f\u{7f}", None),
            (Table::Index, "\u{1f}until\u{1f}000000000000000f\u{1f}ab12", None),
            (Table::Index, "customer\u{1f}email\u{1f}ana@acme.test", Some("ana@acme.test")),
            (Table::Meta, "refusals\u{1f}write\u{1f}crm\u{1f}contacts\u{1f}7\u{1f}tags[ana]", Some("ana")),
            (Table::Outbox, "write\u{1f}crm\u{1f}contacts\u{1f}7", None),
            (Table::Plan, "ab12", None),
        ] {
            let row = RowKey::new(table, key);
            let stored = names.stored(&row);
            let Some(hidden) = hidden else {
                assert_eq!(stored, row);
                continue;
            };
            assert!(!stored.key.contains(hidden), "{}", stored.key);
            // What stands before it is found by prefixes as ever.
            let (before_it, _) = key.split_once(hidden).unwrap_or_default();
            assert!(stored.key.starts_with(before_it), "{}", stored.key);
            if table == Table::Discrepancy || key.contains("refused") {
                assert_eq!(before.stored(&row), row, "as tenants have it that were sealed before");
            }
        }
    }
}
