//! What a real server does to a store: it refuses, it is cut off, it was written by another version.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod database;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use accordant::id::TenantId;
use accordant::store::conformance::{block_on, tenant, whole_commit, whole_commit_is_there};
use accordant::store::{Commit, Committed, RowKey, Store, StoreError, StoreFault, Table};
use accordant_postgres::{PostgresOptions, PostgresStore};
use accordant_test_servers::{Server, Trial, Wire, stores};
use database::{Database, OWNER};
use futures::future::join_all;

/// What a test does with a database of its own.
type Test = fn(&Database);

fn main() -> ExitCode {
    let tests: [(&str, Test); 13] = [
        ("wrong_credentials_are_denied", wrong_credentials_are_denied),
        ("a_server_that_is_not_there_is_unavailable", a_server_that_is_not_there_is_unavailable),
        ("tables_of_a_newer_version_are_refused_and_left_alone", tables_of_a_newer_version_are_refused_and_left_alone),
        (
            "tables_of_every_earlier_version_are_upgraded_in_place",
            tables_of_every_earlier_version_are_upgraded_in_place,
        ),
        ("many_may_create_the_tables_at_once", many_may_create_the_tables_at_once),
        ("a_commit_cut_off_at_any_step_is_whole_or_nothing", a_commit_cut_off_at_any_step_is_whole_or_nothing),
        ("a_commit_whose_answer_is_lost_may_have_happened", a_commit_whose_answer_is_lost_may_have_happened),
        ("what_was_acknowledged_survives_killed_sessions", what_was_acknowledged_survives_killed_sessions),
        ("a_database_that_is_read_only_says_so", a_database_that_is_read_only_says_so),
        ("a_key_that_no_index_holds_is_too_large", a_key_that_no_index_holds_is_too_large),
        ("a_lookup_reads_what_it_asks_for_and_not_the_tenant", a_lookup_reads_what_it_asks_for_and_not_the_tenant),
        ("row_security_shows_a_worker_one_tenant", row_security_shows_a_worker_one_tenant),
        ("analysts_read_discrepancies_and_the_journal", analysts_read_discrepancies_and_the_journal),
    ];
    Server::POSTGRES.test(|address| {
        let trial = |(name, test): (&str, Test)| stores::trial(address, name, test);
        let mut trials: Vec<Trial> = tests.into_iter().map(trial).collect();
        // Needs a disk of its own, which not everybody may mount.
        let full = trial((
            "a_full_disk_says_so_and_leaves_nothing_half_done",
            a_full_disk_says_so_and_leaves_nothing_half_done,
        ));
        #[cfg(feature = "tls")]
        {
            let tls = trial(("a_server_is_known_by_its_certificate", a_server_is_known_by_its_certificate));
            trials.push(tls.with_ignored_flag(std::env::var_os(AUTHORITY).is_none()));
        }
        trials.push(full.with_ignored_flag(std::env::var_os(SMALL).is_none()));
        trials
    })
}

/// Says where the certificate is that signed the server's.
#[cfg(feature = "tls")]
const AUTHORITY: &str = "ACCORDANT_POSTGRES_AUTHORITY";

#[cfg(feature = "tls")]
fn a_server_is_known_by_its_certificate(database: &Database) {
    let authority = std::fs::read(std::env::var(AUTHORITY).unwrap()).unwrap();
    let server = server(database);
    let address = |host: &str| {
        let name = database.config(OWNER, "owner").get_dbname().unwrap_or("postgres").to_owned();
        format!(
            "host={host} hostaddr={} port={} dbname={name} user={OWNER} password=owner sslmode=require application_name=tls",
            server.ip(),
            server.port()
        )
    };
    let options = |host| PostgresOptions::new(&address(host)).unwrap().schema(&database.schema);
    let store = database.open_with(options("localhost").authorities(authority.clone())).unwrap();
    block_on(store.commit(&tenant(), whole_commit("a"))).unwrap();
    assert!(block_on(whole_commit_is_there(&store, "a")));
    let encrypted = "SELECT bool_and(ssl), count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
        WHERE application_name = 'tls'";
    let row = database.runtime.block_on(database.superuser().query_one(encrypted, &[])).unwrap();
    assert!(row.get::<_, Option<bool>>(0).unwrap() && row.get::<_, i64>(1) > 0);
    // One that nobody vouches for, and one that is somebody else.
    assert!(database.open_with(options("localhost")).is_err());
    assert!(database.open_with(options("db.example.com").authorities(authority)).is_err());
    // What is no certificate is said to be none.
    let broken = b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n".to_vec();
    assert_eq!(fault(database.open_with(options("localhost").authorities(broken))), Some(StoreFault::Refused));
}

/// Says where a folder of PostgreSQL's on a small disk is.
const SMALL: &str = "ACCORDANT_POSTGRES_SMALL";

fn a_full_disk_says_so_and_leaves_nothing_half_done(database: &Database) {
    let folder = std::env::var(SMALL).unwrap();
    let (name, schema) = (format!("small_{}", std::process::id()), &database.schema);
    database.as_superuser(&format!("CREATE TABLESPACE {name} OWNER {OWNER} LOCATION '{folder}'"));
    let store = database.open_with(with(database, &format!("-c default_tablespace={name}"), schema)).unwrap();
    // What cannot be pressed together, a megabyte at a time.
    let mut state = 1_u64;
    let mut noise = || -> Vec<u8> {
        let next = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        });
        next.take(1 << 20).collect()
    };
    let mut done = 0;
    let error = loop {
        let mut large = whole_commit(&format!("{done}"));
        large.put[0].1 = noise();
        match block_on(store.commit(&tenant(), large)) {
            Ok(_) => done += 1,
            Err(error) => break error,
        }
        assert!(done < 40, "the disk is larger than it was said to be");
    };
    assert_eq!(error.fault(), Some(StoreFault::Full), "{error:?}");
    assert!(done > 3, "{done}");
    assert!((0..done).all(|one| block_on(whole_commit_is_there(&store, &one.to_string()))));
    assert!(!block_on(whole_commit_is_there(&store, &done.to_string())));
    drop(store);
    // What others keep elsewhere is not touched by it.
    let beside = database.another();
    block_on(beside.open().commit(&tenant(), whole_commit("a"))).unwrap();
    database.as_superuser(&format!("DROP SCHEMA {schema} CASCADE; CREATE SCHEMA {schema}"));
    database.as_superuser(&format!("DROP TABLESPACE {name}"));
}

fn fault<T: std::fmt::Debug>(result: Result<T, StoreError>) -> Option<StoreFault> {
    result.unwrap_err().fault()
}

fn wrong_credentials_are_denied(database: &Database) {
    for (role, password) in [(OWNER, "wrong"), ("nobody_we_know", "owner")] {
        let error = database.open_with(database.options_as(role, password)).unwrap_err();
        assert_eq!(error.fault(), Some(StoreFault::Denied));
        assert!(!error.may_pass());
        // What it was tried with is in no text of the error.
        assert!(!format!("{error:?}").contains("password=wrong"));
    }
    // A role that may connect, and may not create what is missing.
    database.as_superuser(&format!("ALTER SCHEMA {} OWNER TO CURRENT_USER", database.schema));
    assert_eq!(fault(database.open_with(database.options())), Some(StoreFault::Denied));
}

fn a_server_that_is_not_there_is_unavailable(database: &Database) {
    // The port of a listener that is gone.
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let options = PostgresOptions::new(&format!("postgres://a:b@127.0.0.1:{port}/c")).unwrap();
    let error = database.open_with(options.patience(Duration::from_secs(5))).unwrap_err();
    assert_eq!(error.fault(), Some(StoreFault::Unavailable));
    assert!(error.may_pass());
    assert_eq!(fault(PostgresOptions::new("postgres://a:b@[::")), Some(StoreFault::Refused));
}

fn tables_of_a_newer_version_are_refused_and_left_alone(database: &Database) {
    drop(database.open());
    database.as_superuser(&format!("UPDATE {}.format SET version = 99", database.schema));
    let refused = database.open_with(database.options());
    assert!(matches!(refused, Err(StoreError::Format { found: 99, supported: 3 })), "{refused:?}");
    let client = database.superuser();
    let row =
        database.runtime.block_on(client.query_one(&format!("SELECT version FROM {}.format", database.schema), &[]));
    assert_eq!(row.unwrap().get::<_, i32>(0), 99);
}

/// The statements of each version, once and for each table, as they were released.
const VERSIONS: [(&str, &str); 3] = [
    (include_str!("../migrations/0001-rows-and-journal.sql"), include_str!("../migrations/0001-each-table.sql")),
    (include_str!("../migrations/0002-row-security.sql"), include_str!("../migrations/0002-each-table.sql")),
    (include_str!("../migrations/0003-views.sql"), ""),
];

fn tables_of_every_earlier_version_are_upgraded_in_place(database: &Database) {
    for version in 1..VERSIONS.len() {
        let database = database.another();
        let mut sql = format!("CREATE TABLE {{schema}}.format AS SELECT {version} AS version;");
        for (place, (once, each)) in VERSIONS[..version].iter().enumerate() {
            sql.push_str(once);
            let journal = ["journal_head", "journal"].into_iter().filter(|_| place == 1);
            for table in Table::ALL.map(Table::name).into_iter().chain(journal) {
                sql.push_str(&each.replace("{table}", table));
            }
        }
        sql.push_str(
            "INSERT INTO {schema}.entity VALUES ('acme', 'old', '', '', 7, '{}', NULL); \
             INSERT INTO {schema}.journal_head VALUES ('acme', 0, decode(repeat('00', 32), 'hex'));",
        );
        let owner = database.client(&database.config(OWNER, "owner"));
        let setting = "SET accordant.tenant = '=acme';";
        database
            .runtime
            .block_on(owner.batch_execute(&format!("{setting}{}", sql.replace("{schema}", &database.schema))))
            .unwrap();

        let store = database.open();
        let row = block_on(store.load(&tenant(), &[RowKey::new(Table::Entity, "old")])).unwrap().remove(0).unwrap();
        assert_eq!((row.revision, row.value.as_slice()), (7, b"{}".as_slice()));
        block_on(store.commit(&tenant(), whole_commit("new"))).unwrap();
        assert!(block_on(whole_commit_is_there(&store, "new")));
        let other = TenantId::new("other");
        assert_eq!(block_on(store.scan(&other, Table::Entity, "", None, 9)).unwrap(), []);
        let secured = format!(
            "SELECT count(*) FROM pg_class WHERE relnamespace = '{}'::regnamespace AND relrowsecurity AND relforcerowsecurity",
            database.schema
        );
        let secured = database.runtime.block_on(database.superuser().query_one(&secured, &[])).unwrap();
        assert_eq!(secured.get::<_, i64>(0), Table::ALL.len() as i64 + 2);
        let views = format!("SELECT count(*) FROM {}.open_discrepancies", database.schema);
        database.runtime.block_on(owner.query_one(&views, &[])).unwrap();
        // Once is enough.
        drop(database.open());
    }
}

fn many_may_create_the_tables_at_once(database: &Database) {
    let opened = (0..6).map(|_| PostgresStore::open_with(database.options().connections(1)));
    let opened = database.runtime.block_on(join_all(opened));
    for (place, store) in opened.into_iter().enumerate() {
        block_on(store.unwrap().commit(&tenant(), whole_commit(&format!("{place}")))).unwrap();
    }
    assert!(block_on(whole_commit_is_there(&database.open(), "5")));
}

/// The store's options, over a wire.
fn over(database: &Database, wire: &Wire) -> PostgresOptions {
    let address = wire.address();
    let config = database.config(OWNER, "owner");
    let name = config.get_dbname().unwrap_or("postgres");
    let address = format!(
        "host={} port={} dbname={name} user={OWNER} password=owner connect_timeout=3",
        address.ip(),
        address.port()
    );
    PostgresOptions::new(&address).unwrap().schema(&database.schema).connections(1).patience(Duration::from_secs(3))
}

/// The store's options, with settings of its sessions.
fn with(database: &Database, settings: &str, schema: &str) -> PostgresOptions {
    let (config, server) = (database.config(OWNER, "owner"), server(database));
    let address = format!(
        "host={} port={} dbname={} user={OWNER} password=owner options='{settings}'",
        server.ip(),
        server.port(),
        config.get_dbname().unwrap_or("postgres")
    );
    PostgresOptions::new(&address).unwrap().schema(schema)
}

fn server(database: &Database) -> SocketAddr {
    let config = database.config(OWNER, "owner");
    let tokio_postgres::config::Host::Tcp(host) = &config.get_hosts()[0] else { panic!("servers are on loopback") };
    std::net::ToSocketAddrs::to_socket_addrs(&(host.as_str(), config.get_ports()[0])).unwrap().next().unwrap()
}

fn a_commit_cut_off_at_any_step_is_whole_or_nothing(database: &Database) {
    let direct = database.open();
    let wire = Wire::to(server(database)).unwrap();
    let store = database.open_with(over(database, &wire)).unwrap();
    // The first two prepare their statements; then a commit sends as much as every other.
    for name in ["first", "second"] {
        block_on(store.commit(&tenant(), whole_commit(name))).unwrap();
    }
    let before = wire.sent();
    block_on(store.commit(&tenant(), whole_commit("third"))).unwrap();
    let whole = wire.sent() - before;
    let (mut failed, mut round) = (0, 0);
    for cut in (0..whole + 200).step_by(61) {
        // One that is whole again: a connection, its statements, and no more.
        wire.mend();
        block_on(store.load(&tenant(), &[RowKey::new(Table::Entity, "x")])).unwrap();
        block_on(store.commit(&tenant(), whole_commit(&format!("warm {round}")))).unwrap();
        let name = format!("cut {round}");
        wire.cut_after(cut);
        let outcome = block_on(store.commit(&tenant(), whole_commit(&name)));
        let there = block_on(whole_commit_is_there(&direct, &name));
        match outcome {
            Ok(Committed::Done { .. }) => assert!(there, "acknowledged, and not there: cut at {cut}"),
            Ok(Committed::Lost { key }) => panic!("lost to nobody: {key:?}"),
            Err(error) => {
                failed += 1;
                assert_eq!(error.fault(), Some(StoreFault::Unavailable), "cut at {cut}: {error:?}");
            }
        }
        round += 1;
    }
    assert!(failed > round / 2, "{failed} of {round} were cut off");
}

fn a_commit_whose_answer_is_lost_may_have_happened(database: &Database) {
    let direct = database.open();
    let wire = Wire::to(server(database)).unwrap();
    let store = database.open_with(over(database, &wire)).unwrap();
    block_on(store.commit(&tenant(), whole_commit("first"))).unwrap();
    wire.swallow_answers();
    let answer = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| block_on(store.commit(&tenant(), whole_commit("silent"))));
        // The statements behind the first answer are never sent: nothing can have happened.
        while wire.sent() == 0 {}
        std::thread::yield_now();
        wire.mend();
        waiting.join().unwrap()
    });
    // Tried again over the mended wire, or told as failed: never half.
    let there = block_on(whole_commit_is_there(&direct, "silent"));
    match answer {
        Ok(_) => assert!(there),
        Err(error) => assert!(error.may_pass()),
    }
}

fn what_was_acknowledged_survives_killed_sessions(database: &Database) {
    let store = database.open();
    let superuser = database.superuser();
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = $1 AND query LIKE $2";
    let ours = format!("%{}%", database.schema);
    let (mut done, mut failed, mut killed) = (Vec::new(), Vec::new(), 0);
    // How many sessions are met at work is the machine's to say: so long until enough were.
    let mut round = 0;
    while round < 25 || killed <= 5 || done.len() <= 50 {
        assert!(round < 500, "{killed} sessions were killed, {} commits done", done.len());
        round += 1;
        let names: Vec<String> = (0..8).map(|one| format!("{round}/{one}")).collect();
        let tenant = tenant();
        let commits = join_all(names.iter().map(|name| store.commit(&tenant, whole_commit(name))));
        let whom: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&OWNER, &ours];
        let killing = superuser.query_one(kill, &whom);
        let (outcomes, row) = database.runtime.block_on(futures::future::join(commits, killing));
        killed += row.unwrap().get::<_, i64>(0);
        for (name, outcome) in names.into_iter().zip(outcomes) {
            match outcome {
                Ok(Committed::Done { .. }) => done.push(name),
                Ok(Committed::Lost { key }) => panic!("lost to nobody: {key:?}"),
                Err(error) => {
                    assert!(error.may_pass(), "{error:?}");
                    failed.push(name);
                }
            }
        }
    }
    let tried = round * 8;
    assert!(done.len() * 4 > tried, "{} of {tried} were done, {} failed", done.len(), failed.len());
    assert!(done.iter().all(|name| block_on(whole_commit_is_there(&store, name))));
    // Some of these have happened, some have not; none in part.
    for name in failed {
        block_on(whole_commit_is_there(&store, &name));
    }
}

fn a_database_that_is_read_only_says_so(database: &Database) {
    let read_only = |schema: &str| with(database, "-c default_transaction_read_only=on", schema);
    // Without tables it cannot be opened; with them it can be read.
    assert_eq!(fault(database.open_with(read_only(&database.schema))), Some(StoreFault::ReadOnly));
    let store = database.open();
    block_on(store.commit(&tenant(), whole_commit("a"))).unwrap();
    let replica = database.open_with(read_only(&database.schema)).unwrap();
    assert!(block_on(whole_commit_is_there(&replica, "a")));
    let refused = block_on(replica.commit(&tenant(), whole_commit("b"))).unwrap_err();
    assert_eq!(refused.fault(), Some(StoreFault::ReadOnly));
    assert!(!refused.may_pass());
    assert_eq!(fault(block_on(replica.erase(&tenant(), "a"))), Some(StoreFault::ReadOnly));
    assert!(block_on(whole_commit_is_there(&replica, "a")) && !block_on(whole_commit_is_there(&replica, "b")));
}

fn a_key_that_no_index_holds_is_too_large(database: &Database) {
    let store = database.open();
    // Keys are held in any length; a tenant's name is not. No two of its characters are alike, so none is pressed away.
    let name: String = (0..4_000_u32).filter_map(|number| char::from_u32(0x4E00 + number * 7 % 20_000)).collect();
    let refused = block_on(store.commit(&TenantId::new(&name), whole_commit("a"))).unwrap_err();
    assert_eq!(refused.fault(), Some(StoreFault::TooLarge), "{refused:?}");
    assert!(!format!("{refused} {refused:?}").contains(&name[..30]));
    block_on(store.commit(&tenant(), whole_commit("a"))).unwrap();
}

/// A session keeps the plans that it made while the tables were small.
fn a_lookup_reads_what_it_asks_for_and_not_the_tenant(database: &Database) {
    const ASKED: usize = 60;
    let key = |row: usize| RowKey::new(Table::Entity, format!("customer-{row:06}"));
    let store = database.open_with(database.options().connections(1)).unwrap();
    let fill = |rows: std::ops::Range<usize>| {
        let put = rows.map(|row| (key(row), vec![b'x'; 600])).collect();
        block_on(store.commit(&tenant(), Commit { put, ..Commit::default() })).unwrap();
    };
    let look_up = |apart: usize| {
        let keys: Vec<RowKey> = (0..ASKED).map(|place| key(place * apart)).collect();
        for _ in 0..10 {
            assert!(block_on(store.load(&tenant(), &keys)).unwrap().iter().all(Option::is_some));
            let expect = keys.iter().map(|key| (key.clone(), Some(1))).collect();
            block_on(store.commit(&tenant(), Commit { expect, ..Commit::default() })).unwrap();
        }
        keys
    };
    fill(0..ASKED);
    look_up(1);
    for page in 0..30 {
        fill(ASKED + page * 1_000..ASKED + (page + 1) * 1_000);
    }
    let delete = look_up(500);
    block_on(store.commit(&tenant(), Commit { delete: delete.clone(), ..Commit::default() })).unwrap();
    assert!(block_on(store.load(&tenant(), &delete)).unwrap().iter().all(Option::is_none));
    drop(store);

    // What a session has read is told when it ends.
    let superuser = database.superuser();
    let ours = format!("%{}%", database.schema);
    let living: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&OWNER, &ours];
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND query LIKE $2";
    let ended = || database.runtime.block_on(superuser.query_one(sessions, &living)).unwrap().get::<_, i64>(0) == 0;
    assert!((0..20_000).any(|_| ended()), "sessions end with their store");
    let sql = "SELECT sum(idx_tup_read)::bigint FROM pg_stat_all_indexes WHERE schemaname = $1 AND relname = 'entity'";
    let row = database.runtime.block_on(superuser.query_one(sql, &[&database.schema])).unwrap();
    let (read, asked) = (row.get::<_, i64>(0), i64::try_from(41 * ASKED).unwrap());
    assert!((asked / 2..3 * asked).contains(&read), "{read} rows were read where {asked} were asked for");
}

fn row_security_shows_a_worker_one_tenant(database: &Database) {
    let owner = database.open();
    let worker = format!("accordant_worker_{}", database.schema.len());
    let (schema, other) = (&database.schema, TenantId::new("other"));
    for tenant in [&tenant(), &other, &TenantId::new("")] {
        block_on(owner.commit(tenant, whole_commit("a"))).unwrap();
    }
    database.as_superuser(&format!(
        "DO $$ BEGIN CREATE ROLE {worker} LOGIN PASSWORD 'worker'; EXCEPTION WHEN duplicate_object THEN NULL; END $$; \
         GRANT USAGE ON SCHEMA {schema} TO {worker}; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {worker}"
    ));
    // The store works as that role.
    let store = database.open_with(database.options_as(&worker, "worker")).unwrap();
    block_on(store.commit(&tenant(), whole_commit("b"))).unwrap();
    assert!(block_on(whole_commit_is_there(&store, "a")) && block_on(whole_commit_is_there(&store, "b")));

    // Whoever forgets to name the tenant, or names another, sees nothing of it: worker and owner alike.
    for (role, password) in [(worker.as_str(), "worker"), (OWNER, "owner")] {
        let client = database.client(&database.config(role, password));
        let tenants = |setting: &str| {
            let mut seen = Vec::new();
            database.runtime.block_on(client.batch_execute(setting)).unwrap();
            for table in ["entity", "link", "journal", "journal_head", "journal_entries"] {
                let sql = format!("SELECT DISTINCT tenant FROM {schema}.{table} ORDER BY tenant");
                let rows = database.runtime.block_on(client.query(&sql, &[])).unwrap();
                seen.push(rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>());
            }
            seen
        };
        assert_eq!(tenants(""), vec![Vec::<String>::new(); 5]);
        assert_eq!(tenants("SET accordant.tenant = ''"), vec![Vec::<String>::new(); 5]);
        assert_eq!(tenants("SET accordant.tenant = '='"), vec![vec![String::new()]; 5]);
        assert_eq!(tenants("SET accordant.tenant = '=acme'"), vec![vec!["acme".to_owned()]; 5]);
        // Nor can it write there.
        let forged = format!("INSERT INTO {schema}.entity VALUES ('other', 'x', '', '', 1, '{{}}', NULL)");
        let error = database.runtime.block_on(client.batch_execute(&forged)).unwrap_err();
        assert_eq!(error.code(), Some(&tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE));
        let moved = format!("UPDATE {schema}.entity SET tenant = 'other' WHERE key = 'a'");
        assert!(database.runtime.block_on(client.batch_execute(&moved)).is_err());
        let deleted = format!("DELETE FROM {schema}.entity WHERE tenant = 'other'");
        assert_eq!(database.runtime.block_on(client.execute(&deleted, &[])).unwrap(), 0);
    }
    assert_eq!(block_on(owner.scan(&other, Table::Entity, "", None, 9)).unwrap().len(), 1);
    database.as_superuser(&format!("DROP OWNED BY {worker}"));
}

fn analysts_read_discrepancies_and_the_journal(database: &Database) {
    let store = database.open();
    let discrepancy = |id: &str, state: &str| {
        let value = format!(
            r#"{{"id":"{id}","entity":"e1","unit":"phone","kind":"hard_conflict","state":"{state}","first_seen":1772356320000,"last_seen":1772356321500}}"#
        );
        (RowKey::new(Table::Discrepancy, id), value.into_bytes())
    };
    let put = vec![
        discrepancy("d1", "waiting"),
        discrepancy("d2", "resolved"),
        (RowKey::new(Table::Discrepancy, "d3"), b"\xff".to_vec()),
    ];
    block_on(store.commit(&tenant(), Commit { put, ..whole_commit("a") })).unwrap();
    let client = database.client(&database.config(OWNER, "owner"));
    let schema = &database.schema;
    database.runtime.block_on(client.batch_execute("SET accordant.tenant = '=acme'; SET timezone = 'UTC'")).unwrap();
    let sql = format!(
        "SELECT id, entity, unit, kind, link, state, first_seen::text, last_seen::text FROM {schema}.open_discrepancies"
    );
    let rows = database.runtime.block_on(client.query(&sql, &[])).unwrap();
    let read: Vec<Option<String>> = (0..8).map(|column| rows[0].get(column)).collect();
    let expected =
        ["d1", "e1", "phone", "hard_conflict", "", "waiting", "2026-03-01 09:12:00+00", "2026-03-01 09:12:01.5+00"];
    assert_eq!(rows.len(), 1);
    assert_eq!(read.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>(), expected);

    block_on(store.erase(&tenant(), "a")).unwrap();
    block_on(store.commit(&tenant(), whole_commit("b"))).unwrap();
    let sql = format!(
        "SELECT seq, at::text, subject, payload::text, length(digest) FROM {schema}.journal_entries ORDER BY seq"
    );
    let rows = database.runtime.block_on(client.query(&sql, &[])).unwrap();
    let payloads: Vec<Option<String>> = rows.iter().map(|row| row.get(3)).collect();
    // Erased, erased, JSON, and what is none.
    assert_eq!(payloads, [None, None, Some("{}".to_owned()), None]);
    assert_eq!((rows[2].get::<_, i64>(0), rows[2].get::<_, &str>(2), rows[2].get::<_, i32>(4)), (3, "b", 64));
}
