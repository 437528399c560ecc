//! Who may not do a thing is refused, and not a byte of what is stored differs; who may is not refused.

use accordant::engine::{CaseFilter, LetterCause, SchemaStop, Tenant};
use accordant::plan::{StandingApproval, StandingId};
use accordant::role::Role;
use accordant::settle::{Choice, Ruling};
use accordant::value::Field;
use accordant::{Actor, EntityId, Error, Lifetime, PlanHash, RecordRef, Scope, Stage};
use futures::executor::block_on;
use futures::future::BoxFuture;
use proptest::prelude::*;
use serde_json::json;

use crate::people::{Asked, RANKS, UNITS, another, asked, disagree, dump, office};

/// What a call is made with.
#[derive(Clone)]
struct With {
    tenant: Tenant,
    id: EntityId,
    by: Actor,
    unit: &'static str,
    plan: PlanHash,
}

/// What a call takes beside its own role.
#[derive(Clone, Copy, PartialEq)]
enum Also {
    Nothing,
    /// To decide the attribute that it is about.
    Decide,
    /// To decide all that a plan writes: the score.
    Plan,
}

type Outcome = BoxFuture<'static, Result<(), Error>>;
type Call = (&'static str, Role, Also, fn(With) -> Outcome);

fn ruling(with: &With) -> Ruling {
    let choice = Choice::Value(Field::value("400"));
    Ruling { choice, lifetime: Lifetime::default(), by: with.by.clone(), reason: "called".to_owned() }
}

fn crm() -> RecordRef {
    RecordRef::new("crm", "contacts", "1")
}

fn stop() -> SchemaStop {
    let stop = json!({ "object": "contacts", "field": "tier", "attribute": "lead.tier", "why": "it is gone",
        "advice": "map another", "since": 0 });
    serde_json::from_value(stop).unwrap()
}

fn standing(unit: &str) -> StandingApproval {
    let standing = StandingApproval::of_unit("lead", unit).toward("shop").at_most(5);
    standing.until("2100-01-01T00:00:00Z".parse().unwrap())
}

fn cause() -> LetterCause {
    LetterCause { connection: "shop".into(), surface: "full".into(), cause: "x".into() }
}

fn phones() -> CaseFilter {
    CaseFilter { unit: Some("phone".into()), ..CaseFilter::default() }
}

fn nobody() -> EntityId {
    EntityId::from_parts(1, [7; 10])
}

macro_rules! calls {
    ($(($name:ident, $role:ident, $also:ident, |$w:ident| $call:expr)),+ $(,)?) => {
        &[$((stringify!($name), Role::$role, Also::$also, |$w: With| -> Outcome { Box::pin(async move { $call.await.map(drop) }) })),+]
    };
}

/// Every call that names an actor, with what it takes: as `docs/decisions/0024-roles.md` and the roles themselves say.
const CALLS: &[Call] = calls![
    (rule, Operator, Decide, |w| w.tenant.rule(w.id, w.unit, ruling(&w))),
    (decide_case, Operator, Nothing, |w| w.tenant.decide_case("unlinked/x", ruling(&w))),
    (enter_erased, Operator, Decide, |w| w.tenant.enter_erased(w.id, w.unit, Some("4"), &w.by, "")),
    // Whether somebody is there is not told either.
    (rule, Operator, Nothing, |w| w.tenant.rule(nobody(), w.unit, ruling(&w))),
    (enter_erased, Operator, Nothing, |w| w.tenant.enter_erased(nobody(), w.unit, Some("4"), &w.by, "")),
    (link, Operator, Nothing, |w| w.tenant.link(w.id, &crm(), &w.by)),
    (unlink, Operator, Nothing, |w| w.tenant.unlink(w.id, &crm(), &w.by, "not hers")),
    (merge, Operator, Nothing, |w| w.tenant.merge(w.id, w.id, &w.by)),
    (unmerge, Operator, Nothing, |w| w.tenant.unmerge(w.id, &w.by)),
    (allow_merge, Operator, Nothing, |w| w.tenant.allow_merge(w.id, nobody(), &w.by)),
    (close_case, Operator, Nothing, |w| w.tenant.close_case("unlinked/x", &w.by, "done")),
    (answer_match, Operator, Nothing, |w| w.tenant.answer_match("match/x", true, &w.by, "one")),
    (assign, Operator, Nothing, |w| w.tenant.assign("unlinked/x", Some(&w.by), &w.by)),
    (label, Operator, Nothing, |w| w.tenant.label("unlinked/x", "odd", &w.by)),
    (unlabel, Operator, Nothing, |w| w.tenant.unlabel("unlinked/x", "odd", &w.by)),
    (comment, Operator, Nothing, |w| w.tenant.comment("unlinked/x", "hm", &w.by)),
    (retry_dead_letter, Operator, Nothing, |w| w.tenant.retry_dead_letter("x", &w.by)),
    (retry_dead_letters, Operator, Nothing, |w| w.tenant.retry_dead_letters(&cause(), None, 9, &w.by)),
    (discard_dead_letter, Operator, Nothing, |w| w.tenant.discard_dead_letter("x", &w.by, "noise")),
    (discard_dead_letters, Operator, Nothing, |w| w.tenant.discard_dead_letters(&cause(), 9, &w.by, "noise")),
    (reopen_dead_letter, Operator, Nothing, |w| w.tenant.reopen_dead_letter("x", &w.by, "after all")),
    (hold, Operator, Nothing, |w| w.tenant.hold("crm", &w.by, "wait")),
    (pause, Operator, Nothing, |w| w.tenant.pause("crm", &w.by, "stop")),
    (by, Operator, Nothing, |w| w.tenant.plan(Scope::default()).by(&w.by).into_future()),
    (preview_decisions, Operator, Nothing, |w| w.tenant.preview_decisions(&phones(), ruling(&w))),
    (decide_all, Operator, Decide, |w| async {
        let preview = w.tenant.preview_decisions(&phones(), ruling(&w)).await?;
        w.tenant.decide_all(&preview).await
    }),
    (approve, Approver, Plan, |w| w.tenant.approve(w.plan, &w.by)),
    (approve_unmoved, Approver, Plan, |w| w.tenant.approve_unmoved(w.plan, &w.by)),
    (confirm_deletes, Approver, Nothing, |w| w.tenant.confirm_deletes(w.plan, &w.by)),
    (confirm_writes, Approver, Nothing, |w| w.tenant.confirm_writes(w.plan, &w.by)),
    (approve_decision, Approver, Decide, |w| w.tenant.approve_decision(w.id, w.unit, &w.by)),
    (reject_decision, Approver, Nothing, |w| w.tenant.reject_decision(w.id, w.unit, &w.by, "no")),
    (give_standing, Approver, Decide, |w| w.tenant.give_standing(standing(w.unit), &w.by, "always right")),
    (approve_standing, Approver, Nothing, |w| w.tenant.approve_standing(unknown(), &w.by, "yes")),
    (withdraw_standing, Operator, Nothing, |w| w.tenant.withdraw_standing(unknown(), &w.by, "enough")),
    (waive_schema, Approver, Nothing, |w| async { w.tenant.waive_schema("crm", &stop(), &w.by, "for now").await }),
    (resume, Admin, Nothing, |w| w.tenant.resume("crm", &w.by, "go on")),
    (set_stage, Admin, Nothing, |w| w.tenant.set_stage("crm", Stage::Act, &w.by, "ready")),
    (set_windows, Admin, Nothing, |w| w.tenant.set_windows("crm", Vec::new(), &w.by, "any time")),
    (resume_from_copy, Admin, Nothing, |w| w.tenant.resume_from_copy(&w.by)),
    (train_matcher, Admin, Nothing, |w| w.tenant.train_matcher("lead", &w.by)),
    (accept_model, Admin, Nothing, |w| w.tenant.accept_model(&w.by)),
    (checkpoint, Admin, Nothing, |w| w.tenant.checkpoint(&w.by)),
    (compact, Admin, Nothing, |w| w.tenant.compact(&w.by)),
    (grant, Admin, Nothing, |w| w.tenant.grant(&w.by, Role::Admin, &w.by, "me")),
    (revoke, Admin, Nothing, |w| async { w.tenant.revoke(&Actor::new("vera"), &w.by, "gone").await }),
    (erase, Admin, Nothing, |w| w.tenant.erase(w.id, &w.by, "request 7")),
    (lift_suppression, Admin, Nothing, |w| w.tenant.lift_suppression(w.id, &w.by, "")),
];

fn unknown() -> StandingId {
    serde_json::from_value(json!("00".repeat(32))).unwrap()
}

/// What a call takes, by its own role and by what the attributes ask for.
fn takes(asked: &Asked, role: Role, also: Also, unit: usize) -> Role {
    let named = |name: &str| UNITS.iter().position(|(unit, _)| *unit == name).unwrap();
    match also {
        Also::Nothing => role,
        Also::Decide => role.max(asked.to_decide(unit)),
        Also::Plan => role.max(asked.to_decide(named("score"))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn who_may_not_is_refused_and_changes_nothing_and_who_may_is_not(
        asked in asked(), call in 0..CALLS.len(), unit in 1..UNITS.len(), rank in 0..=RANKS.len(),
    ) {
        let (name, role, also, make) = CALLS[call];
        // What many are decided at once is about the phone.
        let unit = if name == "decide_all" { 1 } else { unit };
        let (tenant, store) = office(&asked);
        block_on(async {
            let id = disagree(&tenant).await;
            let plan = tenant.plan(Scope::default()).await.unwrap();
            prop_assert!(plan.operations.iter().all(|operation| &*operation.unit == "score"), "{plan:?}");
            prop_assert!(!plan.operations.is_empty());
            let (zoe, has) = (Actor::new("zoe"), rank.checked_sub(1).map(|rank| RANKS[rank]));
            if let Some(role) = has {
                tenant.grant(&zoe, role, &Actor::new("root"), "as drawn").await.unwrap();
            }
            let needs = takes(&asked, role, also, unit);
            let before = dump(&store, "acme").await;
            let with = With { tenant: tenant.clone(), id, by: zoe.clone(), unit: UNITS[unit].0, plan: plan.hash };
            match make(with).await {
                Err(Error::Forbidden { actor, role, needs: told, .. }) => {
                    prop_assert!(has.is_none_or(|has| has < needs), "{has:?} may {name}, which takes {needs:?}");
                    prop_assert_eq!((actor, role), (zoe, has), "{}", name);
                    prop_assert!(has.is_none_or(|has| has < told) && told <= needs, "{name} says it takes {told:?}");
                    prop_assert_eq!(dump(&store, "acme").await, before, "{} was refused and changed something", name);
                }
                outcome => prop_assert!(
                    has.is_some_and(|has| has >= needs), "{has:?} may not {name}, which takes {needs:?}: {outcome:?}"
                ),
            }
            prop_assert!(tenant.verify().await.unwrap().is_clean(), "{name}");
            Ok(())
        })?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_role_in_one_tenant_is_none_in_another(asked in asked(), call in 0..CALLS.len(), rank in 0..RANKS.len()) {
        let (name, _, _, make) = CALLS[call];
        let (tenant, store) = office(&asked);
        let zoe = Actor::new("zoe");
        block_on(async {
            let neighbour = another(&asked, &store, "globex");
            let id = disagree(&neighbour).await;
            let plan = neighbour.plan(Scope::default()).await.unwrap().hash;
            disagree(&tenant).await;
            tenant.grant(&zoe, RANKS[rank], &Actor::new("root"), "works here").await.unwrap();
            let before = dump(&store, "globex").await;
            let with = With { tenant: neighbour.clone(), id, by: zoe.clone(), unit: "phone", plan };
            let outcome = make(with).await;
            prop_assert!(matches!(outcome, Err(Error::Forbidden { role: None, .. })), "{name}: {outcome:?}");
            let seen = neighbour.seen_by(&zoe).inspect_erased(id).await;
            prop_assert!(matches!(seen, Err(Error::Forbidden { role: None, .. })), "{seen:?}");
            prop_assert_eq!(dump(&store, "globex").await, before, "{}", name);
            Ok(())
        })?;
    }
}

/// The names of the public calls in a source that name who calls.
fn naming_an_actor(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    for text in source.split("pub ").skip(1) {
        let text = text.strip_prefix("async ").unwrap_or(text);
        let Some(signature) = text.strip_prefix("fn ").and_then(|text| text.split(['{', ';']).next()) else { continue };
        let called = signature.split(['(', '<']).next().unwrap_or("");
        if signature.contains("by: &Actor") || signature.contains("ruling: Ruling") || called == "by" {
            names.push(called.to_owned());
        }
    }
    names
}

/// The typed forms of these ask through the ones that are called here.
const TYPED: [&str; 3] = ["decide", "decide_presence", "enter"];

#[test]
fn every_call_that_names_an_actor_is_tried() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/engine/tenant");
    let mut folders = vec![std::path::PathBuf::from(folder)];
    let mut missing = Vec::new();
    let mut named = 0;
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let names = naming_an_actor(&std::fs::read_to_string(&path).unwrap());
            named += names.len();
            let tried = |name: &String| TYPED.contains(&name.as_str()) || CALLS.iter().any(|(call, ..)| call == name);
            missing.extend(names.into_iter().filter(|name| !tried(name)));
        }
    }
    assert!(named >= CALLS.len() && missing.is_empty(), "{named} are named; nobody tries {missing:?}");
}
