//! Answers: pieces of JSON as they were sent, found by path and not parsed further than to there.

use std::collections::BTreeMap;

use accordant::connector::{ConnectorError, ConnectorErrorKind};
use accordant::model::Path;
use accordant::surface::Flag;
use accordant::text::Text;
use accordant::value::{Leaf, Native};
use chrono::DateTime;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::description::Written;

/// What stands at a path, if anything does.
pub(crate) fn at<'a>(json: &'a RawValue, path: &Path) -> Option<&'a RawValue> {
    path.keys().iter().try_fold(json, |json, key| {
        let object: BTreeMap<std::borrow::Cow<'a, str>, &'a RawValue> = serde_json::from_str(json.get()).ok()?;
        object.get(key.as_str()).copied()
    })
}

/// The body of an answer.
pub(crate) fn whole(body: &[u8]) -> Option<&RawValue> {
    serde_json::from_slice(body).ok()
}

/// The elements at a path: of a list, or the one that stands there; `None` if the path leads nowhere.
pub(crate) fn list<'a>(json: &'a RawValue, path: &Path) -> Option<Vec<&'a RawValue>> {
    let json = at(json, path)?;
    match json.get().as_bytes().first() {
        Some(b'[') => serde_json::from_str(json.get()).ok(),
        Some(b'{') => Some(vec![json]),
        Some(b'n') => Some(Vec::new()),
        _ => None,
    }
}

/// A text or a number, as text.
pub(crate) fn text(json: &RawValue) -> Option<Text> {
    match json.get().as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(json.get()).ok().map(Text::from),
        b'-' | b'0'..=b'9' => Some(json.get().into()),
        _ => None,
    }
}

/// Whether something stands there that says yes: anything but null and the words for no.
pub(crate) fn is_set(json: &RawValue) -> bool {
    let told = json.get();
    match told.as_bytes().first() {
        Some(b'"') => text(json).is_some_and(|text| Flag::Set.says_yes(Leaf::Text(&text))),
        Some(b'-' | b'0'..=b'9') => Flag::Set.says_yes(Leaf::Number(told)),
        _ => !matches!(told, "false" | "null"),
    }
}

/// An instant, in milliseconds since the epoch.
pub(crate) fn instant(json: &RawValue, written: Written) -> Option<i64> {
    let text = text(json)?;
    match written {
        Written::Rfc3339 => Some(DateTime::parse_from_rfc3339(&text).ok()?.timestamp_millis()),
        Written::Millis => text.parse().ok(),
        Written::Seconds => text.parse::<i64>().ok()?.checked_mul(1_000),
    }
}

/// An instant, as a parameter carries it.
pub(crate) fn written(at: i64, written: Written) -> String {
    match written {
        Written::Rfc3339 => {
            let at = DateTime::from_timestamp_millis(at).unwrap_or_default();
            at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
        }
        Written::Millis => at.to_string(),
        Written::Seconds => at.div_euclid(1_000).to_string(),
    }
}

/// Whether a record holds a leaf at a path, compared as the two are spelled. Nothing is null.
pub(crate) fn holds(record: &RawValue, path: &Path, expected: &Native) -> bool {
    let held: Value = match at(record, path) {
        Some(held) => serde_json::from_str(held.get()).unwrap_or_default(),
        None => Value::Null,
    };
    same(&held, at(record, path).map(RawValue::get), expected)
}

/// `raw` is the number as it was written: a `Value` may have rounded it.
fn same(held: &Value, raw: Option<&str>, expected: &Native) -> bool {
    match (held, expected) {
        (Value::Null, Native::Null) => true,
        (Value::Bool(held), Native::Bool(expected)) => held == expected,
        (Value::String(held), Native::Text(text) | Native::Number(text)) => held == text.as_str(),
        (Value::Number(_), Native::Text(text) | Native::Number(text)) => raw == Some(text.as_str()),
        (Value::Array(held), Native::List(list)) => {
            held.len() == list.len()
                && held.iter().zip(list).all(|(held, expected)| same(held, Some(&held.to_string()), expected))
        }
        _ => false,
    }
}

pub(crate) fn malformed(system: &str, what: &str) -> ConnectorError {
    ConnectorError::new(
        ConnectorErrorKind::Malformed,
        format!("{system} answers in another shape than described: {what}"),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_is_compared_by_the_last_digit() {
        let record = whole(br#"{"a":{"b":"x"},"n":12345678901234567.891,"t":true,"l":["x","y"],"z":null}"#).unwrap();
        let cases = [
            ("a.b", Native::Text("x".into()), true),
            ("a.b", Native::Null, false),
            ("n", Native::Number("12345678901234567.891".into()), true),
            ("n", Native::Number("12345678901234567.892".into()), false),
            ("t", Native::Bool(true), true),
            ("l", Native::List(vec![Native::Text("x".into()), Native::Text("y".into())]), true),
            ("l", Native::List(vec![Native::Text("x".into())]), false),
            ("z", Native::Null, true),
            ("nowhere.at.all", Native::Null, true),
            ("a", Native::Text("x".into()), false),
        ];
        for (path, expected, holding) in cases {
            assert_eq!(holds(record, &Path::new(path), &expected), holding, "{path}");
        }
    }

    #[test]
    fn instants_are_read_as_they_are_written() {
        for how in [Written::Rfc3339, Written::Millis, Written::Seconds] {
            let text = format!("\"{}\"", written(1_790_000_000_000, how));
            assert_eq!(instant(whole(text.as_bytes()).unwrap(), how), Some(1_790_000_000_000), "{text}");
        }
    }
}
