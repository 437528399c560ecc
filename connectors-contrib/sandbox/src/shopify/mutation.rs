//! Mutations: what is taken, and what `userErrors` say of the rest.

use serde_json::{Value, json};

use super::Inside;
use super::shop::{Shop, number};
use crate::graphql::Asked;
use crate::instant;
use crate::ledger::{Did, leaves};

/// A refusal: of which input, and why.
pub(super) type Refused = (Vec<&'static str>, &'static str, String);

impl Inside {
    pub(super) fn visible(&self, now: i64) -> i64 {
        let most = self.faults.index_lag.num_milliseconds();
        now.saturating_add(self.chance.below(u64::try_from(most).unwrap_or(0)).cast_signed())
    }

    pub(super) fn mutate(&mut self, asked: &Asked<'_>, now: i64) -> Result<Value, String> {
        let arguments = &asked.arguments;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let ended = match asked.name {
            "customerSet" => self.set(arguments, now).map(|customer| ("customer", customer)),
            "customerUpdate" => {
                let input = &arguments["input"];
                self.change(&text(&input["id"]), input, now).map(|customer| ("customer", customer))
            }
            "customerAddressCreate" | "customerAddressUpdate" => {
                self.address(&text(&arguments["customerId"]), arguments, now).map(|address| ("address", address))
            }
            "customerDelete" => {
                let gid = text(&arguments["input"]["id"]);
                self.delete(&gid, now).map(|()| ("deletedCustomerId", gid.into()))
            }
            "productUpdate" => {
                self.update_ware("Product", &arguments["product"], now).map(|product| ("product", product))
            }
            "orderUpdate" => self.update_ware("Order", &arguments["input"], now).map(|order| ("order", order)),
            "inventorySetQuantities" => return self.set_quantities(asked, now),
            "metafieldsSet" => self.set_metafields(arguments, now).map(|set| ("metafields", set)),
            "bulkOperationRunQuery" => {
                let query = text(&arguments["query"]);
                let grouped = arguments["groupObjects"] == true;
                self.run_bulk(&query, grouped, now).map(|operation| ("bulkOperation", operation))
            }
            "webhookSubscriptionCreate" => {
                let asked = &arguments["webhookSubscription"];
                let uri = asked.get("uri").or_else(|| asked.get("callbackUrl"));
                let id = self.webhooks.subscribe(&text(&arguments["topic"]), &text(uri.unwrap_or(&Value::Null)));
                Ok(("webhookSubscription", json!({ "__typename": "WebhookSubscription", "id": id })))
            }
            name => return Err(format!("Field '{name}' doesn't exist on type 'Mutation'")),
        };
        let kinds = [
            "customer",
            "product",
            "order",
            "address",
            "deletedCustomerId",
            "metafields",
            "bulkOperation",
            "webhookSubscription",
        ];
        let mut payload: Value = kinds.iter().map(|kind| ((*kind).to_owned(), Value::Null)).collect();
        payload["__typename"] = asked.name.into();
        payload["userErrors"] = json!([]);
        match ended {
            Ok((kind, value)) => payload[kind] = value,
            Err((field, code, message)) => {
                payload["userErrors"] = json!([{
                    "__typename": "UserError", "field": field, "code": code, "message": message, "elementIndex": null,
                }]);
            }
        }
        Ok(payload)
    }

    /// Makes a customer, or changes the one that the identifier names.
    fn set(&mut self, arguments: &Value, now: i64) -> Result<Value, Refused> {
        let (identifier, input) = (&arguments["identifier"], &arguments["input"]);
        let gid = self.identified(identifier).map(|found| found["id"].as_str().unwrap_or_default().to_owned());
        if let Some(gid) = gid {
            return self.change(&gid, input, now);
        }
        if self.chance.permille(self.faults.refused_items) {
            return Err((vec!["input"], "INVALID", "refused: a fault of the sandbox".into()));
        }
        let id = self.shop.fresh();
        let mut customer = Shop::blank_customer(id, now);
        if let Some(custom) = identifier.get("customId") {
            let name = |key: &str| custom[key].as_str().unwrap_or("$app");
            let name = format!("{}.{}", name("namespace"), name("key"));
            customer["metafields"][name] = metafield(&custom["value"], "id");
        }
        self.fill(&mut customer, input, id)?;
        self.store("Customer", id, Some(customer.clone()), now);
        self.tell("CUSTOMERS_CREATE", &customer, now);
        Ok(customer)
    }

    /// Changes a customer.
    pub(super) fn change(&mut self, gid: &str, input: &Value, now: i64) -> Result<Value, Refused> {
        let missing = || (vec!["id"], "CUSTOMER_DOES_NOT_EXIST", "Customer does not exist".to_owned());
        let before = self.shop.by_gid(gid).cloned().ok_or_else(missing)?;
        let (_, id) = number(gid).ok_or_else(missing)?;
        if self.chance.permille(self.faults.refused_items) {
            return Err((vec!["input"], "INVALID", "refused: a fault of the sandbox".into()));
        }
        let mut customer = before.clone();
        self.fill(&mut customer, input, id)?;
        if customer != before {
            customer["updatedAt"] = instant::seconds(now).into();
            self.store("Customer", id, Some(customer.clone()), now);
            self.tell("CUSTOMERS_UPDATE", &customer, now);
        }
        Ok(customer)
    }

    fn fill(&mut self, customer: &mut Value, input: &Value, id: u64) -> Result<(), Refused> {
        for (key, value) in input.as_object().into_iter().flatten() {
            let empty = value.as_str() == Some("");
            let value = if empty { &Value::Null } else { value };
            match key.as_str() {
                "id" => {}
                "email" => {
                    let email = value.as_str().map(|email| email.trim().to_lowercase());
                    if email.as_ref().is_some_and(|email| !email.contains('@')) {
                        return Err((vec!["email"], "INVALID", "Email is invalid".into()));
                    }
                    self.free(id, "email", "emailAddress", email.as_deref())?;
                    customer["defaultEmailAddress"] = email.map_or(
                        Value::Null,
                        |email| json!({ "__typename": "CustomerEmailAddress", "emailAddress": email }),
                    );
                }
                "phone" => {
                    let phone = value.as_str();
                    if phone.is_some_and(|phone| !phone.starts_with('+')) {
                        return Err((vec!["phone"], "INVALID", "Phone is invalid".into()));
                    }
                    self.free(id, "phone", "phoneNumber", phone)?;
                    customer["defaultPhoneNumber"] = phone.map_or(
                        Value::Null,
                        |phone| json!({ "__typename": "CustomerPhoneNumber", "phoneNumber": phone }),
                    );
                }
                // What a list of addresses leaves out is deleted.
                "addresses" => {
                    let first = value.as_array().and_then(|all| all.first());
                    customer["defaultAddress"] = match first {
                        Some(address) => self.addressed(&Value::Null, address)?,
                        None => Value::Null,
                    };
                }
                "firstName" | "lastName" | "note" | "locale" | "tags" | "taxExempt" => {
                    customer[key.as_str()] = value.clone();
                }
                other => return Err((vec!["input"], "INVALID", format!("{other} is not known here"))),
            }
        }
        Ok(())
    }

    /// Whether no other customer has this address or number.
    fn free(&self, id: u64, field: &'static str, leaf: &str, value: Option<&str>) -> Result<(), Refused> {
        let object = if field == "email" { "defaultEmailAddress" } else { "defaultPhoneNumber" };
        let own = id.to_string();
        let others = self.shop.all("Customer").filter(|other| other["legacyResourceId"] != own);
        let taken = value.is_some_and(|value| others.into_iter().any(|other| other[object][leaf] == value));
        if taken { Err((vec![field], "TAKEN", format!("{field} has already been taken"))) } else { Ok(()) }
    }

    fn addressed(&mut self, before: &Value, input: &Value) -> Result<Value, Refused> {
        let mut address = if before.is_null() {
            let id = self.shop.fresh();
            json!({
                "__typename": "MailingAddress", "id": format!("gid://shopify/MailingAddress/{id}"), "address1": null,
                "address2": null, "city": null, "company": null, "countryCodeV2": null, "firstName": null,
                "lastName": null, "phone": null, "provinceCode": null, "zip": null,
            })
        } else {
            before.clone()
        };
        for (key, value) in input.as_object().into_iter().flatten() {
            let value = if value.as_str() == Some("") { Value::Null } else { value.clone() };
            match key.as_str() {
                "countryCode" => {
                    let known = value
                        .as_str()
                        .is_none_or(|code| code.len() == 2 && code.chars().all(|letter| letter.is_ascii_uppercase()));
                    if !known {
                        return Err((vec!["address", "countryCode"], "INVALID", "no such country".into()));
                    }
                    address["countryCodeV2"] = value;
                }
                "id" => {}
                known if address.get(known).is_some() => address[known] = value,
                _ => return Err((vec!["address"], "INVALID", format!("{key} is not known here"))),
            }
        }
        Ok(address)
    }

    fn address(&mut self, gid: &str, arguments: &Value, now: i64) -> Result<Value, Refused> {
        let missing = || (vec!["customerId"], "INVALID", "Customer does not exist".to_owned());
        let mut customer = self.shop.by_gid(gid).cloned().ok_or_else(missing)?;
        let (_, id) = number(gid).ok_or_else(missing)?;
        let held = &customer["defaultAddress"];
        let before = match arguments["addressId"].as_str() {
            Some(address) if held["id"] == address => held.clone(),
            Some(_) => return Err((vec!["addressId"], "INVALID", "Address does not exist".into())),
            None => Value::Null,
        };
        let address = self.addressed(&before, &arguments["address"])?;
        customer["defaultAddress"] = address.clone();
        customer["updatedAt"] = instant::seconds(now).into();
        self.store("Customer", id, Some(customer.clone()), now);
        self.tell("CUSTOMERS_UPDATE", &customer, now);
        Ok(address)
    }

    pub(super) fn delete(&mut self, gid: &str, now: i64) -> Result<(), Refused> {
        let (_, id) = number(gid)
            .filter(|_| self.shop.by_gid(gid).is_some())
            .ok_or_else(|| (vec!["id"], "INVALID", "Customer can't be found".to_owned()))?;
        self.store("Customer", id, None, now);
        let told = json!({ "id": id });
        self.webhooks.tell("CUSTOMERS_DELETE", told, now, &self.faults, &self.chance);
        Ok(())
    }

    /// All of them, or none; each only where it still has the digest that is given.
    fn set_metafields(&mut self, arguments: &Value, now: i64) -> Result<Value, Refused> {
        let inputs = arguments["metafields"].as_array().cloned().unwrap_or_default();
        if inputs.len() > 25 {
            return Err((vec!["metafields"], "LESS_THAN_OR_EQUAL_TO", "at most 25 metafields".into()));
        }
        let mut changed: Vec<(u64, Value)> = Vec::new();
        let mut set = Vec::new();
        for input in &inputs {
            let gid = input["ownerId"].as_str().unwrap_or_default();
            let missing = || (vec!["ownerId"], "INVALID_VALUE", "Owner does not exist".to_owned());
            let (_, id) = number(gid).ok_or_else(missing)?;
            let known = changed.iter().find(|(of, _)| *of == id).map(|(_, owner)| owner.clone());
            let mut owner = known.or_else(|| self.shop.by_gid(gid).cloned()).ok_or_else(missing)?;
            let name = |key: &str| input[key].as_str().unwrap_or("$app");
            let name = format!("{}.{}", name("namespace"), name("key"));
            let held = &owner["metafields"][&name]["compareDigest"];
            if input.get("compareDigest").is_some_and(|digest| digest != held) {
                return Err((vec!["metafields"], "STALE_OBJECT", "the metafield has been changed".into()));
            }
            let value = metafield(&input["value"], input["type"].as_str().unwrap_or("single_line_text_field"));
            owner["metafields"][name] = value.clone();
            owner["updatedAt"] = instant::seconds(now).into();
            set.push(value);
            changed.retain(|(of, _)| *of != id);
            changed.push((id, owner));
        }
        for (id, owner) in changed {
            let kind = owner["__typename"].as_str().unwrap_or("Customer").to_owned();
            self.store(&kind, id, Some(owner.clone()), now);
            let topic = match kind.as_str() {
                "Product" => "PRODUCTS_UPDATE",
                "Order" => "ORDERS_UPDATED",
                _ => "CUSTOMERS_UPDATE",
            };
            self.tell(topic, &owner, now);
        }
        Ok(set.into())
    }

    /// Puts a node in the place of what was there, and notes what that changed.
    pub(super) fn store(&mut self, kind: &str, id: u64, value: Option<Value>, now: i64) {
        let visible = self.visible(now);
        let own = ["__typename", "id", "legacyResourceId", "createdAt", "updatedAt", "compareDigest"];
        let held = self.shop.get(kind, id).map(|held| leaves(held, &own));
        match (&held, &value) {
            (None, Some(_)) => self.ledger.note(now, kind, id, Did::Made),
            (Some(_), None) => self.ledger.note(now, kind, id, Did::Gone),
            _ => {}
        }
        if let Some(value) = &value {
            self.ledger.compare(now, kind, id, &held.unwrap_or_default(), &leaves(value, &own));
        }
        self.shop.put(kind, id, value, now, visible);
    }

    /// Tells of a node, as REST spells it.
    pub(super) fn tell(&mut self, topic: &str, node: &Value, now: i64) {
        let body = super::webhooks::rest(node);
        self.webhooks.tell(topic, body, now, &self.faults, &self.chance);
    }
}

fn metafield(value: &Value, kind: &str) -> Value {
    let text = value.as_str().unwrap_or_default();
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "__typename": "Metafield", "value": value, "type": kind, "compareDigest": digest })
}
