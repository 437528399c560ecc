//! How alike two values are written. Values are folded to bytes before, so one byte is one letter.

use rapidfuzz::distance::{jaro_winkler, osa};

/// Jaro-Winkler similarity of two values, or 0 where it is below `least`.
#[must_use]
pub fn jaro_winkler(a: &[u8], b: &[u8], least: f64) -> f64 {
    let (short, long) = if a.len() < b.len() { (a.len(), b.len()) } else { (b.len(), a.len()) };
    // With m matches at best `short`: jaro <= (2 + short/long) / 3, and the prefix adds at most four tenths of what is missing.
    let bound = (2.0 + short as f64 / (long.max(1)) as f64) / 3.0;
    if bound + 0.4 * (1.0 - bound) < least {
        return 0.0;
    }
    let arguments = jaro_winkler::Args::default().score_cutoff(least);
    jaro_winkler::normalized_similarity_with_args(a.iter(), b.iter(), &arguments).unwrap_or_default()
}

/// Whether at most `most` edits (of a letter, or of two neighbours that changed places) lead from one value to the other.
#[must_use]
pub fn within_edits(a: &[u8], b: &[u8], most: usize) -> bool {
    if a.len().abs_diff(b.len()) > most {
        return false;
    }
    // What stands alike at both ends needs no matrix.
    let front = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[front..], &b[front..]);
    let back = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[..a.len() - back], &b[..b.len() - back]);
    match (a, b) {
        ([], rest) | (rest, []) => rest.len() <= most,
        ([_], [_]) => most >= 1,
        ([a, b], [c, d]) if a == d && b == c => most >= 1,
        _ if most <= 1 => false,
        _ => osa::distance_with_args(a.iter(), b.iter(), &osa::Args::default().score_cutoff(most)).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted_with_transpositions() {
        for (a, b, edits) in [("", "", 0), ("a", "", 1), ("jansen", "jansne", 1), ("jansen", "janssen", 1)] {
            assert!(within_edits(a.as_bytes(), b.as_bytes(), edits), "{a} {b}");
            assert!(edits == 0 || !within_edits(a.as_bytes(), b.as_bytes(), edits - 1), "{a} {b}");
        }
        assert!(within_edits(b"4223", b"2433", 2) && !within_edits(b"4223", b"2433", 1));
        assert!(!within_edits(b"abcd", b"wxyz", 2));
    }

    #[test]
    fn likeness_below_the_least_is_none() {
        assert!(jaro_winkler(b"katherine", b"katharine", 0.85) > 0.9);
        assert!(jaro_winkler(b"katherine", b"bob", 0.85) == 0.0);
        assert!(jaro_winkler(b"", b"bob", 0.85) == 0.0);
    }
}
