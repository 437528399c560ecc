//! Sales moves a field, and nothing of it can be read. The mapping is mended, and what came meanwhile is tried again.

use std::sync::Arc;

use accordant::engine::{CaseFilter, LetterState};
use accordant::policy::Registry;
use accordant::settle::Choice;
use accordant::{Accordant, Error, MemoryStore, SeededEntropy};
use serde_json::json;

use crate::day::people::{decide, find};
use crate::office::{Customer, Office, customer, mia, noah};
use crate::page::Page;

/// Where sales keeps numbers since this morning.
const MENDED: &str = r#"
entity = "customer"
[attribute.phone]
at.crm = "phone.mobile"
"#;

pub(super) async fn play(page: &mut Page) -> Result<(), Error> {
    let store = MemoryStore::new();
    let customers = ["Ana", "Bruno", "Chloe"].map(|name| customer(name, "030 1", "10.00"));
    let office = Office::open_with("15:30", &customers, |builder| builder.store(store.clone())).await?;
    let Office { acme, crm, shop, books, clock } = &office;

    page.tell("Somebody at sales turns `phone` into a form with two fields. Three records come in that way.");
    for (number, phone) in [("1", "030 21"), ("2", "030 22"), ("3", "030 1")] {
        crm.edit("contacts", &format!("contacts-{number}"), &json!({ "phone": { "mobile": phone, "home": "" } }));
    }
    office.hear().await?;
    for group in acme.dead_letter_groups().await? {
        page.show(format!("{} of {}: {}", group.count, group.cause.connection, group.cause.cause));
    }
    let ana = find(acme, "ana@example.test").await?;
    let phone = acme.inspect_erased(ana).await?.unit("phone").map(|unit| unit.golden.to_string()).unwrap_or_default();
    page.show(format!("Ana's number is still {phone}"));

    page.tell("Noah mends the mapping: one line of configuration, and a change of the model that he accepts.");
    let mended = Accordant::builder()
        .store(store)
        .clock(Arc::clone(clock))
        .entropy(SeededEntropy::new(12))
        .connect(crm.clone())
        .connect(shop.clone())
        .connect(books.clone())
        .entity::<Customer>()
        .overlay(MENDED, &Registry::builtin())
        .build()?;
    let acme = mended.tenant("acme");
    for change in acme.accept_model(&noah()).await?.changes {
        page.show(change);
    }

    page.tell("Chloe's letter is a test that somebody left behind: Mia discards it. The others are tried again.");
    let cause = acme.dead_letter_groups().await?.remove(0).cause;
    for (key, letter) in acme.dead_letters_of(Some(&cause), None, 10).await? {
        if letter.record.as_ref().is_some_and(|record| &*record.id == "contacts-3") {
            if let Err(error) = acme.discard_dead_letter(&key, &mia(), "").await {
                page.show(error);
            }
            acme.discard_dead_letter(&key, &mia(), "a test that was left behind").await?;
            if let LetterState::Discarded { by, reason, .. } = acme.dead_letter(&key).await?.state {
                page.show(format!("discarded by {by}: {reason}"));
            }
        }
    }
    let retried = acme.retry_dead_letters(&cause, None, 100, &mia()).await?;
    page.show(format!("{} taken in, {} still dead", retried.taken_in, retried.still_dead));

    page.tell("Where a mapping reads otherwise, nothing was ever agreed: what sales says is shown, and Mia tells.");
    for case in acme.open_cases(&CaseFilter::default(), None, 10).await?.cases {
        page.show(format!("{}: {}", case.records[0], case.reason));
    }
    decide(&acme, ana, "phone", Choice::Take("crm".into()), "sales called her").await?;
    let phone = acme.inspect_erased(ana).await?.unit("phone").map(|unit| unit.golden.to_string()).unwrap_or_default();
    page.show(format!("Ana's number is {phone}"));
    page.show(acme.verify().await?);
    Ok(())
}
