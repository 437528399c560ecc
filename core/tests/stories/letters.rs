//! Dead letters: what could not be processed is kept, grouped by cause, tried again after a fix, or discarded.

use std::borrow::Cow;

use accordant::chrono::TimeDelta;
use accordant::engine::{LetterState, Tenant};
use accordant::fingerprint::Fingerprint;
use accordant::model::Transform;
use accordant::settle::Choice;
use accordant::testing::{Story, journal};
use accordant::value::{Decimal, Leaf, Malformed, Native};
use accordant::{Actor, Canonical, DiscrepancyKind, Email, Error};
use futures::executor::block_on;
use serde_json::json;

/// Reads decimals with a point, as they come out of the box.
#[derive(Canonical)]
#[canonical(entity = "lead", system(crm, object = "contacts"), system(shop, object = "customers"))]
struct Strict {
    #[canonical(identity, at(crm = "email", shop = "email"))]
    email: Email,
    #[canonical(resolve(latest), at(crm = "score", shop = "score"))]
    score: Option<Decimal>,
}

/// Reads what the CRM writes in German, too.
#[derive(Canonical)]
#[canonical(entity = "lead", system(crm, object = "contacts"), system(shop, object = "customers"))]
struct Mended {
    #[canonical(identity, at(crm = "email", shop = "email"))]
    email: Email,
    #[canonical(resolve(latest), at(crm("score", via = Comma), shop = "score"))]
    score: Option<Decimal>,
}

struct Comma;

impl Transform<Decimal> for Comma {
    fn name(&self) -> Cow<'static, str> {
        "comma".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }

    fn read(&self, leaves: &[Leaf<'_>]) -> Result<Option<Decimal>, Malformed> {
        let Some(text) = leaves.first().and_then(Leaf::as_text) else { return Ok(None) };
        Decimal::new(&text.replace(',', ".")).map(Some)
    }

    fn write(&self, value: &Decimal) -> Vec<Native> {
        vec![Native::Text(value.to_string().replace('.', ",").into())]
    }
}

fn ana() -> Actor {
    Actor::new("ana")
}

/// Two customers whose scores the CRM writes with a comma, and one whose score is no number at all.
fn scores() -> Story {
    let agreeing = ["1", "2", "3"].into_iter().fold(Story::of::<Strict>(), |story, id| {
        let said = json!({ "email": format!("{id}@acme.test"), "score": "1.0" });
        story.says("shop", id, said.clone()).says("crm", id, said)
    });
    agreeing
        .later(TimeDelta::hours(1))
        .says("crm", "1", json!({ "score": "2,5" }))
        .says("crm", "2", json!({ "score": "3,5" }))
        .says("crm", "3", json!({ "score": "plenty" }))
        .later(TimeDelta::hours(1))
}

fn score(story: Story, record: &str, value: &str) -> Story {
    story.of_record("shop", record).expect(Mended::SCORE, value)
}

fn keys(tenant: &Tenant) -> Vec<String> {
    let letters = block_on(tenant.dead_letters_of(None, None, 100)).expect("the list");
    letters.into_iter().map(|(key, _)| key.to_string()).collect()
}

fn verifies(tenant: &Tenant) {
    let verified = block_on(tenant.verify()).expect("it verifies");
    assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
}

#[test]
fn letters_of_one_cause_are_one_group() {
    let mut story = scores();
    let groups = block_on(story.tenant().dead_letter_groups()).expect("the groups");
    assert_eq!(groups.len(), 1, "{groups:?}");
    let group = &groups[0];
    assert_eq!((group.count, group.cause.connection.as_str()), (3, "crm"));
    assert!(group.cause.cause.starts_with("score: "), "{}", group.cause.cause);
    assert_eq!(group.oldest, group.newest);
    // They are listed page by page, of this cause and of no other.
    let tenant = story.tenant();
    let first = block_on(tenant.dead_letters_of(Some(&group.cause), None, 2)).expect("a page");
    let rest = block_on(tenant.dead_letters_of(Some(&group.cause), Some(&first[1].0), 2)).expect("a page");
    assert_eq!((first.len(), rest.len()), (2, 1));
    let other = accordant::engine::LetterCause { cause: "nothing".to_owned(), ..group.cause.clone() };
    assert_eq!(block_on(tenant.dead_letters_of(Some(&other), None, 2)).expect("a page"), []);
}

#[test]
fn what_is_tried_again_after_a_fix_is_taken_in_as_of_when_it_came() {
    // Meanwhile the second customer's score was written in a way that can be read.
    let story = scores().says("crm", "2", json!({ "score": "9.5" })).later(TimeDelta::hours(1));
    let mut story = story.upgraded_to::<Mended>();
    let tenant = story.tenant();
    let cause = block_on(tenant.dead_letter_groups()).expect("the groups").remove(0).cause;
    let retried = block_on(tenant.retry_dead_letters(&cause, None, 100, &ana())).expect("they are tried");
    assert_eq!((retried.taken_in, retried.still_dead, retried.next), (2, 1, None));
    verifies(&tenant);
    let story = score(story, "2", "9.5"); // later news stands
    let story = score(story, "3", "1.0"); // nobody knows how much plenty is
    // Under a mapping that reads otherwise nothing was ever agreed: what the first letter says is seen, and a person tells.
    let mut story = score(story, "1", "1.0")
        .expect_discrepancy(DiscrepancyKind::HardConflictNoBase, "score")
        .decides("ana", Mended::SCORE, Choice::Take("crm".into()))
        .expect(Mended::SCORE, "2.5");
    let left = keys(&story.tenant());
    assert_eq!(left.len(), 1);
    let entries = journal(&tenant).len();
    let again = block_on(tenant.retry_dead_letter(&left[0], &ana())).expect("it is tried");
    assert_eq!((again.taken_in, again.still_dead), (0, 1));
    assert_eq!(journal(&tenant).len(), entries, "what fails again leaves nothing behind");
}

#[test]
fn any_one_letter_tells_what_became_of_it() {
    let mut story = scores().upgraded_to::<Mended>();
    let tenant = story.tenant();
    let all = keys(&tenant);
    let cause = block_on(tenant.dead_letter_groups()).expect("the groups").remove(0).cause;
    block_on(tenant.retry_dead_letters(&cause, None, 100, &ana())).expect("they are tried");
    let left = keys(&tenant).remove(0);
    block_on(tenant.discard_dead_letter(&left, &ana(), "a joke of the trainee's")).expect("it waits");
    assert_eq!(keys(&tenant), Vec::<String>::new());
    assert_eq!(block_on(tenant.dead_letter_groups()).expect("the groups"), []);
    for key in &all {
        let letter = block_on(tenant.dead_letter(key)).expect("it is kept");
        match &letter.state {
            LetterState::Retried { by, became, .. } => assert_eq!((by, became.len()), (&ana(), 0)),
            LetterState::Discarded { by, reason, .. } => {
                assert_eq!((by, reason.as_str(), key), (&ana(), "a joke of the trainee's", &left));
                assert!(String::from_utf8_lossy(&letter.bytes()).contains("plenty"), "its bytes are kept");
            }
            other => panic!("{other:?}"),
        }
    }
    verifies(&tenant);
    // It is settled: nothing more is done to it.
    let refused = block_on(tenant.retry_dead_letter(&left, &ana()));
    assert!(
        matches!(&refused, Err(Error::LetterSettled { how, .. }) if how.contains("ana discarded it")),
        "{refused:?}"
    );
    let refused = block_on(tenant.discard_dead_letter(&all[0], &ana(), "again"));
    assert!(matches!(refused, Err(Error::LetterSettled { .. })), "{refused:?}");
}

#[test]
fn what_was_discarded_stays_discarded_however_often_it_comes() {
    let mut story = scores();
    let tenant = story.tenant();
    let all = keys(&tenant);
    let cause = block_on(tenant.dead_letter_groups()).expect("the groups").remove(0).cause;
    assert_eq!(block_on(tenant.discard_dead_letters(&cause, 2, &ana(), "noise")).expect("they wait"), 2);
    let left = keys(&tenant);
    assert_eq!(left.len(), 1);
    let again = |story: Story| story.tells("crm", "1").tells("crm", "2").tells("crm", "3");
    let mut story = again(again(story));
    assert_eq!(keys(&story.tenant()), left, "what waits comes again and waits, and nothing else does");
    for key in all.iter().filter(|key| !left.contains(key)) {
        let letter = block_on(tenant.dead_letter(key)).expect("it is kept");
        assert!(matches!(&letter.state, LetterState::Discarded { reason, .. } if reason == "noise"), "{letter:?}");
        assert_eq!(letter.repeated, 2, "and counted");
    }
    verifies(&story.tenant());
}

/// Whoever discarded one that a mended mapping could read takes that back, and it is tried again.
#[test]
fn what_was_discarded_can_be_taken_up_and_tried_again() {
    let mut story = scores();
    let tenant = story.tenant();
    let cause = block_on(tenant.dead_letter_groups()).expect("the groups").remove(0).cause;
    let all = keys(&tenant);
    assert_eq!(block_on(tenant.discard_dead_letters(&cause, 100, &ana(), "noise")).expect("they wait"), all.len());
    let mut story = story.upgraded_to::<Mended>();
    let tenant = story.tenant();
    let refused = block_on(tenant.reopen_dead_letter(&all[0], &ana(), " "));
    assert!(matches!(refused, Err(Error::NoReason { .. })), "{refused:?}");
    for key in &all {
        block_on(tenant.reopen_dead_letter(key, &ana(), "the mapping was wrong")).expect("it was discarded");
        block_on(tenant.reopen_dead_letter(key, &ana(), "said twice")).expect("it waits already");
    }
    assert_eq!(keys(&tenant), all);
    verifies(&tenant);
    let retried = block_on(tenant.retry_dead_letters(&cause, None, 100, &ana())).expect("they are tried");
    assert_eq!((retried.taken_in, retried.still_dead), (2, 1));
    let taken = all.iter().find(|key| !keys(&tenant).contains(key)).expect("two were taken in");
    let refused = block_on(tenant.reopen_dead_letter(taken, &ana(), "why not"));
    assert!(matches!(refused, Err(Error::LetterSettled { .. })), "{refused:?}");
    verifies(&tenant);
}

#[test]
fn nothing_is_discarded_without_a_reason_nor_what_there_is_not() {
    let mut story = scores();
    let tenant = story.tenant();
    let (key, entries) = (keys(&tenant).remove(0), journal(&tenant).len());
    let refused = block_on(tenant.discard_dead_letter(&key, &ana(), "  "));
    assert!(matches!(refused, Err(Error::NoReason { .. })), "{refused:?}");
    for result in [
        block_on(tenant.discard_dead_letter("x", &ana(), "why")).map(drop),
        block_on(tenant.retry_dead_letter("x", &ana())).map(drop),
        block_on(tenant.dead_letter("x")).map(drop),
    ] {
        assert!(matches!(result, Err(Error::UnknownDeadLetter { .. })), "{result:?}");
    }
    let other = story.tenant_named("other");
    let refused = block_on(other.dead_letter(&key)).map(drop);
    assert!(matches!(refused, Err(Error::UnknownDeadLetter { .. })), "{refused:?}");
    assert_eq!(journal(&tenant).len(), entries);
}
