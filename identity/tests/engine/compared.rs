//! What a matcher does not compare is not shown to it, and is no reason to ask about a record again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use accordant::engine::Tenant;
use accordant::matching::{
    Column, Features, HeldTogether, Judged, MatchIndex, Matcher, MatcherError, Matching, Neighbourhood, Subject,
    Thresholds,
};
use accordant::testing::Story;
use accordant::{Canonical, Decimal, RecordRef};
use accordant_identity::attribute::Kind;
use accordant_identity::engine::FellegiSunter;
use futures::executor::block_on;
use serde_json::{Value as Json, json};

use crate::world::{ana, settled};

/// A debtor, whose balance and status change by themselves.
#[derive(Canonical, Clone, Debug)]
#[expect(dead_code, reason = "the engine knows the model, and no debtor is made here")]
#[canonical(entity = "debtor", system(crm, object = "contacts"), system(erp, object = "debtors"))]
struct Debtor {
    #[canonical(pii, resolve(latest), at(crm = "name", erp = "name"))]
    name: Option<String>,
    #[canonical(pii, resolve(latest), at(crm = "email", erp = "email"))]
    email: Option<String>,
    #[canonical(resolve(latest), at(crm = "balance", erp = "balance"))]
    balance: Option<Decimal>,
    #[canonical(resolve(latest), at(crm = "status", erp = "status"))]
    status: Option<String>,
}

/// A matcher that remembers what it was shown.
struct Watching {
    inner: FellegiSunter,
    /// Whether it says itself what it compares, or leaves it at all.
    says: bool,
    puts: Arc<AtomicUsize>,
    shown: Arc<Mutex<Vec<Features>>>,
}

impl Matcher for Watching {
    fn train(
        &self,
        subject: &Subject,
        records: &[Features],
        judged: &[Judged],
        version: u32,
    ) -> Result<String, MatcherError> {
        self.shown.lock().expect("nobody failed").extend_from_slice(records);
        self.inner.train(subject, records, judged, version)
    }

    fn compares(&self, column: &Column) -> bool {
        !self.says || self.inner.compares(column)
    }

    fn index(
        &self,
        subject: &Subject,
        model: &str,
        thresholds: Thresholds,
        records: Vec<Features>,
    ) -> Result<Box<dyn MatchIndex>, MatcherError> {
        let index = self.inner.index(subject, model, thresholds, records)?;
        Ok(Box::new(WatchedIndex { index, puts: Arc::clone(&self.puts) }))
    }
}

struct WatchedIndex {
    index: Box<dyn MatchIndex>,
    puts: Arc<AtomicUsize>,
}

impl MatchIndex for WatchedIndex {
    fn put(&mut self, features: &Features) {
        self.puts.fetch_add(1, Ordering::SeqCst);
        self.index.put(features);
    }

    fn remove(&mut self, record: &RecordRef) {
        self.index.remove(record);
    }

    fn hold_apart(&mut self, one: &RecordRef, other: &RecordRef, apart: bool) {
        self.index.hold_apart(one, other, apart);
    }

    fn around(&self, record: &RecordRef) -> Neighbourhood {
        self.index.around(record)
    }

    fn held_together(&self, record: &RecordRef) -> Option<HeldTogether> {
        self.index.held_together(record)
    }
}

fn debtor(id: usize, status: &str) -> Json {
    let name = ["Adams", "Berg", "Claes", "Dunn", "Ekman", "Fry"][id % 6];
    json!({ "name": format!("Given{id} {name}{id}"), "email": format!("g{id}@mail{id}.nl"), "balance": "10.00",
            "status": status })
}

/// Forty debtors in two systems, matched.
fn matched(says: bool) -> (Story, Arc<AtomicUsize>, Arc<Mutex<Vec<Features>>>) {
    let (puts, shown) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
    let inner = FellegiSunter::new().kind("status", Kind::Ignored);
    let matcher = Watching { inner, says, puts: Arc::clone(&puts), shown: Arc::clone(&shown) };
    let mut story = Story::of::<Debtor>().configure(|builder| builder.match_by(Matching::of::<Debtor>(matcher)));
    for id in 0..40 {
        story = story.says("crm", &id.to_string(), debtor(id, "new")).says("erp", &id.to_string(), debtor(id, "new"));
    }
    block_on(story.tenant().train_matcher("debtor", &ana())).expect("they tell something");
    settled(&story.tenant());
    (story, puts, shown)
}

/// How many records the matcher is asked about after the first debtor of the CRM changed.
fn asked_after(story: &mut Story, change: &Json) -> usize {
    story.fake("crm").edit("contacts", "0", change);
    let tenant: Tenant = story.tenant();
    block_on(tenant.poll("crm")).expect("it answers");
    block_on(tenant.match_records()).expect("it can be read").asked
}

#[test]
fn a_record_is_asked_about_again_where_what_is_compared_changed() {
    let (mut story, puts, _) = matched(true);
    let before = puts.load(Ordering::SeqCst);
    let mut says = debtor(0, "paid");
    says["balance"] = json!("99.50");
    assert_eq!(asked_after(&mut story, &says), 0, "a status and a balance say nothing of who it is");
    says["email"] = json!("other@mail0.nl");
    assert!(asked_after(&mut story, &says) > 0, "a mailbox does");
    assert_eq!(puts.load(Ordering::SeqCst), before + 1, "the index took it in once");
    // A matcher that does not say what it compares is asked whatever changed.
    let (mut story, puts, _) = matched(false);
    let before = puts.load(Ordering::SeqCst);
    assert!(asked_after(&mut story, &debtor(0, "paid")) > 0);
    assert_eq!(puts.load(Ordering::SeqCst), before + 1);
}

#[test]
fn a_matcher_is_shown_what_it_compares_and_no_more_of_it_than_identifies() {
    let (mut story, _, shown) = matched(true);
    let mut says = debtor(0, "new");
    says["name"] = json!("é".repeat(1_000_000));
    story.fake("crm").edit("contacts", "0", &says);
    block_on(story.tenant().poll("crm")).expect("it answers");
    shown.lock().expect("nobody failed").clear();
    block_on(story.tenant().train_matcher("debtor", &ana())).expect("they tell something");
    let shown = shown.lock().expect("nobody failed");
    assert_eq!(shown.len(), 80);
    for features in shown.iter() {
        let [name, email, balance, status] = &features.values[..] else { panic!("{features:?}") };
        assert!(!name.is_empty() && !email.is_empty() && balance.is_empty() && status.is_empty(), "{features:?}");
        assert!(name.len() <= Features::LONGEST);
    }
    assert!(shown.iter().any(|features| features.values[0].len() == Features::LONGEST));
}
