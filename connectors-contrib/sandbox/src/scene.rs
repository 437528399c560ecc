//! Scenes: what people and scripts do that no rate describes. Each begins, and what can be undone ends.

use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::Accounts;

/// Who does what scenes do, as ledgers have it.
const STAGEHAND: &str = "sandbox";

/// Where the user of the integration is moved to: as far from anywhere as it gets.
const ELSEWHERE: Tz = chrono_tz::Pacific::Kiritimati;

/// Something that people or scripts do.
#[derive(Debug, Clone, Copy)]
pub struct Scene {
    /// Its name.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    pub(crate) begin: fn(&Accounts) -> String,
    /// What undoes it, where that can be done: until then it is on.
    pub(crate) end: Option<fn(&Accounts) -> String>,
}

impl Scene {
    /// Every scene.
    pub const ALL: [Self; 5] = [
        Self {
            name: "merge",
            about: "hubspot: a contact is made twice, and the two are merged into one of a new id",
            begin: merge,
            end: None,
        },
        Self {
            name: "archive-restore",
            about: "hubspot: contacts are archived, and restored at the end",
            begin: archive,
            end: Some(restore),
        },
        Self {
            name: "one-instant",
            about: "all: an import changes every record at one instant",
            begin: import,
            end: None,
        },
        Self {
            name: "child-edit",
            about: "netsuite: addresses are edited, and their customers do not say that they changed",
            begin: edit_children,
            end: None,
        },
        Self {
            name: "zone-change",
            about: "netsuite: the integration's user is moved to another zone, and back at the end",
            begin: |accounts| {
                accounts.netsuite.moves_to(ELSEWHERE);
                format!("the user is in {ELSEWHERE}")
            },
            end: Some(|accounts| {
                let home = accounts.netsuite.home();
                accounts.netsuite.moves_to(home);
                format!("the user is in {home}")
            }),
        },
    ];
}

/// One in a hundred of these, and at least one if there is any, as the seed has it.
fn some(accounts: &Accounts, mut of: Vec<String>) -> Vec<String> {
    let wanted = of.len().div_ceil(100);
    let mut chosen = Vec::with_capacity(wanted);
    while chosen.len() < wanted && !of.is_empty() {
        let place = accounts.chance().below(of.len() as u64);
        chosen.push(of.swap_remove(usize::try_from(place).unwrap_or_default()));
    }
    chosen
}

/// A person types a contact in again, under an address of its own, sees it, and merges the two.
fn merge(accounts: &Accounts) -> String {
    let person = accounts.hubspot.person(STAGEHAND);
    let mut merged = 0;
    for id in some(accounts, accounts.hubspot.ids("contacts")) {
        let Some(contact) = accounts.hubspot.record("contacts", &id) else { continue };
        let value = |name: &str| contact["properties"][name].as_str().unwrap_or_default().to_owned();
        let twin = json!({
            "email": format!("twin.{id}@twins.example"), "firstname": value("firstname"), "lastname": value("lastname"),
        });
        let made = person.creates("contacts", &twin);
        merged += usize::from(made.and_then(|twin| person.merges("contacts", &id, &twin)).is_ok());
    }
    format!("{merged} contacts became others")
}

fn archive(accounts: &Accounts) -> String {
    let person = accounts.hubspot.person(STAGEHAND);
    let chosen = some(accounts, accounts.hubspot.ids("contacts"));
    let archived: Vec<String> = chosen.into_iter().filter(|id| person.archives("contacts", id).is_ok()).collect();
    let told = format!("{} contacts are archived", archived.len());
    accounts.remember_archived(archived);
    told
}

fn restore(accounts: &Accounts) -> String {
    let person = accounts.hubspot.person(STAGEHAND);
    let archived = accounts.take_archived();
    let restored = archived.iter().filter(|id| person.restores("contacts", id).is_ok()).count();
    format!("{restored} contacts are restored")
}

/// What an import brings is mapped nowhere: a new version of every record, and no news.
fn import(accounts: &Accounts) -> String {
    let person = accounts.hubspot.person(STAGEHAND);
    for number in accounts.hubspot.ids("contacts").len()..accounts.rows() {
        let stranger = json!({ "firstname": format!("n{number}") });
        // A contact without an address is always taken.
        drop(person.creates("contacts", &stranger));
    }
    let batch: Value = format!("import {}", accounts.chance().below(1_000_000)).into();
    let contacts = person.imports("contacts", &json!({ "jobtitle": batch })).unwrap_or_default();
    let customers = accounts.shopify.merchant().imports(&json!({ "note": batch })).unwrap_or_default();
    let rows = accounts.netsuite.import("customer", &[("comments", batch.as_str().unwrap_or_default())]);
    format!("{contacts} contacts, {customers} customers and {rows} rows carry one instant")
}

fn edit_children(accounts: &Accounts) -> String {
    let edited = some(accounts, accounts.netsuite.ids("customer"));
    for id in &edited {
        let street = format!("{} Quiet Lane", 1 + accounts.chance().below(990));
        accounts.netsuite.edit_child("customer", id, &[("addr1", &street)]);
    }
    format!("{} customers live elsewhere, and nothing says so", edited.len())
}
