//! Suppression: by what a tenant knows the records of persons who were erased, without keeping anything that says who they were.
//!
//! What is kept are hashes under a secret of the tenant. They are found again by whoever has the value, and tell it to nobody
//! who has not.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::card;
use crate::engine::persist::SEPARATOR;
use crate::fingerprint::{Digest, Fingerprint};
use crate::id::{Actor, EntityId, RecordRef};
use crate::store::{RowKey, Table};
use crate::text::Text;
use crate::working_set::IdentityKey;

/// The journal's kind for something that was said of an erased person, and was not kept.
pub(crate) const SUPPRESSED: &str = "suppressed";
/// The journal's kind for a suppression that was lifted.
pub(crate) const LIFTED: &str = "suppression_lifted";

const PREFIX: &str = "suppressed\u{1f}";

/// The shortest word by which bytes that nobody could read are told to be a person's.
const SHORTEST_WORD: usize = 5;

/// The tenant's secret, and the erasures that were begun and are not finished. Every commit rests on it: whoever read
/// something of a person before they were erased commits nothing of it afterwards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Suppression {
    /// In hexadecimal; empty until somebody is erased.
    pub(crate) secret: String,
    /// By the entity that was erased.
    #[serde(default)]
    pub(crate) pending: BTreeMap<EntityId, Pending>,
}

/// What is left to do of an erasure: ids, and no value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// The entity, and those that were merged into it.
    pub(crate) entities: BTreeSet<EntityId>,
    /// Their records, those that were theirs once and are nobody's now included.
    pub(crate) records: BTreeSet<RecordRef>,
    /// Their discrepancies.
    pub(crate) discrepancies: BTreeSet<Digest>,
    /// Records that were theirs once and are another's now, and up to where the journal tells of them what it told of the
    /// person.
    pub(crate) elsewhere: Vec<(RecordRef, u64)>,
    /// Entities that they were a part of once, or that held one of their records, and until where; at most until the erasure.
    pub(crate) parted: Vec<(EntityId, u64)>,
    /// Records of nobody that hold a value of theirs which somebody else holds too: they may be that one's.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) shared: BTreeSet<RecordRef>,
}

/// The row of a hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Suppressed {
    /// Whose erasure put it there.
    pub(crate) of: EntityId,
    /// Since when, in milliseconds since the epoch.
    pub(crate) at: i64,
    /// When it was first heard of since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) heard: Option<i64>,
}

/// The row of an id that was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ErasedRow {
    /// The entity that it stood for.
    pub(crate) of: EntityId,
    /// When, in milliseconds since the epoch.
    pub(crate) at: i64,
    /// Who asked for it.
    pub(crate) by: Actor,
}

/// The row of the secret and of what is pending.
pub(crate) fn suppression_key() -> RowKey {
    RowKey::new(Table::Meta, "suppression")
}

/// The row of a hash.
pub(crate) fn suppressed_key(digest: Digest) -> RowKey {
    RowKey::new(Table::Meta, format!("{PREFIX}{digest}"))
}

/// What the keys of all hashes begin with.
pub(crate) const fn suppressed_prefix() -> &'static str {
    PREFIX
}

/// The hash that a row's key names.
pub(crate) fn digest_of_key(key: &str) -> Option<Digest> {
    key.strip_prefix(PREFIX)?.parse().ok()
}

/// The row of an id that was erased.
pub(crate) fn erased_key(id: EntityId) -> RowKey {
    RowKey::new(Table::Meta, format!("erased{SEPARATOR}{id}"))
}

impl Suppression {
    /// The hash by which a record is known.
    pub(crate) fn of_record(&self, record: &RecordRef) -> Digest {
        self.keyed("record", &[record.connection.as_str(), record.object.as_str(), &record.id])
    }

    /// The hash by which an identity value is known.
    pub(crate) fn of_identity(&self, key: &IdentityKey) -> Digest {
        self.keyed("identity", &[key.entity_type.as_str(), key.attribute.as_str(), &key.value])
    }

    /// The hash by which an identity value is known in bytes that nobody could read; `None`: it is no single word, or too
    /// short a one to mean anybody.
    pub(crate) fn of_word(&self, value: &str) -> Option<Digest> {
        let value = value.trim().to_lowercase();
        words(&value).contains(&value).then(|| self.keyed("word", &[&value]))
    }

    /// The hashes of the words in bytes that nobody could read.
    pub(crate) fn of_words(&self, body: &[u8]) -> BTreeSet<Digest> {
        let text = String::from_utf8_lossy(&card::unescaped(body)).into_owned();
        // Most are spelled in one way only.
        let spelled = BTreeSet::from([without_escapes(&text), percent_decoded(&text), text]);
        let words: BTreeSet<String> = spelled.iter().flat_map(|text| words(text)).collect();
        words.iter().map(|word| self.keyed("word", &[word])).collect()
    }

    /// Hashed with the secret before and behind, each part with its length.
    fn keyed(&self, kind: &str, parts: &[&str]) -> Digest {
        let mut fingerprint = Fingerprint::new();
        fingerprint.text(&self.secret).text(kind);
        for part in parts {
            fingerprint.text(part);
        }
        fingerprint.text(&self.secret).finish()
    }
}

/// The words of a text, in small letters: as most identity values are spelled, and as those are that have signs in them, like
/// `o'brien@acme.test` or `AB/123`.
fn words(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '@' | '.' | '_' | '+' | '-');
    let is_sign = |c: char| matches!(c, '!' | '#' | '$' | '%' | '\'' | '*' | '/' | '^' | '`' | '~');
    let plain = text.split(move |c: char| !is_part(c));
    let signed = text.split(move |c: char| !(is_part(c) || is_sign(c)));
    let words = plain.chain(signed).map(|word| word.trim_matches(['.', '\'']).to_lowercase());
    words.filter(|word| word.len() >= SHORTEST_WORD).collect()
}

/// A text with a space for every escape of JSON, and with its slashes as they are meant.
fn without_escapes(text: &str) -> String {
    let (mut plain, mut characters) = (String::with_capacity(text.len()), text.chars());
    while let Some(character) = characters.next() {
        plain.push(match (character == '\\').then(|| characters.next()).flatten() {
            None => character,
            Some('/') => '/',
            Some('u') => {
                // Four digits are its own.
                characters.nth(3);
                ' '
            }
            Some(_) => ' ',
        });
    }
    plain
}

/// A text with the bytes spelled out that forms and addresses have as `%40`.
fn percent_decoded(text: &str) -> String {
    let (bytes, mut decoded, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(high << 4 | low);
                at += 3;
            }
            _ => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// What was said of an erased person, as the journal tells it: the surface, where one said it, and the hash of the record.
pub(crate) type Heard = (Option<Text>, Digest);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_depends_on_the_secret_and_on_what_it_is_of() {
        let keyed = |secret: &str, kind: &str, parts: &[&str]| {
            Suppression { secret: secret.into(), ..Suppression::default() }.keyed(kind, parts)
        };
        let all = [
            keyed("a", "record", &["x", "y"]),
            keyed("b", "record", &["x", "y"]),
            keyed("a", "identity", &["x", "y"]),
            keyed("a", "record", &["xy", ""]),
        ];
        assert_eq!(BTreeSet::from(all).len(), all.len());
    }

    #[test]
    fn a_word_is_found_in_bytes_however_they_are_broken() {
        let suppression = Suppression { secret: "s".into(), ..Suppression::default() };
        let ana = suppression.of_word("ana@acme.test").unwrap_or_default();
        for body in [r#"{"email": "Ana@acme.test", "#, "mailto:ana@acme.test.", "<e>ANA@ACME.TEST</e>\u{fffd}"] {
            assert!(suppression.of_words(body.as_bytes()).contains(&ana), "{body}");
        }
        assert!(!suppression.of_words(b"joana@acme.test").contains(&ana));
        assert_eq!(suppression.of_word("Ana Lima"), None, "several words");
        assert_eq!(suppression.of_word("7"), None, "too short");
    }

    #[test]
    fn a_word_is_found_however_a_format_spells_it() {
        let suppression = Suppression { secret: "s".into(), ..Suppression::default() };
        for (value, bodies) in [
            (
                "ana@acme.test",
                [
                    r#"{"note":"write to\nana@acme.test\tor call"}"#,
                    r#"{"note":"\u0022\u0061na\u0040acme.test\u0022"}"#,
                    "name=Ana+Lima&email=ana%40acme.test&x=1",
                ],
            ),
            (
                "O'Brien@acme.test",
                [r#"{"email":"o'brien@acme.test"}"#, "'o'brien@acme.test'", "e=o%27brien%40acme.test"],
            ),
            ("AB/123-4", [r#"{"no":"ab\/123-4"}"#, "no: AB/123-4,", "no=AB%2F123-4"]),
            ("jürgen@acme.test", [r#"["j\u00fcrgen@acme.test"]"#, "<jürgen@acme.test>", "e=j%C3%BCrgen%40acme.test"]),
        ] {
            let word = suppression.of_word(value);
            for body in bodies {
                assert!(
                    word.is_some_and(|word| suppression.of_words(body.as_bytes()).contains(&word)),
                    "{value}: {body}"
                );
            }
        }
    }
}
