//! What people enter, and what cannot be decoded.

use accordant::bytes::Bytes;
use accordant::chrono::TimeDelta;
use accordant::surface::Channel;
use accordant::{Actor, Clock as _};
use futures::executor::block_on;

use crate::support::{BY_TIME, Scripted, Thing, World, shows, surface};

fn begun() -> (Scripted, World) {
    let crm = Scripted::new("crm", vec![surface(Channel::Webhook, BY_TIME), surface(Channel::Read, BY_TIME)]);
    let world = World::of(&crm);
    world.receive(&crm, vec![shows(Channel::Webhook, "1", Some(7), "Ana")]);
    (crm, world)
}

#[test]
fn an_entry_counts_although_the_clock_stepped_back() {
    let (_, world) = begun();
    let ana = Actor::new("ana");
    let id = block_on(world.tenant.find(Thing::KEY, "1")).expect("it is there")[0];
    let enters =
        |note: &str| block_on(world.tenant.enter(id, Thing::NOTE, Some(note.to_owned()), &ana)).expect("entered");
    let golden = || block_on(world.tenant.inspect(id)).expect("it is there").golden.expect("complete");
    let note = || golden().note;
    enters("first");
    assert_eq!((golden().key.as_str(), golden().name.as_deref()), ("1", Some("Ana")));
    world.clock.advance(TimeDelta::hours(-1));
    enters("second");
    assert_eq!(note().as_deref(), Some("second"));
    enters("third");
    assert_eq!(note().as_deref(), Some("third"));
    world.clock.advance(TimeDelta::hours(2));
    enters("fourth");
    assert_eq!(note().as_deref(), Some("fourth"));
    assert!(world.clock.now() > 0);
}

#[test]
fn dead_letters_give_back_their_bytes() {
    let (crm, world) = begun();
    for bytes in [&b"hex:00ff"[..], b"\xff\x00\x10", b"{\"id\":", b"00ff"] {
        let mut letter = shows(Channel::Webhook, "1", None, "");
        letter.body = Bytes::copy_from_slice(bytes);
        world.receive(&crm, vec![letter]);
        let letters = block_on(world.tenant.dead_letters()).expect("they are listed");
        assert!(letters.iter().any(|(_, letter)| letter.bytes() == bytes), "{letters:?}");
    }
    assert_eq!(block_on(world.tenant.dead_letters()).expect("they are listed").len(), 4);
}

#[test]
fn a_dead_letter_stands_once() {
    let (crm, world) = begun();
    let mut letter = shows(Channel::Webhook, "1", None, "");
    letter.body = Bytes::from_static(b"an unmistakable body");
    world.receive(&crm, vec![letter]);
    let journal = accordant::testing::journal(&world.tenant);
    let (_, payload) = journal.iter().find(|(entry, _)| entry.kind.as_str() == "dead_letter").expect("it is journaled");
    let told = String::from_utf8(payload.as_ref().expect("nothing was erased").bytes.clone()).expect("JSON");
    assert!(!told.contains("unmistakable"), "the bytes are in its row: {told}");
    let (key, kept) = &block_on(world.tenant.dead_letters()).expect("they are listed")[0];
    assert!(told.contains(key.as_str()), "{told} names its row");
    assert_eq!(kept.bytes(), b"an unmistakable body");
}
