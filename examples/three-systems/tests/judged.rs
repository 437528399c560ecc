//! The example at a smaller size: in fair weather, under each fault, under all of them together; and a judge who sees what is
//! wrong.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use accordant_sandbox::{Fault, Remote as _, Scene, Sent};
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use three_systems::attribute::Priority;
use three_systems::day::{Went, come_to_rest, first_contact};
use three_systems::judge::Truth;
use three_systems::report::Report;
use three_systems::run::run;
use three_systems::script::{Script, Weather};
use three_systems::world::World;

/// Runs a small day, and wants everything kept that was promised.
async fn kept(weather: Weather) -> Report {
    let report = run(30, weather, None).await.unwrap();
    assert_eq!(report.broken(), Vec::<String>::new(), "{weather:?}: {:#?}", report.verdict);
    assert!(!report.before.is_at_most(14) && report.before.is_at_most(18), "{}", report.before);
    assert!(report.verdict.writes > 40 && report.verdict.creates == 2, "{:?}", report.verdict);
    assert_eq!(report.verdict.customers, 31, "thirty, and one who is new");
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn in_fair_weather_nothing_is_lost_made_twice_or_unexplained_and_the_same_happens_again() {
    let report = kept(Weather::Fair).await;
    let seen = |priority: Priority| report.verdict.seen.get(&priority).map_or(0, Vec::len);
    assert!(Priority::ALL.into_iter().all(|priority| seen(priority) > 0), "{:?}", report.verdict.seen);
    assert!(report.went.decided > 0, "{:?}", report.went);
    let again = run(30, Weather::Fair, None).await.unwrap();
    assert_eq!((again.before, again.alone, again.went), (report.before, report.alone, report.went));
    assert_eq!(again.verdict, report.verdict);
}

#[tokio::test(flavor = "multi_thread")]
async fn under_all_faults_together_the_same_is_kept() {
    let report = kept(Weather::All).await;
    assert!(report.went.failed > 0 && report.went.refused > 0 && report.went.unknown > 0, "{:?}", report.went);
}

/// A fault that does nothing would be no proof: each leaves a trace.
#[tokio::test(flavor = "multi_thread")]
async fn under_each_fault_the_same_is_kept() {
    let undisturbed = kept(Weather::One("none")).await;
    for fault in Fault::ALL {
        let Report { went, verdict, sent, .. } = kept(Weather::One(fault.name)).await;
        let any = |what: fn(&Sent) -> u64| sent.iter().any(|sent| what(sent) > 0);
        let leaves_a_trace = match fault.name {
            "throttled" | "busy" | "failing" | "down" => went.failed > 0,
            "unanswered" => went.unknown > 0 || went.failed > 0,
            "refused-items" => went.refused > 0,
            "doubled" => any(|sent| sent.doubled),
            "late" => any(|sent| sent.late),
            "update-first" => any(|sent| sent.overtaken),
            "lost" => any(|sent| sent.lost),
            "unreachable" => any(|sent| sent.given_up),
            // What searches show later is seen later.
            "index-lag" => verdict.seen != undisturbed.verdict.seen,
            _ => false,
        };
        assert!(leaves_a_trace, "{}: {went:?} {sent:?}", fault.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn under_each_scene_the_same_is_kept() {
    for scene in Scene::ALL {
        let Report { went, .. } = kept(Weather::One(scene.name)).await;
        assert!(scene.name != "zone-change" || went.failed > 0, "{went:?}");
    }
}

/// Asks an account through the interface, as nobody has planned or approved.
fn behind_its_back(world: &World, method: &str, path: &str, body: &Value) {
    let request = Request::builder().method(method).uri(format!("http://hubspot.test{path}"));
    let request = request.header("authorization", "Bearer pat-sandbox").body(Bytes::from(body.to_string())).unwrap();
    let answer = world.accounts.hubspot.answer(&request).unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_judge_sees_what_is_lost_made_twice_and_unexplained() {
    let script = Script::of(5, Weather::Fair);
    let mut world = World::open(&script.customers).await.unwrap();
    world.start().await.unwrap();
    first_contact(&world, &mut Went::default()).await.unwrap();
    let began = world.now();
    world.reach(began + 60_000);
    let judged = async |world: &World| Truth::of(&world.accounts, began).judge(world).await.unwrap();
    let clean = judged(&world).await;
    assert!(clean.lost.is_empty() && clean.doubled.is_empty() && clean.unexplained.is_empty(), "{clean:?}");

    let email = script.customers[0].email.as_str();
    let id = world.id_of("hubspot", email).unwrap().to_owned();
    let at = format!("/crm/v3/objects/contacts/{id}");
    world.accounts.hubspot.person("ana").edits("contacts", &id, &json!({ "firstname": "Ana" })).unwrap();
    behind_its_back(&world, "PATCH", &at, &json!({ "properties": { "firstname": "Anonymous" } }));
    let found = judged(&world).await;
    let lost = format!("first_name of {email} in hubspot was written over by what is older");
    assert!(found.lost.contains(&lost), "{found:?}");
    assert!(
        found.lost.iter().any(|lost| lost.starts_with(&format!("first_name of {email} in netsuite is"))),
        "{found:?}"
    );
    assert_eq!((found.unexplained.len(), found.unseen.len()), (1, 1), "{found:?}");

    // What somebody approved is written, and later something else in the same place.
    world.reach(world.now() + 60_000);
    world.accounts.netsuite.edit("customer", world.id_of("netsuite", email), &[("balance", "77.07")]);
    come_to_rest(&world, &mut Went::default()).await.unwrap();
    let before = judged(&world).await.unexplained.len();
    world.reach(world.now() + 60_000);
    behind_its_back(&world, "PATCH", &at, &json!({ "properties": { "balance": "1.07" } }));
    let found = judged(&world).await;
    assert_eq!(found.unexplained.len(), before + 1, "{found:?}");

    let stranger = json!({ "properties": { "email": "c77@customers.example", "lastname": "Twice" } });
    behind_its_back(&world, "POST", "/crm/v3/objects/contacts", &stranger);
    let found = judged(&world).await;
    assert_eq!(
        found.doubled,
        ["shopify has c77@customers.example 0 times", "netsuite has c77@customers.example 0 times"]
    );
    assert_eq!((found.creates, found.unexplained.len()), (1, before + 2), "{found:?}");
}
