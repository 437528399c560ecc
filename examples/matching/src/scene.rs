//! What becomes of the customers: a model is trained, records are linked, a person is asked, and what they say stays.

use std::error::Error;
use std::sync::Arc;

use accordant::engine::{Case, CaseFilter, CaseKind};
use accordant::matching::{Match, Matching};
use accordant::testing::FakeSystem;
use accordant::{Accordant, Actor, Canonical, ManualClock, MemoryStore, RecordRef, SeededEntropy, Tenant};
use accordant_identity::engine::FellegiSunter;
use futures::executor::block_on;
use operator::page::Page;

use crate::customers::{Customer, object, others, people};

/// The systems, in the order in which they are heard.
const SYSTEMS: [&str; 3] = ["crm", "shop", "erp"];

/// Plays it: what it prints.
///
/// # Errors
///
/// If the engine refuses what is done here: then the scene is wrong.
pub fn play() -> Result<String, Box<dyn Error>> {
    let mut page = Page::titled("Customers of three systems that share no key");
    block_on(tell(&mut page))?;
    Ok(page.into_text())
}

async fn tell(page: &mut Page) -> Result<(), Box<dyn Error>> {
    let acme = acme()?;
    for system in SYSTEMS {
        acme.scan(system).await?;
    }
    settle(&acme).await?;
    page.tell("The CRM, the shop and the ERP are read. No attribute is a key: every record is a customer of its own.");
    for (system, id, said) in people() {
        let of = |field: &str| said[field].as_str().unwrap_or_default().to_owned();
        let name = format!("{} {}", of("first_name"), of("last_name"));
        page.show(format!("{system:<5}{id:<5}{name:<16}{:<21}{:<17}{}", of("email"), of("phone"), of("street")));
    }
    page.show(format!("... and {} records of others", others().len()));

    page.tell("Noah trains the matcher. All records are put before it.");
    let trained = acme.train_matcher("customer", &noah()).await?;
    settle(&acme).await?;
    let asked = open(&acme).await?;
    page.show(format!("model {} of {} records", trained.version, trained.records));
    page.show(format!("{} to be asked about", asked.len()));

    page.tell("Ana is one customer now. Her history says why.");
    let ana = record("crm", "ana");
    let entity = acme.entity_of(&ana).await?.ok_or("Ana is a customer")?;
    for (system, id, _) in people() {
        let home = acme.entity_of(&record(system, &id)).await?;
        let whose = if home == Some(entity) { "Ana" } else { "somebody else" };
        page.show(format!("{:<20}{whose}", record(system, &id).to_string()));
    }
    let history = acme.history(entity, None, 1_000).await?;
    for happening in history.happenings.iter().filter(|one| one.kind.as_str() == "matched") {
        page.show("");
        let (what, why) = happening.text.split_once(": ").unwrap_or((&happening.text, ""));
        page.show(what);
        for step in why.split("; ") {
            let (says, bits) = step.rsplit_once(" (").unwrap_or((step, ""));
            page.show(format!("  {says:<75}{:>8}", bits.trim_end_matches(')')));
        }
    }

    page.tell(
        "Jan and Pieter of one house may be one, or two. A person is asked, and nothing is created of them until then.",
    );
    let case = asked.first().ok_or("there is a question")?;
    let matched = case.matched.as_ref().ok_or("it says why")?;
    case.records.iter().for_each(|record| page.show(record));
    waterfall(page, matched);

    page.tell("Mia calls. He is Jan Pieter.");
    acme.answer_match(&case.key, true, &mia(), "he answered").await?;
    settle(&acme).await?;
    let homes = [acme.entity_of(&case.records[0]).await?, acme.entity_of(&case.records[1]).await?];
    page.show(format!("one customer: {}", homes[0].is_some() && homes[0] == homes[1]));
    page.show(format!("{} to be asked about", open(&acme).await?.len()));

    page.tell("What she said stands, and the next model learns of it.");
    let trained = acme.train_matcher("customer", &noah()).await?;
    settle(&acme).await?;
    page.show(format!("model {} of {} records and {} answer", trained.version, trained.records, trained.judged));
    page.show(format!("{} to be asked about", open(&acme).await?.len()));
    page.show(format!("journal verified: {}", acme.verify().await?.is_clean()));
    Ok(())
}

/// How a probability comes about, step by step: each moves the odds by so many bits.
fn waterfall(page: &mut Page, matched: &Match) {
    let mut sum = 0;
    for step in &matched.steps {
        sum += step.millibits;
        let what = format!("{}: {}", step.of, step.says);
        page.show(format!("  {what:<75}{:>8}{:>9}", bits(step.millibits), bits(sum)));
    }
    page.show(format!("  one with a probability of {}", matched.probability));
}

/// Thousandths of a bit in bits, as steps are written.
fn bits(thousandths: i32) -> String {
    let (sign, of) = (if thousandths < 0 { '-' } else { '+' }, thousandths.unsigned_abs());
    format!("{sign}{}.{:02}", of / 1_000, of % 1_000 / 10)
}

fn mia() -> Actor {
    Actor::new("mia")
}

fn noah() -> Actor {
    Actor::new("noah")
}

fn record(system: &str, id: &str) -> RecordRef {
    RecordRef::new(system, object(system), id)
}

async fn settle(acme: &Tenant) -> Result<(), accordant::Error> {
    while acme.step().await?.more() {}
    Ok(())
}

async fn open(acme: &Tenant) -> Result<Vec<Case>, accordant::Error> {
    let filter = CaseFilter { kinds: vec![CaseKind::Match], ..CaseFilter::default() };
    acme.questions(&filter, 100).await
}

/// The systems, filled, and Accordant over them. One line says that customers are matched.
fn acme() -> Result<Tenant, accordant::Error> {
    let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap_or_default()));
    let systems = SYSTEMS.map(|name| FakeSystem::new(name, &[Customer::model()], &clock));
    for (system, id, fields) in people().into_iter().chain(others()) {
        let fake = SYSTEMS.iter().position(|name| *name == system).and_then(|place| systems.get(place));
        fake.into_iter().for_each(|fake| fake.edit(object(system), &id, &fields));
    }
    let builder = Accordant::builder()
        .entity::<Customer>()
        .match_by(Matching::of::<Customer>(FellegiSunter::new()))
        .store(MemoryStore::new())
        .clock(clock)
        .entropy(SeededEntropy::new(17));
    let built = systems.into_iter().fold(builder, |builder, system| builder.connect(system)).build()?;
    Ok(built.tenant("acme"))
}
