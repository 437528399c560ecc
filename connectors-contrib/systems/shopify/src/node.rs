//! Nodes, as items: what an answer has elsewhere is put where the record has it, and what it does not carry is not believed.

use std::collections::{BTreeMap, BTreeSet};

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
type Fields = BTreeMap<String, Box<RawValue>>;

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

/// A node that came with the first elements of its lists. Of a list that has more, nothing is believed.
pub(crate) fn item(surface: SurfaceName, object: &Object, raw: &RawValue) -> Result<Item, ConnectorError> {
    let lists = lists(object);
    if lists.is_empty() && !object.is_level() {
        let body = Bytes::copy_from_slice(raw.get().as_bytes());
        return Ok(Item::new(surface, Says::Record, body).denying(selection::unasked(object)));
    }
    let mut fields: Fields = serde_json::from_str(raw.get()).map_err(|_| malformed("a node"))?;
    let mut denied = selection::unasked(object);
    for list in lists {
        let Some(raw) = fields.get(list) else { continue };
        let held: List = serde_json::from_str(raw.get()).map_err(|_| malformed("a list of a node"))?;
        if held.page_info.has_next_page {
            denied.push(Path::from(list));
        }
    }
    unwrap_quantities(&mut fields)?;
    Ok(Item::new(surface, Says::Record, body(&fields)?).denying(denied))
}

/// A node of a file, with the elements of its lists, which have lines of their own there: all of them.
pub(crate) fn assembled(
    surface: SurfaceName,
    object: &Object,
    raw: &RawValue,
    elements: &[&RawValue],
) -> Result<Item, ConnectorError> {
    let mut fields: Fields = serde_json::from_str(raw.get()).map_err(|_| malformed("a line of a file"))?;
    let mut lists: BTreeMap<&str, Vec<&RawValue>> = lists(object).into_iter().map(|list| (list, Vec::new())).collect();
    for element in elements {
        let held: BTreeMap<String, &RawValue> =
            serde_json::from_str(element.get()).map_err(|_| malformed("a line of a file"))?;
        let list = lists.iter_mut().find(|(list, _)| held.contains_key(&selection::mark(list)));
        list.ok_or_else(|| malformed("an element of no list that was asked for"))?.1.push(element);
    }
    for (list, elements) in lists {
        let nodes = BTreeMap::from([("nodes", elements)]);
        let nodes = serde_json::value::to_raw_value(&nodes).map_err(|_| malformed("a list of a file"))?;
        fields.insert(list.to_owned(), nodes);
    }
    unwrap_quantities(&mut fields)?;
    Ok(Item::new(surface, Says::Record, body(&fields)?).denying(selection::unasked(object)))
}

/// The lists that are asked for, by their fields.
fn lists(object: &Object) -> BTreeSet<&str> {
    object.paths.iter().filter_map(selection::list).collect()
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
