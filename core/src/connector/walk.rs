//! The walk from page to page: it must lead on.

use serde::{Deserialize, Serialize};

use crate::connector::{ConnectorError, ConnectorErrorKind, Cursor, Page};

/// Watches that cursors lead to other places, in constant memory: Brent, *An improved Monte Carlo factorization algorithm*
/// (1980), finds a circle of any length by comparing with one remembered place that moves on by powers of two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Walk {
    remembered: Option<Cursor>,
    since: u64,
    until: u64,
}

impl Default for Walk {
    fn default() -> Self {
        Self::new()
    }
}

impl Walk {
    pub(crate) const fn new() -> Self {
        Self { remembered: None, since: 0, until: 1 }
    }

    /// Whether there is another page behind this one, which was read behind `after`.
    ///
    /// # Errors
    ///
    /// If more is announced, and no cursor leads to it or only one that was followed before.
    pub(crate) fn goes_on(&mut self, after: Option<&Cursor>, page: &Page) -> Result<bool, ConnectorError> {
        if !page.more {
            return Ok(false);
        }
        let endless = |message: &str| Err(ConnectorError::new(ConnectorErrorKind::Contract, message));
        let Some(next) = &page.next else { return endless("more pages are announced, and no cursor leads to them") };
        if Some(next) == after || Some(next) == self.remembered.as_ref() {
            return endless("the cursor leads back to where it came from");
        }
        self.since += 1;
        if self.since == self.until {
            self.remembered = Some(next.clone());
            self.since = 0;
            self.until = self.until.saturating_mul(2);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(next: Option<u32>, more: bool) -> Page {
        Page { items: Vec::new(), next: next.map(|next| Cursor(next.to_string())), more }
    }

    /// Walks along `next`, from the beginning; how many pages were read before it stopped, and how.
    fn walk(next: impl Fn(u32) -> Option<u32>, last: u32) -> (u32, Result<bool, ConnectorError>) {
        let mut walk = Walk::new();
        let mut at = 0;
        for read in 1.. {
            let after = (read > 1).then(|| Cursor(at.to_string()));
            let page = page(next(at), at != last);
            match walk.goes_on(after.as_ref(), &page) {
                Ok(true) => at = next(at).expect("it goes on"),
                ended => return (read, ended),
            }
        }
        unreachable!("the walk ends")
    }

    #[test]
    fn a_walk_that_leads_on_ends_with_its_last_page() {
        assert_eq!(walk(|at| Some(at + 1), 10_000), (10_001, Ok(false)));
    }

    #[test]
    fn circles_of_every_length_are_found() {
        for length in 1..40 {
            for before in 0..20 {
                let next = |at: u32| Some(if at + 1 == before + length { before } else { at + 1 });
                let (read, ended) = walk(next, u32::MAX);
                assert_eq!(ended.expect_err("a circle").kind, ConnectorErrorKind::Contract);
                assert!(read <= 4 * (before + length) + 4, "{read} pages of a circle of {length} behind {before}");
            }
        }
    }

    #[test]
    fn more_without_a_cursor_is_no_page() {
        assert_eq!(walk(|_| None, 1).1.expect_err("no cursor").kind, ConnectorErrorKind::Contract);
        assert_eq!(walk(|_| None, 0), (1, Ok(false)));
    }
}
