//! Scans: order, pages and prefixes.

use super::super::{Store, Table};
use super::{done, keys, put, tenant};

/// Keys stand in the order of their bytes, not in that of a language.
pub async fn a_scan_is_ordered_by_bytes(store: &dyn Store) {
    let mut names = ["b", "a", "B", "ä", "az", "a\u{1}", "z", "Z", "10", "9", "ﬀ", "\u{E000}", "𐀀", "~"];
    done(store, put(&names)).await;
    names.sort_unstable_by(|left, right| left.as_bytes().cmp(right.as_bytes()));
    assert_eq!(keys(store, "", None, usize::MAX).await, names);
}

/// Pages of any size, each behind the last key of the one before, give every row once.
pub async fn pages_of_a_scan_meet(store: &dyn Store) {
    let names: Vec<_> = (0..23).map(|index| format!("p/{index:02}")).collect();
    done(store, put(&names.iter().map(String::as_str).chain(["o", "p", "p0", "q"]).collect::<Vec<_>>())).await;
    for size in [1, 2, 7, 23, 24] {
        let (mut seen, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = keys(store, "p/", after.as_deref(), size).await;
            assert!(page.len() <= size);
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            seen.extend(page);
        }
        assert_eq!(seen, names, "pages of {size}");
    }
}

/// `after` need not name a row, nor stand within the prefix.
pub async fn a_scan_starts_behind_after_and_within_the_prefix(store: &dyn Store) {
    done(store, put(&["a", "m", "m1", "m2", "m3", "n", "z"])).await;
    let after = async |after| keys(store, "m", Some(after), 10).await;
    assert_eq!(after("").await, ["m", "m1", "m2", "m3"]);
    assert_eq!(after("a").await, ["m", "m1", "m2", "m3"]);
    assert_eq!(after("m").await, ["m1", "m2", "m3"]);
    assert_eq!(after("m1").await, ["m2", "m3"]);
    assert_eq!(after("m1\0").await, ["m2", "m3"]);
    assert_eq!(after("m15").await, ["m2", "m3"]);
    assert_eq!(after("m3").await, [""; 0]);
    assert_eq!(after("n").await, [""; 0]);
    assert_eq!(keys(store, "", Some(""), 10).await.len(), 7);
    assert_eq!(keys(store, "x", None, 10).await, [""; 0]);
}

/// Wildcards of query languages are characters like any other.
pub async fn no_character_of_a_prefix_has_a_meaning(store: &dyn Store) {
    let prefixes = ["%", "_", "[", "[a", "*", "?", "\\", "'", "\"", "^", ".", "a%", "a_", "a[", "\0", "a\0", "--"];
    let names: Vec<_> = prefixes.iter().map(|prefix| format!("{prefix}/1")).chain(["a/".into(), "ab".into()]).collect();
    done(store, put(&names.iter().map(String::as_str).collect::<Vec<_>>())).await;
    for prefix in prefixes {
        let mut expected: Vec<_> = names.iter().filter(|name| name.starts_with(prefix)).cloned().collect();
        expected.sort_unstable();
        assert_eq!(keys(store, prefix, None, usize::MAX).await, expected, "prefix {prefix:?}");
    }
}

/// A key that is the beginning of another comes before it, and is its own prefix.
pub async fn keys_may_be_prefixes_of_each_other(store: &dyn Store) {
    done(store, put(&["", "a", "a/", "a/b", "a/b/", "a/b/c", "aa", "b"])).await;
    assert_eq!(keys(store, "a/b", None, 10).await, ["a/b", "a/b/", "a/b/c"]);
    assert_eq!(keys(store, "a/", None, 2).await, ["a/", "a/b"]);
    assert_eq!(keys(store, "", None, 2).await, ["", "a"]);
    assert_eq!(keys(store, "a", Some("a/b/c"), 10).await, ["aa"]);
}

/// The end of a prefix is found beside characters of any length, up to the last one.
pub async fn prefixes_end_where_characters_end(store: &dyn Store) {
    let prefixes = ["\u{7f}", "é", "\u{7ff}", "\u{d7ff}", "\u{e000}", "\u{ffff}", "🧑", "\u{10ffff}", "a\u{10ffff}"];
    let names: Vec<_> =
        prefixes.iter().flat_map(|prefix| [(*prefix).to_owned(), format!("{prefix}\u{10ffff}")]).collect();
    let others = ["\u{80}", "ê", "\u{800}", "\u{10000}", "b"];
    done(store, put(&names.iter().map(String::as_str).chain(others).collect::<Vec<_>>())).await;
    for prefix in prefixes {
        let mut expected: Vec<_> = names.iter().filter(|name| name.starts_with(prefix)).cloned().collect();
        expected.sort_unstable();
        assert_eq!(keys(store, prefix, None, usize::MAX).await, expected, "prefix {prefix:?}");
    }
}

/// A limit of zero gives nothing, and the largest gives everything.
pub async fn a_limit_of_any_size_is_kept(store: &dyn Store) {
    done(store, put(&["a", "b", "c"])).await;
    for (limit, expected) in [(0, 0), (1, 1), (3, 3), (4, 3), (usize::MAX, 3)] {
        assert_eq!(store.scan(&tenant(), Table::Entity, "", None, limit).await.unwrap().len(), expected);
    }
}
