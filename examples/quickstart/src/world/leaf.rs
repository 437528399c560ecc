//! Leaves of native records: reading, writing and comparing them by path.

use accordant::model::Path;
use accordant::value::Native;
use serde_json::{Map, Value};

/// The leaf that `path` leads to.
#[must_use]
pub fn leaf<'a>(record: &'a Value, path: &Path) -> Option<&'a Value> {
    path.keys().iter().try_fold(record, |at, key| at.get(key.as_str()))
}

/// The leaf that a dotted path leads to, as text; empty if there is none.
#[must_use]
pub fn text<'a>(record: &'a Value, dotted: &str) -> &'a str {
    leaf(record, &Path::new(dotted)).and_then(Value::as_str).unwrap_or_default()
}

/// Puts a leaf where `path` leads, making the objects on the way. Null removes it if the system leaves nulls out.
pub fn put(record: &mut Value, path: &Path, value: Value, omit_null: bool) {
    let Some((last, way)) = path.keys().split_last() else { return };
    let mut at = record;
    for key in way {
        if !at.get(key.as_str()).is_some_and(Value::is_object) {
            object(at).insert(key.to_string(), Value::Object(Map::new()));
        }
        at = &mut object(at)[key.as_str()];
    }
    if omit_null && value.is_null() {
        object(at).remove(last.as_str());
    } else {
        object(at).insert(last.to_string(), value);
    }
}

/// The object that a value is; what was no object becomes one.
fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("it was made an object on the line above")
}

/// Whether two leaves say the same: systems do not tell null from absent from empty, nor always text from number.
#[must_use]
pub fn same(a: Option<&Value>, b: &Value) -> bool {
    fn plain(value: &Value) -> String {
        match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
    plain(a.unwrap_or(&Value::Null)) == plain(b)
}

/// A leaf that Accordant writes, as JSON.
#[must_use]
pub fn json(native: &Native) -> Value {
    match native {
        Native::Null => Value::Null,
        Native::Bool(value) => Value::Bool(*value),
        Native::Text(text) => Value::String(text.to_string()),
        // A number that JSON cannot hold exactly stays text.
        Native::Number(text) => {
            text.parse::<i64>().map_or_else(|_| Value::String(text.to_string()), |number| Value::Number(number.into()))
        }
        Native::List(elements) => elements.iter().map(json).collect(),
        // The model of this example has no keyed collection; a system that holds one merges them into what it has.
        Native::Elements(_) => Value::Null,
    }
}
