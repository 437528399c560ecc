//! Nodes, as items: what an answer has elsewhere is put where the record has it, and what it does not carry is not believed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use accordant::connector::{ConnectorError, Item, Says};
use accordant::id::SurfaceName;
use accordant::model::Path;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::selection;
use crate::settings::Object;
use crate::wire::malformed;

/// A node's fields, each to the letter.
pub(crate) type Fields = BTreeMap<String, Box<RawValue>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    page_info: PageInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
}

/// How the nodes of an object type are read: worked out once from its paths.
#[derive(Debug)]
pub(crate) struct Shape {
    /// The lists that are asked for, by their fields.
    lists: BTreeSet<String>,
    /// The paths that no document asks for.
    unasked: Arc<[Path]>,
    level: bool,
}

impl Shape {
    pub(crate) fn of(object: &Object) -> Self {
        Self {
            lists: object.paths.iter().filter_map(selection::list).map(str::to_owned).collect(),
            unasked: selection::unasked(object).into(),
            level: object.is_level(),
        }
    }

    /// A node that came with the first elements of its lists. Of a list that has more, nothing is believed.
    pub(crate) fn item(&self, surface: SurfaceName, raw: &RawValue) -> Result<Item, ConnectorError> {
        if self.lists.is_empty() && !self.level {
            let body = Bytes::copy_from_slice(raw.get().as_bytes());
            return Ok(Item::new(surface, Says::Record, body).denying(Arc::clone(&self.unasked)));
        }
        let mut fields: Fields = serde_json::from_str(raw.get()).map_err(|_| malformed("a node"))?;
        let mut longer = Vec::new();
        for list in &self.lists {
            let Some(raw) = fields.get(list) else { continue };
            let held: List = serde_json::from_str(raw.get()).map_err(|_| malformed("a list of a node"))?;
            if held.page_info.has_next_page {
                longer.push(Path::from(list.as_str()));
            }
        }
        unwrap_quantities(&mut fields)?;
        let denied = if longer.is_empty() {
            Arc::clone(&self.unasked)
        } else {
            self.unasked.iter().cloned().chain(longer).collect()
        };
        Ok(Item::new(surface, Says::Record, body(&fields)?).denying(denied))
    }

    /// A node of a file, with the elements of its lists, which have lines of their own there: all of them.
    pub(crate) fn assembled(
        &self,
        surface: SurfaceName,
        mut fields: Fields,
        elements: Vec<Fields>,
    ) -> Result<Item, ConnectorError> {
        let mut lists: BTreeMap<&str, Vec<Fields>> =
            self.lists.iter().map(|list| (list.as_str(), Vec::new())).collect();
        for element in elements {
            let list = lists.iter_mut().find(|(list, _)| element.contains_key(&selection::mark(list)));
            list.ok_or_else(|| malformed("an element of no list that was asked for"))?.1.push(element);
        }
        for (list, elements) in lists {
            let nodes = BTreeMap::from([("nodes", elements)]);
            let nodes = serde_json::value::to_raw_value(&nodes).map_err(|_| malformed("a list of a file"))?;
            fields.insert(list.to_owned(), nodes);
        }
        unwrap_quantities(&mut fields)?;
        Ok(Item::new(surface, Says::Record, body(&fields)?).denying(Arc::clone(&self.unasked)))
    }
}

/// A quantity is asked for by its name, and answered in a list of one.
fn unwrap_quantities(fields: &mut Fields) -> Result<(), ConnectorError> {
    for (_, value) in fields.iter_mut().filter(|(field, _)| field.starts_with("quantity_")) {
        let list: Vec<Box<RawValue>> =
            serde_json::from_str(value.get()).map_err(|_| malformed("a quantity that is no list"))?;
        let only: [Box<RawValue>; 1] = list.try_into().map_err(|_| malformed("a quantity that is not one"))?;
        let [quantity] = only;
        *value = quantity;
    }
    Ok(())
}

fn body(fields: &Fields) -> Result<Bytes, ConnectorError> {
    serde_json::to_vec(fields).map(Bytes::from).map_err(|_| malformed("a node"))
}
