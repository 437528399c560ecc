//! All that both systems hold is surveyed, scored, and answered with what to do.

use std::sync::Arc;

use accordant::check::Budget;
use accordant::chrono::{DateTime, TimeDelta};
use accordant::engine::Checks;
use accordant::value::Field;
use accordant::{Choice, Clock as _, Lifetime, MemoryStore, Ruling};
use accordant_quality::check::{Check, Pattern, Rule};
use accordant_quality::score::{Dimension, Policy, Scope, report};
use accordant_quality::survey::Survey;
use serde_json::json;

use crate::office::{Customer, Office, customer, find, mia};
use crate::scenes::Played;
use operator::page::Page;

/// A dimension, in a word.
fn name(dimension: Dimension) -> String {
    format!("{dimension:?}").to_lowercase()
}

/// What is asked beside what the model asks for.
fn survey() -> Result<Survey, &'static str> {
    let column = |name: &str| name.to_owned();
    let number = Arc::new(Pattern::new(r"\+[0-9]{1,3}( [0-9]+)+").ok_or("it is a pattern")?);
    let asked = [
        ("a number to call", Rule::Present { column: column("phone") }, 0.9),
        ("a number with its country", Rule::Matches { column: column("phone"), pattern: number }, 0.8),
    ];
    let checks = asked.map(|(name, rule, at_least)| Check { name: name.to_owned(), rule, at_least });
    Ok(checks.into_iter().fold(Survey::new(), |survey, check| survey.ask("customer", check)))
}

pub(super) async fn play(page: &mut Page) -> Played {
    let names =
        ["Ana Diaz", "Bruno Costa", "Chloe Martin", "Dan Novak", "Eva Lund", "Finn Berg", "Gil Ito", "Hugo Roy"];
    let office = Office::open(&names.map(|name| customer(name, "+49 30 1", "gold")));
    office.shop.edit("customers", "s1", &json!({ "phone": null }));
    office.shop.edit("customers", "s2", &json!({ "phone": null }));
    office.shop.edit("customers", "s3", &json!({ "phone": "030 1" }));
    office.crm.edit("contacts", "c4", &json!({ "tier": "basic" }));
    office.crm.edit("contacts", "c5", &json!({ "tier": "basic" }));
    let hourly = Budget::new(60, TimeDelta::hours(1))?;
    let checks = Checks::new().budget("crm", hourly).budget("shop", hourly);
    let accordant = office.builder(MemoryStore::new()).entity::<Customer>().checks(checks).build()?;
    let acme = accordant.tenant("acme");
    office.hear(&acme).await?;
    acme.check().await?;

    page.tell("Eight customers, as sales and the shop hold them. A week on their records were read again, and Mia has decided what Dan is.");
    office.clock.advance(TimeDelta::days(8));
    acme.check().await?;
    let dan = find(&acme, "dan.novak@example.test").await?;
    let (choice, reason) = (Choice::Value(Field::Value("gold".into())), "it is what he pays for".to_owned());
    acme.rule(dan, "tier", Ruling { choice, lifetime: Lifetime::Pinned, by: mia(), reason }).await?;
    let now = DateTime::from_timestamp_millis(office.clock.now()).unwrap_or_default();
    let surveyed = survey()?.of(&accordant, &acme, now).await?;
    let report = report(&surveyed.measures, &Policy::default())?;
    for score in &report.scores {
        let about = match &score.scope {
            Scope::System(system) => format!("in {system}"),
            Scope::Entity(entity) => format!("of every {entity}"),
            Scope::Attribute(_, attribute) => format!("of {attribute}"),
        };
        let parts: Vec<String> = score
            .parts
            .iter()
            .map(|(dimension, part)| format!("{} {} of {}", name(*dimension), part.good, part.of))
            .collect();
        let whole = score.composite.as_ref().map(|whole| format!("{:.2}: ", whole.value)).unwrap_or_default();
        page.show(format!("{about} {whole}{}", parts.join(", ")));
    }

    page.tell("What to do, what affects most customers first:");
    for recommendation in &report.recommendations {
        page.show(recommendation);
    }
    page.tell("How they disagree:");
    for of in &surveyed.disagreements {
        page.show(format!("{}, {}: {} in {}", of.kind.title(), of.attributes.join(", "), of.count, of.system));
    }
    Ok(())
}
