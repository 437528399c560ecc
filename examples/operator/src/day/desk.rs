//! Mia finds what waits for her, asks, decides, and leaves a trace of it.

use accordant::chrono::TimeDelta;
use accordant::engine::{Case, CaseFilter, Search};
use accordant::settle::Choice;
use accordant::triage::Triage;
use accordant::{Error, money};
use serde_json::json;

use crate::day::people::decide;
use crate::office::{Customer, Office, customer, mia, noah};
use crate::page::Page;

/// A case, in a line.
fn line(case: &Case) -> String {
    let what = case.discrepancy.map_or_else(|| case.kind.title(), |kind| kind.title());
    let whose = case.assignee.as_ref().map(|whose| format!(", {whose}'s")).unwrap_or_default();
    let overdue = if case.overdue { ", overdue" } else { "" };
    let unit = case.unit.as_deref().unwrap_or("-");
    format!("{}{overdue}{whose}: {what} about {unit}: {}", case.severity, case.reason)
}

pub(super) async fn play(page: &mut Page) -> Result<(), Error> {
    let triage = Triage::of::<Customer>()
        .at_stake(Customer::OWES, money!(1_000 EUR), money!(100_000 EUR))
        .overdue_after(TimeDelta::days(2));
    let customers = [customer("Ana", "030 1", "10.00"), customer("Bruno", "030 1", "5000.00")];
    let office = Office::open_with("08:00", &customers, |builder| builder.triage(triage)).await?;
    let Office { acme, crm, shop, .. } = &office;

    page.tell("On one morning, Ana and Bruno are each given two new numbers: one by sales, another by the shop.");
    for number in ["1", "2"] {
        crm.edit("contacts", &format!("contacts-{number}"), &json!({ "phone": format!("030 2{number}") }));
        shop.edit("customers", &format!("customers-{number}"), &json!({ "phone": format!("030 3{number}") }));
    }
    office.hear().await?;
    let all = CaseFilter::default();
    let cases = acme.open_cases(&all, None, 10).await?.cases;
    cases.iter().for_each(|case| page.show(line(case)));

    page.tell("Mia takes the graver one. She calls Bruno, who does not answer, and says so.");
    let bruno = &cases[0];
    acme.assign(&bruno.key, Some(&mia()), &noah()).await?;
    acme.label(&bruno.key, "call back", &mia()).await?;
    acme.comment(&bruno.key, "no answer; tried at eight", &mia()).await?;
    page.show(line(&acme.case(&bruno.key).await?));

    page.tell("What does everybody say?");
    let found =
        acme.search(&Search { value: Some("bruno@example.test".into()), ..Search::default() }, None, 10).await?;
    let id = found.entities[0].id;
    page.show(acme.explain_erased(id, "phone").await?);

    page.tell("He calls back at ten: the shop's number it is.");
    office.at("10:00");
    decide(acme, id, "phone", Choice::Take("shop".into()), "he called back").await?;
    let plan = office.plan(&mia()).await?;
    acme.approve(plan.hash, &mia()).await?;
    acme.apply(plan.hash).await?;
    office.hear().await?;
    page.show(acme.explain_erased(id, "phone").await?);

    page.tell("The case is closed. It keeps what happened to it, and nobody decides it twice.");
    for happening in acme.case_history(&bruno.key).await? {
        page.show(happening);
    }
    match acme.comment(&bruno.key, "one more thing", &mia()).await {
        Ok(()) => page.show("noted"),
        Err(error) => page.show(error.to_string().replace(&*bruno.key, "about Bruno's phone")),
    }

    page.tell("Three days on, Ana's still waits. It is one step graver for it.");
    office.clock.advance(TimeDelta::days(3));
    let left = acme.open_cases(&all, None, 10).await?.cases;
    left.iter().for_each(|case| page.show(line(case)));
    Ok(())
}
