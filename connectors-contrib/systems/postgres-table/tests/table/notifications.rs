//! Notifications, and connections that are lost.

use std::time::Duration;

use crate::{Stage, applied, told, update};

pub(crate) fn notifications_wake_and_name_rows(stage: &Stage) {
    let channel = format!("{} changes", stage.schema);
    let connector = stage.connect(stage.settings(stage.table()).listens(&channel));
    let surface = "customers.notify";
    let (_, next) = stage.walk(&connector, surface, None);
    stage.sql(&format!(
        "NOTIFY \"{channel}\", 'customers 7'; NOTIFY \"{channel}\", 'orders 1'; NOTIFY \"{channel}\", 'x'"
    ));
    stage
        .runtime
        .block_on(async { tokio::time::timeout(Duration::from_secs(20), connector.notified()).await.unwrap() });
    // The three are heard one after the other; whoever is woken by the first may be too early for the others.
    let mut found = Vec::new();
    let mut after = next.clone();
    while found.is_empty() {
        let (items, next) = stage.walk(&connector, surface, after);
        found = told(&items);
        after = next;
    }
    assert_eq!(found, [("7".to_owned(), false)]);
    // What no later page stands behind is told again.
    assert_eq!(told(&stage.walk(&connector, surface, next).0), found);
    assert_eq!(told(&stage.walk(&connector, surface, after).0), []);
}

/// A connection that is lost is had again; what was asked meanwhile is an error that waiting mends.
pub(crate) fn a_lost_connection_is_had_again(stage: &Stage) {
    stage.sql("INSERT INTO $T (id) VALUES (7)");
    let settings = stage.settings(stage.table()).listens(&stage.schema);
    let connector = stage.connect(settings);
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
        WHERE application_name = 'accordant' AND query LIKE '%'";
    let killed: u32 = stage.one(&format!("{kill} AND query LIKE '%{}%'", stage.schema)).parse().unwrap();
    assert!(killed > 0, "the listener, at least");
    assert_eq!(stage.outcome(&connector, update(1, "7", &[("email", "x")])), applied("7"));
    let surface = "customers.notify";
    let (_, mut next) = stage.walk(&connector, surface, None);
    let mut found = Vec::new();
    // The listener may not yet have noticed that it is cut off: then the next poll connects.
    for _ in 0..1_000 {
        stage.sql(&format!("NOTIFY {}, 'customers 7'", stage.schema));
        let (items, behind) = stage.walk(&connector, surface, next);
        next = behind;
        found = told(&items);
        if !found.is_empty() {
            break;
        }
    }
    assert_eq!(found.first(), Some(&("7".to_owned(), false)));
}
