//! What vendors allow, counted as they count.

use std::collections::VecDeque;

/// A rolling window: so many requests in so many milliseconds. It remembers when each request arrived and whether it was
/// let through, so that a test can say how near the limit a connector came, and whether it passed it.
#[derive(Debug)]
pub(crate) struct Rolling {
    limit: usize,
    length: i64,
    inside: VecDeque<i64>,
    traffic: Traffic,
    /// When the first request arrived, and how many were let through in each window since, one behind the other.
    began: Option<i64>,
    windows: Vec<usize>,
}

/// As many windows are told apart; what comes later counts to the last.
const MOST_WINDOWS: usize = 100_000;

/// What arrived at a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Requests that were let through.
    pub let_through: u64,
    /// Requests that were refused, since they were too many.
    pub refused: u64,
    /// The most that were let through in one window, or were there at once.
    pub most: usize,
    /// How many there may be in one.
    pub limit: usize,
}

/// A number of requests at once.
#[derive(Debug)]
pub(crate) struct AtOnce {
    under_way: usize,
    traffic: Traffic,
}

impl AtOnce {
    pub(crate) fn new(limit: usize) -> Self {
        Self { under_way: 0, traffic: Traffic { limit, ..Traffic::default() } }
    }

    /// Counts a request that arrives; whether it may pass. Whether or not, it leaves.
    pub(crate) fn arrives(&mut self) -> bool {
        self.under_way += 1;
        if self.under_way > self.traffic.limit {
            self.traffic.refused += 1;
            return false;
        }
        self.traffic.let_through += 1;
        self.traffic.most = self.traffic.most.max(self.under_way);
        true
    }

    pub(crate) fn leaves(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    pub(crate) const fn traffic(&self) -> Traffic {
        self.traffic
    }
}

impl Rolling {
    pub(crate) fn new(limit: usize, length: i64) -> Self {
        let traffic = Traffic { limit, ..Traffic::default() };
        Self { limit, length, inside: VecDeque::new(), traffic, began: None, windows: Vec::new() }
    }

    /// Counts a request that arrives now; whether it may pass.
    pub(crate) fn admit(&mut self, now: i64) -> bool {
        while self.inside.front().is_some_and(|at| *at <= now.saturating_sub(self.length)) {
            self.inside.pop_front();
        }
        if self.inside.len() >= self.limit {
            self.traffic.refused += 1;
            return false;
        }
        self.inside.push_back(now);
        self.traffic.let_through += 1;
        self.traffic.most = self.traffic.most.max(self.inside.len());
        let since = now.saturating_sub(*self.began.get_or_insert(now));
        let window = usize::try_from(since / self.length.max(1)).unwrap_or(0).min(MOST_WINDOWS);
        if self.windows.len() <= window {
            self.windows.resize(window + 1, 0);
        }
        if let Some(count) = self.windows.get_mut(window) {
            *count += 1;
        }
        true
    }

    /// How many requests were let through in each window since the first, one behind the other; the last may not be over.
    pub(crate) fn windows(&self) -> &[usize] {
        &self.windows
    }

    /// How many more may come now.
    pub(crate) fn left(&self) -> usize {
        self.limit.saturating_sub(self.inside.len())
    }

    pub(crate) const fn traffic(&self) -> Traffic {
        self.traffic
    }
}
