//! Models that are trained, that nobody can read, and thresholds that change.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use accordant::engine::{Builder, Next};
use accordant::id::TenantId;
use accordant::matching::{
    Features, Judged, MatchIndex, Matcher, MatcherError, Matching, Probability, Subject, Thresholds,
};
use accordant::store::{StoreError, Table};
use accordant::testing::{StoreCall, StoreWatch, Story, Turns, Watched};
use accordant::{MemoryStore, RecordRef};
use accordant_identity::engine::FellegiSunter;
use async_trait::async_trait;
use futures::FutureExt as _;
use futures::executor::block_on;

use crate::world::{
    Customer, ana, body, entity_of, groups, matched, matches, records, reference, settled, told, trained,
};

/// The matcher of another version, which writes its models in another form, and counts how often it makes an index.
struct Other {
    inner: FellegiSunter,
    prefix: &'static str,
    indexes: Arc<AtomicUsize>,
}

impl Matcher for Other {
    fn train(
        &self,
        subject: &Subject,
        records: &[Features],
        judged: &[Judged],
        version: u32,
    ) -> Result<String, MatcherError> {
        self.inner.train(subject, records, judged, version)
    }

    fn index(
        &self,
        subject: &Subject,
        model: &str,
        thresholds: Thresholds,
        records: Vec<Features>,
    ) -> Result<Box<dyn MatchIndex>, MatcherError> {
        self.indexes.fetch_add(1, Ordering::SeqCst);
        self.inner.index(subject, &format!("{}{model}", self.prefix), thresholds, records)
    }
}

fn other(prefix: &'static str, indexes: &Arc<AtomicUsize>) -> impl FnOnce(Builder) -> Builder {
    let matcher = Other { inner: FellegiSunter::new(), prefix, indexes: Arc::clone(indexes) };
    move |builder| builder.match_by(Matching::of::<Customer>(matcher))
}

#[test]
fn a_model_that_cannot_be_read_is_told_and_holds_up_nothing_else() {
    let told_of = records(200, 51);
    let (last, first) = told_of.split_last().expect("there are some");
    let mut story = told(Story::of::<Customer>().configure(matched), first);
    trained(&mut story);
    let indexes = Arc::new(AtomicUsize::new(0));
    let mut story = story.rebuilt(other("version 999: ", &indexes));
    // It is taken in as if there were no matcher.
    story = told(story, std::slice::from_ref(last));
    let tenant = story.tenant();
    let alone = entity_of(&tenant, &reference(last));
    assert!(groups(&tenant).iter().any(|group| group.len() == 1 && group.contains(&reference(last))), "{alone}");
    let stepped = block_on(tenant.step()).expect("a step is no worse for it");
    let [unmatched] = &stepped.unmatched[..] else { panic!("{stepped:?}") };
    assert_eq!(unmatched.entity_type.as_str(), "customer");
    assert!(matches!(unmatched.error, MatcherError::Model(_)), "{unmatched:?}");
    assert!(matches!(stepped.next, Next::At(_)), "later, not again and again: {stepped:?}");
    assert_eq!(indexes.load(Ordering::SeqCst), 1, "what it cannot read it is not given twice");
    // Nor does it end a run: that goes on until it is told to stop.
    let mut sleeps = 0;
    let (stop, stopped) = futures::channel::oneshot::channel::<()>();
    let mut stop = Some(stop);
    let sleep = |_| {
        sleeps += 1;
        if sleeps == 5 {
            drop(stop.take());
        }
        std::future::ready(())
    };
    let ran = block_on(tenant.run(sleep, stopped.map(|_| ()))).expect("it runs until it is stopped");
    assert_eq!(ran.unmatched, stepped.unmatched);
    // Who can read it asks about what waited.
    let mut story = story.rebuilt(matched);
    let tenant = story.tenant();
    assert_eq!(block_on(tenant.match_records()).map(|matched| matched.asked).ok(), Some(1));
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

#[test]
fn thresholds_that_change_are_heard_by_all_records() {
    let told_of = records(300, 21);
    let asking = |review: Probability| {
        let matching = Matching::of::<Customer>(FellegiSunter::new()).always_ask().link_from(Probability::ONE);
        move |builder: Builder| builder.match_by(matching.review_from(review))
    };
    let half = Probability::percent(50);
    let mut story = told(Story::of::<Customer>().configure(asking(half)), &told_of);
    trained(&mut story);
    let asked = |story: &mut Story| {
        settled(&story.tenant());
        let open = matches(&story.tenant());
        let mut told: Vec<_> = open.iter().filter_map(|case| Some(case.matched.as_ref()?.probability)).collect();
        told.sort();
        told
    };
    let all = asked(&mut story);
    let middle = all[all.len() / 2];
    let mut story = story.rebuilt(asking(middle));
    let sure = asked(&mut story);
    // To the last part of a million, which is cut off.
    let least = Probability::per_million(middle.parts_per_million() - 1);
    assert!(!sure.is_empty() && sure.len() < all.len(), "{} of {}", sure.len(), all.len());
    assert!(sure.iter().all(|of| *of >= least), "{sure:?}");
    let mut story = story.rebuilt(asking(half));
    assert_eq!(asked(&mut story), all);
    // One who links from here on links what others asked about.
    let before = groups(&story.tenant()).len();
    let mut story = story.rebuilt(matched);
    settled(&story.tenant());
    assert!(groups(&story.tenant()).len() < before);
    assert_eq!(block_on(story.tenant().match_records()).expect("the store works").asked, 0, "once");
}

#[test]
fn a_pass_under_a_former_model_decides_nothing_more() {
    let told_of = records(200, 52);
    let asking = |builder: Builder| builder.match_by(Matching::of::<Customer>(FellegiSunter::new()).always_ask());
    // At any point of one's pass the other trains, and begins to ask.
    for calls in (0..600).step_by(75) {
        let kept = MemoryStore::new();
        let store = Watched::new(kept.clone(), Turns::default());
        let watched = store.clone();
        let mut story = told(Story::of::<Customer>().configure(|builder| asking(builder.store(store))), &told_of);
        let one = story.tenant();
        block_on(one.train_matcher("customer", &ana())).expect("they tell something");
        let mut story = story.rebuilt(|builder| asking(builder.store(kept.clone())));
        let other = story.tenant();
        watched.watch().happens_after(calls, async move {
            other.train_matcher("customer", &ana()).await.expect("they tell something");
            drop(other.step().await.expect("the store works"));
        });
        for _ in 0..3 {
            drop(block_on(one.step()).expect("the store works"));
        }
        assert!(watched.watch().have_passed(), "a pass has more than {calls} calls");
        settled(&story.tenant());
        let open = matches(&story.tenant());
        assert!(open.len() > 3, "there is something to ask");
        let of: Vec<_> = open.iter().filter_map(|case| Some(case.matched.as_ref()?.model)).collect();
        assert!(of.iter().all(|model| *model == 2), "after {calls} calls: {of:?}");
    }
}

#[test]
fn what_an_erasure_took_is_in_no_index() {
    let told_of = records(200, 53);
    let kept = MemoryStore::new();
    let indexes = Arc::new(AtomicUsize::new(0));
    let story = Story::of::<Customer>().configure(|builder| other("", &indexes)(builder.store(kept.clone())));
    let mut story = told(story, &told_of);
    trained(&mut story);
    let one = story.tenant();
    let built = indexes.load(Ordering::SeqCst);
    let mut story = story.rebuilt(|builder| matched(builder.store(kept.clone())));
    let another = story.tenant();
    block_on(another.erase(entity_of(&another, &reference(&told_of[0])), &ana(), "request 9"))
        .expect("nothing is under way");
    // Until it is asked again, the other holds what it held.
    story.fake("crm").edit("contacts", "new", &body(&told_of[1]));
    block_on(another.poll("crm")).expect("it answers");
    settled(&one);
    assert!(indexes.load(Ordering::SeqCst) > built, "it was built anew");
    assert!(block_on(one.entity_of(&RecordRef::new("crm", "contacts", "new"))).expect("the store answers").is_some());
}

/// Counts how often cases are looked through.
#[derive(Default)]
struct Scans(AtomicUsize);

#[async_trait]
impl StoreWatch for Scans {
    async fn before(&self, _: &TenantId, call: StoreCall<'_>) -> Result<(), StoreError> {
        if matches!(call, StoreCall::Scan(Table::Case)) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }
}

#[test]
fn one_record_more_is_asked_about_without_a_look_at_all_cases() {
    let told_of = records(300, 21);
    let (last, first) = told_of.split_last().expect("there are some");
    let kept = MemoryStore::new();
    let store = Watched::new(kept, Scans::default());
    let watched = store.clone();
    let mut story = told(Story::of::<Customer>().configure(|builder| matched(builder.store(store))), first);
    trained(&mut story);
    let tenant = story.tenant();
    let (connection, object, id) = {
        let of = reference(last);
        (of.connection, of.object, of.id)
    };
    story.fake(connection.as_str()).edit(object.as_str(), &id, &body(last));
    block_on(tenant.poll(connection.as_str())).expect("it answers");
    let before = watched.watch().0.load(Ordering::SeqCst);
    let pass = block_on(tenant.match_records()).expect("it can be read");
    assert_eq!(watched.watch().0.load(Ordering::SeqCst), before);
    // It becomes one with who it is, and of that neighbourhood each is asked about.
    let whose = groups(&tenant).into_iter().find(|group| group.contains(&reference(last))).expect("it is somebody's");
    assert_eq!((pass.linked, pass.asked), (1, whose.len()));
    // Cases are followed by the journal: one that another process opens, or that a person answers, is known.
    let open = matches(&tenant);
    let case = open.first().expect("something is asked");
    block_on(tenant.answer_match(&case.key, false, &ana(), "they called")).expect("it is open");
    settled(&tenant);
    assert!(matches(&tenant).iter().all(|left| left.key != case.key));
}
