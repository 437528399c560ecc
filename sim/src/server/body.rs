//! Bodies as a fake system writes them: JSON, put together by hand because it is done thousands of times a second.

use std::fmt::Write as _;

use accordant::bytes::Bytes;

use crate::design::ATTRIBUTES;
use crate::key::Key;
use crate::word::Word;

/// A record's body: id and token around its fields.
#[must_use]
pub fn record(place: usize, token: i64, subject: usize, fields: &[Word]) -> Bytes {
    let mut text = String::with_capacity(96);
    let key = Key(subject);
    // Writing to a string cannot fail.
    let _ = write!(text, "{{\"id\":\"r{place}\",\"modified\":{token},\"record\":{{\"key\":\"{key}\"");
    for (name, word) in ATTRIBUTES.iter().zip(fields) {
        let _ = match word.is_some() {
            true => write!(text, ",\"{name}\":\"{word}\""),
            false => write!(text, ",\"{name}\":null"),
        };
    }
    text.push_str("}}");
    Bytes::from(text)
}

/// The body of a notice of what changed.
#[must_use]
pub fn changed(place: usize, token: i64, fields: &[Word], before: Option<&[Word]>) -> Bytes {
    let mut text = format!("{{\"id\":\"r{place}\",\"modified\":{token},\"record\":{{");
    let mut first = true;
    for (index, (name, word)) in ATTRIBUTES.iter().zip(fields).enumerate() {
        if before.is_some_and(|before| before[index] == *word) {
            continue;
        }
        let comma = if std::mem::take(&mut first) { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = match word.is_some() {
            true => write!(text, "{comma}\"{name}\":\"{word}\""),
            false => write!(text, "{comma}\"{name}\":null"),
        };
    }
    text.push_str("}}");
    Bytes::from(text)
}

/// A record of any shape, with id and token around it.
#[must_use]
pub fn around(place: usize, token: i64, record: &serde_json::Value) -> Bytes {
    Bytes::from(format!("{{\"id\":\"r{place}\",\"modified\":{token},\"record\":{record}}}"))
}

/// The body of a notice without a record.
#[must_use]
pub fn notice(place: usize, token: i64) -> Bytes {
    Bytes::from(format!("{{\"id\":\"r{place}\",\"modified\":{token}}}"))
}

/// The number of a payment card, as somebody writes it.
pub const CARD: &str = "4111 1111 1111 1111";

/// The same record, with a memo that no model knows: somebody wrote the number of a card in it.
#[must_use]
pub fn with_card(body: &Bytes) -> Bytes {
    let text = String::from_utf8_lossy(body);
    match text.split_once("\"record\":{\"") {
        Some((head, tail)) => Bytes::from(format!("{head}\"record\":{{\"memo\":\"paid by {CARD}\",\"{tail}")),
        None => body.clone(),
    }
}

/// What may be kept of a body: everything but the number.
#[must_use]
pub fn without_card(body: &Bytes) -> Vec<u8> {
    String::from_utf8_lossy(body).replace(CARD, "[card number removed]").into_bytes()
}

/// The same record, with its first attribute in a shape that no model knows.
#[must_use]
pub fn misshapen(body: &Bytes) -> Bytes {
    let text = String::from_utf8_lossy(body);
    let Some((head, tail)) = text.split_once("\"a0\":") else { return body.clone() };
    let rest = tail.find([',', '}']).map_or("", |end| &tail[end..]);
    Bytes::from(format!("{head}\"a0\":{MISSHAPEN}{rest}"))
}

/// Whether it is one of those.
#[must_use]
pub fn is_misshapen(body: &Bytes) -> bool {
    body.windows(MISSHAPEN.len()).any(|window| window == MISSHAPEN.as_bytes())
}

/// The id of the record that a body is about.
#[must_use]
pub fn id_of(body: &Bytes) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    Some(text.split_once("\"id\":\"")?.1.split('"').next()?.to_owned())
}

/// An object where a value should stand.
const MISSHAPEN: &str = "{\"of\":1}";

/// A body nested deeper than any reader should follow.
#[must_use]
pub fn nested() -> Bytes {
    let mut text = "{\"record\":".repeat(400);
    text.push_str("null");
    text.push_str(&"}".repeat(400));
    Bytes::from(text)
}

/// A body longer than the engine was told to read.
#[must_use]
pub fn oversized(bytes: usize) -> Bytes {
    let filler = "x".repeat(bytes);
    Bytes::from(format!("{{\"id\":\"r0\",\"modified\":1,\"record\":{{\"key\":\"{filler}\"}}}}"))
}
