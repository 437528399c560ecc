//! The whole engine: webhooks, pages, reads and people in any order, with any bytes. It ends quiet, and its journal adds
//! up to what it stored.

use accordant::bytes::Bytes;
use accordant::chrono::TimeDelta;
use accordant::connector::CreateSafety;
use accordant::id::Actor;
use accordant::plan::Scope;
use accordant::store::MemoryStore;
use arbitrary::{Arbitrary as _, Result, Unstructured};
use futures::executor::block_on;
use serde_json::{Map, Value, json};

use super::world::{OBJECTS, World};

/// Ids that can stand in the header of a fake webhook.
const IDS: [&str; 4] = ["1", "2", "s1", "a/b"];

/// Ids in bodies: they may hold what separates the parts of a row's key.
const ANY_IDS: [&str; 6] = ["1", "2", "s1", "a/b", "\u{1f}", ""];

fn text(bytes: &mut Unstructured<'_>) -> Result<Value> {
    const KNOWN: [&str; 12] = [
        "p1@acme.test",
        "p2@acme.test",
        "P1@ACME.test ",
        "Acme",
        "",
        "5.00",
        "5",
        "-1e999",
        "a;b;;b",
        "\u{1f}",
        "1",
        "2",
    ];
    Ok(match bytes.int_in_range(0..=15)? {
        12 => Value::Null,
        13 => json!(u64::MAX),
        14 => json!([[], {}]),
        15 => Value::String(String::arbitrary(bytes)?),
        known => KNOWN[known].into(),
    })
}

fn record(bytes: &mut Unstructured<'_>) -> Result<Value> {
    let mut fields = Map::new();
    for name in ["email", "company", "note", "balance", "tier", "manager", "tags", "street", "zip"] {
        if bool::arbitrary(bytes)? {
            fields.insert(name.to_owned(), text(bytes)?);
        }
    }
    Ok(Value::Object(fields))
}

fn body(bytes: &mut Unstructured<'_>) -> Result<Bytes> {
    if bytes.ratio(1, 4)? {
        return Ok(Bytes::from(Vec::<u8>::arbitrary(bytes)?));
    }
    let modified = match bytes.int_in_range(0..=4)? {
        0 => json!(null),
        1 => json!(i64::MAX),
        2 => json!("1767600000000"),
        later => json!(1_767_600_000_000_i64 + later),
    };
    let id = *bytes.choose(&ANY_IDS)?;
    Ok(json!({ "id": id, "modified": modified, "record": record(bytes)? }).to_string().into())
}

fn event(world: &World, bytes: &mut Unstructured<'_>) -> Result<()> {
    let of = usize::from(bool::arbitrary(bytes)?);
    let (fake, object, connection) = (&world.fakes[of], OBJECTS[of], ["crm", "shop"][of]);
    let id = *bytes.choose(&IDS)?;
    match bytes.int_in_range(0..=11)? {
        0 | 1 => fake.edit(object, id, &record(bytes)?),
        2 => drop(block_on(world.tenant.receive(connection, fake.raw_webhook(object, body(bytes)?)))),
        3 => drop(fake.raw_page(object, body(bytes)?)),
        4 => drop(block_on(world.tenant.poll(connection)).expect("a page is no failure")),
        5 => drop(block_on(world.tenant.scan(connection)).expect("a scan is no failure")),
        6 => fake.delete(object, id),
        7 => {
            let other = *bytes.choose(&IDS)?;
            if other != id && fake.record(object, id).is_some() && fake.record(object, other).is_some() {
                fake.merge(object, id, other);
                drop(block_on(world.tenant.receive(connection, fake.merge_webhook(object, id, other))));
            }
        }
        8 => drop(block_on(world.tenant.receive(connection, fake.hint_webhook(object, id)))),
        9 => match bytes.int_in_range(0..=4)? {
            0 => drop(fake.loses_answer()),
            1 => drop(fake.loses_request()),
            2 => drop(fake.goes_stale()),
            3 => drop(fake.create_safety_is(CreateSafety::DetectAndMerge)),
            _ => drop(fake.refuses("not today")),
        },
        10 => {
            world.clock.advance(TimeDelta::seconds(bytes.int_in_range(0..=100_000)?));
            world.steps();
        }
        _ => {
            let request = world.tenant.plan(Scope::default());
            let request = if bool::arbitrary(bytes)? { request.bootstrap() } else { request };
            let plan = block_on(request.into_future()).expect("what was taken in can be planned");
            block_on(world.tenant.approve(plan.hash, &Actor::new("ana"))).expect("a plan can be approved");
            block_on(world.tenant.apply(plan.hash)).expect("an approved plan can be applied");
        }
    }
    Ok(())
}

/// Nothing panics, nothing fails, and the journal adds up.
pub fn run(data: &[u8]) {
    let world = World::on(MemoryStore::new(), "2026-01-05T08:00:00Z");
    let mut bytes = Unstructured::new(data);
    for _ in 0..24 {
        if bytes.is_empty() || event(&world, &mut bytes).is_err() {
            break;
        }
    }
    world.steps();
    let verified = block_on(world.tenant.verify()).expect("the journal reads");
    assert!(verified.is_clean(), "{:?}", verified.differences);
}
