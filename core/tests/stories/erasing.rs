//! A person who is erased in the middle of things: writes under way, plans that wait, notes that people made; and what is handed
//! to them before.

use accordant::chrono::TimeDelta;
use accordant::engine::{CaseFilter, CaseKind, Tenant};
use accordant::matching::{Features, Judged, MatchIndex, Matcher, MatcherError, Matching, Subject, Thresholds};
use accordant::plan::Target;
use accordant::testing::{NobodyAlike, Story, journal};
use accordant::{Actor, EntityId, Error, RecordRef, Scope};
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use crate::model::{Member, ana};

fn by() -> Actor {
    Actor::new("dpo")
}

fn entity_of(tenant: &Tenant, record: &RecordRef) -> EntityId {
    block_on(tenant.entity_of(record)).expect("the store answers").expect("it is linked")
}

fn crm(id: &str) -> RecordRef {
    RecordRef::new("crm", "contacts", id)
}

/// The payloads that hold a word.
fn told(tenant: &Tenant, word: &str) -> usize {
    let payloads = journal(tenant).into_iter().filter_map(|(_, payload)| payload);
    payloads.filter(|payload| String::from_utf8_lossy(&payload.bytes).contains(word)).count()
}

/// Ana, whose create in the shop was sent, and whose answer was lost.
fn with_a_create_of_unknown_outcome() -> (Story, EntityId) {
    let mut story = lost_create(Story::of::<Member>());
    let one = entity_of(&story.tenant(), &RecordRef::new("crm", "members", "m1"));
    (story, one)
}

/// The same, as a story goes on.
fn lost_create(story: Story) -> Story {
    let mut story =
        story.says("crm", "m1", json!({ "email": "ana@acme.test", "name": "Ana" })).system("shop", |shop| {
            shop.loses_answer();
        });
    let tenant = story.tenant();
    let one = entity_of(&tenant, &RecordRef::new("crm", "members", "m1"));
    let plan = block_on(tenant.plan(one).into_future()).expect("a plan");
    block_on(tenant.approve(plan.hash, &by())).expect("it is stored");
    assert_eq!(block_on(tenant.apply(plan.hash)).expect("it runs").unknown, 1);
    story
}

#[test]
fn an_erasure_waits_for_a_write_under_way() {
    let (mut story, one) = with_a_create_of_unknown_outcome();
    let tenant = story.tenant();
    let before = journal(&tenant);
    let refused = block_on(tenant.erase(one, &by(), "request 7")).expect_err("a create is under way");
    assert!(matches!(refused, Error::WriteUnderWay { entity, .. } if entity == one), "{refused}");
    assert_eq!(journal(&tenant), before, "nothing has changed");
    block_on(tenant.step()).expect("it is settled");
    let erased = block_on(tenant.erase(one, &by(), "request 7")).expect("nothing is under way");
    assert!(erased.records.contains(&RecordRef::new("shop", "accounts", "new-1")), "{erased:?}");
    assert_eq!(told(&tenant, "ana@acme.test"), 0);
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

/// What became of it nobody could look up for a day: nobody waits for its answer any more.
#[test]
fn an_erasure_waits_a_day_for_a_write_that_nobody_can_look_up() {
    let (story, one) = with_a_create_of_unknown_outcome();
    let mut story = story.later(TimeDelta::hours(23));
    let refused = block_on(story.tenant().erase(one, &by(), "request 7")).expect_err("it is not a day");
    assert!(matches!(refused, Error::WriteUnderWay { entity, .. } if entity == one), "{refused}");
    let mut story = story.later(TimeDelta::hours(1));
    let tenant = story.tenant();
    block_on(tenant.erase(one, &by(), "request 7")).expect("nobody waits for it");
    assert_eq!(told(&tenant, "ana@acme.test"), 0);
    block_on(tenant.recover()).expect("nothing is left to look up");
    // What the create made is heard of, and is theirs.
    let mut story = story.tells("shop", "new-1");
    let tenant = story.tenant();
    block_on(tenant.step()).expect("it is read, if at all");
    assert_eq!(block_on(tenant.entity_of(&RecordRef::new("shop", "accounts", "new-1"))).expect("the store"), None);
    assert_eq!(told(&tenant, "ana@acme.test"), 0);
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

/// Whoever looks in vain has it in hand again and again: nobody waits for them either.
#[test]
fn an_erasure_waits_a_day_also_for_a_write_that_workers_look_up_in_vain() {
    let mut story = lost_create(Story::of::<Member>().configure(|builder| builder.lease(TimeDelta::minutes(1))));
    let tenant = story.tenant();
    let one = entity_of(&tenant, &RecordRef::new("crm", "members", "m1"));
    block_on(tenant.pause("shop", &by(), "it is taken out")).expect("it is connected");
    let mut story = story.later(TimeDelta::hours(23));
    let tenant = story.tenant();
    block_on(tenant.step()).expect("it is looked up in vain");
    let refused = block_on(tenant.erase(one, &by(), "request 7")).expect_err("it is not a day");
    assert!(matches!(refused, Error::WriteUnderWay { entity, .. } if entity == one), "{refused}");
    let mut story = story.later(TimeDelta::hours(1));
    let tenant = story.tenant();
    block_on(tenant.step()).expect("it is looked up in vain");
    block_on(tenant.erase(one, &by(), "request 7")).expect("nobody waits for it");
    assert_eq!(told(&tenant, "ana@acme.test"), 0);
    block_on(tenant.step()).expect("nothing is left to look up");
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

/// The shop's record stayed as it was: nobody would tell of it, and another would be made.
#[test]
fn who_may_come_back_is_looked_for_where_they_were() {
    let mut story = Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "name": "Ana" }))
        .bootstrap()
        .apply()
        .expect_quiet();
    let tenant = story.tenant();
    let (crm, shop) = (RecordRef::new("crm", "members", "m1"), RecordRef::new("shop", "accounts", "new-1"));
    let one = entity_of(&tenant, &crm);
    assert_eq!(entity_of(&tenant, &shop), one);
    block_on(tenant.erase(one, &by(), "request 7")).expect("nothing is under way");
    block_on(tenant.step()).expect("there is nothing to read");
    assert_eq!(block_on(tenant.entity_of(&shop)).expect("the store answers"), None);
    assert!(block_on(tenant.lift_suppression(one, &by(), "she asked")).expect("she was erased") > 0);
    while block_on(tenant.step()).expect("a step").more() {}
    let again = entity_of(&tenant, &crm);
    assert_ne!(again, one, "she is somebody new");
    assert_eq!(entity_of(&tenant, &shop), again);
    let tenant = story.expect_quiet().tenant();
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

/// A matcher that learns of two and more, and finds nobody alike.
struct OfTwo;

impl Matcher for OfTwo {
    fn train(&self, _: &Subject, records: &[Features], _: &[Judged], version: u32) -> Result<String, MatcherError> {
        let enough = records.len() > 1;
        enough.then(|| format!("model {version}")).ok_or_else(|| MatcherError::NothingToLearn("one is there".into()))
    }

    fn index(
        &self,
        _: &Subject,
        _: &str,
        _: Thresholds,
        _: Vec<Features>,
    ) -> Result<Box<dyn MatchIndex>, MatcherError> {
        Ok(Box::new(NobodyAlike(())))
    }
}

/// The erasure left too few to learn a model of: nobody is matched, and so nobody waits to be.
#[test]
fn a_model_that_cannot_be_learned_anew_holds_back_no_create() {
    let mut story = Story::of::<Member>()
        .configure(|builder| builder.match_by(Matching::of::<Member>(OfTwo)))
        .says("crm", "m1", json!({ "email": "ana@acme.test", "name": "Ana" }))
        .says("crm", "m2", json!({ "email": "ben@acme.test", "name": "Ben" }));
    let tenant = story.tenant();
    let (ana, ben) = (RecordRef::new("crm", "members", "m1"), RecordRef::new("crm", "members", "m2"));
    block_on(tenant.train_matcher("member", &by())).expect("two are there");
    while block_on(tenant.step()).expect("a step").more() {}
    block_on(tenant.erase(entity_of(&tenant, &ben), &by(), "request 7")).expect("nothing is under way");
    // She waits in the queue when the model is to be learned anew.
    let mut story = story.says("crm", "m1", json!({ "name": "Anna" }));
    let tenant = story.tenant();
    while block_on(tenant.step()).expect("a step").more() {}
    assert_eq!(block_on(tenant.match_records()).expect("the store works").unmatched, []);
    let plan = block_on(tenant.plan(entity_of(&tenant, &ana)).into_future()).expect("a plan");
    let creates = plan.operations.iter().filter(|one| matches!(one.target, Target::New { .. })).count();
    assert_eq!(creates, 1, "the shop lacks her: {plan:?}");
}

/// Ana and Ben are in conflict, somebody noted something on both, and both wait for an approved write.
fn in_the_middle() -> (Story, EntityId, EntityId) {
    let mut story = ana()
        .says("crm", "102", json!({ "email": "ben@acme.test", "phone": "5" }))
        .says("shop", "20", json!({ "email": "ben@acme.test", "phone": "5" }))
        .later(TimeDelta::hours(1))
        .edits("crm", "101", json!({ "phone": "2" }))
        .edits("shop", "9", json!({ "phone": "3" }))
        .edits("crm", "102", json!({ "phone": "6" }))
        .edits("crm", "101", json!({ "company": "Ana's own" }))
        .tells("crm", "101")
        .tells("shop", "9")
        .tells("crm", "102");
    let tenant = story.tenant();
    let (one, other) = (entity_of(&tenant, &crm("101")), entity_of(&tenant, &crm("102")));
    let page = block_on(tenant.open_cases(&CaseFilter::default(), None, 100)).expect("the list");
    let hers = page.cases.iter().find(|case| case.entities.contains(&one)).expect("hers");
    block_on(tenant.comment(&hers.key, "she called twice", &by())).expect("it is noted");
    let plan = block_on(tenant.plan(Scope::default()).into_future()).expect("a plan");
    assert!([one, other].iter().all(|id| plan.operations.iter().any(|operation| operation.entity == *id)), "{plan}");
    block_on(tenant.approve(plan.hash, &by())).expect("it is stored");
    (story, one, other)
}

#[test]
fn plans_approvals_and_notes_go_too_and_the_others_are_planned_again() {
    let (mut story, one, other) = in_the_middle();
    let tenant = story.tenant();
    assert!(told(&tenant, "she called twice") > 0);
    block_on(tenant.erase(one, &by(), "request 7")).expect("nothing is under way");
    for word in ["ana@acme.test", "she called twice", "Ana's own"] {
        assert_eq!(told(&tenant, word), 0, "{word}");
    }
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
    let page = block_on(tenant.open_cases(&CaseFilter::default(), None, 100)).expect("the list");
    assert!(page.cases.iter().all(|case| !case.entities.contains(&one)));
    // What was approved of the other stands: it is carried out by the next plan.
    let plan = block_on(tenant.plan(Scope::default()).into_future()).expect("a plan");
    assert!(plan.operations.iter().all(|operation| operation.entity == other), "{plan}");
    let applied = block_on(tenant.apply(plan.hash)).expect("it runs");
    assert!(applied.done > 0, "{applied:?}");
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

/// What a record said of another before it was hers, and what is on its way because of that.
fn on_its_way() -> (Story, EntityId, EntityId) {
    let ben = json!({ "email": "ben@acme.test", "phone": "5" });
    let mut story = ana().says("crm", "102", ben.clone()).says("shop", "20", ben).later(TimeDelta::hours(1)).says(
        "shop",
        "20",
        json!({ "phone": "her number" }),
    );
    let tenant = story.tenant();
    let (one, other) = (entity_of(&tenant, &crm("101")), entity_of(&tenant, &crm("102")));
    (story, one, other)
}

fn shop_20() -> RecordRef {
    RecordRef::new("shop", "customers", "20")
}

#[test]
fn a_plan_of_anothers_that_writes_what_her_record_said_goes_too() {
    let (mut story, one, other) = on_its_way();
    let tenant = story.tenant();
    let plan = block_on(tenant.plan(other).into_future()).expect("a plan");
    assert!(plan.to_string().contains("her number"), "{plan}");
    block_on(tenant.link(one, &shop_20(), &by())).expect("it is hers");
    let erased = block_on(tenant.erase(one, &by(), "request 7")).expect("nothing is under way");
    assert!(erased.touched.contains(&other) && erased.records.contains(&shop_20()), "{erased:?}");
    let gone = block_on(tenant.stored_plan(plan.hash)).expect_err("it named her number");
    assert!(matches!(gone, Error::UnknownPlan { .. }), "{gone}");
    assert_eq!(told(&tenant, "her number"), 0);
    let view = block_on(tenant.inspect_erased(other)).expect("he is there");
    assert!(!format!("{view:?}").contains("her number"), "{view:?}");
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

/// Refused, it stands among the cases, and the journal tells how it was opened.
#[test]
fn a_refused_write_of_anothers_goes_too_and_so_does_what_was_told_of_it() {
    let (mut story, one, other) = on_its_way();
    story = story.system("crm", |crm| {
        crm.refuses("no such number");
    });
    let tenant = story.tenant();
    let plan = block_on(tenant.plan(other).into_future()).expect("a plan");
    block_on(tenant.approve(plan.hash, &by())).expect("it is stored");
    let applied = block_on(tenant.apply(plan.hash)).expect("it runs");
    assert!(!applied.refused.is_empty(), "{applied:?}");
    let page = block_on(tenant.open_cases(&CaseFilter::default(), None, 100)).expect("the list");
    let refused = page.cases.iter().find(|case| case.kind == CaseKind::Refused).expect("it is refused");
    let history = block_on(tenant.case_history(&refused.key)).expect("it is known");
    assert!(history.iter().any(|one| &*one.kind == "case_opened"), "{history:?}");
    assert!(told(&tenant, "her number") > 0);
    block_on(tenant.link(one, &shop_20(), &by())).expect("it is hers");
    block_on(tenant.erase(one, &by(), "request 7")).expect("nothing is under way");
    assert_eq!(told(&tenant, "her number"), 0);
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

#[test]
fn an_erasure_waits_for_a_write_of_what_her_record_said_of_another() {
    let (mut story, one, other) = on_its_way();
    story = story.system("crm", |crm| {
        crm.loses_answer();
    });
    let tenant = story.tenant();
    let plan = block_on(tenant.plan(other).into_future()).expect("a plan");
    block_on(tenant.approve(plan.hash, &by())).expect("it is stored");
    assert_eq!(block_on(tenant.apply(plan.hash)).expect("it runs").unknown, 1);
    block_on(tenant.link(one, &shop_20(), &by())).expect("it is hers");
    let before = journal(&tenant);
    let refused = block_on(tenant.erase(one, &by(), "request 7")).expect_err("a write is under way");
    assert!(matches!(refused, Error::WriteUnderWay { entity, .. } if entity == other), "{refused}");
    assert_eq!(journal(&tenant), before, "nothing has changed");
    block_on(tenant.step()).expect("it is settled");
    block_on(tenant.erase(one, &by(), "request 7")).expect("nothing is under way");
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

/// An entity of which nothing is left, a record that is another's by now, and a letter that names her in its own way: what an
/// erasure takes was in the export.
#[test]
fn what_only_the_journal_knows_of_a_person_is_handed_to_them_too() {
    let mut story = ana()
        .says("crm", "102", json!({ "email": "ben@acme.test" }))
        .says("crm", "103", json!({ "email": "former@acme.test", "phone": "103" }))
        .says("crm", "104", json!({ "email": "lent@acme.test", "phone": "104" }));
    let tenant = story.tenant();
    let (one, other) = (entity_of(&tenant, &crm("101")), entity_of(&tenant, &crm("102")));
    let former = entity_of(&tenant, &crm("103"));
    for (to, id) in [(one, "103"), (one, "104"), (other, "104")] {
        block_on(tenant.link(to, &crm(id), &by())).expect("it is linked");
    }
    let letter = r#"this is no record, but "write to:\nana@acme.test" is in it"#;
    let delivery = story.fake("crm").raw_webhook("contacts", letter.into());
    block_on(tenant.receive("crm", delivery)).expect("it is kept");
    let (key, _) = block_on(tenant.dead_letters()).expect("the list").remove(0);
    let export = block_on(tenant.export_person(one)).expect("it is known");
    let has = |entity: EntityId| export.journal.iter().any(|entry| entry.subject == entity.to_string());
    assert!(has(one) && has(former) && !has(other));
    assert!(export.journal.iter().any(|entry| entry.subject == crm("104").to_string()));
    assert_eq!(export.dead_letters.len(), 1, "{:?}", export.dead_letters);
    let erased = block_on(tenant.erase(one, &by(), "request 7")).expect("nothing is under way");
    assert_eq!((erased.entities, erased.elsewhere), ([one, former].into(), [crm("104")].into()));
    let hers = export.journal.iter().filter(|entry| entry.payload.is_some()).count();
    assert_eq!(erased.payloads, hers as u64);
    let left = block_on(tenant.dead_letter(&key)).expect("that there was one is known");
    assert!(left.body.is_empty(), "{left:?}");
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

#[test]
fn a_person_is_given_everything_that_is_held_on_them_and_nothing_of_others() {
    let (mut story, one, other) = in_the_middle();
    let tenant = story.tenant();
    let before = journal(&tenant);
    let export = block_on(tenant.export_person(one)).expect("it is known");
    assert_eq!(journal(&tenant), before, "nothing has changed");
    let text = serde_json::to_string(&export).expect("it is data");
    for word in ["ana@acme.test", "she called twice", "Ana's own", "crm/contacts/101", "netsuite"] {
        assert!(text.contains(word), "{word}");
    }
    assert!(!text.contains("ben@acme.test") && !text.contains(&other.to_string()));
    // Every payload that an erasure destroys was in it.
    let hers = export.journal.iter().filter(|entry| entry.payload.is_some()).count();
    let erased = block_on(tenant.erase(one, &by(), "request 7")).expect("nothing is under way");
    assert_eq!(erased.payloads, hers as u64);
    assert_eq!(export.records.len(), erased.records.len());
    let unknown = block_on(tenant.export_person(one)).expect_err("nothing is held any more");
    assert!(matches!(unknown, Error::UnknownEntity { id, .. } if id == one), "{unknown}");
    // That something was told is not forgotten; what it was, is.
    let history = block_on(tenant.history(one, None, 100)).expect("the entries are there");
    assert!(history.happenings.iter().all(|one| one.text == "what was told here was erased"), "{history:?}");
}

/// What was noted on a case of his is told anew when she is erased who had a record of his; and goes when he is.
#[test]
fn what_was_noted_of_another_goes_with_them_though_it_was_told_anew() {
    let ben = json!({ "email": "ben@acme.test", "phone": "5" });
    let mut story = ana()
        .says("crm", "102", ben.clone())
        .says("shop", "20", ben.clone())
        .says("netsuite", "8", ben)
        .later(TimeDelta::hours(1))
        .edits("crm", "102", json!({ "phone": "6" }))
        .edits("netsuite", "8", json!({ "phone": "7" }))
        .tells("crm", "102")
        .tells("netsuite", "8");
    let tenant = story.tenant();
    let (one, other) = (entity_of(&tenant, &crm("101")), entity_of(&tenant, &crm("102")));
    let page = block_on(tenant.open_cases(&CaseFilter::default(), None, 100)).expect("the list");
    let his = page.cases.iter().find(|case| case.entities.contains(&other)).expect("his");
    block_on(tenant.comment(&his.key, "Bruno, private number", &by())).expect("it is noted");
    block_on(tenant.link(one, &shop_20(), &by())).expect("it is hers");
    let erased = block_on(tenant.erase(one, &by(), "request 7")).expect("nothing is under way");
    assert!(erased.touched.contains(&other), "{erased:?}");
    let noted = block_on(tenant.case(&his.key)).expect("it stands").comments;
    assert_eq!(noted.len(), 1, "what was noted on his stays");
    assert!(told(&tenant, "Bruno") > 0 && block_on(tenant.verify()).expect("the chain holds").is_clean());
    block_on(tenant.erase(other, &by(), "request 8")).expect("nothing is under way");
    assert_eq!(told(&tenant, "Bruno"), 0);
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    /// A record is made or edited in the shop, and the answer comes or is lost, whenever the erasure is asked for, whoever looked by then:
    /// it waits while a write may be under way, and no longer than a day; then nothing is told of her, and nothing is written any more.
    #[test]
    fn an_erasure_waits_for_whatever_write_is_under_way_and_then_nothing_is_written(
        made in any::<bool>(), names in vec("[a-z]{3,8}", 1..4), lost in any::<bool>(), hours in 0i64..40,
        looked in any::<bool>(),
    ) {
        let said = |name: &str| json!({ "email": "ana@acme.test", "name": format!("canary-{name}") });
        let mut story = Story::of::<Member>().says("crm", "m1", said("first"));
        if made {
            story = story.bootstrap().apply();
        }
        for name in &names {
            story = story.says("crm", "m1", said(name));
        }
        if lost {
            story = story.system("shop", |shop| {
                shop.loses_answer();
            });
        }
        let tenant = story.tenant();
        let one = entity_of(&tenant, &RecordRef::new("crm", "members", "m1"));
        let plan = block_on(tenant.plan(one).into_future()).expect("a plan");
        block_on(tenant.approve(plan.hash, &by())).expect("it is stored");
        let applied = block_on(tenant.apply(plan.hash)).expect("it runs");
        prop_assert_eq!(applied.unknown > 0, lost, "{:?}", applied);
        let mut story = story.later(TimeDelta::hours(hours));
        let tenant = story.tenant();
        if looked {
            block_on(tenant.recover()).expect("it is looked up");
        }
        let before = journal(&tenant);
        match block_on(tenant.erase(one, &by(), "request 7")) {
            Ok(_) => prop_assert!(!lost || looked || hours >= 24, "a write is under way"),
            Err(Error::WriteUnderWay { entity, .. }) => {
                prop_assert!(lost && !looked && hours < 24, "nothing is under way");
                prop_assert_eq!(entity, one);
                prop_assert_eq!(journal(&tenant), before, "nothing has changed");
                block_on(tenant.recover()).expect("it is looked up");
                drop(block_on(tenant.erase(one, &by(), "request 7")).expect("nothing is under way"));
            }
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        }
        prop_assert_eq!(told(&tenant, "canary") + told(&tenant, "ana@acme.test"), 0);
        // Whatever is applied, heard and planned from now on, she is written nowhere.
        let written = story.fake("shop").writes();
        let gone = block_on(tenant.apply(plan.hash));
        prop_assert!(matches!(gone, Err(Error::UnknownPlan(_))), "{gone:?}");
        let mut story = story.edits("crm", "m1", said("again")).tells("crm", "m1").bootstrap().apply();
        prop_assert_eq!(story.fake("shop").writes(), written);
        let tenant = story.tenant();
        prop_assert_eq!(told(&tenant, "canary") + told(&tenant, "ana@acme.test"), 0);
        prop_assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
    }
}
