//! Suggestions for misspelt names.

/// The known name nearest to `found`, if it is near enough to be meant: at most a third of its characters differ.
pub(crate) fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (found.chars().count() / 3).max(1);
    let near = known.into_iter().map(|name| (distance(found, name), name)).filter(|(distance, _)| *distance <= limit);
    near.min().map(|(_, name)| name)
}

/// The optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
///
/// Source: Damerau, A technique for computer detection and correction of spelling errors, CACM 7(3), 1964, in the
/// restricted form that edits no substring twice.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let substituted = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = substituted.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn distances() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "ab", 2),
            ("lastest", "latest", 1),
            ("hubspto", "hubspot", 1),
            ("ab", "cd", 2),
            ("ca", "abc", 3),
        ] {
            assert_eq!((distance(a, b), distance(b, a)), (expected, expected), "{a} {b}");
        }
    }

    #[test]
    fn the_nearest_is_suggested_unless_it_is_far() {
        assert_eq!(nearest("lastest", ["longest", "latest"]), Some("latest"));
        assert_eq!(nearest("ownr", ["owner", "latest"]), Some("owner"));
        assert_eq!(nearest("netsuite", ["hubspot", "shopify"]), None);
        assert_eq!(nearest("x", []), None);
    }
}
