//! Stock: how much of an item is at a location. From the vendor's schema: quantities are set where they still are what the
//! caller saw, and under a key by which a repetition has the answer of the first. Assumed: the words of refusals.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::people::Merchant;
use super::shop::number;
use super::{Inside, Shopify};
use crate::graphql::Asked;
use crate::instant;

/// What was answered under which key, and to what.
pub(super) type Answered = BTreeMap<String, (Value, Value)>;

/// The quantities that callers set.
const SET: [&str; 2] = ["available", "on_hand"];

impl Inside {
    /// Sets quantities: all of them, or none.
    pub(super) fn set_quantities(&mut self, asked: &Asked<'_>, now: i64) -> Result<Value, String> {
        let key = asked.idempotent.clone().filter(|key| !key.is_empty());
        let key = key.ok_or("The @idempotent directive is required for this mutation but was not provided.")?;
        let input = &asked.arguments["input"];
        let entries = input["quantities"].as_array().cloned().unwrap_or_default();
        if entries.iter().any(|entry| entry.get("changeFromQuantity").is_none()) {
            return Err("changeFromQuantity is required: null skips the check".into());
        }
        let refused = |code: &str| {
            json!({
                "__typename": "InventorySetQuantitiesPayload", "inventoryAdjustmentGroup": null, "userErrors": [{
                    "__typename": "InventorySetQuantitiesUserError", "field": ["input"], "code": code, "message": code,
                }],
            })
        };
        if let Some((before, answer)) = self.answered.get(&key) {
            let same = before == input;
            return Ok(if same { answer.clone() } else { refused("IDEMPOTENCY_KEY_PARAMETER_MISMATCH") });
        }
        let answer = match self.set_all(input["name"].as_str().unwrap_or_default(), &entries, now) {
            Ok(()) => json!({
                "__typename": "InventorySetQuantitiesPayload", "inventoryAdjustmentGroup": null, "userErrors": [],
            }),
            Err(code) => refused(code),
        };
        self.answered.insert(key, (input.clone(), answer.clone()));
        Ok(answer)
    }

    fn set_all(&mut self, name: &str, entries: &[Value], now: i64) -> Result<(), &'static str> {
        if !SET.contains(&name) {
            return Err("INVALID_NAME");
        }
        let mut changed = Vec::new();
        for entry in entries {
            let level = self.shop.all("InventoryLevel").find(|level| {
                level["item"]["id"] == entry["inventoryItemId"] && level["location"]["id"] == entry["locationId"]
            });
            let mut level =
                level.filter(|level| level["isActive"] == true).ok_or("ITEM_NOT_STOCKED_AT_LOCATION")?.clone();
            let quantity = entry["quantity"].as_i64().ok_or("INVALID_QUANTITY_TOO_LOW")?;
            let held = level["quantities"].as_array().into_iter().flatten().find(|one| one["name"] == name);
            let held = held.and_then(|one| one["quantity"].as_i64()).unwrap_or_default();
            let from = &entry["changeFromQuantity"];
            if !from.is_null() && from.as_i64() != Some(held) {
                return Err("CHANGE_FROM_QUANTITY_STALE");
            }
            // Both move by as much: what is on hand and not available is committed.
            for one in level["quantities"].as_array_mut().into_iter().flatten() {
                let moved = one["quantity"].as_i64().unwrap_or_default() + quantity - held;
                one["quantity"] = moved.into();
            }
            changed.push(level);
        }
        for level in changed {
            self.put_level(level, now);
        }
        Ok(())
    }

    fn put_level(&mut self, mut level: Value, now: i64) {
        level["updatedAt"] = instant::seconds(now).into();
        let Some((_, id)) = level["id"].as_str().and_then(number) else { return };
        self.store("InventoryLevel", id, Some(level.clone()), now);
        self.tell("INVENTORY_LEVELS_UPDATE", &level, now);
    }

    /// The locations, each with the levels that searches see.
    pub(super) fn locations(&self, now: i64) -> Vec<Value> {
        let with_levels = |location: &Value| {
            let at = |level: &&Value| level["location"]["id"] == location["id"] && level["isActive"] == true;
            let levels: Vec<Value> = self.shop.indexed("InventoryLevel", now).filter(at).cloned().collect();
            let mut location = location.clone();
            location["inventoryLevels"] = json!({ "nodes": levels });
            location
        };
        self.shop.all("Location").map(with_levels).collect()
    }

    /// The items, each with its levels.
    pub(super) fn stocked_items(&self) -> Vec<Value> {
        let with_levels = |item: &Value| {
            let of = |level: &&Value| level["item"]["id"] == item["id"] && level["isActive"] == true;
            let levels: Vec<Value> = self.shop.all("InventoryLevel").filter(of).cloned().collect();
            let mut item = item.clone();
            item["inventoryLevels"] = json!({ "nodes": levels });
            item
        };
        self.shop.all("InventoryItem").map(with_levels).collect()
    }
}

impl Merchant<'_> {
    /// Opens a location, and says its number.
    #[must_use]
    pub fn opens(&self, name: &str) -> String {
        let (mut inside, now) = self.at_work();
        let id = inside.shop.fresh();
        let location = json!({
            "__typename": "Location", "id": format!("gid://shopify/Location/{id}"), "legacyResourceId": id.to_string(),
            "name": name, "createdAt": instant::seconds(now), "updatedAt": instant::seconds(now),
        });
        inside.store("Location", id, Some(location), now);
        id.to_string()
    }

    /// Stocks an item at a location, and says what its level's id has behind `gid://shopify/InventoryLevel/`.
    #[must_use]
    pub fn stocks(&self, item: &str, location: &str, quantity: i64) -> String {
        let (mut inside, now) = self.at_work();
        let id = inside.shop.fresh();
        let held = item.parse().ok().and_then(|item| inside.shop.get("InventoryItem", item));
        let sku = held.map_or(Value::Null, |item| item["sku"].clone());
        let one = |name: &str| json!({ "__typename": "InventoryQuantity", "name": name, "quantity": quantity });
        let level = json!({
            "__typename": "InventoryLevel", "id": format!("gid://shopify/InventoryLevel/{id}?inventory_item_id={item}"),
            "legacyResourceId": id.to_string(), "isActive": true,
            "item": {
                "__typename": "InventoryItem", "id": format!("gid://shopify/InventoryItem/{item}"),
                "legacyResourceId": item, "sku": sku,
            },
            "location": {
                "__typename": "Location", "id": format!("gid://shopify/Location/{location}"),
                "legacyResourceId": location,
            },
            "quantities": [one("available"), one("on_hand")], "createdAt": instant::seconds(now),
        });
        inside.put_level(level, now);
        format!("{id}?inventory_item_id={item}")
    }

    /// Counts what is available of a level, by the number in its id.
    pub fn counts(&self, level: &str, available: i64) {
        let (mut inside, now) = self.at_work();
        let Some(mut held) = inside.level(level) else { return };
        for one in held["quantities"].as_array_mut().into_iter().flatten() {
            one["quantity"] = available.into();
        }
        inside.put_level(held, now);
    }

    /// Stocks an item no longer at a location. The webhook names both, and not the level.
    pub fn unstocks(&self, level: &str) {
        let (mut inside, now) = self.at_work();
        let Some(mut held) = inside.level(level) else { return };
        held["isActive"] = false.into();
        held["updatedAt"] = instant::seconds(now).into();
        let Some((_, id)) = held["id"].as_str().and_then(number) else { return };
        let told = super::webhooks::rest(&held);
        let told = json!({ "inventory_item_id": told["inventory_item_id"], "location_id": told["location_id"] });
        inside.store("InventoryLevel", id, Some(held), now);
        let inside = &mut *inside;
        inside.webhooks.tell("INVENTORY_LEVELS_DISCONNECT", told, now, &inside.faults, &inside.chance);
    }
}

impl Inside {
    fn level(&self, id: &str) -> Option<Value> {
        let (_, id) = number(&format!("gid://shopify/InventoryLevel/{id}")).map(|(kind, id)| (kind.to_owned(), id))?;
        self.shop.get("InventoryLevel", id).cloned()
    }
}

impl Shopify {
    /// What is available of a level, by what its id has behind `gid://shopify/InventoryLevel/`.
    #[must_use]
    pub fn available(&self, level: &str) -> Option<i64> {
        let level = self.inside().level(level)?;
        level["quantities"].as_array()?.iter().find(|one| one["name"] == "available")?["quantity"].as_i64()
    }
}
