//! The checked-in store, and what fills it: shared by the tests that read it and by the example that writes it.

use std::path::{Path, PathBuf};

use accordant::clock::ManualClock;
use accordant::engine::Tenant;
use chrono::TimeDelta;
use futures::executor::block_on;
use serde_json::{Value as Json, json};

use crate::support::{Said, record, says};

pub(crate) const CUSTOMERS: usize = 7;

/// The checked-in store.
pub(crate) fn checked_in() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stores/v1.sqlite")
}

pub(crate) fn customer(n: usize) -> Json {
    json!({
        "email": format!("customer{n}@acme.test"), "name": format!("Customer {n}"), "balance": format!("{n}00"),
        "segment": if n.is_multiple_of(2) { "gold" } else { "basic" }, "fax": "555", "tags": ["new"],
        "street": format!("{n} Main Street"), "zip": "10115",
    })
}

/// Seven customers in three systems: one contradicts itself, one record is gone and one was merged; the others agree.
pub(crate) fn fill(tenant: &Tenant, clock: &ManualClock) {
    let with = |n: usize, key: &str, value: &str| {
        let mut fields = customer(n);
        fields[key] = value.into();
        fields
    };
    let say = |system, said: &[Said]| {
        block_on(says(tenant, system, said)).unwrap();
        clock.advance(TimeDelta::minutes(1));
    };
    let all =
        |prefix: &str| (0..CUSTOMERS).map(|n| record(&format!("{prefix}{n}"), 1_000, customer(n))).collect::<Vec<_>>();
    say("crm", &all("c"));
    say("erp", &all("e"));
    let mut shop = all("s");
    // They contradict each other from the beginning: that waits for a person.
    shop[2] = record("s2", 1_000, with(2, "segment", "silver"));
    say("shop", &shop);
    // A change that everyone followed.
    for (system, id) in [("crm", "c1"), ("shop", "s1"), ("erp", "e1")] {
        say(system, &[record(id, 2_000, with(1, "name", "Customer One"))]);
    }
    // Something late, a part, a death, a merge.
    say("erp", &[record("e3", 500, with(3, "name", "An old name"))]);
    let part = Said { part: true, ..record("c4", 3_000, json!({ "fax": "555" })) };
    say("crm", &[part]);
    say("shop", &[Said { kind: "deleted".into(), ..record("s5", 3_000, json!({})) }]);
    say("crm", &[Said { kind: "merged".into(), other: "c6b".into(), ..record("c6", 3_000, json!({})) }]);
    say("crm", &[record("c6b", 3_100, customer(6))]);
}
