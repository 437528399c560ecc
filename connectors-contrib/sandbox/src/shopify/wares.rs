//! Products with their variants, and orders with their lines: what people make of them, and what mutations take.

use serde_json::{Value, json};

use super::Inside;
use super::mutation::Refused;
use super::people::Merchant;
use super::shop::number;
use crate::instant;

/// What the inputs take, and the node's field of it; a list replaces the list.
const PRODUCT: [&str; 8] =
    ["title", "status", "vendor", "handle", "productType", "descriptionHtml", "requiresSellingPlan", "tags"];
const ORDER: [&str; 5] = ["email", "phone", "note", "poNumber", "tags"];

impl Inside {
    /// Changes a product or an order.
    pub(super) fn update_ware(&mut self, kind: &str, input: &Value, now: i64) -> Result<Value, Refused> {
        let missing = || (vec!["id"], "NOT_FOUND", format!("{kind} does not exist"));
        let gid = input["id"].as_str().unwrap_or_default();
        let before = self.shop.by_gid(gid).filter(|node| node["__typename"] == kind).cloned().ok_or_else(missing)?;
        let (_, id) = number(gid).ok_or_else(missing)?;
        if self.chance.permille(self.faults.refused_items) {
            return Err((vec!["input"], "INVALID", "refused: a fault of the sandbox".into()));
        }
        let taken: &[&str] = if kind == "Product" { &PRODUCT } else { &ORDER };
        let mut node = before.clone();
        for (key, value) in input.as_object().into_iter().flatten().filter(|(key, _)| *key != "id") {
            if !taken.contains(&key.as_str()) {
                return Err((vec!["input"], "INVALID", format!("{key} is not known here")));
            }
            if key == "status" && !matches!(value.as_str(), Some("ACTIVE" | "ARCHIVED" | "DRAFT" | "UNLISTED")) {
                return Err((vec!["status"], "INVALID", "no such status".into()));
            }
            if key == "title" && value.as_str().is_none_or(str::is_empty) {
                return Err((vec!["title"], "BLANK", "Title can't be blank".into()));
            }
            node[key.as_str()] = value.clone();
        }
        if node != before {
            node["updatedAt"] = instant::seconds(now).into();
            self.store(kind, id, Some(node.clone()), now);
            self.tell(if kind == "Product" { "PRODUCTS_UPDATE" } else { "ORDERS_UPDATED" }, &node, now);
        }
        Ok(node)
    }
}

impl Merchant<'_> {
    /// Offers a product with variants of these SKUs and prices, and says its number and those of its variants' items.
    #[must_use]
    pub fn offers(&self, title: &str, variants: &[(&str, &str)]) -> (String, Vec<String>) {
        let (mut inside, now) = self.at_work();
        let at = instant::seconds(now);
        let id = inside.shop.fresh();
        let (mut nodes, mut items) = (Vec::new(), Vec::new());
        for (sku, price) in variants {
            let (variant, item) = (inside.shop.fresh(), inside.shop.fresh());
            let gid = format!("gid://shopify/InventoryItem/{item}");
            nodes.push(json!({
                "__typename": "ProductVariant", "id": format!("gid://shopify/ProductVariant/{variant}"),
                "legacyResourceId": variant.to_string(), "sku": sku, "price": price, "title": sku,
                "inventoryItem": { "__typename": "InventoryItem", "id": gid, "legacyResourceId": item.to_string() },
                "updatedAt": at,
            }));
            let node = json!({
                "__typename": "InventoryItem", "id": gid, "legacyResourceId": item.to_string(), "sku": sku,
                "createdAt": at, "updatedAt": at,
            });
            inside.store("InventoryItem", item, Some(node), now);
            items.push(item.to_string());
        }
        let product = json!({
            "__typename": "Product", "id": format!("gid://shopify/Product/{id}"), "legacyResourceId": id.to_string(),
            "title": title, "status": "ACTIVE", "vendor": "Acme", "handle": title.to_lowercase(), "productType": "",
            "descriptionHtml": "", "requiresSellingPlan": false, "tags": [], "variants": { "nodes": nodes },
            "metafields": {}, "createdAt": at, "updatedAt": at,
        });
        inside.store("Product", id, Some(product.clone()), now);
        inside.tell("PRODUCTS_CREATE", &product, now);
        (id.to_string(), items)
    }

    /// Puts another line into an order: so many of a SKU.
    pub fn adds_line(&self, order: &str, sku: &str, quantity: i64) {
        let (mut inside, now) = self.at_work();
        let line = inside.shop.fresh();
        let held = order.parse().ok().and_then(|id| Some((id, inside.shop.get("Order", id)?.clone())));
        let Some((id, mut node)) = held else { return };
        if let Some(lines) = node["lineItems"]["nodes"].as_array_mut() {
            lines.push(json!({
                "__typename": "LineItem", "id": format!("gid://shopify/LineItem/{line}"), "sku": sku,
                "quantity": quantity, "currentQuantity": quantity, "title": sku,
            }));
        }
        node["updatedAt"] = instant::seconds(now).into();
        inside.store("Order", id, Some(node.clone()), now);
        inside.tell("ORDERS_UPDATED", &node, now);
    }
}
