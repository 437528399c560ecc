//! Names flow by themselves under a permission that Noah gave; when too much flows, Mia takes it back.

use accordant::{Error, Stage, StandingApproval};
use serde_json::json;

use crate::office::{Customer, Office, customer, mia, noah, told};
use crate::page::Page;

pub(super) async fn play(page: &mut Page) -> Result<(), Error> {
    let customers = ["Ana", "Bruno", "Chloe"].map(|name| customer(name, "030 1", "10.00"));
    let office = Office::open("14:00", &customers).await?;
    let Office { acme, books, shop, .. } = &office;

    page.tell("Names follow accounting, and nobody has ever turned one down. Noah wants to stop being asked about the shop's.");
    let names = StandingApproval::of(Customer::NAME).toward("shop");
    match acme.give_standing(names.clone(), &noah(), "names follow accounting").await {
        Ok(_) => page.show("given"),
        Err(error) => page.show(error),
    }
    let month = "2026-02-01T00:00:00Z".parse().unwrap_or_default();
    let names = names.at_most(50).until(month);
    let standing = acme.give_standing(names, &noah(), "names follow accounting").await?;
    acme.set_stage("shop", Stage::Act, &noah(), "names only, for now").await?;

    page.tell("Ana marries. Nobody approves anything.");
    books.edit("debtors", "debtors-1", &json!({ "name": "Ana Berg" }));
    office.hear().await?;
    let plan = office.plan(&mia()).await?;
    page.show(acme.progress(plan.hash).await?);
    let ran = office.works_until("14:30").await?;
    page.show(format!("half an hour later the worker has written {} of them", ran.done));
    let held = shop.record("customers", "customers-1").unwrap_or_default();
    page.show(format!("the shop knows her as {}", held["name"]));

    page.tell("An import turns every name into capitals. Mia sees the first, and withdraws the permission.");
    acme.withdraw_standing(standing, &mia(), "an import went wrong").await?;
    books.edit("debtors", "debtors-2", &json!({ "name": "BRUNO" }));
    books.edit("debtors", "debtors-3", &json!({ "name": "CHLOE" }));
    let ran = office.works_until("15:00").await?;
    page.show(format!("the worker has read {} changes, and written {}", ran.taken.observed, ran.done));
    page.show(told(&acme.apply(office.plan(&mia()).await?.hash).await?));

    page.tell("What was given, used and withdrawn stays on the list.");
    for standing in acme.standing_approvals(None, 10).await? {
        page.show(standing);
    }
    Ok(())
}
