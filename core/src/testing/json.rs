//! Paths into JSON records, and native leaves as JSON.

use serde_json::{Map, Value};

use crate::model::Path;
use crate::text::Text;
use crate::value::{Element, Native};

/// What stands at a path; null if nothing does.
pub(super) fn get<'a>(record: &'a Value, path: &Path) -> &'a Value {
    path.keys().iter().fold(record, |value, key| value.get(key.as_str()).unwrap_or(&Value::Null))
}

/// Puts a value at a path, and makes the objects on the way.
pub(super) fn set(record: &mut Value, path: &Path, value: Value) {
    let mut place = record;
    for key in path.keys() {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[key.as_str()];
    }
    *place = value;
}

/// Takes away what stands at a path.
pub(super) fn remove(record: &mut Value, path: &Path) {
    let Some((last, above)) = path.keys().split_last() else { return };
    let place = above.iter().try_fold(record, |value, key| value.get_mut(key.as_str()));
    if let Some(place) = place.and_then(Value::as_object_mut) {
        place.remove(last.as_str());
    }
}

/// Merges what a person typed into a record: objects key by key, everything else as a whole.
pub(super) fn merge(record: &mut Value, edit: &Value) {
    match (record, edit) {
        (Value::Object(record), Value::Object(edit)) => {
            for (key, value) in edit {
                merge(record.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (record, edit) => *record = edit.clone(),
    }
}

/// A leaf as a JSON value.
pub(super) fn of_native(native: &Native) -> Value {
    match native {
        Native::Null => Value::Null,
        Native::Bool(value) => Value::Bool(*value),
        Native::Text(text) => Value::String(text.to_string()),
        Native::Number(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_string())),
        Native::List(elements) => Value::Array(elements.iter().map(of_native).collect()),
        Native::Elements(changed) => {
            let mut elements = Value::Null;
            change_elements(&mut elements, changed);
            elements
        }
    }
}

/// Changes the elements of an array that are named, and of them the members that are named.
pub(super) fn change_elements(array: &mut Value, changed: &[Element]) {
    if !array.is_array() {
        *array = Value::Array(Vec::new());
    }
    let Some(elements) = array.as_array_mut() else { return };
    for Element { key, members } in changed {
        let place = elements.iter().position(|element| has(element, key));
        match (members, place) {
            (None, Some(place)) => drop(elements.remove(place)),
            (None, None) => {}
            (Some(members), place) => {
                let place = place.unwrap_or_else(|| {
                    elements.push(Value::Object(Map::new()));
                    elements.len() - 1
                });
                for (path, leaf) in key.iter().chain(members) {
                    set(&mut elements[place], &Path::new(path), of_native(leaf));
                }
            }
        }
    }
}

/// Whether an element holds these leaves.
fn has(element: &Value, leaves: &[(Text, Native)]) -> bool {
    leaves.iter().all(|(path, leaf)| holds(get(element, &Path::new(path)), leaf))
}

/// Whether an array holds the elements that are expected, and none that is not.
fn has_elements(array: &Value, expected: &[Element]) -> bool {
    expected.iter().all(|Element { key, members }| {
        let found = array.as_array().into_iter().flatten().find(|element| has(element, key));
        match (found, members) {
            (None, None) => true,
            (Some(element), Some(members)) => has(element, members),
            (Some(_), None) | (None, Some(_)) => false,
        }
    })
}

/// Whether a record holds a leaf: numbers and texts are compared as text, because systems differ on which they hold.
pub(super) fn holds(value: &Value, native: &Native) -> bool {
    if let Native::Elements(expected) = native {
        return has_elements(value, expected);
    }
    match (value, of_native(native)) {
        (Value::String(one), Value::Number(other)) => *one == other.to_string(),
        (Value::Number(one), Value::String(other)) => one.to_string() == other,
        (Value::String(one), Value::Null) => one.is_empty(),
        (one, other) => *one == other,
    }
}
