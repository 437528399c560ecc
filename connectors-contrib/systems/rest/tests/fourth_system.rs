//! A fourth system by a description, beside the quickstart's three: what `docs/writing-a-connector.md` shows is what is
//! counted and played here.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../../examples/quickstart/tests/fourth/model.rs"]
#[allow(unreachable_pub, reason = "the model is public in the quickstart")]
#[allow(clippy::duplicated_attributes, reason = "each `system(..)` has a `required` of its own")]
#[allow(dead_code, reason = "not every constant of a model is used here")]
mod model;
mod support;
#[path = "fourth/zendesk.rs"]
mod zendesk;

use std::sync::Arc;

use accordant::ManualClock;
use accordant::model::Canonical as _;
use accordant_http::{ReqwestTransport, SecretString};
use accordant_rehearsal::{Asleep, Rehearsal};
use accordant_sandbox::serve;
use chrono::TimeDelta;
use model::{Company, Customer, Order};
use serde_json::json;
use support::{Desk, Fault};

/// Blocks of a guide in this language.
fn blocks<'g>(guide: &'g str, language: &str) -> Vec<&'g str> {
    let opening = format!("```{language}\n");
    guide.split(opening.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn it_takes_at_most_150_lines_and_the_guide_shows_them() {
    let guide = include_str!("../../../../docs/writing-a-connector.md");
    let (description, connecting) = (include_str!("fourth/zendesk.toml"), include_str!("fourth/zendesk.rs"));
    assert!(blocks(guide, "toml").contains(&description), "the guide shows the description that is played here");
    assert!(blocks(guide, "rust").contains(&connecting), "the guide shows the program that is played here");
    // The lines of the model are those that `docs/adding-a-system.md` shows, and a test of the quickstart counts.
    let adding = include_str!("../../../../docs/adding-a-system.md");
    let mapping = adding.lines().filter(|line| line.starts_with('+')).count();
    let lines = description.lines().count() + connecting.lines().count() + mapping;
    assert!(mapping > 0 && lines <= 150, "{lines} lines");
}

#[tokio::test]
async fn the_fourth_system_is_kept_true_beside_the_three() {
    let clock = Arc::new(ManualClock::at("2026-11-21T08:00:00Z".parse().unwrap()));
    let desk = Desk::new(&clock);
    let served = serve(Arc::new(desk.clone()), 0).await.unwrap();
    let transport = Arc::new(ReqwestTransport::new(Default::default()).unwrap());
    let sleep = Arc::new(Asleep(clock.clone()));
    let token = SecretString::from("token-1");
    let connector = zendesk::zendesk(&served.base, &token, transport, clock.clone(), sleep).unwrap();
    let models = [Customer::model(), Company::model(), Order::model()];
    let world = Rehearsal::with(connector, &models, &clock);
    for number in 0..12 {
        let properties = json!({
            "email": format!("n{number}@acme.test"), "lastname": "Ng", "firstname": format!("N{number}"),
            "phone": format!("+1212555{:04}", 100 + number),
        });
        world.beside("hubspot").edit("contacts", &format!("{}", 100 + number), &json!({ "properties": properties }));
    }
    // Half of them are at the desk, with old numbers, and one whom nobody else knows.
    for number in 0..6u64 {
        let fields = json!({
            "email": format!("N{number}@Acme.test"), "phone": "(212) 555-9999",
            "user_fields": { "first_name": format!("N{number}"), "last_name": "Ng" },
        });
        desk.edit(900 + number, &fields);
    }
    desk.edit(990, &json!({ "email": "ana@acme.test", "user_fields": { "first_name": "Ana", "last_name": "Lopez" } }));
    clock.advance(TimeDelta::seconds(2));
    let failed = world.hear(&desk, true).await;
    assert!(failed.is_empty(), "{failed:?}");
    world.settle(&desk, true).await;
    assert_eq!(desk.users().len(), 7, "the model requires nobody at the desk");
    assert_eq!(desk.user("N3@Acme.test")["phone"], "+12125550103", "the owner's number");
    assert_eq!(world.beside("hubspot").ids("contacts").len(), 13, "Ana is known to the three as well");

    // A week later: edits on both sides, under failures.
    clock.advance(TimeDelta::hours(3));
    for fault in [Fault::Throttled, Fault::AnswerLost, Fault::Failed] {
        desk.fault(fault);
    }
    world.beside("hubspot").edit("contacts", "104", &json!({ "properties": { "phone": "+12125550999" } }));
    desk.edit(905, &json!({ "user_fields": { "first_name": "Nora" } }));
    clock.advance(TimeDelta::minutes(1));
    // Only writes fail there.
    let failed = world.hear(&desk, false).await;
    assert!(failed.is_empty(), "{failed:?}");
    world.settle(&desk, false).await;
    assert_eq!(desk.user("N4@Acme.test")["phone"], "+12125550999");
    let contact = world.beside("hubspot").record("contacts", "105").unwrap();
    assert_eq!(contact["properties"]["firstname"], "Nora");
    assert!(world.tenant.verify().await.unwrap().is_clean());
}
