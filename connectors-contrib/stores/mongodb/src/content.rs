//! Content of rows and payloads: as documents that people can read, wherever they come back byte for byte.

use std::fmt;

use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, Document};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// The field of content that is a document, or a list or another value of JSON.
const VALUE: &str = "value";
/// The field of content that is other text.
const TEXT: &str = "text";
/// The field of content that is no text.
const BYTES: &str = "bytes";

/// Every field that content may stand in.
pub(crate) const FIELDS: [&str; 3] = [VALUE, TEXT, BYTES];

/// How deep documents are nested. MongoDB allows a hundred levels, some of which are its own.
const DEPTH: usize = 60;

/// How large the text of a document is at most: MongoDB allows sixteen megabytes, and a document is larger than its text.
const READABLE: usize = 4 << 20;

/// Content as a field.
pub(crate) fn field(content: &[u8]) -> (&'static str, Bson) {
    if let Some(value) = readable(content) {
        return (VALUE, value);
    }
    match std::str::from_utf8(content) {
        Ok(text) => (TEXT, Bson::String(text.to_owned())),
        Err(_) => (BYTES, Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: content.to_vec() })),
    }
}

/// The content that stands in a document; `None` if none does, or if somebody else wrote it.
pub(crate) fn of(document: &Document) -> Option<Vec<u8>> {
    if let Some(value) = document.get(VALUE) {
        let mut text = String::new();
        return write(value, &mut text).then(|| text.into_bytes());
    }
    match (document.get(TEXT), document.get(BYTES)) {
        (Some(Bson::String(text)), _) => Some(text.clone().into_bytes()),
        (_, Some(Bson::Binary(binary))) => Some(binary.bytes.clone()),
        _ => None,
    }
}

/// The document of a text of JSON, if it gives that text again.
fn readable(content: &[u8]) -> Option<Bson> {
    if content.len() > READABLE || !matches!(content.first(), Some(b'{' | b'[')) {
        return None;
    }
    let Json(value) = serde_json::from_slice(content).ok()?;
    let mut text = String::with_capacity(content.len());
    (is_plain(&value, DEPTH) && write(&value, &mut text) && text.as_bytes() == content).then_some(value)
}

/// Whether MongoDB takes every name for nothing but a name.
fn is_plain(value: &Bson, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match value {
        Bson::Document(document) => document.iter().all(|(name, value)| {
            !name.is_empty() && !name.starts_with('$') && !name.contains('\0') && is_plain(value, depth)
        }),
        Bson::Array(values) => values.iter().all(|value| is_plain(value, depth)),
        _ => true,
    }
}

/// Appends a value as JSON. Says whether it is one that [`readable`] makes.
fn write(value: &Bson, text: &mut String) -> bool {
    match value {
        Bson::Null => text.push_str("null"),
        Bson::Boolean(value) => text.push_str(if *value { "true" } else { "false" }),
        Bson::Int32(value) => text.push_str(&value.to_string()),
        Bson::Int64(value) => text.push_str(&value.to_string()),
        Bson::String(value) => text.push_str(&quoted(value)),
        Bson::Array(values) => {
            text.push('[');
            for (place, value) in values.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                if !write(value, text) {
                    return false;
                }
            }
            text.push(']');
        }
        Bson::Document(document) => {
            text.push('{');
            for (place, (name, value)) in document.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                text.push_str(&quoted(name));
                text.push(':');
                if !write(value, text) {
                    return false;
                }
            }
            text.push('}');
        }
        _ => return false,
    }
    true
}

fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

/// JSON as MongoDB's types, with names in the order in which they stand.
struct Json(Bson);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor).map(Json)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Bson;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Bson, E> {
        Ok(Bson::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Bson, E> {
        Ok(Bson::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Bson, E> {
        // The shell shows small numbers as numbers, and large ones as such in words.
        Ok(i32::try_from(value).map_or(Bson::Int64(value), Bson::Int32))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Bson, E> {
        i64::try_from(value)
            .map_err(|_| E::custom("beyond 64 bits with a sign"))
            .and_then(|value| self.visit_i64(value))
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Bson, E> {
        Err(E::custom("a fraction"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Bson, E> {
        Ok(Bson::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Bson, E> {
        Ok(Bson::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Bson, A::Error> {
        let mut values = Vec::new();
        while let Some(Json(value)) = sequence.next_element()? {
            values.push(value);
        }
        Ok(Bson::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Bson, A::Error> {
        let mut document = Document::new();
        while let Some((name, Json(value))) = map.next_entry::<String, Json>()? {
            if document.insert(name, value).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(Bson::Document(document))
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::Document;

    use super::{BYTES, TEXT, VALUE, field, of};

    #[test]
    fn content_comes_back_byte_for_byte_whatever_it_is() {
        let deep = format!("{}1{}", "[".repeat(80), "]".repeat(80));
        let cases: [(&[u8], &str); 26] = [
            (br#"{"b":1,"a":{"c":[null,true,false,-5,"x"]}}"#, VALUE),
            (br"[]", VALUE),
            (br"{}", VALUE),
            (br#"{"large":9223372036854775807,"small":-9223372036854775808}"#, VALUE),
            ("{\"é\":\"日本\\n\\u0001 \\\" \\\\\"}".as_bytes(), VALUE),
            (br#"{"a.b":1}"#, VALUE),
            (br#"{"zero":"\u0000"}"#, VALUE),
            (br#"{"beyond":9223372036854775808}"#, TEXT),
            (br#"{"fraction":1.0}"#, TEXT),
            (br#"{"exponent":1e400}"#, TEXT),
            (br#"{ "spaced": 1}"#, TEXT),
            (br#"{"twice":1,"twice":1}"#, TEXT),
            (br#"{"$set":1}"#, TEXT),
            (br#"{"":1}"#, TEXT),
            (br#"{"\u0000":1}"#, TEXT),
            (br#"{"escaped":"\u0041"}"#, TEXT),
            (br#"{"slash":"\/"}"#, TEXT),
            (br#"{"minus":-0}"#, TEXT),
            (br"{}x", TEXT),
            (b"{", TEXT),
            (b"1", TEXT),
            (b"\0", TEXT),
            (b"", TEXT),
            (deep.as_bytes(), TEXT),
            (b"\xff", BYTES),
            (b"{\"a\":\"\xc3\"}", BYTES),
        ];
        for (content, expected) in cases {
            let (name, value) = field(content);
            assert_eq!(name, expected, "{}", String::from_utf8_lossy(content));
            let document = Document::from_iter([(name.to_owned(), value)]);
            assert_eq!(of(&document).as_deref(), Some(content), "{}", String::from_utf8_lossy(content));
        }
    }

    #[test]
    fn a_document_that_somebody_else_wrote_has_no_content() {
        assert_eq!(of(&mongodb::bson::doc! { VALUE: { "date": mongodb::bson::DateTime::MAX } }), None);
        assert_eq!(of(&mongodb::bson::doc! { TEXT: 5 }), None);
        assert_eq!(of(&Document::new()), None);
    }
}
