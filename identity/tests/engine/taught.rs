//! What people say teaches the next model of the two records that they were asked about, and of no others.

use std::sync::{Arc, Mutex};

use accordant::engine::Tenant;
use accordant::matching::{Column, Features, Judged, MatchIndex, Matcher, MatcherError, Matching, Subject, Thresholds};
use accordant::testing::{Story, entities, journal};
use accordant::{Builder, RecordRef};
use accordant_identity::engine::FellegiSunter;
use futures::executor::block_on;

use crate::world::{Customer, ana, matches, records, settled, told, trained};

type Told = Arc<Mutex<Vec<Judged>>>;

/// The matcher, and what it was told last that people said.
struct Listening {
    inner: FellegiSunter,
    told: Told,
}

impl Matcher for Listening {
    fn train(
        &self,
        subject: &Subject,
        records: &[Features],
        judged: &[Judged],
        version: u32,
    ) -> Result<String, MatcherError> {
        *self.told.lock().expect("nobody failed") = judged.to_vec();
        self.inner.train(subject, records, judged, version)
    }

    fn compares(&self, column: &Column) -> bool {
        self.inner.compares(column)
    }

    fn index(
        &self,
        subject: &Subject,
        model: &str,
        thresholds: Thresholds,
        records: Vec<Features>,
    ) -> Result<Box<dyn MatchIndex>, MatcherError> {
        self.inner.index(subject, model, thresholds, records)
    }
}

/// Customers who are matched, and what the matcher was told.
fn world() -> (Story, Told) {
    let told_to = Told::default();
    let matcher = Listening { inner: FellegiSunter::new(), told: Arc::clone(&told_to) };
    let configured = |builder: Builder| builder.match_by(Matching::of::<Customer>(matcher));
    let mut story = told(Story::of::<Customer>().configure(configured), &records(300, 21));
    trained(&mut story);
    (story, told_to)
}

/// The record of an entity that was linked first.
fn first_of(tenant: &Tenant, record: &RecordRef) -> Option<RecordRef> {
    let of = |entity: &accordant::entity::Entity| entity.links.iter().any(|link| *link.record == *record);
    let entity = entities(tenant).into_iter().find(|entity| entity.merged_into.is_none() && of(entity))?;
    entity.links.first().map(|link| (*link.record).clone())
}

fn said(told: &Told) -> Vec<([RecordRef; 2], bool)> {
    let told = told.lock().expect("nobody failed");
    told.iter().map(|judged| ([judged.one.clone(), judged.other.clone()], judged.same)).collect()
}

#[test]
fn an_answer_teaches_of_the_two_records_that_were_asked_about() {
    for same in [true, false] {
        let (mut story, told) = world();
        let tenant = story.tenant();
        // It is about a record that is not the first of its entity.
        let later = |record: &RecordRef| first_of(&tenant, record).is_some_and(|first| first != *record);
        let case = matches(&tenant).into_iter().find(|case| case.records.iter().any(later)).expect("one of several");
        block_on(tenant.answer_match(&case.key, same, &ana(), "she called")).expect("it is open");
        let learned = trained(&mut story);
        assert_eq!((learned.judged, learned.unused), (1, 0));
        let [one, other] = &case.records[..] else { panic!("{case:?}") };
        assert_eq!(said(&told), [([one.clone(), other.clone()], same)]);
        assert_eq!(trained(&mut story).judged, 1, "and of every model that comes");
    }
}

#[test]
fn a_match_that_is_taken_back_teaches_of_the_two_that_were_compared() {
    let (mut story, told) = world();
    let tenant = story.tenant();
    let merged: Vec<_> = entities(&tenant).into_iter().filter(|entity| entity.merged_into.is_some()).collect();
    let compared: Vec<[RecordRef; 2]> = journal(&tenant)
        .into_iter()
        .filter(|(entry, _)| entry.kind.as_str() == "matched")
        .map(|(_, payload)| {
            let payload = payload.expect("nobody was erased");
            let told: (RecordRef, RecordRef, serde_json::Value) =
                serde_json::from_slice(&payload.bytes).expect("two records, and why");
            if told.0 <= told.1 { [told.0, told.1] } else { [told.1, told.0] }
        })
        .collect();
    assert!(merged.len() > 10, "{}", merged.len());
    block_on(tenant.unmerge(merged[0].id, &ana())).expect("that can be taken back");
    settled(&tenant);
    trained(&mut story);
    let [(pair, false)] = &said(&told)[..] else { panic!("{:?}", said(&told)) };
    assert!(compared.contains(pair), "{pair:?}");
    let own = entities(&tenant).into_iter().find(|entity| entity.id == merged[0].id).expect("it stands for itself");
    assert!(own.links.iter().any(|link| pair.contains(&link.record)), "{pair:?}");
}

#[test]
fn an_answer_about_a_record_that_says_nothing_any_more_is_counted_and_teaches_nothing() {
    let (mut story, told) = world();
    let tenant = story.tenant();
    let case = matches(&tenant).into_iter().next().expect("something is asked");
    block_on(tenant.answer_match(&case.key, true, &ana(), "she called")).expect("it is open");
    let gone = &case.records[0];
    let mut story = story.deletes(gone.connection.as_str(), &gone.id);
    let learned = trained(&mut story);
    assert_eq!((learned.judged, learned.unused), (0, 1));
    assert_eq!(said(&told), []);
}
