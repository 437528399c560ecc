//! Customers: made under a key, and their address, which has mutations of its own.

use accordant::connector::{Outcome, WriteReceipt};
use accordant::text::Text;
use accordant_http::{CallError, not_sent};
use serde_json::{Map, Value, json};

use crate::connector::Shopify;
use crate::document;
use crate::inputs::Inputs;
use crate::read::Found;
use crate::settings::Object;
use crate::wire::Head;
use crate::write::{BARE, refused};

/// The mutation that changes the address of a customer, who may have none yet.
pub(crate) fn address(gid: &str, held: &Value, address: Map<String, Value>) -> (String, Value) {
    let mut variables = json!({ "customerId": gid, "address": address });
    let document = match held["defaultAddress"]["id"].as_str() {
        Some(address) => {
            variables["addressId"] = address.into();
            document::UPDATE_ADDRESS
        }
        None => document::CREATE_ADDRESS,
    };
    (document.to_owned(), variables)
}

impl Shopify {
    /// Makes a customer under a key, unless there is one.
    pub(crate) async fn create(&self, name: &str, object: &Object, key: &Text, inputs: &Inputs) -> WriteReceipt {
        if !inputs.metafields.is_empty() {
            return refused("shopify: metafields are written to a record that is there");
        }
        let mut input = inputs.record.clone();
        input.retain(|_, value| !value.is_null() && value != "");
        let mut address = inputs.address.clone();
        address.retain(|_, value| !value.is_null() && value != "");
        if !address.is_empty() {
            // A new customer has no other addresses that the list could drop.
            input.insert("addresses".into(), json!([address]));
        }
        let mut variables = json!({ "input": input });
        if let Some(named) = &self.settings.key {
            let identifier = document::identifier(named, key);
            let found = self
                .ask(
                    &document::customer_of_key(object, self.lists()),
                    &json!({ "identifier": identifier }),
                    self.cost_of(object, 1),
                )
                .await;
            let found = found.and_then(|answer| {
                let found: Found<'_> = answer
                    .data("a customer by its key")
                    .map_err(|error| CallError { error, may_have_happened: false })?;
                Ok(found.found.map(|raw| Head::parse(raw).ok().map(|head| head.number())))
            });
            match found {
                // It has happened before; what people made of it since stays.
                Ok(Some(Some(id))) => return Outcome::Applied { id }.into(),
                // Somebody is there: to write by the key would be to write over them.
                Ok(Some(None)) => return Outcome::Unknown.into(),
                Ok(None) => variables["identifier"] = identifier,
                Err(error) => return not_sent(&error.error).into(),
            }
        }
        let cost = BARE + self.cost_of(object, 1);
        let document = document::create(object, self.lists());
        let ended = self.mutate(name, &document, &variables, cost, &Text::default()).await;
        ended.unwrap_or_else(|failed| failed)
    }
}
