//! A change that a rule holds, and that takes two people; then a word of Mia's own.

use accordant::rule::{above, when};
use accordant::settle::{Choice, Ruling};
use accordant::{Error, Lifetime, Ruled, money};
use serde_json::json;

use crate::day::people::find;
use crate::office::{Customer, Office, customer, mia, noah};
use crate::page::Page;

pub(super) async fn play(page: &mut Page) -> Result<(), Error> {
    let rule = when(above(money!(10_000 EUR))).hold("nobody owes that much").named("large debt").by_two();
    let customers = [customer("Ana", "030 1", "900.00")];
    let office = Office::open_with("13:00", &customers, |builder| builder.rule(Customer::OWES, rule)).await?;
    let Office { acme, books, crm, .. } = &office;
    let ana = find(acme, "ana@example.test").await?;

    page.tell(
        "Accounting moves what Ana owes from 900 to 90 000. A rule holds it; golden stays, and nothing is written.",
    );
    books.edit("debtors", "debtors-1", &json!({ "owes": "90000.00" }));
    office.hear().await?;
    page.show(acme.explain_erased(ana, "owes").await?);

    page.tell("Mia asks accounting, and accepts it. The rule asks for two people.");
    let accept =
        |by| Ruling { choice: Choice::Accept, lifetime: Lifetime::Once, by, reason: "a large order".to_owned() };
    match acme.rule(ana, "owes", accept(mia())).await? {
        Ruled::Proposed => page.show("proposed"),
        _ => page.show("decided"),
    }
    if let Err(error) = acme.approve_decision(ana, "owes", &mia()).await {
        page.show(error.to_string().replace(&ana.to_string(), "Ana"));
    }

    page.tell("Before Noah looks, accounting changes it again: what Mia proposed is not what is on the table.");
    books.edit("debtors", "debtors-1", &json!({ "owes": "91000.00" }));
    office.hear().await?;
    if let Err(error) = acme.approve_decision(ana, "owes", &noah()).await {
        page.show(error.to_string().replace(&ana.to_string(), "Ana"));
    }
    acme.rule(ana, "owes", accept(mia())).await?;
    acme.approve_decision(ana, "owes", &noah()).await?;
    page.show(acme.explain_erased(ana, "owes").await?);

    page.tell("It is written where accounting is believed.");
    let plan = office.plan(&mia()).await?;
    acme.approve(plan.hash, &noah()).await?;
    acme.apply(plan.hash).await?;
    page.show(format!("sales sees {}", crm.record("contacts", "contacts-1").unwrap_or_default()["owes"]));

    page.tell("What no system has a place for, Mia keeps in the hub.");
    acme.enter_erased(ana, "note", Some("pays by the quarter"), &mia(), "told on the phone").await?;
    page.show(acme.explain_erased(ana, "note").await?);

    page.tell("Noah reads what happened to Ana today.");
    for happening in acme.history(ana, None, 1_000).await?.happenings {
        if happening.by == mia() || happening.by == noah() {
            page.show(happening);
        }
    }
    Ok(())
}
