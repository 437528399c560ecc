//! Writes, as the tester means them.

use super::bench::Values;
use crate::connector::{Write, WriteAction};
use crate::fingerprint::{Digest, Fingerprint};
use crate::id::ObjectType;
use crate::model::Path;
use crate::text::Text;
use crate::value::Native;

/// Texts as they are written.
fn natives(values: &[(Path, Text)]) -> Vec<(Path, Native)> {
    values.iter().map(|(path, text)| (path.clone(), Native::Text(text.clone()))).collect()
}

/// A key, or the name of an intent: the same for the same values, expected and set, of the same version.
fn digest(of: &Values, what: &str, expect: &Values, token: Option<i64>) -> Digest {
    let mut fingerprint = Fingerprint::new();
    fingerprint.text(what).text(&token.map(|token| token.to_string()).unwrap_or_default());
    for values in [of, expect] {
        fingerprint.text(&values.len().to_string());
        for (path, text) in values {
            fingerprint.text(&path.to_string()).text(text);
        }
    }
    fingerprint.finish()
}

/// A create of these values.
pub(super) fn create(object: &ObjectType, values: &Values) -> Write {
    let digest = digest(values, "create", &Vec::new(), None);
    let key: String = digest.to_string().chars().filter(char::is_ascii_alphanumeric).take(24).collect();
    Write {
        object: object.clone(),
        action: WriteAction::Create { key: format!("kit-{key}").into() },
        changes: natives(values),
        expect: Vec::new(),
        expect_token: None,
        idempotency_key: digest,
    }
}

/// The key that a create is made under.
pub(super) fn key_of(write: &Write) -> Text {
    match &write.action {
        WriteAction::Create { key } => key.clone(),
        WriteAction::Update { id } | WriteAction::Archive { id } => id.clone(),
    }
}

/// An update of these values, of a record that is expected to hold others.
pub(super) fn update(object: &ObjectType, id: &Text, set: &Values, expect: &Values, token: Option<i64>) -> Write {
    Write {
        object: object.clone(),
        action: WriteAction::Update { id: id.clone() },
        changes: natives(set),
        expect: natives(expect),
        expect_token: token,
        idempotency_key: digest(set, id, expect, token),
    }
}

/// An archive of a record of this version, whatever it holds.
pub(super) fn archive(object: &ObjectType, id: &Text, token: Option<i64>) -> Write {
    Write {
        object: object.clone(),
        action: WriteAction::Archive { id: id.clone() },
        changes: Vec::new(),
        expect: Vec::new(),
        expect_token: token,
        idempotency_key: digest(&Vec::new(), id, &Vec::new(), token),
    }
}
