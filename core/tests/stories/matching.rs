//! What a matcher links is doubted where it speaks against itself later, and what people say teaches it of the records that they meant. The
//! matcher is one that everybody can follow in their head: whoever has one name is one, unless too many have it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use accordant::engine::{Builder, Case, CaseFilter, CaseKind, Tenant};
use accordant::matching::{
    Features, HeldTogether, Judged, MatchIndex, Matcher, MatcherError, Matching, Neighbourhood, Pair, Probability,
    Subject, Thresholds,
};
use accordant::store::{Store, Table};
use accordant::testing::Story;
use accordant::text::Text;
use accordant::{Accordant, Actor, Canonical, EntityId, Error, MemoryStore, RecordRef};
use futures::executor::block_on;
use serde_json::json;

/// A guest, whom three systems know by name. The newsletter makes no guests, and the desk may hold one several times.
#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "guest", system(hotel, object = "guests"), system(bar, object = "patrons"))]
#[canonical(system(desk, object = "cards", many(reduce = latest, write = nobody)))]
#[canonical(system(mail, object = "readers", links_only), system(post, object = "addresses", links_only))]
struct Guest {
    #[canonical(resolve(latest), at(hotel = "name", bar = "name", desk = "name", mail = "name", post = "name"))]
    name: Option<String>,
    #[canonical(resolve(latest), at(hotel = "room", bar = "room"))]
    room: Option<String>,
}

/// Two records, and whether people said that they are one.
type Said = (RecordRef, RecordRef, bool);

/// What the matcher was told that people said, by training.
type Told = Arc<Mutex<Vec<Vec<Said>>>>;

/// Whoever has one name is one, unless more than so many have it: then it says nothing of anybody.
struct Namesakes {
    most: usize,
    told: Told,
}

struct Names {
    most: usize,
    names: BTreeMap<RecordRef, (Text, Option<EntityId>)>,
    apart: BTreeSet<(RecordRef, RecordRef)>,
    parted: Vec<RecordRef>,
}

impl Matcher for Namesakes {
    fn train(&self, _: &Subject, _: &[Features], judged: &[Judged], version: u32) -> Result<String, MatcherError> {
        let told = judged.iter().map(|judged| (judged.one.clone(), judged.other.clone(), judged.same));
        self.told.lock().expect("nobody failed").push(told.collect());
        Ok(format!("model {version}"))
    }

    fn index(
        &self,
        _: &Subject,
        _: &str,
        _: Thresholds,
        records: Vec<Features>,
    ) -> Result<Box<dyn MatchIndex>, MatcherError> {
        let (names, apart, parted) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        let mut names = Names { most: self.most, names, apart, parted };
        records.iter().for_each(|record| names.put(record));
        names.parted.clear();
        Ok(Box::new(names))
    }
}

impl Names {
    /// Who is one with a record: whoever has its name, and whoever they are held together with.
    fn cluster(&self, record: &RecordRef) -> BTreeSet<RecordRef> {
        let mut found = BTreeSet::from([record.clone()]);
        let mut open = vec![record.clone()];
        while let Some(at) = open.pop() {
            let Some((name, held)) = self.names.get(&at) else { continue };
            let namesakes = self.names.values().filter(|(other, _)| other == name).count();
            let is_one = |(other, (theirs, group)): &(&RecordRef, &(Text, Option<EntityId>))| {
                let apart = self.apart.contains(&(at.clone(), (*other).clone()))
                    || self.apart.contains(&((*other).clone(), at.clone()));
                let alike = !name.is_empty() && theirs == name && namesakes <= self.most && !apart;
                alike || (held.is_some() && group == held)
            };
            for (other, _) in self.names.iter().filter(is_one) {
                if found.insert(other.clone()) {
                    open.push(other.clone());
                }
            }
        }
        found
    }
}

impl MatchIndex for Names {
    fn put(&mut self, features: &Features) {
        let before: Vec<_> = self.names.keys().cloned().map(|record| (self.cluster(&record), record)).collect();
        self.names.insert(features.record.clone(), (features.values[0].clone(), features.held));
        let parted = before.into_iter().filter(|(cluster, record)| !self.cluster(record).is_superset(cluster));
        let parted: Vec<RecordRef> = parted.map(|(_, record)| record).collect();
        self.parted.extend(parted);
    }

    fn remove(&mut self, record: &RecordRef) {
        self.names.remove(record);
    }

    fn hold_apart(&mut self, one: &RecordRef, other: &RecordRef, apart: bool) {
        let pair = (one.clone(), other.clone());
        if apart {
            self.apart.insert(pair)
        } else {
            self.apart.remove(&pair)
        };
    }

    fn around(&self, record: &RecordRef) -> Neighbourhood {
        if !self.names.contains_key(record) {
            return Neighbourhood::default();
        }
        let cluster: Vec<RecordRef> = self.cluster(record).into_iter().collect();
        let sure =
            |two: &[RecordRef]| Pair::new(two[0].clone(), two[1].clone(), Probability::percent(99), None, Vec::new());
        let pairs = cluster.windows(2).map(sure).collect();
        Neighbourhood::new(vec![cluster], pairs)
    }

    fn held_together(&self, _: &RecordRef) -> Option<HeldTogether> {
        None
    }

    fn came_apart(&mut self) -> Vec<RecordRef> {
        std::mem::take(&mut self.parted)
    }
}

fn ana() -> Actor {
    Actor::new("ana")
}

fn hotel(id: &str) -> RecordRef {
    RecordRef::new("hotel", "guests", id)
}

fn bar(id: &str) -> RecordRef {
    RecordRef::new("bar", "patrons", id)
}

fn mail(id: &str) -> RecordRef {
    RecordRef::new("mail", "readers", id)
}

fn matched(most: usize) -> (Story, Told) {
    let told = Told::default();
    let matcher = Namesakes { most, told: Arc::clone(&told) };
    (Story::of::<Guest>().configure(|builder| builder.match_by(Matching::of::<Guest>(matcher))), told)
}

fn settled(tenant: &Tenant) {
    while block_on(tenant.step()).expect("the store works").more() {}
}

fn trained(tenant: &Tenant) -> (usize, usize) {
    let trained = block_on(tenant.train_matcher("guest", &ana())).expect("there is nothing to fail");
    settled(tenant);
    (trained.judged, trained.unused)
}

fn home(tenant: &Tenant, record: &RecordRef) -> Option<EntityId> {
    block_on(tenant.entity_of(record)).expect("the store answers")
}

fn open(tenant: &Tenant) -> Vec<Case> {
    let filter = CaseFilter { kinds: vec![CaseKind::Match], ..CaseFilter::default() };
    block_on(tenant.open_cases(&filter, None, 100)).expect("the list").cases
}

fn verified(tenant: &Tenant) {
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

/// Two of one name, linked by it, of whom one has another name by now.
fn renamed() -> (Story, Told) {
    let (story, told) = matched(9);
    let mut story = story.says("hotel", "1", json!({ "name": "Ana" })).says("bar", "2", json!({ "name": "Ana" }));
    trained(&story.tenant());
    assert_eq!(home(&story.tenant(), &hotel("1")), home(&story.tenant(), &bar("2")));
    let mut story = story.says("bar", "2", json!({ "name": "Bea" }));
    settled(&story.tenant());
    (story, told)
}

#[test]
fn a_link_that_speaks_against_itself_is_doubted_and_stays() {
    let (mut story, _) = renamed();
    let tenant = story.tenant();
    let entity = home(&tenant, &hotel("1")).expect("it is linked");
    assert_eq!(home(&tenant, &bar("2")), Some(entity), "nothing is taken apart by itself");
    let [case] = &open(&tenant)[..] else { panic!("{:?}", open(&tenant)) };
    let told = case.matched.as_ref().expect("what the matcher says");
    assert!(told.doubted.is_some() && told.probability == Probability::per_million(0), "{told:?}");
    assert!(case.reason.starts_with("a match linked them"), "{}", case.reason);
    assert_eq!((&case.records[..], &case.entities[..]), (&[bar("2"), hotel("1")][..], &[entity][..]));
    // Asked once, and no more once nothing speaks against it.
    trained(&tenant);
    assert_eq!(open(&tenant).len(), 1);
    let mut story = story.says("bar", "2", json!({ "name": "Ana" }));
    settled(&story.tenant());
    assert_eq!(open(&story.tenant()), []);
    verified(&story.tenant());
}

#[test]
fn a_doubted_link_that_is_one_is_not_doubted_again() {
    let (mut story, told) = renamed();
    let tenant = story.tenant();
    let key = open(&tenant)[0].key.clone();
    block_on(tenant.answer_match(&key, true, &ana(), "she married")).expect("it is open");
    settled(&tenant);
    for _ in 0..2 {
        assert_eq!(trained(&tenant), (1, 0));
        assert_eq!(home(&tenant, &hotel("1")), home(&tenant, &bar("2")));
        assert_eq!(open(&tenant), [], "a person said that they are one");
    }
    let taught = (bar("2"), hotel("1"), true);
    assert_eq!(told.lock().expect("nobody failed").last(), Some(&vec![taught]));
    let again = block_on(tenant.answer_match(&key, false, &ana(), "or not")).expect_err("it is answered");
    assert!(matches!(again, Error::CaseClosed { .. }), "{again}");
    verified(&tenant);
}

/// Whoever a matcher brought stays with those with whom they came: by keys, or by the word of a person.
#[test]
fn a_doubted_link_that_is_one_holds_those_who_came_with_it() {
    let (story, _) = matched(9);
    let mut story = story.says("hotel", "1", json!({ "name": "Ana" })).says("bar", "2", json!({ "name": "Bea" })).says(
        "desk",
        "3",
        json!({ "name": "Dora" }),
    );
    let tenant = story.tenant();
    let desk = RecordRef::new("desk", "cards", "3");
    trained(&tenant);
    let [one, other] = [bar("2"), desk.clone()].map(|record| home(&tenant, &record).expect("it is linked"));
    block_on(tenant.merge(one, other, &ana())).expect("they may be");
    let rename = |story: Story, name: &str| {
        let mut story = story.says("bar", "2", json!({ "name": name })).says("desk", "3", json!({ "name": name }));
        settled(&story.tenant());
        story
    };
    let mut story = rename(rename(story, "Ana"), "Cleo");
    let tenant = story.tenant();
    let homes = || [hotel("1"), bar("2"), desk.clone()].map(|record| home(&tenant, &record));
    let before = homes();
    assert!(before[0].is_some() && before.iter().all(|home| *home == before[0]), "{before:?}");
    let [case] = &open(&tenant)[..] else { panic!("{:?}", open(&tenant)) };
    block_on(tenant.answer_match(&case.key, true, &ana(), "she married")).expect("it is open");
    settled(&tenant);
    assert_eq!(trained(&tenant), (2, 0), "of the merge and of the answer");
    assert_eq!((homes(), open(&tenant)), (before, Vec::new()));
    verified(&tenant);
}

#[test]
fn a_doubted_link_that_is_none_is_taken_apart_for_good() {
    let (mut story, told) = renamed();
    let tenant = story.tenant();
    let key = open(&tenant)[0].key.clone();
    block_on(tenant.answer_match(&key, false, &ana(), "two guests")).expect("it is open");
    settled(&tenant);
    let (one, other) = (home(&tenant, &hotel("1")), home(&tenant, &bar("2")));
    assert!(one.is_some() && other.is_some() && one != other, "{one:?} {other:?}");
    let mut story = story.says("bar", "2", json!({ "name": "Ana" }));
    let tenant = story.tenant();
    for _ in 0..2 {
        assert_eq!(trained(&tenant), (1, 0));
        assert_eq!((home(&tenant, &hotel("1")), home(&tenant, &bar("2"))), (one, other));
        assert_eq!(open(&tenant), []);
    }
    let taught = (bar("2"), hotel("1"), false);
    assert_eq!(told.lock().expect("nobody failed").last(), Some(&vec![taught]));
    verified(&tenant);
}

/// Whichever of three that matches brought together turns out to be another: the others end up together, also where the entity began with
/// that one, and they leave it one by one.
#[test]
fn of_three_that_matches_linked_the_one_that_is_another_is_taken_apart() {
    let of = || [("hotel", hotel("1")), ("bar", bar("2")), ("desk", RecordRef::new("desk", "cards", "3"))];
    let mut asked = Vec::new();
    for (place, (system, other)) in of().into_iter().enumerate() {
        let (mut story, told) = matched(9);
        for (system, record) in of() {
            story = story.says(system, &record.id, json!({ "name": "Ana" }));
        }
        trained(&story.tenant());
        let mut story = story.says(system, &other.id, json!({ "name": "Bea" }));
        let tenant = story.tenant();
        settled(&tenant);
        let mut answers = BTreeSet::new();
        while let Some(case) = open(&tenant).into_iter().next() {
            assert!(case.records.contains(&other), "{place}: {case:?}");
            block_on(tenant.answer_match(&case.key, false, &ana(), "another")).expect("it is open");
            assert!(answers.insert((case.records[0].clone(), case.records[1].clone(), false)), "asked once: {case:?}");
            settled(&tenant);
        }
        trained(&tenant);
        let homes = of().map(|(_, record)| home(&tenant, &record).expect("each is somebody"));
        let others: BTreeSet<EntityId> = (0..3).filter(|of| *of != place).map(|of| homes[of]).collect();
        assert_eq!((others.len(), others.contains(&homes[place])), (1, false), "{place}: {homes:?}");
        assert_eq!(open(&tenant), [], "{place}");
        let told = told.lock().expect("nobody failed").last().cloned().unwrap_or_default();
        assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), answers, "{place}");
        asked.push(answers.len());
        verified(&tenant);
    }
    asked.sort_unstable();
    assert_eq!(asked, [1, 1, 2], "twice of the one that the entity began with");
}

/// A record that was nobody's is nobody's again: its merge cannot be taken back, as there was none.
#[test]
fn a_doubted_link_of_a_record_that_was_nobodys_is_unlinked() {
    let (story, _) = matched(9);
    let mut story = story.says("hotel", "1", json!({ "name": "Ana" })).says("mail", "2", json!({ "name": "Ana" }));
    trained(&story.tenant());
    assert_eq!(home(&story.tenant(), &mail("2")), home(&story.tenant(), &hotel("1")));
    let mut story = story.says("mail", "2", json!({ "name": "Bea" }));
    let tenant = story.tenant();
    settled(&tenant);
    let key = open(&tenant)[0].key.clone();
    block_on(tenant.answer_match(&key, false, &ana(), "another reader")).expect("it is open");
    settled(&tenant);
    assert_eq!(home(&tenant, &mail("2")), None);
    let mut story = story.says("mail", "2", json!({ "name": "Ana" }));
    settled(&story.tenant());
    assert_eq!(home(&story.tenant(), &mail("2")), None, "it was unlinked for good");
    verified(&story.tenant());
}

/// Whoever keeps the two together is another record: what it says now is no reason to ask about theirs, but for what the index tells.
#[test]
fn a_link_that_others_take_apart_is_doubted_too() {
    let (story, _) = matched(2);
    let mut story = story.says("hotel", "1", json!({ "name": "Ana" })).says("bar", "2", json!({ "name": "Ana" }));
    trained(&story.tenant());
    assert_eq!(open(&story.tenant()), []);
    let mut story = story.says("bar", "3", json!({ "name": "Ana" }));
    settled(&story.tenant());
    let of: Vec<_> = open(&story.tenant()).into_iter().map(|case| case.records).collect();
    assert_eq!(of, [[bar("2"), hotel("1")]], "three of one name: that says nothing any more");
    verified(&story.tenant());
}

#[test]
fn what_a_person_linked_is_not_doubted() {
    let (story, _) = matched(9);
    let mut story = story.says("hotel", "1", json!({ "name": "Ana" })).says("bar", "2", json!({ "name": "Bea" }));
    let tenant = story.tenant();
    trained(&tenant);
    let [one, other] = [hotel("1"), bar("2")].map(|record| home(&tenant, &record).expect("it is linked"));
    block_on(tenant.merge(one, other, &ana())).expect("they may be");
    settled(&tenant);
    trained(&tenant);
    assert_eq!(open(&tenant), []);
    verified(&tenant);
}

/// An object type that only links makes no entity, whatever a matcher says of two of its records: each is matched once the other is
/// somebody's.
#[test]
fn two_records_of_nobody_are_matched_once_one_is_somebodys() {
    let (story, _) = matched(9);
    let mut story = story.says("mail", "1", json!({ "name": "Ana" })).says("post", "2", json!({ "name": "Ana" }));
    let tenant = story.tenant();
    trained(&tenant);
    let post = RecordRef::new("post", "addresses", "2");
    assert_eq!((home(&tenant, &mail("1")), home(&tenant, &post)), (None, None));
    assert_eq!(open(&tenant), [], "there is nobody to say anything of");
    let unlinked = CaseFilter { kinds: vec![CaseKind::Unlinked], ..CaseFilter::default() };
    assert_eq!(block_on(tenant.open_cases(&unlinked, None, 9)).expect("the list").cases.len(), 2, "both are listed");
    let mut story = story.says("hotel", "3", json!({ "name": "Cleo" }));
    let tenant = story.tenant();
    settled(&tenant);
    let cleo = home(&tenant, &hotel("3")).expect("she is linked");
    block_on(tenant.link(cleo, &mail("1"), &ana())).expect("it is nobody's");
    settled(&tenant);
    assert_eq!(home(&tenant, &post), Some(cleo), "it goes where its like went");
    verified(&tenant);
}

#[test]
fn merges_links_and_what_takes_them_back_teach_of_the_records_that_they_are_about() {
    let (story, told) = matched(9);
    let mut story = story
        .says("hotel", "1", json!({ "name": "Ana" }))
        .says("bar", "2", json!({ "name": "Bea" }))
        .says("desk", "3", json!({ "name": "Cleo" }))
        .says("mail", "4", json!({ "name": "Dora" }));
    let tenant = story.tenant();
    let last = || told.lock().expect("nobody failed").last().cloned().unwrap_or_default();
    assert_eq!(trained(&tenant), (0, 0));
    let desk = RecordRef::new("desk", "cards", "3");
    let [one, other, third] =
        [hotel("1"), bar("2"), desk.clone()].map(|record| home(&tenant, &record).expect("it is linked"));
    block_on(tenant.merge(one, other, &ana())).expect("they may be");
    assert_eq!(trained(&tenant), (1, 0));
    assert_eq!(last(), [(bar("2"), hotel("1"), true)]);
    // Of several records nobody knows which were meant.
    block_on(tenant.merge(one, third, &ana())).expect("they may be");
    assert_eq!(trained(&tenant), (1, 0));
    block_on(tenant.unmerge(third, &ana())).expect("nothing is under way");
    assert_eq!(trained(&tenant), (1, 1));
    assert_eq!(last(), [(bar("2"), hotel("1"), true)]);
    // What is taken back teaches the other way.
    block_on(tenant.unmerge(other, &ana())).expect("nothing is under way");
    assert_eq!(trained(&tenant).0, 2);
    assert!(last().contains(&(bar("2"), hotel("1"), false)), "{:?}", last());
    assert!(last().contains(&(desk, hotel("1"), false)), "each has one record by now: {:?}", last());
    block_on(tenant.allow_merge(one, other, &ana())).expect("both are there");
    assert!(!last().is_empty() && trained(&tenant).0 == 1, "what is allowed again teaches nothing");
    block_on(tenant.link(other, &mail("4"), &ana())).expect("it is nobody's");
    trained(&tenant);
    assert!(last().contains(&(bar("2"), mail("4"), true)), "{:?}", last());
    block_on(tenant.unlink(other, &mail("4"), &ana(), "another")).expect("it is linked");
    trained(&tenant);
    assert!(last().contains(&(bar("2"), mail("4"), false)), "{:?}", last());
    verified(&tenant);
}

#[test]
fn what_teaches_nothing_any_more_is_counted_and_an_erasure_takes_it() {
    let (story, told) = matched(9);
    let kept = MemoryStore::new();
    let store = kept.clone();
    let story = story.configure(|builder| builder.store(store)).says("hotel", "1", json!({ "name": "Ana" }));
    let mut story = story.says("bar", "2", json!({ "name": "Bea" })).says("bar", "3", json!({ "name": "Cleo" }));
    let examples = |tenant: &Tenant| {
        let rows = block_on(kept.scan(tenant.id(), Table::Meta, "matcher-example\u{1f}", None, 9));
        rows.expect("memory answers").len()
    };
    let tenant = story.tenant();
    trained(&tenant);
    let [one, other] = [hotel("1"), bar("2")].map(|record| home(&tenant, &record).expect("it is linked"));
    block_on(tenant.merge(one, other, &ana())).expect("they may be");
    assert_eq!(trained(&tenant), (1, 0));
    let mut story = story.deletes("bar", "2");
    let tenant = story.tenant();
    assert_eq!((trained(&tenant), examples(&tenant)), ((0, 1), 1), "the record is gone");
    block_on(tenant.erase(one, &ana(), "request 7")).expect("nothing is under way");
    assert_eq!((trained(&tenant), examples(&tenant)), ((0, 0), 0));
    assert!(told.lock().expect("nobody failed").iter().skip(2).all(Vec::is_empty));
    verified(&tenant);
}

/// The index is gone with the process, and entities are rows: they are who they were, and so is whoever comes to one of them.
#[test]
fn entities_are_who_they_were_after_a_restart() {
    let (story, _) = matched(9);
    let mut story = story.says("hotel", "1", json!({ "name": "Ana" })).says("bar", "2", json!({ "name": "Ana" }));
    trained(&story.tenant());
    let before = home(&story.tenant(), &hotel("1"));
    let again = Namesakes { most: 9, told: Told::default() };
    let story = story.rebuilt(|builder| builder.match_by(Matching::of::<Guest>(again)));
    let mut story = story.says("desk", "3", json!({ "name": "Ana" }));
    let tenant = story.tenant();
    settled(&tenant);
    assert!(before.is_some());
    for record in [hotel("1"), bar("2"), RecordRef::new("desk", "cards", "3")] {
        assert_eq!(home(&tenant, &record), before, "{record}");
    }
    verified(&tenant);
}

#[test]
fn a_matcher_that_would_compare_nothing_and_numbers_that_are_none_are_mistakes() {
    /// Two systems, and nothing in them that a matcher would look at.
    #[derive(Canonical, Clone, Debug)]
    #[canonical(entity = "bundle", system(hotel, object = "bundles"), system(bar, object = "tabs"))]
    struct Bundle {
        #[canonical(list, at(hotel = "tags", bar = "tags"))]
        tags: Vec<String>,
    }
    let namesakes = || Namesakes { most: 9, told: Told::default() };
    let refused = |builder: Builder| builder.build().expect_err("it is wrong").to_string();
    let of_bundles = Accordant::builder().entity::<Bundle>().match_by(Matching::of::<Bundle>(namesakes()));
    assert!(refused(of_bundles).contains("the matcher of `bundle` compares nothing"));
    let at_most = |object: &str, most: u16| {
        let matching = Matching::of::<Guest>(namesakes()).at_most(object, most);
        refused(Accordant::builder().entity::<Guest>().match_by(matching))
    };
    assert!(at_most("cellar", 2).contains("`cellar`, which is no object type of `guest`"));
    assert!(at_most("desk", 0).contains("at least one"));
    assert!(at_most("hotel", 2).contains("declare it with `many`"));
    assert!(!at_most("desk", 3).contains("at most"), "that may be said");
}
