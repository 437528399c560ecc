//! Before a policy is deployed, Mia sees what it would have made of what was said so far.

use accordant::policy::Registry;
use accordant::{Accordant, Canonical as _, Error};
use serde_json::json;

use crate::office::{Customer, Office, customer, mia};
use crate::page::Page;

/// The shop's number is believed before all others.
const PROPOSED: &str = r#"
entity = "customer"
[attribute.phone]
resolve = [{ policy = "source_priority", systems = ["shop", "crm", "books"] }]
"#;

pub(super) async fn play(page: &mut Page) -> Result<(), Error> {
    let customers = ["Ana", "Bruno", "Chloe"].map(|name| customer(name, "030 1", "10.00"));
    let office = Office::open("16:00", &customers).await?;
    let Office { acme, crm, shop, books, clock } = &office;

    page.tell("Two customers tell sales one number and the shop another. No policy can tell, and people are asked.");
    for number in 1..=2 {
        crm.edit("contacts", &format!("contacts-{number}"), &json!({ "phone": format!("030 2{number}") }));
        shop.edit("customers", &format!("customers-{number}"), &json!({ "phone": format!("030 3{number}") }));
    }
    office.hear().await?;
    for discrepancy in acme.discrepancies(Default::default()).await? {
        page.show(format!("{}: {} ({})", discrepancy.kind.title(), discrepancy.unit, discrepancy.reason));
    }

    page.tell("Mia proposes to believe the shop, and looks what that would have come to.");
    let proposal = Accordant::builder()
        .clock(std::sync::Arc::clone(clock))
        .connect(crm.clone())
        .connect(shop.clone())
        .connect(books.clone())
        .entity_model(Customer::model())
        .overlay(PROPOSED, &Registry::builtin())
        .build()?;
    page.show(acme.what_if(&proposal).await?);

    page.tell("Nothing has changed here: it was a look.");
    page.show(format!("owed: {}", office.plan(&mia()).await?.operations.len()));
    Ok(())
}
