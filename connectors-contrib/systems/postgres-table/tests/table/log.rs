//! The log: what was committed, and what is kept of it for whoever asks again.

use std::time::Duration;

use accordant::connector::{Connector as _, ConnectorErrorKind};
use accordant::id::SurfaceName;
use accordant_postgres_table::{Log, PostgresTable};
use chrono::TimeDelta;

use crate::{Stage, told};

const LOG: &str = "customers.log";

pub(crate) fn the_log_tells_of_every_committed_change(stage: &Stage) {
    stage.sql("INSERT INTO $T (id) VALUES (1)");
    let connector = stage.connect(stage.settings(stage.table()).log(stage.log()));
    let (items, next) = stage.walk(&connector, LOG, None);
    assert_eq!(told(&items), [], "what was before is for a scan");
    stage.sql("INSERT INTO $T (id) VALUES (2); UPDATE $T SET email = 'x' WHERE id = 1");
    stage.sql("BEGIN; INSERT INTO $T (id) VALUES (3); ROLLBACK");
    stage.sql("UPDATE $T SET id = 4 WHERE id = 2; DELETE FROM $T WHERE id = 1");
    let (items, next) = stage.walk(&connector, LOG, next);
    let hint = |id: &str, gone| (id.to_owned(), gone);
    assert_eq!(told(&items), [hint("2", false), hint("1", false), hint("2", true), hint("4", false), hint("1", true)]);
    assert_eq!(told(&stage.walk(&connector, LOG, next).0), []);
}

/// Whoever asks again from where the last page was durable is told again what that page held, by any process, in whatever
/// state the server is.
pub(crate) fn the_log_keeps_what_was_not_taken_in(stage: &Stage) {
    let settings = stage.settings(stage.table()).log(stage.log());
    let connector = stage.connect(settings.clone());
    let (_, durable) = stage.walk(&connector, LOG, None);
    stage.sql("INSERT INTO $T (id) VALUES (1)");
    // One page, and nobody asks for what follows it.
    let page = |connector: &PostgresTable, after| {
        let page = stage.runtime.block_on(connector.read_page(&SurfaceName::from(LOG), after)).unwrap();
        (told(&page.items), page.next)
    };
    let (items, lost) = page(&connector, durable.clone());
    assert_eq!(items, [("1".to_owned(), false)]);
    drop(connector);
    let connector = stage.connect(settings.clone());
    stage.sql("INSERT INTO $T (id) VALUES (2)");
    let (items, _) = page(&connector, durable.clone());
    assert_eq!(items, [("1".to_owned(), false)], "the first transaction fills a page");
    let (items, next) = stage.walk(&connector, LOG, durable.clone());
    assert_eq!(told(&items), [("1".to_owned(), false), ("2".to_owned(), false)]);
    // Only what follows a page gives it up. Then nobody can stand before it any more, and that is told.
    assert_eq!(told(&stage.walk(&connector, LOG, next.clone()).0), []);
    let name = SurfaceName::from(LOG);
    for before in [durable, lost] {
        let error = stage.runtime.block_on(connector.read_page(&name, before)).unwrap_err();
        assert_eq!(error.kind, ConnectorErrorKind::Unavailable);
    }
    // A slot that is gone is not made again in silence. Under another name the log begins anew.
    stage.sql(&format!("SELECT pg_drop_replication_slot('{}')", stage.schema));
    let error = stage.runtime.block_on(connector.read_page(&name, next.clone())).unwrap_err();
    assert!(error.to_string().contains("name another slot"), "{error}");
    let slot = format!("{}_b", stage.schema);
    let renamed = settings.log(Log::new(&slot, &stage.schema));
    let connector = stage.connect(renamed);
    let (_, next) = stage.walk(&connector, LOG, next);
    stage.sql("INSERT INTO $T (id) VALUES (3)");
    assert_eq!(told(&stage.walk(&connector, LOG, next).0), [("3".to_owned(), false)]);
    drop(connector);
    stage.sql(&format!("SELECT pg_drop_replication_slot('{slot}')"));
}

/// A store that is put back to an earlier state asks again from there.
pub(crate) fn the_log_is_kept_for_as_long_as_is_said(stage: &Stage) {
    let log = stage.log().kept_for(TimeDelta::hours(1));
    let connector = stage.connect(stage.settings(stage.table()).log(log));
    let (_, first) = stage.walk(&connector, LOG, None);
    stage.sql("INSERT INTO $T (id) SELECT generate_series(1, 3); INSERT INTO $T (id) SELECT generate_series(4, 6)");
    let (items, second) = stage.walk(&connector, LOG, first.clone());
    assert_eq!(items.len(), 6);
    stage.sql("INSERT INTO $T (id) VALUES (7)");
    let seventh = [("7".to_owned(), false)];
    assert_eq!(told(&stage.walk(&connector, LOG, second.clone()).0), seventh, "and not the six again");
    let (items, third) = stage.walk(&connector, LOG, first.clone());
    assert_eq!((items.len(), told(&items).last()), (7, seventh.first()));
    stage.clock.advance(TimeDelta::minutes(61));
    assert_eq!(told(&stage.walk(&connector, LOG, third).0), []);
    stage.walk(&connector, LOG, second.clone());
    let name = SurfaceName::from(LOG);
    assert!(stage.runtime.block_on(connector.read_page(&name, first)).is_err(), "an hour ago");
}

/// What follows where somebody asks from is told, though it was asked from further on, some time ago.
pub(crate) fn a_store_that_is_put_back_after_a_while_is_told_what_it_missed(stage: &Stage) {
    let log = stage.log().kept_for(TimeDelta::hours(1));
    let connector = stage.connect(stage.settings(stage.table()).log(log));
    let (_, first) = stage.walk(&connector, LOG, None);
    stage.sql("INSERT INTO $T (id) VALUES (1)");
    let (_, second) = stage.walk(&connector, LOG, first);
    stage.sql("INSERT INTO $T (id) VALUES (2)");
    let (_, third) = stage.walk(&connector, LOG, second.clone());
    assert_eq!(told(&stage.walk(&connector, LOG, third).0), []);
    stage.clock.advance(TimeDelta::minutes(61));
    assert_eq!(told(&stage.walk(&connector, LOG, second).0), [("2".to_owned(), false)]);
}

/// What decodes for longer than a statement may take is a matter of the log's own patience.
pub(crate) fn the_log_has_a_patience_of_its_own(stage: &Stage) {
    let log = stage.log();
    let settings = |log: &Log| stage.settings(stage.table()).log(log.clone());
    let (_, next) = stage.walk(&stage.connect(settings(&log)), LOG, None);
    stage.sql("INSERT INTO $T (id) SELECT generate_series(1, 30000)");
    let hasty = stage.connect(settings(&log.clone().patience(Duration::from_millis(1))));
    let ended = stage.runtime.block_on(hasty.read_page(&SurfaceName::from(LOG), next.clone())).unwrap_err();
    assert_eq!(ended.kind, ConnectorErrorKind::Unavailable, "{ended}");
    assert_eq!(log.patience, Duration::from_secs(600), "as it is unless said otherwise");
    let (items, _) = stage.walk(&stage.connect(settings(&log)), LOG, next);
    assert_eq!(items.len(), 30_000);
}

/// The log of a server is of all its tables: one that is read and says nothing is given up too.
pub(crate) fn the_log_of_other_tables_is_not_kept_for_ever(stage: &Stage) {
    let connector = stage.connect(stage.settings(stage.table()).log(stage.log()));
    let (_, next) = stage.walk(&connector, LOG, None);
    let kept = format!("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '{}'", stage.schema);
    let before = stage.one(&kept);
    stage.sql(&format!("CREATE TABLE {0}.other (id int PRIMARY KEY); INSERT INTO {0}.other VALUES (1)", stage.schema));
    let (items, next) = stage.walk(&connector, LOG, next);
    assert_eq!(told(&items), []);
    stage.walk(&connector, LOG, next);
    assert_ne!(stage.one(&kept), before);
}

pub(crate) fn a_log_that_would_not_name_deleted_rows_is_refused(stage: &Stage) {
    let log = stage.log();
    stage.sql("ALTER TABLE $T REPLICA IDENTITY NOTHING");
    let error = stage.try_connect(stage.settings(stage.table()).log(log.clone())).unwrap_err();
    assert!(error.to_string().contains("REPLICA IDENTITY FULL"), "{error}");
    stage.sql("ALTER TABLE $T REPLICA IDENTITY FULL; INSERT INTO $T (id) VALUES (1)");
    let connector = stage.connect(stage.settings(stage.table()).log(log));
    let (_, next) = stage.walk(&connector, LOG, None);
    stage.sql("DELETE FROM $T");
    assert_eq!(told(&stage.walk(&connector, LOG, next).0), [("1".to_owned(), true)]);
}
