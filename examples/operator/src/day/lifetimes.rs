//! How long a decision holds: one is pinned, one ends when something new is said, one on its date.

use accordant::chrono::TimeDelta;
use accordant::engine::CaseFilter;
use accordant::settle::Choice;
use accordant::value::Field;
use accordant::{Error, Lifetime};
use serde_json::json;

use crate::day::people::{decide, decide_for, find};
use crate::office::{Office, customer, mia};
use crate::page::Page;

/// Everything that is owed is approved and written, and the systems are heard.
async fn carry_out(office: &Office) -> Result<(), Error> {
    let plan = office.plan(&mia()).await?;
    office.acme.approve(plan.hash, &mia()).await?;
    office.acme.apply(plan.hash).await?;
    office.hear().await
}

pub(super) async fn play(page: &mut Page) -> Result<(), Error> {
    let customers = ["Ana", "Bruno", "Chloe"].map(|name| customer(name, "030 1", "10.00"));
    let office = Office::open("11:30", &customers).await?;
    let Office { acme, crm, shop, books, .. } = &office;
    let ana = find(acme, "ana@example.test").await?;
    let bruno = find(acme, "bruno@example.test").await?;
    let chloe = find(acme, "chloe@example.test").await?;

    page.tell("Ana wants to be called at home, whatever any system says. Mia pins it.");
    let home = Choice::Value(Field::value("030 55"));
    decide_for(acme, ana, "phone", home, Lifetime::Pinned, "she asked for it").await?;
    page.tell("Bruno's number is settled as well; until somebody says something new.");
    decide(acme, bruno, "phone", Choice::Value(Field::value("030 66")), "he wrote").await?;
    page.tell("And Chloe is at her sister's for a week.");
    let week = Lifetime::Until("2026-01-12T00:00:00Z".parse().unwrap_or_default());
    decide_for(acme, chloe, "phone", Choice::Value(Field::value("030 77")), week, "until she is back").await?;
    carry_out(&office).await?;

    page.tell("Two days later sales types in other numbers for all three; for Bruno, the shop does so too.");
    office.clock.advance(TimeDelta::days(2));
    for number in ["1", "2", "3"] {
        crm.edit("contacts", &format!("contacts-{number}"), &json!({ "phone": "040 9" }));
    }
    shop.edit("customers", "customers-2", &json!({ "phone": "040 8" }));
    office.hear().await?;
    for (name, id) in [("Ana", ana), ("Bruno", bruno), ("Chloe", chloe)] {
        let view = acme.inspect_erased(id).await?;
        let phone = view.unit("phone").map(|unit| unit.golden.to_string()).unwrap_or_default();
        let holds = if view.decisions.is_empty() { "no decision holds" } else { "the decision holds" };
        page.show(format!("{name}: {phone}; {holds}"));
    }
    page.tell("Bruno's decision is reopened, and says why.");
    for case in acme.open_cases(&CaseFilter::default(), None, 10).await?.cases {
        page.show(case.reason);
    }

    page.tell("The others are written back. Then Chloe's week is over.");
    decide(acme, bruno, "phone", Choice::Take("crm".into()), "he has a new one").await?;
    carry_out(&office).await?;
    office.clock.advance(TimeDelta::days(7));
    while acme.step().await?.more() {}
    page.show(acme.explain_erased(chloe, "phone").await?);
    books.edit("debtors", "debtors-3", &json!({ "phone": "030 1" }));
    office.hear().await?;
    let view = acme.inspect_erased(chloe).await?;
    page.show(format!("and now: {}", view.unit("phone").map(|unit| unit.golden.to_string()).unwrap_or_default()));

    page.tell("What was it on the day on which sales typed?");
    let then = "2026-01-07T12:00:00Z".parse().unwrap_or_default();
    let past = acme.as_of(then).inspect_erased(chloe).await?;
    page.show(format!("then: {}", past.unit("phone").map(|unit| unit.golden.to_string()).unwrap_or_default()));
    Ok(())
}
