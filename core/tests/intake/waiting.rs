//! What waits to be read: what is urgent goes first, no more waits than may, and what may expire does.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use accordant::check::Priority;
use accordant::chrono::TimeDelta;
use accordant::connector::{ConnectorError, ConnectorErrorKind, Item, ReadAnswer, Retry, Says};
use accordant::engine::{Inputs, Stepped};
use accordant::error::Error;
use accordant::journal::{Entry, Payload};
use accordant::queue::SqliteQueue;
use accordant::representation::Life;
use accordant::store::{Store, Table};
use accordant::surface::{Channel, Completeness, Deletes, Order, Surface};
use accordant::testing::{FailsOnce, Watched};
use accordant::{Canonical, Delivery, TenantId};
use futures::executor::block_on;

use crate::support::{BY_TIME, Scripted, Thing, World, deleted, last_page, page, shows, surface};

#[derive(Canonical)]
#[canonical(entity = "note", system(crm, object = "notes"))]
#[expect(dead_code, reason = "the engine reads the model, not the struct")]
struct Note {
    #[canonical(identity, at(crm = "key"))]
    key: String,
}

fn of_notes(channel: Channel) -> Surface {
    let of_things = surface(channel, BY_TIME);
    Surface { name: format!("notes/{}", of_things.name).as_str().into(), object: "notes".into(), ..of_things }
}

/// A system of things and notes that are pushed, scanned, and read.
fn both() -> Scripted {
    let channels = [Channel::Webhook, Channel::Scan, Channel::Read];
    let surfaces = channels.iter().flat_map(|channel| [surface(*channel, BY_TIME), of_notes(*channel)]);
    Scripted::new("crm", surfaces.collect())
}

fn hint(id: &str) -> Item {
    let mut hint = shows(Channel::Webhook, id, None, "");
    hint.says = Says::Hint { id: id.into() };
    hint
}

fn hint_of_note(id: &str) -> Item {
    let hint = hint(id);
    Item::new("notes/webhook".into(), hint.says, hint.body)
}

fn found(id: &str) -> ReadAnswer {
    ReadAnswer::Found(shows(Channel::Read, id, Some(7), "Ana"))
}

fn world(crm: &Scripted, inputs: Inputs) -> World {
    World::begin(|builder| builder.connect(crm.clone()).entity::<Thing>().entity::<Note>().inputs(inputs))
}

fn delivers(world: &World, crm: &Scripted, items: Vec<Item>) -> Result<(), Error> {
    crm.state().delivery = items;
    block_on(world.tenant.receive("crm", Delivery::default())).map(drop)
}

fn step(world: &World) -> Stepped {
    block_on(world.tenant.step()).unwrap()
}

fn everything(world: &World) -> Vec<String> {
    let rows = Table::ALL.into_iter().flat_map(|table| world.rows(table)).map(|row| format!("{row:?}"));
    rows.chain(journal(world).into_iter().map(|(entry, _)| format!("{entry:?}"))).collect()
}

fn journal(world: &World) -> Vec<(Entry, Option<Payload>)> {
    block_on(world.store.journal(&TenantId::new("acme"), 0, usize::MAX)).unwrap()
}

fn expired(world: &World) -> usize {
    journal(world).iter().filter(|(entry, _)| *entry.kind == *"input_expired").count()
}

fn down() -> ConnectorError {
    ConnectorError::new(ConnectorErrorKind::Unavailable, "the story says so").retry(Retry::After(TimeDelta::seconds(1)))
}

fn is_clean(world: &World) {
    let verified = block_on(world.tenant.verify()).unwrap();
    assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
}

#[test]
fn what_is_critical_is_read_before_what_was_there_first_and_what_is_low_has_its_turn() {
    let crm = both();
    let inputs = Inputs::new().priority("thing", Priority::Critical).priority_at("crm", "note", Priority::Low);
    let world = world(&crm, inputs);
    let notes = (0..150).map(|number| hint_of_note(&format!("n{number:03}")));
    world.receive(&crm, notes.collect());
    world.clock.advance(TimeDelta::hours(1));
    world.receive(&crm, (0..60).map(|number| hint(&format!("t{number:02}"))).collect());
    assert!(step(&world).more());
    let asked = crm.state().asked[0].clone();
    let things: Vec<String> = (0..60).map(|number| format!("t{number:02}")).collect();
    let first: Vec<String> = (0..40).map(|number| format!("n{number:03}")).collect();
    assert_eq!(asked, [things, first].concat());
    // As many critical ones come in as are read: what is low has waited for four hours by then, and goes before them.
    world.clock.advance(TimeDelta::hours(3));
    world.receive(&crm, (100..220).map(|number| hint(&format!("t{number}"))).collect());
    drop(step(&world));
    assert!(crm.state().asked[1].iter().all(|id| id.starts_with('n')), "{:?}", crm.state().asked[1]);
}

#[test]
fn of_equal_priority_the_oldest_is_read_first() {
    let crm = both();
    let world = world(&crm, Inputs::new());
    for id in ["3", "1", "2"] {
        world.receive(&crm, vec![hint(id)]);
        world.clock.advance(TimeDelta::seconds(1));
    }
    // Hinted at again, it waits since it first was.
    world.receive(&crm, vec![hint("3")]);
    drop(step(&world));
    assert_eq!(crm.state().asked[0], ["3", "1", "2"]);
}

#[test]
fn who_tells_of_more_than_may_wait_is_refused_whole_and_repeats() {
    let crm = both();
    let world = world(&crm, Inputs::new().most(3));
    ["1", "2", "3"].iter().for_each(|id| crm.answers(id, found(id)));
    crm.answers("4", found("4"));
    world.receive(&crm, vec![hint("1"), hint("2"), hint("3")]);
    let before = everything(&world);
    crm.state().delivery_id = Some("d4".to_owned());
    // Nothing of a delivery is taken in by halves.
    let refused = delivers(&world, &crm, vec![shows(Channel::Webhook, "9", Some(7), "Ida"), hint("4")]).unwrap_err();
    assert!(matches!(&refused, Error::Full { waiting: 3, most: 3, .. }), "{refused}");
    assert_eq!((refused.http_status(), refused.may_pass()), (503, true));
    assert_eq!(everything(&world), before);
    let status = block_on(world.tenant.status()).unwrap();
    let crm_status = &status.connections["crm"];
    assert_eq!((crm_status.refused, crm_status.most_waiting, crm_status.measured.queue), (1, 3, Some(3)));
    // What says all itself, and what is on the list already, needs no room.
    delivers(&world, &crm, vec![shows(Channel::Webhook, "9", Some(7), "Ida"), hint("2")]).unwrap();
    assert_eq!(world.life("9"), Life::Live);
    while step(&world).more() {}
    crm.state().delivery_id = Some("d4".to_owned());
    delivers(&world, &crm, vec![hint("4")]).unwrap();
    while step(&world).more() {}
    assert_eq!(["1", "2", "3", "4"].map(|id| world.life(id)), [Life::Live; 4]);
    is_clean(&world);
}

#[test]
fn another_process_finds_it_full_as_well() {
    let crm = both();
    let one = world(&crm, Inputs::new().most(2));
    one.receive(&crm, vec![hint("1"), hint("2")]);
    let again = accordant::Accordant::builder().store(one.store.clone()).clock(std::sync::Arc::clone(&one.clock));
    let again = again.connect(crm.clone()).entity::<Thing>().entity::<Note>().inputs(Inputs::new().most_at("crm", 2));
    let other = again.build().unwrap().tenant("acme");
    crm.state().delivery = vec![hint("3")];
    let refused = block_on(other.receive("crm", Delivery::default())).unwrap_err();
    assert!(matches!(refused, Error::Full { .. }), "{refused}");
    // What the first takes off is seen soon.
    while step(&one).more() {}
    one.clock.advance(TimeDelta::seconds(10));
    crm.state().delivery = vec![hint("3")];
    block_on(other.receive("crm", Delivery::default())).unwrap();
}

#[test]
fn a_poll_does_not_go_beyond_what_there_is_room_for() {
    let surfaces =
        vec![surface(Channel::Poll, Order::None), surface(Channel::Webhook, BY_TIME), surface(Channel::Read, BY_TIME)];
    let crm = Scripted::new("crm", surfaces);
    let world = World::begin(|builder| builder.connect(crm.clone()).entity::<Thing>().inputs(Inputs::new().most(2)));
    let hints = |ids: [&str; 2]| ids.map(|id| shows(Channel::Poll, id, None, "")).to_vec();
    for id in ["1", "2", "3", "4"] {
        crm.answers(id, found(id));
    }
    crm.gives(Channel::Poll, page(hints(["1", "2"]), "a"));
    crm.gives(Channel::Poll, last_page(hints(["3", "4"])));
    let refused = block_on(world.tenant.poll("crm")).unwrap_err();
    assert!(matches!(refused, Error::Full { .. }), "{refused}");
    assert_eq!(crm.state().behind["poll"].len(), 1, "it is not asked for more");
    assert_eq!(world.rows(Table::Work).len(), 2);
    while step(&world).more() {}
    world.poll();
    let behind: Vec<Option<String>> =
        crm.state().behind["poll"].iter().map(|cursor| cursor.as_ref().map(|cursor| cursor.0.clone())).collect();
    assert_eq!(behind, [None, Some("a".to_owned())]);
    while step(&world).more() {}
    assert_eq!(["1", "2", "3", "4"].map(|id| world.life(id)), [Life::Live; 4]);
}

#[test]
fn a_scan_waits_where_it_is() {
    let crm = both();
    let world = world(&crm, Inputs::new().most(1));
    world.receive(&crm, vec![hint("1")]);
    crm.answers("1", found("1"));
    // A page of which one item carries no token, and is a hint.
    let pages = || page(vec![shows(Channel::Scan, "2", Some(7), "Ida"), shows(Channel::Scan, "3", None, "Eva")], "a");
    crm.gives(Channel::Scan, pages());
    assert!(matches!(block_on(world.tenant.scan("crm")).unwrap_err(), Error::Full { .. }));
    assert_eq!(world.life("2"), Life::Unknown, "nothing of the page is taken in");
    while step(&world).more() {}
    crm.gives(Channel::Scan, pages());
    crm.gives(Channel::Scan, last_page(Vec::new()));
    crm.answers("3", found("3"));
    world.scan();
    while step(&world).more() {}
    assert_eq!(["1", "2", "3"].map(|id| world.life(id)), [Life::Live; 3]);
}

#[test]
fn a_door_refuses_what_there_is_no_room_for_before_it_queues_it() {
    let crm = both();
    let world = world(&crm, Inputs::new().most(1));
    let queue = SqliteQueue::open_in_memory().unwrap().clock(std::sync::Arc::clone(&world.clock));
    let enqueue = |id: &str| {
        crm.state().delivery = vec![hint(id)];
        block_on(world.tenant.enqueue(&queue, "crm", Delivery::default())).map(drop)
    };
    enqueue("1").unwrap();
    world.receive(&crm, vec![hint("2")]);
    assert!(matches!(enqueue("3"), Err(Error::Full { .. })));
    // What is in the queue by then is taken in: it was acknowledged.
    let elsewhere = accordant_of(&world, &crm);
    let mut worker = block_on(accordant::Worker::join(&elsewhere, queue.clone(), &["acme"])).unwrap();
    let read = || crm.reads_of("1") + crm.reads_of("2");
    for _ in 0..20 {
        block_on(worker.turn()).unwrap();
    }
    assert_eq!((read(), world.rows(Table::Work).len()), (2, 0));
    // Another process made room: that is seen soon.
    world.clock.advance(TimeDelta::seconds(10));
    enqueue("3").unwrap();
}

fn accordant_of(world: &World, crm: &Scripted) -> accordant::Accordant {
    let builder = accordant::Accordant::builder().store(world.store.clone()).clock(std::sync::Arc::clone(&world.clock));
    builder.connect(crm.clone()).entity::<Thing>().entity::<Note>().inputs(Inputs::new().most(1)).build().unwrap()
}

#[test]
fn who_was_refused_for_longer_than_senders_repeat_is_an_outage() {
    let mut pushed = surface(Channel::Webhook, BY_TIME);
    pushed.semantics.unrecoverable_after = Some(TimeDelta::hours(1));
    let crm = Scripted::new("crm", vec![pushed, surface(Channel::Scan, BY_TIME), surface(Channel::Read, BY_TIME)]);
    let world = World::begin(|builder| builder.connect(crm.clone()).entity::<Thing>().inputs(Inputs::new().most(1)));
    // Who answers what is pushed need not be who notes that somebody listens.
    let builder = accordant::Accordant::builder().store(world.store.clone()).clock(std::sync::Arc::clone(&world.clock));
    let builder = builder.connect(crm.clone()).entity::<Thing>().inputs(Inputs::new().most(1));
    let worker = builder.build().unwrap().tenant("acme");
    let listen = || block_on(worker.listen()).unwrap();
    assert!(listen().is_empty());
    crm.state().down = Some(down());
    world.receive(&crm, vec![hint("1")]);
    for _ in 0..9 {
        world.clock.advance(TimeDelta::minutes(10));
        assert!(matches!(delivers(&world, &crm, vec![hint("2")]), Err(Error::Full { .. })));
        assert!(listen().is_empty(), "what is refused is not heard");
    }
    crm.state().down = None;
    while step(&world).more() {}
    world.receive(&crm, vec![hint("3")]);
    while step(&world).more() {}
    world.clock.advance(TimeDelta::seconds(10));
    let outages = listen();
    assert_eq!(outages.len(), 1, "{outages:?}");
    assert!(block_on(world.tenant.pulses()).unwrap()[0].outage.is_some());
}

#[test]
fn a_hint_that_may_expire_does_and_the_next_scan_makes_up_for_it() {
    let crm = both();
    let hour = TimeDelta::hours(1);
    let world = world(&crm, Inputs::new().priority("note", Priority::Low).expires(Priority::Low, hour));
    crm.state().down = Some(down());
    world.receive(&crm, vec![hint_of_note("1"), hint_of_note("2"), hint("3")]);
    world.clock.advance(TimeDelta::minutes(59));
    assert_eq!((step(&world).expired, world.rows(Table::Work).len()), (0, 3));
    // Hinted at anew, it waits since it first was.
    world.receive(&crm, vec![hint_of_note("2")]);
    world.clock.advance(TimeDelta::minutes(1));
    assert_eq!((step(&world).expired, world.rows(Table::Work).len(), expired(&world)), (2, 1, 2));
    assert_eq!(block_on(world.tenant.status()).unwrap().connections["crm"].expired, 2);
    let entries = journal(&world);
    let (entry, payload) = entries.iter().find(|(entry, _)| *entry.kind == *"input_expired").unwrap();
    let told: (accordant::id::RecordRef, Priority, i64) =
        serde_json::from_slice(&payload.as_ref().unwrap().bytes).unwrap();
    assert_eq!((told.0.id.as_str(), told.1, entry.at - told.2), ("1", Priority::Low, hour.num_milliseconds()));
    is_clean(&world);
    crm.state().down = None;
    let scanned = Item::new("notes/scan".into(), Says::Record, shows(Channel::Scan, "1", Some(7), "").body);
    crm.state().pages.entry("notes/scan").or_default().push_back(Ok(last_page(vec![scanned])));
    world.scan();
    assert_eq!(world.rows(Table::Representation).len(), 1);
    is_clean(&world);
}

#[test]
fn nothing_expires_that_is_owed_or_that_no_pulse_makes_up_for() {
    let week = TimeDelta::weeks(1);
    let inputs = || Inputs::new().expires(Priority::Normal, TimeDelta::minutes(1));
    let waits = |world: &World, crm: &Scripted, what: &str| {
        crm.state().down = Some(down());
        world.clock.advance(week);
        assert_eq!((step(world).expired, world.rows(Table::Work).len(), expired(world)), (0, 1, 0), "{what}");
    };
    // Told at one instant that it is there and that it is gone: only a read can tell.
    let crm = both();
    let tied = world(&crm, inputs());
    tied.receive(&crm, vec![shows(Channel::Webhook, "1", Some(7), "Ana"), deleted(Channel::Webhook, "1", Some(7))]);
    waits(&tied, &crm, "a tie");
    // Hinted at first, and owed since.
    let crm = both();
    let hinted = world(&crm, inputs());
    hinted.receive(&crm, vec![hint("1")]);
    hinted.receive(&crm, vec![shows(Channel::Webhook, "1", Some(7), "Ana"), deleted(Channel::Webhook, "1", Some(7))]);
    waits(&hinted, &crm, "a tie of what was hinted at");
    // Owed first, and hinted at since.
    hinted.receive(&crm, vec![hint("1")]);
    waits(&hinted, &crm, "a hint at what was a tie");
    // No scan reads it.
    let crm = Scripted::new("crm", vec![surface(Channel::Webhook, BY_TIME), surface(Channel::Read, BY_TIME)]);
    let unscanned = World::begin(|builder| builder.connect(crm.clone()).entity::<Thing>().inputs(inputs()));
    unscanned.receive(&crm, vec![hint("1")]);
    waits(&unscanned, &crm, "what no scan reads");
    // No pulse scans it.
    let crm = both();
    let unpulsed = World::begin(|builder| {
        builder.connect(crm.clone()).entity::<Thing>().entity::<Note>().inputs(inputs()).pulse("crm", None)
    });
    unpulsed.receive(&crm, vec![hint("1")]);
    waits(&unpulsed, &crm, "what no pulse reads");
}

#[test]
fn a_hint_that_no_scan_makes_up_for_does_not_expire() {
    let inputs = || Inputs::new().expires(Priority::Normal, TimeDelta::minutes(1));
    let whole = surface(Channel::Scan, BY_TIME);
    let mut blind = whole.clone();
    blind.semantics.deletes = Deletes::NeverTold;
    let mut ids = whole.clone();
    ids.semantics.completeness = Completeness::IdOnly;
    for (what, scan, expires) in
        [("says all", whole, 1), ("does not tell deletions", blind, 0), ("tells of ids only", ids, 0)]
    {
        let surfaces = vec![surface(Channel::Webhook, BY_TIME), scan, surface(Channel::Read, BY_TIME)];
        let crm = Scripted::new("crm", surfaces);
        let world = World::begin(|builder| builder.connect(crm.clone()).entity::<Thing>().inputs(inputs()));
        crm.state().down = Some(down());
        world.receive(&crm, vec![hint("1")]);
        world.clock.advance(TimeDelta::hours(1));
        assert_eq!((step(&world).expired, world.rows(Table::Work).len()), (expires, 1 - expires), "a scan that {what}");
    }
    // What the scan itself could not say is not left to the next one.
    let crm = both();
    let world = world(&crm, inputs());
    crm.gives(Channel::Scan, last_page(vec![shows(Channel::Scan, "3", None, "Eva")]));
    world.scan();
    crm.state().down = Some(down());
    world.clock.advance(TimeDelta::hours(1));
    assert_eq!((step(&world).expired, world.rows(Table::Work).len()), (0, 1));
}

#[test]
fn what_no_model_knows_takes_nobodys_room() {
    let crm = both();
    let world = world(&crm, Inputs::new().most(2));
    crm.state().down = Some(down());
    world.receive(&crm, vec![hint_of_note("1"), hint_of_note("2")]);
    assert!(matches!(delivers(&world, &crm, vec![hint("3")]), Err(Error::Full { .. })));
    let builder = accordant::Accordant::builder().store(world.store.clone()).clock(std::sync::Arc::clone(&world.clock));
    let without = builder.connect(crm.clone()).entity::<Thing>().inputs(Inputs::new().most(2)).build().unwrap();
    let without = without.tenant("acme");
    assert!(!block_on(without.status()).unwrap().ready, "its model is not accepted");
    block_on(without.accept_model(&accordant::id::Actor::new("ops"))).unwrap();
    crm.state().delivery = vec![hint("3"), hint("4")];
    block_on(without.receive("crm", Delivery::default())).unwrap();
    crm.state().delivery = vec![hint("5")];
    let refused = block_on(without.receive("crm", Delivery::default())).unwrap_err();
    assert!(matches!(refused, Error::Full { waiting: 2, most: 2, .. }), "{refused}");
    drop(block_on(without.step()).unwrap());
    let status = block_on(without.status()).unwrap();
    assert_eq!(status.connections["crm"].measured.queue, Some(2));
    assert_eq!(world.rows(Table::Work).len(), 4);
}

#[test]
fn an_expiry_that_is_interrupted_anywhere_is_journaled_once() {
    for after in [false, true] {
        for call in 0.. {
            let crm = both();
            let inputs = || Inputs::new().expires(Priority::Normal, TimeDelta::minutes(1));
            let world = world(&crm, inputs());
            crm.state().down = Some(down());
            world.receive(&crm, vec![hint("1"), hint("2")]);
            world.clock.advance(TimeDelta::hours(1));
            let failing = Watched::new(world.store.clone(), FailsOnce::at(call, after));
            let interrupted = accordant::Accordant::builder().store(failing).clock(std::sync::Arc::clone(&world.clock));
            let interrupted = interrupted.connect(crm.clone()).entity::<Thing>().entity::<Note>().inputs(inputs());
            let ended = block_on(interrupted.build().unwrap().tenant("acme").step()).is_ok();
            let left = world.rows(Table::Work).len();
            assert_eq!(expired(&world), 2 - left, "call {call}, after: {after}");
            is_clean(&world);
            drop(step(&world));
            assert_eq!((world.rows(Table::Work).len(), expired(&world)), (0, 2), "call {call}, after: {after}");
            is_clean(&world);
            if ended {
                assert!(call > 3, "it has several calls: {call}");
                break;
            }
        }
    }
}

#[test]
fn what_cannot_be_meant_is_a_mistake_of_the_configuration() {
    let crm = both();
    let refused = |inputs: Inputs| {
        let builder = accordant::Accordant::builder().connect(crm.clone()).entity::<Thing>().entity::<Note>();
        match builder.inputs(inputs).build().map(drop) {
            Err(Error::Configuration(mistakes)) => mistakes.to_string(),
            other => panic!("{other:?}"),
        }
    };
    for (inputs, mistake) in [
        (Inputs::new().most(0), "`inputs` lets no record wait anywhere: nothing would ever be read"),
        (Inputs::new().most_at("crm", 0), "`inputs` lets no record wait at `crm`: nothing would ever be read"),
        (Inputs::new().most_at("shop", 9), "`inputs` names `shop`, which is no connection"),
        (Inputs::new().priority_at("shop", "note", Priority::Low), "`inputs` names `shop`, which is no connection"),
        (Inputs::new().priority("order", Priority::Low), "`inputs` names entity `order`, which is not declared"),
        (
            Inputs::new().expires(Priority::Low, TimeDelta::seconds(59)),
            "`inputs` lets what is low expire after 59000 ms; it must be at least 60000 ms",
        ),
    ] {
        let said = refused(inputs);
        assert!(said.contains(mistake), "{said}");
    }
}
