//! Bodies of requests: records out of leaves, numbers as they are to the last digit.

use std::collections::BTreeMap;

use accordant::model::Path;
use accordant::text::Text;
use accordant::value::Native;
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// A record to be sent: what was said of some of its places, and the rest as it was.
#[derive(Debug)]
pub(crate) enum Tree {
    /// JSON, as it was.
    Leaf(Box<RawValue>),
    /// An object of which something is said.
    Node(BTreeMap<String, Tree>),
}

impl Default for Tree {
    fn default() -> Self {
        Self::Node(BTreeMap::new())
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Leaf(leaf) => leaf.serialize(serializer),
            Self::Node(node) => node.serialize(serializer),
        }
    }
}

impl Tree {
    /// A record as it was read, to be sent back with changes.
    pub(crate) fn of(record: &RawValue) -> Self {
        Self::Leaf(record.to_owned())
    }

    /// Says what stands at a path. What is no object on the way there becomes one.
    fn put(&mut self, keys: &[Text], value: Tree) {
        let Some((first, rest)) = keys.split_first() else {
            *self = value;
            return;
        };
        if let Self::Leaf(leaf) = self {
            let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(leaf.get()).unwrap_or_default();
            *self = Self::Node(members.into_iter().map(|(name, leaf)| (name, Self::Leaf(leaf))).collect());
        }
        if let Self::Node(node) = self {
            node.entry(first.to_string()).or_default().put(rest, value);
        }
    }

    /// Says a leaf.
    ///
    /// # Errors
    ///
    /// For a collection that is only known by its elements, and a number that JSON has not.
    pub(crate) fn set(&mut self, path: &Path, leaf: &Native) -> Result<(), String> {
        let json = json(leaf).ok_or_else(|| format!("{path}: this connector writes no such value"))?;
        let json = RawValue::from_string(json).map_err(|_| format!("{path}: no number of JSON"))?;
        self.put(path.keys(), Self::Leaf(json));
        Ok(())
    }

    /// The body in which the record stands at `place`.
    pub(crate) fn within(self, place: &Path) -> String {
        let mut whole = Self::default();
        whole.put(place.keys(), self);
        serde_json::to_string(&whole).unwrap_or_default()
    }
}

fn json(leaf: &Native) -> Option<String> {
    Some(match leaf {
        Native::Null => "null".to_owned(),
        Native::Bool(value) => value.to_string(),
        Native::Text(text) => Value::String(text.to_string()).to_string(),
        Native::Number(number) => number.to_string(),
        Native::List(list) => format!("[{}]", list.iter().map(json).collect::<Option<Vec<_>>>()?.join(",")),
        Native::Elements(_) => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn changes_stand_where_their_paths_say_and_the_rest_stays_as_it_was() {
        let was = serde_json::from_str(r#"{"id":7,"n":1.10,"address":{"zip":"1","city":"x"},"gone":"y"}"#).unwrap();
        let mut tree = Tree::of(was);
        tree.set(&Path::new("address.zip"), &Native::Text("94107".into())).unwrap();
        tree.set(&Path::new("limit"), &Native::Number("12345678901234567.89".into())).unwrap();
        tree.set(&Path::new("gone"), &Native::Null).unwrap();
        tree.set(&Path::new("tags"), &Native::List(vec![Native::Text("a".into())])).unwrap();
        let expected = concat!(
            r#"{"user":{"address":{"city":"x","zip":"94107"},"gone":null,"id":7,"#,
            r#""limit":12345678901234567.89,"n":1.10,"tags":["a"]}}"#
        );
        assert_eq!(tree.within(&Path::new("user")), expected);
    }

    #[test]
    fn what_json_has_not_is_refused_and_not_sent_as_something_else() {
        let mut tree = Tree::default();
        assert!(tree.set(&Path::new("n"), &Native::Number("1,5".into())).is_err());
        assert!(tree.set(&Path::new("n"), &Native::Elements(Vec::new())).is_err());
        assert_eq!(tree.within(&Path::default()), "{}");
    }
}
