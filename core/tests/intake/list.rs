//! The list of records to be read: one that cannot be read stops no other, and nothing is asked for without rest.

use accordant::chrono::TimeDelta;
use accordant::connector::{ConnectorError, ConnectorErrorKind, Item, ReadAnswer, Retry, Says};
use accordant::engine::{Next, Stepped};
use accordant::representation::Life;
use accordant::store::Table;
use accordant::surface::{Channel, Order};
use accordant::{Clock as _, Delivery};
use futures::executor::block_on;

use crate::support::{BY_TIME, Scripted, Thing, World, deleted, shows, surface};

fn timed() -> Scripted {
    let channels = [Channel::Webhook, Channel::Scan, Channel::Read];
    Scripted::new("crm", channels.map(|channel| surface(channel, BY_TIME)).to_vec())
}

fn hint(id: &str) -> Item {
    let mut hint = shows(Channel::Webhook, id, None, "");
    hint.says = Says::Hint { id: id.into() };
    hint
}

fn found(id: &str, token: impl Into<Option<i64>>) -> ReadAnswer {
    ReadAnswer::Found(shows(Channel::Read, id, token.into(), "Ana"))
}

fn denied() -> ConnectorError {
    ConnectorError::new(ConnectorErrorKind::Denied, "the story says so").retry(Retry::Backoff)
}

fn step(world: &World) -> Stepped {
    block_on(world.tenant.step()).expect("a system that fails is an outcome")
}

/// Steps until nothing is left to do at once; the last step.
fn settle(world: &World) -> Stepped {
    for _ in 0..10 {
        let stepped = step(world);
        if !stepped.more() {
            return stepped;
        }
    }
    panic!("the engine does not come to rest");
}

fn seconds(world: &World, stepped: &Stepped) -> i64 {
    let Next::At(at) = stepped.next else { panic!("{stepped:?}") };
    (at.timestamp_millis() - world.clock.now()) / 1000
}

#[test]
fn a_record_that_cannot_be_read_stops_no_other() {
    let crm = timed();
    let world = World::of(&crm);
    crm.answers("1", ReadAnswer::Failed(denied()));
    crm.answers("2", found("2", 7));
    world.receive(&crm, vec![hint("1"), hint("2")]);
    let stepped = settle(&world);
    assert_eq!(world.life("2"), Life::Live);
    assert_eq!(stepped.unread.len(), 1);
    assert_eq!(stepped.unread[0].record.as_ref().map(|record| record.id.as_str()), Some("1"));
    assert_eq!(stepped.unread[0].error.kind, ConnectorErrorKind::Denied);
    assert_eq!(seconds(&world, &stepped), 60);
    let left = world.rows(Table::Work);
    assert_eq!(left.len(), 1, "the record that was read is off the list");
    let row = String::from_utf8_lossy(&left[0].value).into_owned();
    assert!(row.contains("denied: the story says so"), "{row}");

    // It is not asked for again before it is due, then less and less often; a hint asks at once.
    let stepped = settle(&world);
    assert_eq!((crm.reads_of("1"), stepped.unread.len(), seconds(&world, &stepped)), (1, 0, 60));
    world.clock.advance(TimeDelta::seconds(60));
    let stepped = settle(&world);
    assert_eq!((crm.reads_of("1"), seconds(&world, &stepped)), (2, 120));
    crm.answers("1", found("1", 7));
    world.receive(&crm, vec![hint("1")]);
    assert_eq!(settle(&world), Stepped::default());
    assert_eq!(world.life("1"), Life::Live);
    assert!(world.rows(Table::Work).is_empty());
}

#[test]
fn a_connection_that_fails_stops_no_other() {
    let (alpha, crm) = (timed(), timed());
    let world =
        World::begin(|builder| builder.connect_as("alpha", alpha.clone()).connect(crm.clone()).entity::<Thing>());
    alpha.state().down = Some(denied().retry(Retry::After(TimeDelta::seconds(90))));
    alpha.state().delivery = vec![hint("1")];
    block_on(world.tenant.receive("alpha", Delivery::default())).expect("a delivery is taken in");
    crm.answers("2", found("2", 7));
    world.receive(&crm, vec![hint("2")]);
    let stepped = settle(&world);
    assert_eq!(world.life("2"), Life::Live);
    assert_eq!(seconds(&world, &stepped), 90, "the system said when");
    assert_eq!((stepped.unread[0].connection.as_str(), stepped.unread[0].record.as_ref()), ("alpha", None));
    assert_eq!(world.rows(Table::Work).len(), 1, "the record stays on the list");
    alpha.state().down = None;
    assert_eq!(settle(&world), Stepped::default());
    assert!(world.rows(Table::Work).is_empty());
}

#[test]
fn too_few_answers_are_no_answers() {
    let crm = timed();
    let world = World::of(&crm);
    for id in ["1", "2", "3"] {
        crm.answers(id, found(id, 7));
    }
    crm.state().short_by = 1;
    world.receive(&crm, vec![hint("1"), hint("2"), hint("3")]);
    let stepped = settle(&world);
    assert!(stepped.unread.iter().all(|unread| unread.error.kind == ConnectorErrorKind::Contract));
    assert_eq!((stepped.unread.len(), world.rows(Table::Work).len()), (3, 3));
    crm.state().short_by = 0;
    world.clock.advance(TimeDelta::minutes(1));
    assert_eq!(settle(&world), Stepped::default());
    assert_eq!(["1", "2", "3"].map(|id| world.life(id)), [Life::Live; 3]);
}

#[test]
fn a_question_that_fails_because_of_one_record_is_asked_record_by_record() {
    let crm = timed();
    let world = World::of(&crm);
    crm.answers("2", found("2", 7));
    crm.state().chokes_on = Some("1".to_owned());
    world.receive(&crm, vec![hint("1"), hint("2")]);
    let stepped = settle(&world);
    assert_eq!(world.life("2"), Life::Live);
    assert_eq!(stepped.unread.len(), 1);
    assert_eq!(world.rows(Table::Work).len(), 1);
}

#[test]
fn an_answer_that_orders_nothing_is_kept_for_later() {
    let crm = timed();
    let world = World::of(&crm);
    crm.answers("1", found("1", None));
    world.receive(&crm, vec![hint("1")]);
    let stepped = settle(&world);
    assert_eq!(crm.reads_of("1"), 1, "it is not asked for without rest");
    assert_eq!(stepped.unread[0].error.kind, ConnectorErrorKind::Contract);
    assert!(stepped.unread[0].error.message.contains("it carries no ordering token"), "{:?}", stepped.unread);
    assert_eq!(world.rows(Table::Work).len(), 1);
    crm.answers("1", found("1", 7));
    world.clock.advance(TimeDelta::minutes(1));
    assert_eq!(settle(&world), Stepped::default());
    assert_eq!(world.life("1"), Life::Live);
}

#[test]
fn an_answer_of_a_surface_that_only_hints_is_kept_for_later() {
    let surfaces = vec![surface(Channel::Webhook, BY_TIME), surface(Channel::Read, Order::None)];
    let crm = Scripted::new("crm", surfaces);
    let world = World::of(&crm);
    crm.answers("1", found("1", 7));
    world.receive(&crm, vec![hint("1")]);
    assert_eq!(settle(&world).unread.len(), 1);
    assert_eq!((crm.reads_of("1"), world.rows(Table::Work).len()), (1, 1));
}

#[test]
fn a_tie_that_a_read_does_not_settle_is_read_again_later() {
    let crm = timed();
    let world = World::of(&crm);
    // Told at one instant that it is there and that it is gone; the replica that answers reads knows of neither.
    world.receive(&crm, vec![shows(Channel::Webhook, "1", Some(7), "Ana"), deleted(Channel::Webhook, "1", Some(7))]);
    crm.answers("1", found("1", 5));
    let stepped = settle(&world);
    assert_eq!((crm.reads_of("1"), seconds(&world, &stepped)), (1, 60));
    assert!(stepped.unread.is_empty(), "it was read");
    crm.answers("1", ReadAnswer::Gone);
    world.clock.advance(TimeDelta::minutes(1));
    assert_eq!(settle(&world), Stepped::default());
    assert!(matches!(world.life("1"), Life::Dead(_)));
}

#[test]
fn another_id_is_a_merge_only_where_merges_are_promised() {
    let crm = timed();
    let world = World::of(&crm);
    crm.answers("1", found("2", 7));
    world.receive(&crm, vec![hint("1")]);
    let stepped = settle(&world);
    assert_eq!(stepped.unread[0].error.kind, ConnectorErrorKind::Contract);
    assert_eq!(world.representation("1").redirected_to(), None);
    assert_eq!(world.rows(Table::Work).len(), 1);
}
