//! Nodes: customers, orders, products, inventory levels, in the shape that the interface answers with.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::instant;

/// One node, and what searches see of it: from when on, and `None` for nothing.
#[derive(Debug, Clone)]
struct Node {
    value: Option<Value>,
    seen: Vec<(i64, Option<Value>)>,
}

/// All nodes: by type and number.
#[derive(Debug)]
pub(super) struct Shop {
    nodes: BTreeMap<(String, u64), Node>,
    next: u64,
}

impl Default for Shop {
    fn default() -> Self {
        Self { nodes: BTreeMap::new(), next: 5_000_001 }
    }
}

/// The number in an id: `gid://shopify/Customer/7`, `gid://shopify/InventoryLevel/7?inventory_item_id=9`.
pub(super) fn number(gid: &str) -> Option<(&str, u64)> {
    let (kind, number) = gid.strip_prefix("gid://shopify/")?.split_once('/')?;
    let number = number.split_once('?').map_or(number, |(number, _)| number);
    Some((kind, number.parse().ok()?))
}

impl Shop {
    pub(super) fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// A customer without values.
    pub(super) fn blank_customer(id: u64, now: i64) -> Value {
        json!({
            "__typename": "Customer", "id": format!("gid://shopify/Customer/{id}"), "legacyResourceId": id.to_string(),
            "firstName": null, "lastName": null, "note": null, "locale": "en", "taxExempt": false, "tags": [],
            "defaultEmailAddress": null, "defaultPhoneNumber": null, "defaultAddress": null, "metafields": {},
            "createdAt": instant::seconds(now), "updatedAt": instant::seconds(now),
        })
    }

    pub(super) fn get(&self, kind: &str, id: u64) -> Option<&Value> {
        self.nodes.get(&(kind.to_owned(), id))?.value.as_ref()
    }

    pub(super) fn by_gid(&self, gid: &str) -> Option<&Value> {
        let (kind, id) = number(gid)?;
        self.get(kind, id).filter(|node| node["id"] == gid)
    }

    pub(super) fn all(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.nodes.iter().filter(move |((of, _), _)| of == kind).filter_map(|(_, node)| node.value.as_ref())
    }

    /// What searches see now.
    pub(super) fn indexed(&self, kind: &str, now: i64) -> impl Iterator<Item = &Value> {
        let of = self.nodes.iter().filter(move |((of, _), _)| of == kind);
        of.filter_map(move |(_, node)| node.seen.iter().rev().find(|(from, _)| *from <= now)?.1.as_ref())
    }

    /// Puts a node in the place of what was there; `None` deletes it.
    pub(super) fn put(&mut self, kind: &str, id: u64, value: Option<Value>, now: i64, visible: i64) {
        let node = self.nodes.entry((kind.to_owned(), id)).or_insert(Node { value: None, seen: Vec::new() });
        node.value.clone_from(&value);
        node.seen.retain(|(from, _)| *from < visible);
        if let Some(first) = node.seen.iter().rposition(|(from, _)| *from <= now) {
            node.seen.drain(..first);
        }
        node.seen.push((visible, value));
    }
}
