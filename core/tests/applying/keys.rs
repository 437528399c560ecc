//! The key by which a system knows a write that is sent again.

use chrono::TimeDelta;
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Between, World, account, apply, approve, plan, step};

/// The same write, wanted twice with a change by somebody else in between, is two writes: a system that answers a repetition
/// with what it said the first time would do nothing the second time. What was put off is the same write.
#[test]
fn a_write_that_is_wanted_again_after_the_record_moved_has_a_key_of_its_own() {
    let world = World::new();
    let shop = Between::new(&world.shop);
    let mut told = account(1);
    told["tier"] = "old".into();
    world.crm.edit("accounts", "1", &told);
    world.shop.edit("customers", "s1", &told);
    let tenant = world.open(1, world.crm.clone(), shop.clone());
    block_on(tenant.poll("crm")).unwrap();
    step(&tenant);
    assert!(plan(&tenant).is_empty(), "{}", plan(&tenant));
    let write = || {
        let planned = plan(&tenant);
        assert_eq!(planned.operations.len(), 1, "{planned}");
        approve(&tenant, planned.hash);
        apply(&tenant, planned.hash);
        world.clock.advance(TimeDelta::hours(2));
        step(&tenant);
        block_on(tenant.poll("shop")).unwrap();
        step(&tenant);
    };
    world.crm.edit("accounts", "1", &json!({ "tier": "new" }));
    block_on(tenant.poll("crm")).unwrap();
    world.shop.defers();
    write();
    assert_eq!(world.shop.record("customers", "s1").unwrap()["tier"], "old");
    write();
    assert_eq!(world.shop.record("customers", "s1").unwrap()["tier"], "new");
    world.shop.edit("customers", "s1", &json!({ "tier": "old" }));
    block_on(tenant.poll("shop")).unwrap();
    write();
    assert_eq!(world.shop.record("customers", "s1").unwrap()["tier"], "new");
    let keys = shop.keys.lock().unwrap().clone();
    let [put_off, sent, again] = keys.as_slice() else { panic!("{keys:?}") };
    assert_eq!(put_off, sent, "nothing newer was heard in between");
    assert_ne!(sent, again, "the record moved, and moved back");
}
