//! Rows: what comes back, and to whom.

use super::super::{Commit, Committed, RowKey, Store, Table};
use super::{done, draft, key, load, put, tenant};
use crate::id::{Actor, TenantId};
use crate::journal::Draft;

/// Names that databases have been known to alter, cut short or read as something else.
const ODD: [&str; 16] = [
    "",
    " ",
    " a ",
    "%",
    "_",
    "[a-z]",
    "*?\\",
    "'; DROP TABLE entity; --",
    "\"",
    "a\0b",
    "Straße",
    "STRASSE",
    "é",
    "e\u{301}",
    "日本語",
    "🧑‍🚀\u{10FFFF}",
];

/// `load` answers for each key in turn, also for missing and repeated ones.
pub async fn rows_are_loaded_in_the_order_of_keys(store: &dyn Store) {
    done(store, put(&["a", "b", "c"])).await;
    let asked = ["c", "x", "a", "c"].map(key);
    let rows = store.load(&tenant(), &asked).await.unwrap();
    let names: Vec<_> = rows.iter().map(|row| row.as_ref().map(|row| row.key.as_str())).collect();
    assert_eq!(names, [Some("c"), None, Some("a"), Some("c")]);
    assert_eq!(store.load(&tenant(), &[]).await.unwrap(), []);
}

/// The same key in two tables names two rows.
pub async fn tables_are_separate(store: &dyn Store) {
    let keys = Table::ALL.map(|table| RowKey::new(table, "k"));
    let puts = keys.iter().map(|key| (key.clone(), key.table.name().as_bytes().to_vec())).collect();
    done(store, Commit { put: puts, ..Commit::default() }).await;
    let rows = store.load(&tenant(), &keys).await.unwrap();
    for (table, row) in Table::ALL.into_iter().zip(rows) {
        assert_eq!(row.unwrap().value, table.name().as_bytes());
        assert_eq!(store.scan(&tenant(), table, "", None, 10).await.unwrap().len(), 1);
    }
    done(store, Commit { delete: vec![keys[3].clone()], ..Commit::default() }).await;
    let left = store.load(&tenant(), &keys).await.unwrap().into_iter().flatten().count();
    assert_eq!(left, Table::ALL.len() - 1);
}

/// A store does not read its values.
pub async fn values_come_back_as_they_went_in(store: &dyn Store) {
    let mut values: Vec<Vec<u8>> = ODD.map(|odd| odd.as_bytes().to_vec()).to_vec();
    // Text and bytes that are no UTF-8; numbers that a database might take for numbers.
    values.extend(
        [&b"\xff\xfe\0"[..], b"\xc3", b"\xed\xa0\x80", b"1", b"01", b"1.0", b"1e400", b"null", b"{\"a\":1 }"]
            .map(<[u8]>::to_vec),
    );
    for value in values {
        done(store, Commit { put: vec![(key("k"), value.clone())], ..Commit::default() }).await;
        assert_eq!(load(store, "k").await.unwrap().value, value);
        assert_eq!(store.scan(&tenant(), Table::Entity, "k", None, 1).await.unwrap()[0].value, value);
    }
}

/// Five megabytes are a value like any other.
pub async fn a_large_value_comes_back_as_it_went_in(store: &dyn Store) {
    let value: Vec<u8> = "0123456789abcdef-é".bytes().cycle().take(5 * 1024 * 1024).collect();
    let journal = vec![Draft { payload: value.clone(), ..draft("k", "") }];
    done(store, Commit { put: vec![(key("k"), value.clone())], journal, ..Commit::default() }).await;
    assert!(load(store, "k").await.unwrap().value == value);
    let entries = super::entries(store).await;
    assert!(entries[0].1.as_ref().unwrap().bytes == value);
    super::end(&entries).unwrap();
}

/// No key is altered, and none is taken for another.
pub async fn keys_come_back_as_they_went_in(store: &dyn Store) {
    done(store, put(&ODD)).await;
    for odd in ODD {
        let row = load(store, odd).await.unwrap();
        assert_eq!((row.key.as_str(), row.value.as_slice(), row.revision), (odd, odd.as_bytes(), 1));
        assert!(super::keys(store, odd, None, usize::MAX).await.contains(&odd.to_owned()));
    }
    let mut sorted = ODD;
    sorted.sort_unstable();
    assert_eq!(super::keys(store, "", None, usize::MAX).await, sorted);
}

/// A key of any length is a key, and its whole counts: databases index no long text by themselves.
pub async fn long_keys_come_back_in_order(store: &dyn Store) {
    // Nothing that a database could press together.
    let mut state = 7_u64;
    let mut noise = |length: usize| -> String {
        let characters = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from_u32(0x4E00 + u32::try_from(state >> 33).unwrap_or_default() % 20_000).unwrap_or('x')
        });
        characters.take(length).collect()
    };
    let stem = noise(900);
    let mut names: Vec<String> = ["", "a", "b", "b\0", "é", "🧑"].map(|end| format!("{stem}{end}")).to_vec();
    names.extend([noise(470), noise(475), noise(476), noise(3_000), format!("{stem}{}", noise(2_000))]);
    done(store, put(&names.iter().map(String::as_str).collect::<Vec<_>>())).await;
    names.sort_unstable();
    for name in &names {
        assert_eq!(load(store, name).await.unwrap().value, name.as_bytes());
    }
    assert_eq!(super::keys(store, "", None, usize::MAX).await, names);
    let about: Vec<_> = names.iter().filter(|name| name.starts_with(&stem)).cloned().collect();
    assert_eq!(super::keys(store, &stem, None, usize::MAX).await, about);
    for (place, name) in about.iter().enumerate() {
        assert_eq!(super::keys(store, &stem, Some(name), usize::MAX).await, about[place + 1..]);
    }
    let gone = Commit { expect: vec![(key(&names[3]), Some(1))], delete: vec![key(&names[3])], ..Commit::default() };
    done(store, gone).await;
    names.remove(3);
    assert_eq!(super::keys(store, "", None, usize::MAX).await, names);
}

/// Actors and subjects are text like any other.
pub async fn names_in_the_journal_come_back_as_they_went_in(store: &dyn Store) {
    let long = "日本".repeat(2_000);
    let subjects: Vec<&str> = ODD.into_iter().chain([long.as_str()]).collect();
    let drafts = subjects.iter().map(|name| Draft { actor: Actor::new(name), ..draft(name, name) });
    let head = done(store, super::record(drafts)).await;
    let all = super::entries(store).await;
    assert_eq!(super::end(&all), Ok(head));
    for (place, name) in subjects.iter().enumerate() {
        assert_eq!((all[place].0.subject.as_str(), all[place].0.actor.as_str()), (*name, *name));
        let found = store.journal_about(&tenant(), name, 0, 9).await.unwrap();
        assert_eq!(found.iter().map(|(entry, _)| entry.seq).collect::<Vec<_>>(), [place as u64 + 1], "{name:?}");
    }
    assert_eq!(store.erase(&tenant(), &long).await.unwrap(), 1);
}

/// Thousands of rows and entries are one commit.
pub async fn a_large_commit_happens_as_a_whole(store: &dyn Store) {
    const ROWS: usize = 12_000;
    let names: Vec<String> = (0..ROWS).map(|index| format!("{index:05}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let journal = names.iter().take(ROWS / 4).map(|name| draft(name, name)).collect();
    let expect = names.iter().map(|name| (key(name), None)).collect();
    let head = done(store, Commit { expect, journal, ..put(&names) }).await;
    assert_eq!(super::keys(store, "", None, usize::MAX).await, names);
    assert_eq!(super::end(&super::entries(store).await), Ok(head));
    let keys: Vec<RowKey> = names.iter().map(|name| key(name)).collect();
    let rows = store.load(&tenant(), &keys).await.unwrap();
    assert!(rows.iter().zip(&names).all(|(row, name)| row.as_ref().is_some_and(|row| row.key.as_str() == *name)));
    // One row that is not as expected undoes them all.
    let last = key(names[ROWS - 1]);
    let lost = Commit { expect: vec![(last.clone(), Some(2))], delete: keys, ..Commit::default() };
    assert_eq!(store.commit(&tenant(), lost).await.unwrap(), Committed::Lost { key: last });
    assert_eq!(super::keys(store, "", None, usize::MAX).await.len(), ROWS);
}

/// No call reads, meets or changes anything of another tenant.
pub async fn tenants_do_not_see_each_other(store: &dyn Store) {
    let tenants = ["acme", "acme ", "ACME", "acm", ""].map(TenantId::new);
    for (round, tenant) in tenants.iter().enumerate() {
        let value = tenant.as_str().as_bytes().to_vec();
        let commit = Commit {
            // Nobody has put this row, as far as this tenant can see.
            expect: vec![(key("k"), None)],
            put: vec![(key("k"), value), (key(&format!("own{round}")), Vec::new())],
            journal: vec![draft("s", tenant.as_str())],
            ..Commit::default()
        };
        let Committed::Done { head } = store.commit(tenant, commit).await.unwrap() else { panic!("saw another's row") };
        assert_eq!(head.seq, 1, "the chains are one");
    }
    store.commit(&tenants[1], Commit { delete: vec![key("k")], ..Commit::default() }).await.unwrap();
    assert_eq!(store.erase(&tenants[2], "s").await.unwrap(), 1);
    for (round, tenant) in tenants.iter().enumerate() {
        let row = store.load(tenant, &[key("k")]).await.unwrap().remove(0);
        assert_eq!(row.map(|row| row.value), (round != 1).then(|| tenant.as_str().as_bytes().to_vec()));
        let rows = store.scan(tenant, Table::Entity, "own", None, 10).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), [format!("own{round}")]);
        let entries = store.journal(tenant, 0, 10).await.unwrap();
        let payload = entries[0].1.as_ref().map(|payload| payload.bytes.clone());
        assert_eq!(payload, (round != 2).then(|| tenant.as_str().as_bytes().to_vec()));
    }
}
