//! Sales edits, and nothing tells of it. Records are read in their turn, within a budget, and it is found.

use accordant::MemoryStore;
use accordant::check::Budget;
use accordant::chrono::TimeDelta;
use accordant::engine::Checks;
use serde_json::json;

use crate::office::{Customer, Office, customer, find, golden};
use crate::scenes::Played;
use operator::page::Page;

pub(super) async fn play(page: &mut Page) -> Played {
    let customers = ["Ana Diaz", "Bruno Costa", "Chloe Martin", "Dan Novak", "Eva Lund"];
    let office = Office::open(&customers.map(|name| customer(name, "+49 30 1", "gold")));
    let budget = Budget::new(2, TimeDelta::hours(1))?.reserving(0)?;
    let checks = Checks::new().budget("crm", budget);
    let acme = office.builder(MemoryStore::new()).entity::<Customer>().checks(checks).build()?.tenant("acme");
    office.hear(&acme).await?;
    acme.check().await?;

    page.tell("The feed of sales is broken: nobody is told any more what is edited there. Eva gets a new number.");
    office.crm.edit("contacts", "c5", &json!({ "phone": "+49 30 55" }));
    let eva = find(&acme, "eva.lund@example.test").await?;
    page.show(format!("Eva's number: {}", golden(&acme, eva, "phone").await?));

    page.tell("A day on, each record has its turn; two reads an hour is what sales grants. What waits is counted, not dropped.");
    office.clock.advance(TimeDelta::hours(25));
    for hour in 1..=3 {
        let checked = acme.check().await?;
        let (verified, missed, waiting) = (checked.verified, checked.missed, checked.waiting);
        page.show(format!(
            "hour {hour}: {verified} verified, {missed} had changed and nothing had told, {waiting} wait"
        ));
        office.clock.advance(TimeDelta::hours(1));
    }

    page.tell("It is a change like any other: it is settled, and the shop is owed the number.");
    let told = acme.explain_erased(eva, "phone").await?.to_string();
    for line in told.lines().filter(|line| line.contains("phone is") || line.contains("shows")) {
        page.show(line);
    }
    Ok(())
}
