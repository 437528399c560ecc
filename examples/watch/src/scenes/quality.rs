//! What both systems hold is counted, scored, and answered with what to do.

use std::sync::Arc;

use accordant::view::{EntityView, Shows};
use accordant::{MemoryStore, Tenant};
use accordant_quality::check::{Check, Checker, Pattern, Relation, Rule, Settings};
use accordant_quality::score::{Dimension, Measure, Policy, Scope, report};
use accordant_quality::source;
use serde_json::json;

use crate::office::{Customer, Office, customer};
use crate::scenes::Played;
use operator::page::Page;

/// What a system shows of an attribute; nothing where it shows none.
fn shown(view: &EntityView, connection: &str, unit: &str) -> String {
    let links = view.unit(unit).map(|unit| unit.links.as_slice()).unwrap_or_default();
    let mut of = links
        .iter()
        .filter(|link| view.links.get(link.link).is_some_and(|of| of.record.connection.as_str() == connection));
    match of.next().map(|link| &link.shows) {
        Some(Shows::Value(field)) => field.as_value().unwrap_or_default().to_owned(),
        Some(Shows::Hidden(_)) | None => String::new(),
    }
}

/// What a system holds of customers, as a table, with the tier that the other one holds.
async fn table(acme: &Tenant, connection: &str, other: &str) -> Result<String, accordant::Error> {
    let mut rows = "email,phone,tier,tier elsewhere\n".to_owned();
    for id in acme.entities("customer", None, 100).await? {
        let view = acme.inspect_erased(id).await?;
        let cells = ["email", "phone", "tier"].map(|unit| shown(&view, connection, unit));
        rows.push_str(&format!("{},{}\n", cells.join(","), shown(&view, other, "tier")));
    }
    Ok(rows)
}

/// A dimension, in a word.
fn name(dimension: Dimension) -> String {
    format!("{dimension:?}").to_lowercase()
}

/// What is asked of each table.
fn checks() -> Result<Vec<Check>, &'static str> {
    let column = |name: &str| name.to_owned();
    let number = Arc::new(Pattern::new(r"\+[0-9]{1,3}( [0-9]+)+").ok_or("it is a pattern")?);
    let rules = [
        ("a number to call", Rule::Present { column: column("phone") }, 0.9),
        ("a number with its country", Rule::Matches { column: column("phone"), pattern: number }, 0.8),
        ("one customer, one address", Rule::Unique { columns: vec![column("email")] }, 1.0),
        (
            "the tier that the other system has",
            Rule::Related { left: column("tier"), relation: Relation::Equal, right: column("tier elsewhere") },
            0.9,
        ),
    ];
    Ok(rules.map(|(name, rule, at_least)| Check { name: name.to_owned(), rule, at_least }).into())
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
    let acme = office.builder(MemoryStore::new()).entity::<Customer>().build()?.tenant("acme");
    office.hear(&acme).await?;

    page.tell("Eight customers, as sales and the shop hold them.");
    let mut measures = Vec::new();
    for (connection, other) in [("crm", "shop"), ("shop", "crm")] {
        let table = table(&acme, connection, other).await?;
        let checker = source::csv::check(table.as_bytes(), Checker::new(checks()?, Settings::default())?)?;
        measures.extend(checker.outcomes()?.iter().map(|outcome| Measure::of(outcome, connection, "customer")));
    }
    let report = report(&measures, &Policy::default())?;
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
    Ok(())
}
