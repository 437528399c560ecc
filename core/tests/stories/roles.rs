//! Roles: who may do what, who sees what, and that it is known who saw personal data.

use accordant::chrono::TimeDelta;
use accordant::engine::{CaseFilter, CaseKind, SchemaStop, Search, SeenAsOf, Tenant};
use accordant::plan::StandingApproval;
use accordant::role::{Role, Roles};
use accordant::settle::{Choice, Ruling};
use accordant::testing::{Story, journal};
use accordant::value::Field;
use accordant::{Actor, Canonical, Email, EntityId, Error, Lifetime, RecordRef, Scope, Stage};
use futures::executor::block_on;
use futures::future::BoxFuture;
use proptest::prelude::*;
use serde_json::json;

#[derive(Canonical)]
#[canonical(entity = "lead", system(crm, object = "contacts"), system(shop, object = "customers"))]
struct Lead {
    #[canonical(identity, pii, at(crm = "email", shop = "email"))]
    email: Email,
    #[canonical(pii, at(crm = "phone", shop = "phone"))]
    phone: Option<String>,
    #[canonical(at(crm = "score", shop = "score"))]
    score: Option<String>,
    #[canonical(at(crm = "tier", shop = "tier"))]
    tier: Option<String>,
}

const PEOPLE: [(&str, Option<Role>); 5] = [
    ("nobody", None),
    ("vera", Some(Role::Viewer)),
    ("omar", Some(Role::Operator)),
    ("aino", Some(Role::Approver)),
    ("root", Some(Role::Admin)),
];

fn actor(name: &str) -> Actor {
    Actor::new(name)
}

fn roles() -> Roles {
    Roles::new(&actor("root")).read_from("lead", "score", Role::Approver).decide_from("lead", "tier", Role::Approver)
}

/// A lead about whose phone, score and tier the systems disagree.
fn story(configured: bool) -> (Story, Tenant, EntityId) {
    let says = |phone: &str| json!({ "email": "ana@acme.test", "phone": phone, "score": phone, "tier": phone });
    let mut story = Story::of::<Lead>()
        .configure(|builder| if configured { builder.roles(roles()) } else { builder })
        .says("crm", "1", says("100"))
        .says("shop", "1", says("100"))
        .later(TimeDelta::hours(1))
        .edits("crm", "1", says("200"))
        .edits("shop", "1", says("300"))
        .tells("crm", "1")
        .tells("shop", "1");
    let tenant = story.tenant();
    let id = block_on(tenant.entity_of(&RecordRef::new("crm", "contacts", "1"))).expect("it answers").expect("linked");
    if configured {
        for (name, role) in PEOPLE {
            if let Some(role) = role.filter(|role| *role < Role::Admin) {
                block_on(tenant.grant(&actor(name), role, &actor("root"), "works here")).expect("root may");
            }
        }
    }
    (story, tenant, id)
}

/// Later than anything in these stories.
const DAY_AFTER: &str = "2100-01-01T00:00:00Z";

type Call = (&'static str, Role, fn(Tenant, EntityId, Actor) -> BoxFuture<'static, Result<(), Error>>);

fn seen_then(tenant: &Tenant, by: &Actor) -> SeenAsOf {
    tenant.seen_by(by).as_of(DAY_AFTER.parse().expect("an instant"))
}

fn ruling(by: &Actor) -> Ruling {
    let choice = Choice::Value(Field::value("400"));
    Ruling { choice, lifetime: Lifetime::default(), by: by.clone(), reason: "called".to_owned() }
}

/// Calls that name an actor, and what they need.
const CALLS: &[Call] = &[
    ("rule", Role::Operator, |t, id, by| Box::pin(async move { t.rule(id, "phone", ruling(&by)).await.map(drop) })),
    ("rule on tier", Role::Approver, |t, id, by| {
        Box::pin(async move { t.rule(id, "tier", ruling(&by)).await.map(drop) })
    }),
    ("enter", Role::Operator, |t, id, by| {
        Box::pin(async move { t.enter_erased(id, "phone", Some("4"), &by, "").await })
    }),
    ("enter tier", Role::Approver, |t, id, by| {
        Box::pin(async move { t.enter_erased(id, "tier", Some("4"), &by, "").await })
    }),
    ("link", Role::Operator, |t, id, by| {
        Box::pin(async move { t.link(id, &RecordRef::new("crm", "contacts", "1"), &by).await })
    }),
    ("unlink", Role::Operator, |t, id, by| {
        Box::pin(async move { t.unlink(id, &RecordRef::new("crm", "contacts", "1"), &by, "not hers").await })
    }),
    ("merge", Role::Operator, |t, id, by| Box::pin(async move { t.merge(id, id, &by).await })),
    ("unmerge", Role::Operator, |t, id, by| Box::pin(async move { t.unmerge(id, &by).await })),
    ("close_case", Role::Operator, |t, _, by| {
        Box::pin(async move { t.close_case("unlinked/x", &by, "done").await.map(drop) })
    }),
    ("comment", Role::Operator, |t, _, by| Box::pin(async move { t.comment("unlinked/x", "hm", &by).await })),
    ("hold", Role::Operator, |t, _, by| Box::pin(async move { t.hold("crm", &by, "wait").await })),
    ("plan", Role::Operator, |t, _, by| Box::pin(async move { t.plan(Scope::default()).by(&by).await.map(drop) })),
    ("decide_all", Role::Operator, |t, _, by| {
        Box::pin(async move {
            let filter = CaseFilter { unit: Some("phone".into()), ..CaseFilter::default() };
            let preview = t.preview_decisions(&filter, ruling(&by)).await?;
            assert_eq!(preview.effects.len(), 1, "{preview:?}");
            t.decide_all(&preview).await.map(drop)
        })
    }),
    ("waive_schema", Role::Approver, |t, _, by| {
        Box::pin(async move {
            let stop = json!({ "object": "contacts", "field": "tier", "attribute": "lead.tier", "why": "it is gone",
                "advice": "map another", "since": 0 });
            let stop: SchemaStop = serde_json::from_value(stop).expect("it is one");
            t.waive_schema("crm", &stop, &by, "for now").await.map(drop)
        })
    }),
    ("resume", Role::Admin, |t, _, by| Box::pin(async move { t.resume("crm", &by, "go on").await })),
    ("set_stage", Role::Admin, |t, _, by| Box::pin(async move { t.set_stage("crm", Stage::Act, &by, "ready").await })),
    ("discard_dead_letter", Role::Operator, |t, _, by| {
        Box::pin(async move { t.discard_dead_letter("x", &by, "noise").await })
    }),
    ("approve", Role::Approver, |t, _, by| {
        Box::pin(async move {
            let plan = t.plan(Scope::default()).await?;
            t.approve(plan.hash, &by).await.map(drop)
        })
    }),
    ("confirm_deletes", Role::Approver, |t, _, by| {
        Box::pin(async move {
            let plan = t.plan(Scope::default()).await?;
            t.confirm_deletes(plan.hash, &by).await
        })
    }),
    ("approve_decision", Role::Approver, |t, id, by| {
        Box::pin(async move { t.approve_decision(id, "phone", &by).await })
    }),
    ("accept_model", Role::Admin, |t, _, by| Box::pin(async move { t.accept_model(&by).await.map(drop) })),
    ("checkpoint", Role::Admin, |t, _, by| Box::pin(async move { t.checkpoint(&by).await.map(drop) })),
    ("compact", Role::Admin, |t, _, by| Box::pin(async move { t.compact(&by).await.map(drop) })),
    ("grant", Role::Admin, |t, _, by| Box::pin(async move { t.grant(&by, Role::Admin, &by, "me").await })),
    ("revoke", Role::Admin, |t, _, by| Box::pin(async move { t.revoke(&actor("vera"), &by, "gone").await })),
    ("erase", Role::Admin, |t, id, by| Box::pin(async move { t.erase(id, &by, "request 7").await.map(drop) })),
    ("lift_suppression", Role::Admin, |t, id, by| {
        Box::pin(async move { t.lift_suppression(id, &by, "").await.map(drop) })
    }),
    ("see", Role::Viewer, |t, id, by| Box::pin(async move { t.seen_by(&by).inspect_erased(id).await.map(drop) })),
    ("see plans", Role::Viewer, |t, _, by| Box::pin(async move { t.seen_by(&by).plans(None, 9).await.map(drop) })),
    ("see connections", Role::Viewer, |t, _, by| Box::pin(async move { t.seen_by(&by).connections().await.map(drop) })),
    ("see standing approvals", Role::Viewer, |t, _, by| {
        Box::pin(async move { t.seen_by(&by).standing_approvals(None, 9).await.map(drop) })
    }),
    ("see what was", Role::Viewer, |t, id, by| {
        Box::pin(async move { seen_then(&t, &by).inspect_erased(id).await.map(drop) })
    }),
    ("see why it was", Role::Viewer, |t, id, by| {
        Box::pin(async move { seen_then(&t, &by).explain_erased(id, "tier").await.map(drop) })
    }),
    ("see cases that were", Role::Viewer, |t, _, by| {
        Box::pin(async move { seen_then(&t, &by).open_cases(&CaseFilter::default()).await.map(drop) })
    }),
    ("see plans that were", Role::Viewer, |t, _, by| {
        Box::pin(async move { seen_then(&t, &by).plans().await.map(drop) })
    }),
    ("see connections as they were", Role::Viewer, |t, _, by| {
        Box::pin(async move { seen_then(&t, &by).connections().await.map(drop) })
    }),
    ("see approvals that stood", Role::Viewer, |t, _, by| {
        Box::pin(async move { seen_then(&t, &by).standing_approvals().await.map(drop) })
    }),
    ("see all that it was", Role::Approver, |t, id, by| {
        Box::pin(async move { seen_then(&t, &by).inspect::<Lead>(accordant::Id::new(id)).await.map(drop) })
    }),
    ("plan", Role::Operator, |t, _, by| {
        Box::pin(async move { t.plan(Scope::default()).by(&by).into_future().await.map(drop) })
    }),
    ("see history", Role::Viewer, |t, id, by| {
        Box::pin(async move { t.seen_by(&by).history(id, None, 9).await.map(drop) })
    }),
    ("see cases", Role::Viewer, |t, _, by| {
        Box::pin(async move { t.seen_by(&by).open_cases(&CaseFilter::default(), None, 9).await.map(drop) })
    }),
    ("see all of it", Role::Approver, |t, id, by| {
        Box::pin(async move { t.seen_by(&by).inspect::<Lead>(accordant::Id::new(id)).await.map(drop) })
    }),
    ("see dead letters", Role::Approver, |t, _, by| {
        Box::pin(async move { t.seen_by(&by).dead_letters_of(None, None, 9).await.map(drop) })
    }),
    ("see an export", Role::Admin, |t, id, by| {
        Box::pin(async move { t.seen_by(&by).export_person(id).await.map(drop) })
    }),
];

#[test]
fn every_call_asks_for_the_role_that_it_needs_and_changes_nothing_without() {
    for (name, needs, call) in CALLS {
        for (who, role) in PEOPLE {
            let (_story, tenant, id) = story(true);
            let before = journal(&tenant).len();
            let outcome = block_on(call(tenant.clone(), id, actor(who)));
            let may = role.is_some_and(|role| role >= *needs);
            match outcome {
                Err(Error::Forbidden { actor: refused, role: has, needs: needed, .. }) => {
                    assert!(!may, "{who} may {name}");
                    assert_eq!((refused, has, needed), (actor(who), role, *needs), "{name}");
                    let plans =
                        journal(&tenant).iter().skip(before).filter(|(entry, _)| *entry.kind != *"planned").count();
                    assert_eq!(plans, 0, "{who}, {name}: nothing happened");
                }
                _ => assert!(may, "{who} may not {name}"),
            }
            assert!(block_on(tenant.verify()).expect("the chain holds").is_clean(), "{who}, {name}");
        }
    }
}

#[test]
fn without_roles_everybody_may_do_everything_and_nothing_is_noted() {
    for (name, _, call) in CALLS {
        let (_story, tenant, id) = story(false);
        let outcome = block_on(call(tenant.clone(), id, actor("nobody")));
        assert!(!matches!(outcome, Err(Error::Forbidden { .. })), "{name}");
        assert!(journal(&tenant).iter().all(|(entry, _)| *entry.kind != *"personal_data_read"), "{name}");
    }
}

/// What one person is shown of the lead, as text.
fn shown(tenant: &Tenant, id: EntityId, who: &str) -> String {
    let seen = tenant.seen_by(&actor(who));
    block_on(async {
        let view = seen.inspect_erased(id).await.expect("a view");
        let mut all = serde_json::to_string(&view).expect("data");
        for unit in ["email", "phone", "score", "tier"] {
            let explained = seen.explain_erased(id, unit).await.expect("an explanation");
            all += &serde_json::to_string(&explained).expect("data");
        }
        let history = seen.history(id, None, 100).await.expect("a history");
        all += &serde_json::to_string(&history).expect("data");
        let cases = seen.open_cases(&CaseFilter::default(), None, 100).await.expect("cases");
        for case in &cases.cases {
            all += &serde_json::to_string(&seen.case(&case.key).await.expect("a case")).expect("data");
            all += &serde_json::to_string(&seen.case_history(&case.key).await.expect("a history")).expect("data");
        }
        all += &serde_json::to_string(&cases).expect("data");
        let then = seen.as_of(DAY_AFTER.parse().expect("an instant"));
        all += &serde_json::to_string(&then.inspect_erased(id).await.expect("a view")).expect("data");
        for unit in ["email", "phone", "score", "tier"] {
            let explained = then.explain_erased(id, unit).await.expect("an explanation");
            all += &serde_json::to_string(&explained).expect("data");
        }
        all += &serde_json::to_string(&then.open_cases(&CaseFilter::default()).await.expect("cases")).expect("data");
        all += &serde_json::to_string(&then.plans().await.expect("plans")).expect("data");
        all += &format!("{:?}", then.connections().await.expect("connections"));
        all += &format!("{:?}", then.standing_approvals().await.expect("approvals"));
        all += &format!("{:?}", seen.plans(None, 100).await.expect("plans"));
        all += &format!("{:?}", seen.connections().await.expect("connections"));
        all + &format!("{:?}", seen.standing_approvals(None, 100).await.expect("approvals"))
    })
}

/// A lead whose every attribute has a value that occurs nowhere else.
fn told_apart() -> (Story, Tenant, EntityId) {
    let (story, tenant, id) = story(true);
    let mut story = story;
    for (round, system) in ["crm", "shop"].into_iter().enumerate() {
        let says = json!({ "email": "ana@acme.test", "phone": format!("phone-{round}"), "score": format!("score-{round}"),
            "tier": format!("tier-{round}") });
        story = story.later(TimeDelta::hours(1)).says(system, "1", says);
    }
    drop(tenant);
    let tenant = story.tenant();
    let page = block_on(tenant.open_cases(&CaseFilter::default(), None, 9)).expect("cases");
    let tier = page.cases.iter().find(|case| case.unit.as_deref() == Some("tier")).expect("they disagree about it");
    block_on(tenant.comment(&tier.key, "note-1: her phone-1 is score-1", &actor("omar"))).expect("it is open");
    (story, tenant, id)
}

/// Where a word stands, for whoever reads that it should not.
fn around<'s>(shown: &'s str, word: &str) -> &'s str {
    let place = shown.find(word).unwrap_or(0);
    let begin = (0..=place.saturating_sub(80)).rev().find(|at| shown.is_char_boundary(*at)).unwrap_or(0);
    shown.get(begin..).map_or(shown, |rest| rest.char_indices().nth(160).map_or(rest, |(end, _)| &rest[..end]))
}

#[test]
fn what_a_role_may_not_see_is_masked_wherever_it_is_shown() {
    let (_story, tenant, id) = told_apart();
    for (who, sees) in [("vera", [false, false, true]), ("omar", [true, false, true]), ("aino", [true, true, true])] {
        let shown = shown(&tenant, id, who);
        for (word, sees) in ["phone-", "score-", "tier-"].into_iter().zip(sees) {
            assert_eq!(shown.contains(word), sees, "{who} and {word}: {}", around(&shown, word));
        }
        assert_eq!(shown.contains("ana@acme.test"), sees[0], "{who}: {}", around(&shown, "ana@acme.test"));
        // What people note may be about anything.
        assert_eq!(shown.contains("note-1"), sees[1], "{who}: {}", around(&shown, "note-1"));
    }
}

#[test]
fn who_saw_personal_data_is_journaled_and_who_saw_none_is_not() {
    let (_story, tenant, id) = told_apart();
    let read = |tenant: &Tenant| {
        let entries = journal(tenant).into_iter().filter(|(entry, _)| *entry.kind == *"personal_data_read");
        entries.map(|(entry, _)| (entry.actor.to_string(), entry.subject.to_string())).collect::<Vec<_>>()
    };
    shown(&tenant, id, "vera");
    assert_eq!(read(&tenant), []);
    block_on(tenant.seen_by(&actor("omar")).inspect_erased(id)).expect("a view");
    block_on(tenant.seen_by(&actor("omar")).explain_erased(id, "tier")).expect("no personal data");
    let once = ("omar".to_owned(), id.to_string());
    assert_eq!(read(&tenant), std::slice::from_ref(&once));
    // A list is of whom it names.
    block_on(tenant.seen_by(&actor("omar")).open_cases(&CaseFilter::default(), None, 9)).expect("cases");
    let search = Search { value: Some("ana@acme.test".into()), ..Search::default() };
    block_on(tenant.seen_by(&actor("aino")).search(&search, None, 9)).expect("she sees all");
    assert_eq!(read(&tenant), [once.clone(), once, ("aino".to_owned(), id.to_string())]);
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

/// A system repeats what it was sent when it refuses it.
#[test]
fn what_a_system_answered_is_shown_to_those_who_may_see_what_it_was_sent() {
    let (story, tenant, id) = story(true);
    block_on(tenant.grant(&actor("the story"), Role::Approver, &actor("root"), "works here")).expect("root may");
    let mut story = story
        .decides("omar", Lead::PHONE, Choice::Value(Field::value("phone-9")))
        .system("shop", |shop| {
            shop.refuses("phone-9 is no phone");
        })
        .apply();
    let tenant = story.tenant();
    for (who, sees) in [("vera", false), ("omar", false), ("aino", true)] {
        let seen = tenant.seen_by(&actor(who));
        let page = block_on(seen.open_cases(&CaseFilter::default(), None, 9)).expect("cases");
        let refused = page.cases.iter().find(|case| case.kind == CaseKind::Refused).expect("it was refused");
        assert_eq!(refused.reason.contains("is no phone"), sees, "{who}: {refused:?}");
        let told = block_on(seen.case_history(&refused.key)).expect("a history");
        let history = block_on(seen.history(id, None, 200)).expect("a history");
        let told: Vec<String> = told.into_iter().chain(history.happenings).map(|one| one.text).collect();
        assert_eq!(told.iter().any(|text| text.contains("is no phone")), sees, "{who}: {told:?}");
    }
    let page = block_on(tenant.open_cases(&CaseFilter::default(), None, 9)).expect("cases");
    let refused = page.cases.iter().find(|case| case.kind == CaseKind::Refused).expect("it was refused");
    assert!(refused.pii && &*refused.masked().reason == "phone: •••", "{:?}", refused.masked());
}

#[test]
fn who_may_not_decide_an_attribute_lets_no_write_of_it_through() {
    let roles = || Roles::new(&actor("root")).decide_from("lead", "tier", Role::Admin);
    for (attribute, may) in [("tier", false), ("score", true)] {
        let says = json!({ "email": "ana@acme.test", "score": "1", "tier": "1" });
        let mut story = Story::of::<Lead>()
            .configure(|builder| builder.roles(roles()))
            .says("crm", "1", says.clone())
            .says("shop", "1", says)
            .later(TimeDelta::hours(1))
            .edits("crm", "1", json!({ attribute: "2" }))
            .tells("crm", "1");
        let tenant = story.tenant();
        let (aino, root) = (actor("aino"), actor("root"));
        block_on(tenant.grant(&aino, Role::Approver, &root, "works here")).expect("root may");
        let plan = block_on(tenant.plan(Scope::default()).into_future()).expect("a plan");
        assert_eq!(plan.operations.len(), 1, "{attribute} is owed to the shop");
        let refused = |outcome: Result<(), Error>| match outcome {
            Ok(()) => false,
            Err(Error::Forbidden { needs: Role::Admin, .. }) => true,
            Err(error) => panic!("{attribute}: {error}"),
        };
        let standing = StandingApproval::of_unit("lead", attribute).toward("shop").at_most(5);
        let standing = standing.until(DAY_AFTER.parse().expect("an instant"));
        let given = block_on(tenant.give_standing(standing.clone(), &aino, "it follows the CRM"));
        assert_eq!(refused(given.map(drop)), !may, "{attribute}: a standing approval");
        assert_eq!(refused(block_on(tenant.approve_unmoved(plan.hash, &aino)).map(drop)), !may, "{attribute}: unmoved");
        assert_eq!(refused(block_on(tenant.approve(plan.hash, &aino)).map(drop)), !may, "{attribute}: the plan");
        block_on(tenant.give_standing(standing, &root, "it follows the CRM")).expect("root may");
        assert_eq!(block_on(tenant.approve(plan.hash, &root)).expect("root may").approved, 1);
        assert_eq!(block_on(tenant.apply(plan.hash)).expect("it is approved").done, 1);
    }
}

#[test]
fn who_may_not_see_a_value_cannot_ask_who_has_it() {
    let (_story, tenant, _) = told_apart();
    let search = Search { value: Some("ana@acme.test".into()), ..Search::default() };
    let asked = |who: &str| block_on(tenant.seen_by(&actor(who)).search(&search, None, 9));
    let refused = asked("vera").expect_err("she sees no personal data");
    assert!(matches!(refused, Error::Forbidden { .. }), "{refused}");
    assert_eq!(refused.http_status(), 403);
    assert_eq!(asked("aino").expect("she sees all").entities.len(), 1);
}

#[test]
fn roles_that_name_what_there_is_not_are_refused_when_the_library_is_built() {
    let none = || Roles::new(&actor("root"));
    for roles in [none().read_from("lead", "shoe_size", Role::Admin), none().decide_from("leed", "tier", Role::Admin)] {
        let refused =
            accordant::Accordant::builder().entity::<Lead>().roles(roles).build().expect_err("it is not there");
        let told = format!("{refused}");
        assert!(
            told.contains("`roles` names `lead.shoe_size`") || told.contains("`roles` names `leed.tier`"),
            "{told}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Whatever was granted and taken, a role is the last one given; each may do what those before it may; it replays.
    #[test]
    fn the_last_grant_holds(grants in proptest::collection::vec(0usize..5, 1..6), call in 0..CALLS.len()) {
        let (_story, tenant, id) = story(true);
        let who = actor("zoe");
        let roles = [None, Some(Role::Viewer), Some(Role::Operator), Some(Role::Approver), Some(Role::Admin)];
        let mut last = None;
        for grant in grants {
            last = roles[grant];
            match last {
                Some(role) => block_on(tenant.grant(&who, role, &actor("root"), "as drawn")).expect("root may"),
                None => block_on(tenant.revoke(&who, &actor("root"), "as drawn")).expect("root may"),
            }
        }
        let granted = block_on(tenant.grants()).expect("root may");
        prop_assert_eq!(granted.get(&who).map(|granted| granted.role), last);
        prop_assert!(block_on(tenant.verify()).expect("root may").is_clean());
        let (_, needs, asks) = CALLS[call];
        let forbidden = matches!(block_on(asks(tenant, id, who)), Err(Error::Forbidden { .. }));
        prop_assert_eq!(forbidden, last.is_none_or(|role| role < needs));
    }
}
