//! What orders what a surface says: its tokens, or the numbers of our reads.

use accordant::connector::ReadAnswer;
use accordant::representation::Life;
use accordant::store::Table;
use accordant::surface::{Channel, Completeness, Guarantee, Order};
use futures::executor::block_on;

use crate::support::{BY_TIME, Scripted, World, deleted, last_page, page, shows, surface};

fn timed() -> Scripted {
    let channels = [Channel::Webhook, Channel::Poll, Channel::Scan, Channel::Read];
    Scripted::new("crm", channels.map(|channel| surface(channel, BY_TIME)).to_vec())
}

fn settle(world: &World) {
    for _ in 0..10 {
        if !block_on(world.tenant.step()).expect("the engine can step").more() {
            return;
        }
    }
    panic!("the engine does not come to rest");
}

#[test]
fn a_deletion_without_token_of_a_record_that_was_read_is_a_hint() {
    for channel in [Channel::Webhook, Channel::Poll] {
        let crm = timed();
        let world = World::of(&crm);
        crm.gives(Channel::Scan, last_page(vec![shows(Channel::Scan, "1", Some(7), "Ana")]));
        world.scan();
        assert_eq!(world.life("1"), Life::Live);
        if channel == Channel::Webhook {
            world.receive(&crm, vec![deleted(channel, "1", None)]);
        } else {
            crm.gives(channel, last_page(vec![deleted(channel, "1", None)]));
            world.poll();
        }
        settle(&world);
        assert!(matches!(world.life("1"), Life::Dead(_)), "{channel:?}: {:?}", world.life("1"));
    }
}

#[test]
fn a_deletion_without_token_that_is_not_true_any_more_kills_nothing() {
    let crm = timed();
    let world = World::of(&crm);
    crm.gives(Channel::Scan, last_page(vec![shows(Channel::Scan, "1", Some(7), "Ana")]));
    world.scan();
    crm.answers("1", ReadAnswer::Found(shows(Channel::Read, "1", Some(9), "Ana")));
    world.receive(&crm, vec![deleted(Channel::Webhook, "1", None)]);
    settle(&world);
    assert_eq!(world.life("1"), Life::Live);
}

#[test]
fn a_pushed_deletion_at_the_instant_of_a_read_is_read() {
    // A system that counts in seconds: changed, scanned and deleted within one.
    let crm = timed();
    let world = World::of(&crm);
    crm.gives(Channel::Scan, last_page(vec![shows(Channel::Scan, "1", Some(7), "Ana")]));
    world.scan();
    world.receive(&crm, vec![deleted(Channel::Webhook, "1", Some(7))]);
    settle(&world);
    assert!(matches!(world.life("1"), Life::Dead(_)), "{:?}", world.life("1"));
}

fn followed(channel: Channel) -> Scripted {
    Scripted::new("crm", vec![surface(channel, Order::FollowOnly), surface(Channel::Read, Order::None)])
}

#[test]
fn a_followed_poll_observes_in_the_order_of_reads() {
    let crm = followed(Channel::Poll);
    let world = World::of(&crm);
    crm.gives(Channel::Poll, last_page(vec![shows(Channel::Poll, "1", Some(1), "A")]));
    world.poll();
    assert_eq!(world.name("1").as_deref(), Some("A"));
    crm.answers("1", ReadAnswer::Found(shows(Channel::Read, "1", None, "A")));
    world.receive(&crm, vec![hint(Channel::Poll, "1")]);
    settle(&world);
    crm.gives(Channel::Poll, last_page(vec![shows(Channel::Poll, "1", Some(2), "B")]));
    world.poll();
    assert_eq!(world.name("1").as_deref(), Some("B"), "the page was read later than the record");
}

#[test]
fn a_followed_log_hints() {
    // What a log tells was true before the last read, perhaps.
    let crm = followed(Channel::Stream);
    let world = World::of(&crm);
    crm.answers("1", ReadAnswer::Found(shows(Channel::Read, "1", None, "B")));
    crm.gives(Channel::Stream, last_page(vec![shows(Channel::Stream, "1", Some(1), "A")]));
    world.poll();
    assert_eq!(world.name("1"), None);
    assert_eq!(world.rows(Table::Work).len(), 1);
    settle(&world);
    assert_eq!(world.name("1").as_deref(), Some("B"));
}

#[test]
fn what_can_only_be_followed_hints_where_others_have_tokens() {
    let surfaces = vec![surface(Channel::Poll, Order::FollowOnly), surface(Channel::Read, BY_TIME)];
    let crm = Scripted::new("crm", surfaces);
    let world = World::of(&crm);
    crm.answers("1", ReadAnswer::Found(shows(Channel::Read, "1", Some(7), "B")));
    crm.gives(Channel::Poll, last_page(vec![shows(Channel::Poll, "1", None, "A")]));
    world.poll();
    settle(&world);
    assert_eq!(world.name("1").as_deref(), Some("B"));
    assert_eq!(crm.reads_of("1"), 1);
}

#[test]
fn only_a_snapshot_that_is_followed_and_carries_something_observes() {
    use accordant::stamp::Domain::ReadOrder;
    let mut poll = surface(Channel::Poll, Order::FollowOnly);
    assert!(poll.observes(ReadOrder));
    poll.semantics.completeness = Completeness::IdOnly;
    assert!(!poll.observes(ReadOrder));
    poll.semantics.completeness = Completeness::Full;
    poll.semantics.delivery = Guarantee::AtMostOnce;
    assert!(!poll.observes(ReadOrder));
    assert!(!surface(Channel::Webhook, Order::FollowOnly).observes(ReadOrder));
    assert!(!surface(Channel::Poll, Order::None).observes(ReadOrder));
}

#[test]
fn a_scan_that_goes_on_reads_its_pages_then() {
    let surfaces = vec![surface(Channel::Scan, Order::None), surface(Channel::Read, Order::None)];
    let crm = Scripted::new("crm", surfaces);
    let world = World::of(&crm);
    crm.gives(
        Channel::Scan,
        page(vec![shows(Channel::Scan, "1", None, "A"), shows(Channel::Scan, "2", None, "A")], "2"),
    );
    crm.state().pages.get_mut("scan").expect("a page").push_back(Err(accordant::connector::ConnectorError::new(
        accordant::connector::ConnectorErrorKind::Unavailable,
        "the second page",
    )));
    block_on(world.tenant.scan("crm")).expect_err("the second page cannot be read");
    // While the scan is interrupted, a record behind it is read.
    crm.answers("3", ReadAnswer::Found(shows(Channel::Read, "3", None, "A")));
    crm.answers("1", ReadAnswer::Found(shows(Channel::Read, "1", None, "A")));
    world.receive(&crm, vec![hint(Channel::Scan, "3")]);
    settle(&world);
    crm.gives(Channel::Scan, last_page(vec![shows(Channel::Scan, "3", None, "B")]));
    world.scan();
    assert_eq!(world.name("3").as_deref(), Some("B"), "the page was read later than the record");
    assert_eq!(world.representation("1").existence().missed_scans(), 0);
    assert_eq!(world.representation("3").existence().missed_scans(), 0);
}

fn hint(channel: Channel, id: &str) -> accordant::connector::Item {
    let mut hint = shows(channel, id, None, "");
    hint.says = accordant::connector::Says::Hint { id: id.into() };
    hint
}
