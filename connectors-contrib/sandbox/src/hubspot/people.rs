//! What people do in the account, past the interface: nothing of it is asked for by a request.

use serde_json::Value;

use super::refusal::Refusal;
use super::{Act, HubSpot, Inside};

/// Somebody who works in the account.
#[derive(Debug)]
pub struct Person<'a> {
    account: &'a HubSpot,
    name: &'a str,
}

impl HubSpot {
    /// Somebody who works in the account. What they do is told by webhooks like everything else.
    #[must_use]
    pub const fn person<'a>(&'a self, name: &'a str) -> Person<'a> {
        Person { account: self, name }
    }

    /// The living record of an id, with all its values; that of a merged record if the id is one's.
    #[must_use]
    pub fn record(&self, object: &str, id: &str) -> Option<Value> {
        let inside = self.inside();
        let record = inside.records.follow(object, id.parse().ok()?)?;
        let names: Vec<String> = record.properties.keys().cloned().collect();
        Some(record.json(object, &inside.properties, &names))
    }

    /// The ids of the living records of an object type, ascending.
    #[must_use]
    pub fn ids(&self, object: &str) -> Vec<String> {
        self.inside().records.alive(object).map(|record| record.id.to_string()).collect()
    }

    /// Adds a property of one line of text, or of one of these options.
    pub fn define(&self, object: &str, name: &str, options: &[&str]) {
        let kind = if options.is_empty() { "string" } else { "enumeration" };
        let options: Vec<Value> = options.iter().map(|value| serde_json::json!({ "value": value })).collect();
        let body = serde_json::json!({
            "name": name, "label": name, "type": kind, "fieldType": "text", "groupName": "information",
            "options": options,
        });
        if let Ok(property) = super::properties::Property::defined(&body) {
            // One that is there already stays as it is.
            drop(self.inside().properties.define(object, property));
        }
    }

    /// Takes a property out of the token's sight, or gives it back.
    pub fn hide(&self, object: &str, property: &str, hidden: bool) {
        self.inside().properties.hide(object, property, hidden);
    }
}

impl Person<'_> {
    /// Makes a record, and says its id. What the account does not take, it says why.
    ///
    /// # Errors
    ///
    /// The account's message.
    pub fn creates(&self, object: &str, values: &Value) -> Result<String, String> {
        self.act(|inside, act| inside.create(object, values, act).map(|id| id.to_string()))
    }

    /// Changes a record.
    ///
    /// # Errors
    ///
    /// The account's message.
    pub fn edits(&self, object: &str, id: &str, values: &Value) -> Result<(), String> {
        self.act(|inside, act| inside.update(object, number(id)?, values, act).map(drop))
    }

    /// Imports values into every living record of an object type, all at one instant. How many those are.
    ///
    /// # Errors
    ///
    /// The account's message.
    pub fn imports(&self, object: &str, values: &Value) -> Result<usize, String> {
        self.act(|inside, act| {
            let ids: Vec<u64> = inside.records.alive(object).map(|record| record.id).collect();
            ids.iter().try_for_each(|id| inside.update(object, *id, values, act).map(drop))?;
            Ok(ids.len())
        })
    }

    /// Archives a record.
    ///
    /// # Errors
    ///
    /// The account's message.
    pub fn archives(&self, object: &str, id: &str) -> Result<(), String> {
        self.act(|inside, act| inside.archive(object, number(id)?, act))
    }

    /// Takes an archived record back.
    ///
    /// # Errors
    ///
    /// The account's message.
    pub fn restores(&self, object: &str, id: &str) -> Result<(), String> {
        self.act(|inside, act| inside.restore(object, number(id)?, act))
    }

    /// Merges two records into a new one, and says its id.
    ///
    /// # Errors
    ///
    /// The account's message.
    pub fn merges(&self, object: &str, primary: &str, other: &str) -> Result<String, String> {
        self.act(|inside, act| inside.merge(object, number(primary)?, number(other)?, act).map(|id| id.to_string()))
    }

    /// Makes a record belong to another; to a company as its primary one, if it has none.
    ///
    /// # Errors
    ///
    /// The account's message.
    pub fn associates(&self, object: &str, id: &str, to: &str, other: &str) -> Result<(), String> {
        self.act(|inside, act| inside.associate(&end(object, id)?, &end(to, other)?, Vec::new(), act))
    }

    /// Makes a record belong to another in a way that HubSpot has a number for.
    ///
    /// # Errors
    ///
    /// The account's message.
    pub fn labels(&self, object: &str, id: &str, to: &str, other: &str, number: u64) -> Result<(), String> {
        let kind = ("HUBSPOT_DEFINED".to_owned(), number);
        self.act(|inside, act| inside.associate(&end(object, id)?, &end(to, other)?, vec![kind], act))
    }

    /// Makes a record no longer belong to another.
    ///
    /// # Errors
    ///
    /// The account's message.
    pub fn dissociates(&self, object: &str, id: &str, to: &str, other: &str) -> Result<(), String> {
        self.act(|inside, act| {
            inside.dissociate(&end(object, id)?, &end(to, other)?, act);
            Ok(())
        })
    }

    fn act<T>(&self, act: impl FnOnce(&mut Inside, Act<'_>) -> Result<T, Refusal>) -> Result<T, String> {
        let at = self.account.clock.now();
        let mut inside = self.account.inside();
        inside.ledger.acts(Some(self.name));
        let done = act(&mut inside, Act { at, source: "CRM_UI", by: self.name });
        done.map_err(|refusal| refusal.item()["message"].as_str().unwrap_or_default().to_owned())
    }
}

fn end(object: &str, id: &str) -> Result<(String, u64), Refusal> {
    Ok((object.to_owned(), number(id)?))
}

fn number(id: &str) -> Result<u64, Refusal> {
    id.parse().map_err(|_| Refusal::bad("the id is no number"))
}
