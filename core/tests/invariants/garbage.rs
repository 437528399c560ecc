//! 12: garbage in gives a typed error or a dead letter with the bytes kept; never a panic.

use accordant::bytes::Bytes;
use accordant::engine::StoredDeadLetter;
use accordant::store::Table;
use futures::executor::block_on;
use proptest::prelude::*;

use crate::config;
use crate::shape::{Attribute, Design, Kind, Policy};
use crate::world::World;

fn small() -> World {
    let plain = |kind| Attribute {
        kind,
        owner: None,
        strengths: u64::MAX / 3,
        unmapped: 0,
        policy: Policy::None,
        on_clear: None,
    };
    let design = Design { systems: 2, attributes: vec![plain(Kind::One), plain(Kind::Group), plain(Kind::Set)] };
    let mut world = World::begin(&design, [0; 3]);
    world.poll_all();
    world
}

/// Takes a body in by webhook and by poll. Says how many dead letters that made.
fn take_in(world: &World, body: &Bytes) -> usize {
    let before = letters(world).len();
    let fake = &world.fakes[0];
    block_on(world.tenant.receive("s0", fake.raw_webhook("things", body.clone()))).expect("a body is no failure");
    fake.raw_page("things", body.clone());
    block_on(world.tenant.poll("s0")).expect("a page is no failure");
    while block_on(world.tenant.step()).expect("the engine can step").more() {}
    letters(world).len() - before
}

fn letters(world: &World) -> Vec<Vec<u8>> {
    let rows = world.rows().into_iter().filter(|(table, ..)| *table == Table::DeadLetter);
    rows.map(|(_, _, value)| {
        let letter: StoredDeadLetter = serde_json::from_slice(&value).expect("a dead letter is JSON");
        letter.bytes()
    })
    .collect()
}

/// A body that cannot be taken in stands whole among the dead letters, once per surface.
fn is_kept(body: &[u8]) {
    let world = small();
    let golden = world.all_golden();
    assert_eq!(take_in(&world, &Bytes::copy_from_slice(body)), 2, "one letter per surface");
    assert!(letters(&world).iter().all(|letter| letter == body), "the bytes are kept");
    assert_eq!(world.all_golden(), golden);
}

#[test]
fn deep_nesting_is_kept() {
    is_kept(format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000)).as_bytes());
    let deep = format!("{}1{}", "{\"record\":".repeat(10_000), "}".repeat(10_000));
    is_kept(deep.as_bytes());
}

#[test]
fn a_body_over_the_limit_is_kept() {
    let world = small();
    let body = Bytes::from(vec![b' '; 100_000_000]);
    let fake = &world.fakes[0];
    block_on(world.tenant.receive("s0", fake.raw_webhook("things", body.clone()))).expect("a body is no failure");
    let kept = letters(&world);
    assert_eq!(kept.len(), 1);
    assert!(kept[0] == body, "the bytes are kept");
}

#[test]
fn truncated_json_is_kept() {
    let whole = r#"{"id":"r9","modified":5,"record":{"key":"k9","a0":"x","a1":{"x":"1","y":"2"},"a2":["b"]}}"#;
    for end in 1..whole.len() {
        is_kept(&whole.as_bytes()[..end]);
    }
}

#[test]
fn invalid_utf8_is_kept() {
    is_kept(b"{\"id\":\"r9\",\"modified\":5,\"record\":{\"key\":\"\xff\xfe\"}}");
    is_kept(b"\xff\xfe\x00");
}

#[test]
fn a_value_of_the_wrong_type_is_kept_and_hides_only_itself() {
    for wrong in [r#"{"x":1}"#, "[1,2]", "[[]]"] {
        let world = small();
        let body =
            format!(r#"{{"id":"r9","modified":5,"record":{{"key":"k9","a0":{wrong},"a1":{{"x":"1","y":"2"}}}}}}"#);
        assert_eq!(take_in(&world, &Bytes::from(body.clone())), 2, "{wrong}");
        assert!(letters(&world).iter().all(|letter| *letter == body.as_bytes()));
        assert!(world.all_golden().iter().any(|(_, value)| value == r#"["1","2"]"#), "the rest is taken in");
    }
}

proptest! {
    #![proptest_config(config(1_000))]

    #[test]
    fn any_bytes_are_taken_in_or_kept(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let world = small();
        let letters_made = take_in(&world, &Bytes::from(body.clone()));
        prop_assert_eq!(letters_made, 2);
        prop_assert!(letters(&world).iter().all(|letter| *letter == body));
    }

    #[test]
    fn a_mangled_record_is_taken_in_or_kept(
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let world = small();
        let whole = r#"{"id":"r0","modified":9999999999999,"record":{"key":"k0","a0":"x","a1":{"x":"1"},"a2":["b"]}}"#;
        let mut body = whole.as_bytes().to_vec();
        let place = place.index(body.len());
        body[place] = byte;
        body.truncate(body.len() - cut.index(3));
        let body = Bytes::from(body);
        take_in(&world, &body);
        prop_assert!(letters(&world).iter().all(|letter| *letter == body));
    }
}
