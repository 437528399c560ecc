//! Selections: the fields of a node that the mapped paths need, and where an answer has them.
//!
//! A path that leads through `nodes` leads into a list of its own ids and pages: `lineItems.nodes.sku`. A page of nodes
//! carries so many elements of each; a file carries all, each in a line of its own.

use std::collections::{BTreeMap, BTreeSet};

use accordant::model::Path;

use crate::settings::Object;

/// How lists are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lists {
    /// With the node, so many elements at the most, and whether there are more.
    First(usize),
    /// In a bulk operation: all of them, in lines of their own, marked by [`mark`].
    InFile,
}

/// What an answer calls the list that an element in a line of its own is of.
pub(crate) fn mark(list: &str) -> String {
    format!("of_{list}")
}

/// Fields, and what is asked for below them.
#[derive(Default)]
struct Tree(BTreeMap<String, Tree>);

impl Tree {
    fn add(&mut self, keys: &[String]) {
        if let Some((first, rest)) = keys.split_first() {
            self.0.entry(first.clone()).or_default().add(rest);
        }
    }

    fn write(&self, text: &mut String, lists: Lists) {
        for (field, below) in &self.0 {
            text.push(' ');
            text.push_str(field);
            match (below.0.get("nodes"), lists) {
                (Some(element), Lists::First(first)) => {
                    text.push_str(&format!("(first: {first}) {{ nodes {{ __typename"));
                    element.write(text, lists);
                    text.push_str(" } pageInfo { hasNextPage } }");
                }
                (Some(element), Lists::InFile) => {
                    text.push_str(&format!(" {{ edges {{ node {{ {}: __typename", mark(field)));
                    element.write(text, lists);
                    text.push_str(" } } }");
                }
                (None, _) if !below.0.is_empty() => {
                    text.push_str(" {");
                    below.write(text, lists);
                    text.push_str(" }");
                }
                (None, _) => {}
            }
        }
    }

    /// How many objects one node may come with, where lists have so many elements.
    fn objects(&self, elements: u32) -> u32 {
        let below = self.0.values().filter(|below| !below.0.is_empty());
        below.fold(0u32, |sum, below| {
            let each = |below: &Self| below.objects(elements).saturating_add(1);
            let objects = match below.0.get("nodes") {
                Some(element) => each(element).saturating_mul(elements).saturating_add(1),
                None => each(below),
            };
            sum.saturating_add(objects)
        })
    }
}

/// Whether a key is a name of GraphQL's: nothing else gets into a document.
pub(crate) fn is_name(key: &str) -> bool {
    let mut letters = key.bytes();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'_')
}

/// The namespace and the key of a metafield's path.
pub(crate) fn metafield(path: &Path) -> Option<(&str, &str)> {
    match path.keys() {
        [first, namespace, key] if first.as_str() == "metafields" => Some((namespace.as_str(), key.as_str())),
        _ => None,
    }
}

/// The name of a quantity: `quantities.available`.
pub(crate) fn quantity(path: &Path) -> Option<&str> {
    match path.keys() {
        [first, name] if first.as_str() == "quantities" && is_name(name) => Some(name.as_str()),
        _ => None,
    }
}

/// The list that a path leads into, by its field: `lineItems` of `lineItems.nodes.sku`.
pub(crate) fn list(path: &Path) -> Option<&str> {
    match path.keys() {
        [field, second, ..] if second.as_str() == "nodes" && is_name(field) => Some(field.as_str()),
        _ => None,
    }
}

/// Whether a path leads into a list that is no field of the node itself. Of a file's lines nobody could say whose they are.
fn is_nested(path: &Path) -> bool {
    path.keys().iter().enumerate().any(|(place, key)| key.as_str() == "nodes" && place != 1)
}

/// What an answer calls a metafield: no two of them the same, or no document with both would be one.
fn alias(namespace: &str, key: &str) -> String {
    let plain = |text: &str| -> String {
        let spelled = |letter: char| match letter {
            letter if letter.is_ascii_alphanumeric() => letter.to_string(),
            other => format!("_{:x}_", u32::from(other)),
        };
        text.chars().map(spelled).collect()
    };
    format!("metafield_{}__{}", plain(namespace), plain(key))
}

/// Where an answer has what the documented shape has elsewhere.
pub(crate) fn renames(paths: &BTreeSet<Path>) -> Vec<(Path, Path)> {
    let elsewhere = |path: &Path| {
        let at = match (metafield(path), quantity(path)) {
            (Some((namespace, key)), _) => format!("{}.value", alias(namespace, key)),
            (None, Some(name)) => format!("quantity_{name}.quantity"),
            (None, None) => return None,
        };
        Some((path.clone(), Path::new(&at)))
    };
    paths.iter().filter_map(elsewhere).collect()
}

fn tree(object: &Object, paths: impl IntoIterator<Item = Path>) -> Tree {
    let mut tree = Tree::default();
    for always in ["id", "updatedAt"] {
        tree.add(&[always.to_owned()]);
    }
    if object.is_level() {
        tree.add(&["isActive".to_owned()]);
    }
    for path in paths {
        match (metafield(&path), quantity(&path)) {
            (Some((namespace, key)), _) => {
                let quoted = |text: &str| serde_json::Value::from(text).to_string();
                let asked = format!(
                    "{}: metafield(namespace: {}, key: {})",
                    alias(namespace, key),
                    quoted(namespace),
                    quoted(key)
                );
                tree.add(&[asked.clone(), "value".to_owned()]);
                tree.add(&[asked, "compareDigest".to_owned()]);
            }
            (None, Some(name)) => {
                let asked = format!("quantity_{name}: quantities(names: [\"{name}\"])");
                tree.add(&[asked, "quantity".to_owned()]);
            }
            (None, None) if path.keys().iter().all(|key| is_name(key)) && !is_nested(&path) => {
                tree.add(&path.keys().iter().map(ToString::to_string).collect::<Vec<_>>());
            }
            // What is no name is no field: the record then lacks it, and the schema check of the mapping says so.
            (None, None) => {}
        }
    }
    tree
}

/// The fields of a node that these paths need.
pub(crate) fn fields(object: &Object, paths: &BTreeSet<Path>, lists: Lists) -> String {
    let mut text = String::new();
    tree(object, paths.iter().cloned()).write(&mut text, lists);
    text
}

/// What one node costs at most: a point for it, and one for each object that it comes with.
pub(crate) fn cost(object: &Object, paths: &BTreeSet<Path>, elements: usize) -> u32 {
    let elements = u32::try_from(elements).unwrap_or(u32::MAX);
    tree(object, paths.iter().cloned()).objects(elements).saturating_add(1)
}

/// The paths of an object type that no document asks for: what is no name of GraphQL's, and what lies in lists of lists.
pub(crate) fn unasked(object: &Object) -> Vec<Path> {
    let asked =
        |path: &&Path| metafield(path).is_some() || (path.keys().iter().all(|key| is_name(key)) && !is_nested(path));
    object.paths.iter().filter(|path| !asked(path)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{alias, is_name};

    #[test]
    fn no_two_metafields_share_a_name() {
        let parts = ["a", "b", "a_b", "a-b", "a_", "_b", "a__b", "a_5f_b", "5f", "ä", "a b"];
        let aliases: Vec<String> =
            parts.iter().flat_map(|namespace| parts.iter().map(move |key| alias(namespace, key))).collect();
        assert_eq!(aliases.iter().collect::<BTreeSet<_>>().len(), parts.len() * parts.len());
        assert!(aliases.iter().all(|alias| is_name(alias)), "{aliases:?}");
    }
}
