//! What people do in the shop, past the interface.

use std::sync::MutexGuard;

use serde_json::{Value, json};

use super::shop::Shop;
use super::{Inside, Shopify};
use crate::instant;

/// Somebody who works in the shop, or buys there. What they do is told by webhooks like everything else.
#[derive(Debug)]
pub struct Merchant<'a>(&'a Shopify);

impl Shopify {
    /// Somebody who works in the shop.
    #[must_use]
    pub const fn merchant(&self) -> Merchant<'_> {
        Merchant(self)
    }

    /// A customer or an order as it stands, in the shape of the interface.
    #[must_use]
    pub fn node(&self, kind: &str, id: &str) -> Option<Value> {
        self.inside().shop.get(kind, id.parse().ok()?).cloned()
    }

    /// The numbers of all customers, or orders, ascending.
    #[must_use]
    pub fn ids(&self, kind: &str) -> Vec<String> {
        let inside = self.inside();
        inside.shop.all(kind).filter_map(|node| node["legacyResourceId"].as_str().map(str::to_owned)).collect()
    }
}

impl Merchant<'_> {
    /// The shop's inside, as the merchant acts on it.
    fn inside(&self) -> MutexGuard<'_, Inside> {
        let mut inside = self.0.inside();
        inside.ledger.acts(Some("merchant"));
        inside
    }

    /// The shop's inside, and now.
    pub(super) fn at_work(&self) -> (MutexGuard<'_, Inside>, i64) {
        (self.inside(), self.0.clock.now())
    }

    /// Makes a customer of what `CustomerInput` takes, and says its number.
    ///
    /// # Errors
    ///
    /// What the shop does not take.
    pub fn creates(&self, input: &Value) -> Result<String, String> {
        let now = self.0.clock.now();
        let mut inside = self.inside();
        let id = inside.shop.fresh();
        let blank = Shop::blank_customer(id, now);
        inside.store("Customer", id, Some(blank), now);
        let gid = format!("gid://shopify/Customer/{id}");
        match inside.change(&gid, input, now) {
            Ok(_) => Ok(id.to_string()),
            Err((_, _, message)) => {
                inside.store("Customer", id, None, now);
                Err(message)
            }
        }
    }

    /// Changes a customer.
    ///
    /// # Errors
    ///
    /// What the shop does not take.
    pub fn edits(&self, id: &str, input: &Value) -> Result<(), String> {
        let now = self.0.clock.now();
        let changed = self.inside().change(&format!("gid://shopify/Customer/{id}"), input, now);
        changed.map(drop).map_err(|(_, _, message)| message)
    }

    /// Imports values into every customer, all at one instant. How many those are.
    ///
    /// # Errors
    ///
    /// What the shop does not take.
    pub fn imports(&self, input: &Value) -> Result<usize, String> {
        let now = self.0.clock.now();
        let mut inside = self.inside();
        let gids: Vec<String> =
            inside.shop.all("Customer").filter_map(|node| node["id"].as_str().map(str::to_owned)).collect();
        for gid in &gids {
            inside.change(gid, input, now).map_err(|(_, _, message)| message)?;
        }
        Ok(gids.len())
    }

    /// Deletes a customer.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn deletes(&self, id: &str) -> Result<(), String> {
        let now = self.0.clock.now();
        let deleted = self.inside().delete(&format!("gid://shopify/Customer/{id}"), now);
        deleted.map_err(|(_, _, message)| message)
    }

    /// Merges one customer into another: the one that is kept has its own values. It is told of by a topic of its own.
    ///
    /// # Errors
    ///
    /// If one of them is missing.
    pub fn merges(&self, kept: &str, other: &str) -> Result<(), String> {
        let now = self.0.clock.now();
        self.deletes(other)?;
        let gid = |id: &str| format!("gid://shopify/Customer/{id}");
        self.edits(kept, &json!({ "note": format!("merged with {other}") }))?;
        let told = json!({
            "admin_graphql_api_customer_kept_id": gid(kept), "admin_graphql_api_customer_deleted_id": gid(other),
        });
        let inside = &mut *self.inside();
        inside.webhooks.tell("CUSTOMERS_MERGE", told, now, &inside.faults, &inside.chance);
        Ok(())
    }

    /// Places an order, and says its number.
    pub fn orders(&self, name: &str, amount: &str, customer: Option<&str>) -> String {
        let now = self.0.clock.now();
        let mut inside = self.inside();
        let id = inside.shop.fresh();
        let customer = customer.map_or(Value::Null, |customer| {
            json!({
                "__typename": "Customer", "id": format!("gid://shopify/Customer/{customer}"),
                "legacyResourceId": customer,
            })
        });
        let money = json!({ "__typename": "MoneyV2", "amount": amount, "currencyCode": "USD" });
        let order = json!({
            "__typename": "Order", "id": format!("gid://shopify/Order/{id}"), "legacyResourceId": id.to_string(),
            "name": name, "displayFulfillmentStatus": "UNFULFILLED", "customer": customer, "metafields": {},
            "email": null, "phone": null, "note": null, "poNumber": null, "tags": [], "lineItems": { "nodes": [] },
            "totalPriceSet": { "__typename": "MoneyBag", "shopMoney": money },
            "createdAt": instant::seconds(now), "updatedAt": instant::seconds(now),
        });
        inside.store("Order", id, Some(order.clone()), now);
        inside.tell("ORDERS_CREATE", &order, now);
        id.to_string()
    }

    /// Moves an order on.
    pub fn fulfils(&self, id: &str, status: &str) {
        let now = self.0.clock.now();
        let mut inside = self.inside();
        let Some((number, mut order)) =
            id.parse().ok().and_then(|number| Some((number, inside.shop.get("Order", number)?.clone())))
        else {
            return;
        };
        order["displayFulfillmentStatus"] = status.into();
        order["updatedAt"] = instant::seconds(now).into();
        inside.store("Order", number, Some(order.clone()), now);
        inside.tell("ORDERS_UPDATED", &order, now);
    }
}
