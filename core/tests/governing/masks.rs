//! What a role does not show is shown by no read, of whatever attributes ask for whatever role.

use accordant::engine::{CaseFilter, Search, Seen, SeenAsOf, Tenant};
use accordant::role::Role;
use accordant::settle::{Choice, Ruling};
use accordant::value::Field;
use accordant::{Actor, EntityId, Error, Id, Lifetime, PlanHash, RecordRef};
use futures::executor::block_on;
use futures::future::BoxFuture;
use proptest::prelude::*;

use crate::people::{Lead, RANKS, UNITS, asked, disagree, dump, office};

/// What a read is made with.
#[derive(Clone)]
struct With {
    seen: Seen,
    then: SeenAsOf,
    id: EntityId,
    cases: Vec<String>,
    plan: PlanHash,
}

/// What is shown, as text; `None`: it was refused.
type Shown = BoxFuture<'static, Option<String>>;

/// As text. That a read was refused is told by its type, and by nothing else.
fn text(outcome: Result<impl std::fmt::Debug, Error>) -> Option<String> {
    match outcome {
        Ok(shown) => Some(format!("{shown:?}")),
        Err(Error::Forbidden { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

macro_rules! reads {
    ($(($name:literal, |$w:ident| $read:expr)),+ $(,)?) => {
        &[$(($name, |$w: With| -> Shown { Box::pin(async move { $read }) })),+]
    };
}

/// One of the reads.
type Read = fn(With) -> Shown;

/// Every read of what an actor may see, of today and as of then, by its name in the source.
const READS: &[(&str, Read)] =
    reads![
        // The struct has no text of its own: what it came with has.
        ("seen.rs inspect", |w| text(w.seen.inspect::<Lead>(Id::new(w.id)).await.map(|view| view.entity))),
        ("seen.rs inspect_erased", |w| text(w.seen.inspect_erased(w.id).await)),
        ("seen.rs explain_erased", |w| {
            let mut all = String::new();
            for (unit, _) in UNITS {
                all += &text(w.seen.explain_erased(w.id, unit).await).unwrap();
            }
            Some(all)
        }),
        ("seen.rs history", |w| text(w.seen.history(w.id, None, 500).await)),
        ("seen.rs case_history", |w| {
            let mut all = String::new();
            for case in &w.cases {
                all += &text(w.seen.case_history(case).await).unwrap();
            }
            Some(all)
        }),
        ("seen.rs case", |w| {
            let mut all = String::new();
            for case in &w.cases {
                all += &text(w.seen.case(case).await).unwrap();
            }
            Some(all)
        }),
        ("seen.rs open_cases", |w| text(w.seen.open_cases(&CaseFilter::default(), None, 100).await)),
        ("seen.rs questions", |w| text(w.seen.questions(&CaseFilter::default(), 100).await)),
        // Nothing is matched here; who may ask, and that no value is told, is in `identity/tests/engine/held.rs`.
        ("seen.rs explain_match", |w| text(w.seen.explain_match(&RecordRef::new("crm", "contacts", "1")).await)),
        ("seen.rs search", |w| {
            let by_value = Search { value: Some("email-1".into()), ..Search::default() };
            let found = text(w.seen.search(&by_value, None, 100).await);
            let all = text(w.seen.search(&Search::default(), None, 100).await).unwrap();
            Some(all + &found.unwrap_or_default())
        }),
        ("seen.rs dead_letters_of", |w| {
            let letters = w.seen.dead_letters_of(None, None, 100).await;
            text(letters.map(|all| {
                all.iter().map(|(_, letter)| String::from_utf8(letter.bytes()).unwrap()).collect::<Vec<_>>()
            }))
        }),
        ("seen.rs stored_plan", |w| text(w.seen.stored_plan(w.plan).await)),
        ("seen.rs export_person", |w| {
            text(w.seen.export_person(w.id).await.map(|export| serde_json::to_string(&export).unwrap()))
        }),
        ("lists.rs plans", |w| text(w.seen.plans(None, 100).await)),
        ("lists.rs connections", |w| text(w.seen.connections().await)),
        ("lists.rs standing_approvals", |w| text(w.seen.standing_approvals(None, 100).await)),
        ("past.rs inspect", |w| text(w.then.inspect::<Lead>(Id::new(w.id)).await.map(|view| view.entity))),
        ("past.rs inspect_erased", |w| text(w.then.inspect_erased(w.id).await)),
        ("past.rs explain_erased", |w| {
            let mut all = String::new();
            for (unit, _) in UNITS {
                all += &text(w.then.explain_erased(w.id, unit).await).unwrap();
            }
            Some(all)
        }),
        ("past.rs open_cases", |w| text(w.then.open_cases(&CaseFilter::default()).await)),
        ("past.rs connections", |w| text(w.then.connections().await)),
        ("past.rs standing_approvals", |w| text(w.then.standing_approvals().await)),
        ("past.rs plans", |w| text(w.then.plans().await)),
    ];

/// The lead of whom all is told apart: decided, noted and owed.
async fn told(tenant: &Tenant) -> (EntityId, Vec<String>, PlanHash) {
    let (id, root) = (disagree(tenant).await, Actor::new("root"));
    let page = tenant.open_cases(&CaseFilter::default(), None, 100).await.unwrap();
    for case in &page.cases {
        tenant.comment(&case.key, "note-1: email-1 phone-1 score-1 tier-1", &root).await.unwrap();
    }
    let choice = Choice::Value(Field::value("tier-7"));
    let reason = "they were called".to_owned();
    let ruling = Ruling { choice, lifetime: Lifetime::default(), by: root.clone(), reason };
    tenant.rule(id, "tier", ruling).await.unwrap();
    let plan = tenant.plan(accordant::Scope::default()).await.unwrap();
    let keys = page.cases.iter().map(|case| case.key.to_string());
    let mut cases = Vec::new();
    for key in keys {
        if tenant.case(&key).await.is_ok() {
            cases.push(key);
        }
    }
    (id, cases, plan.hash)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_read_shows_a_value_to_who_may_not_see_it(asked in asked(), rank in 0..RANKS.len()) {
        let (tenant, store) = office(&asked);
        block_on(async {
            let (id, cases, plan) = told(&tenant).await;
            prop_assert!(!cases.is_empty(), "the phone waits for a person");
            let (zoe, role) = (Actor::new("zoe"), RANKS[rank]);
            tenant.grant(&zoe, role, &Actor::new("root"), "as drawn").await.unwrap();
            let seen = tenant.seen_by(&zoe);
            let then = seen.as_of("2100-01-01T00:00:00Z".parse().unwrap());
            let mut shown_once = [false; 4];
            for (name, read) in READS {
                let with = With { seen: seen.clone(), then: then.clone(), id, cases: cases.clone(), plan };
                let shown = read(with).await;
                for (unit, (marker, _)) in UNITS.iter().enumerate() {
                    let marker = format!("{marker}-");
                    let Some(at) = shown.as_ref().and_then(|shown| shown.find(&marker)) else { continue };
                    let text = shown.as_deref().unwrap_or_default();
                    let around: String = text.get(at.saturating_sub(60)..).unwrap_or(text).chars().take(160).collect();
                    prop_assert!(
                        role >= asked.to_read(unit), "{name} shows {marker} to {role:?}, {asked:?}: {around}"
                    );
                    shown_once[unit] = true;
                }
                if let Some(at) = shown.as_ref().and_then(|shown| shown.find("note-1")) {
                    prop_assert!(role >= asked.to_read_all(), "{name} shows a note at {at} to {role:?}, {asked:?}");
                }
            }
            // What a role does show is shown.
            for (unit, shown) in shown_once.into_iter().enumerate() {
                prop_assert_eq!(shown, role >= asked.to_read(unit), "{}: {:?}, {:?}", UNITS[unit].0, role, asked);
            }
            // What cannot be masked is refused, and so is asking by a value who has it.
            let by_value = Search { value: Some("email-1".into()), ..Search::default() };
            let all = asked.to_read_all();
            for (name, refused, needs) in [
                ("search", text(seen.search(&by_value, None, 9).await).is_none(), all),
                ("dead_letters_of", text(seen.dead_letters_of(None, None, 9).await).is_none(), all),
                ("stored_plan", text(seen.stored_plan(plan).await).is_none(), all),
                ("inspect", text(seen.inspect::<Lead>(Id::new(id)).await.map(|view| view.entity)).is_none(), all),
                ("export_person", text(seen.export_person(id).await).is_none(), Role::Admin),
            ] {
                prop_assert_eq!(refused, role < needs, "{} of {:?}, {:?}", name, role, asked);
            }
            // Who saw personal data is journaled, and who saw none is not.
            let noted = dump(&store, "acme").await;
            let noted = noted.lines().any(|line| line.contains("personal_data_read") && line.contains("zoe"));
            prop_assert_eq!(noted, role >= asked.to_read(0).min(asked.to_read(1)), "{:?}, {:?}", role, asked);
            // Nobody without a role sees anything.
            let eve = tenant.seen_by(&Actor::new("eve"));
            let refused = eve.inspect_erased(id).await.unwrap_err();
            prop_assert!(matches!(refused, Error::Forbidden { role: None, .. }), "{refused}");
            prop_assert!(tenant.verify().await.unwrap().is_clean());
            Ok(())
        })?;
    }
}

#[test]
fn every_read_of_what_an_actor_may_see_is_tried() {
    let sources = [
        ("seen.rs", include_str!("../../src/engine/tenant/seen.rs")),
        ("lists.rs", include_str!("../../src/engine/tenant/seen/lists.rs")),
        ("past.rs", include_str!("../../src/engine/tenant/seen/past.rs")),
    ];
    for (file, source) in sources {
        for text in source.split("    pub async fn ").skip(1) {
            let called = text.split(['(', '<']).next().unwrap_or("");
            let name = format!("{file} {called}");
            assert!(READS.iter().any(|(read, _)| *read == name), "nobody tries {name}");
        }
    }
}
