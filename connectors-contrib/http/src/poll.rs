//! The windowed poll: what changed, by time, without a gap.
//!
//! Systems that are asked for what changed since an instant lose changes in three ways, all seen in the field: a change
//! becomes visible after a later one was read; rows that share the instant of a page's end are cut off; an instant that
//! holds more rows than a page is asked for again for ever. A [`Window`] asks so that none of them can happen:
//!
//! - its upper bound trails behind now by as long as a change may stay invisible, or it reaches back that far;
//! - its lower bound is inclusive, so that an instant is read again rather than cut;
//! - an instant that fills a page is read by id instead, and left when it is empty;
//! - what comes back outside the bounds is dropped, since search indexes answer with more than they were asked for.
//!
//! It is a value: instants are milliseconds since the epoch, and nothing is read.

use accordant::connector::{ConnectorError, ConnectorErrorKind, Cursor};
use accordant::text::Text;
use chrono::TimeDelta;

/// How a surface is polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How far the upper bound stays behind now.
    pub trail: TimeDelta,
    /// How far a poll reaches back behind the end of the one before.
    pub overlap: TimeDelta,
    /// How many rows a full page has.
    pub page: usize,
    /// The system's precision: the next instant is this much later, and a bound within one is its beginning.
    pub precision: TimeDelta,
    /// What the system can start behind.
    pub keyset: Keyset,
}

/// What a system can start a page behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyset {
    /// At an instant, inclusive; and, within one instant, behind an id.
    Time,
    /// At an instant, inclusive, and in no other way: of an instant that fills a page nothing leads further. The cursor stays
    /// before it, so that larger pages, or a way behind an id, go on from there.
    TimeOnly,
    /// Behind a row: `(time, id) > (…, …)`.
    TimeAndId,
}

/// What to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Rows of this instant and later. `None`: from the beginning.
    pub from: Option<i64>,
    /// Rows of this instant and earlier.
    pub until: i64,
    /// In which order, and behind which row.
    pub order: Order,
    /// How many at the most.
    pub limit: usize,
}

/// In which order rows are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// By time, and by id where the system can. Behind the row of this id at `from`, if the system can start there.
    Time {
        /// The row.
        behind: Option<Text>,
    },
    /// By id, within one instant: `from` and `until` are the same. Behind the row of this id.
    Id {
        /// The row. `None`: from the first.
        behind: Option<Text>,
        /// Where the window that this instant stands in ends.
        window_ends: i64,
    },
}

/// What to do with what came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Which of the rows to keep, by their place, ascending.
    pub keep: Vec<usize>,
    /// Where to go on.
    pub next: Cursor,
    /// Whether there is more now.
    pub more: bool,
}

/// Where a poll stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Position {
    /// A window was read to its end.
    Rest { until: i64 },
    /// In the middle of a window, at a row.
    Walk { until: i64, at: i64, id: Text },
    /// In the middle of an instant that fills a page.
    Instant { until: i64, at: i64, id: Text },
}

impl Position {
    fn cursor(&self) -> Cursor {
        Cursor(match self {
            Self::Rest { until } => format!("rest/{until}"),
            Self::Walk { until, at, id } => format!("walk/{until}/{at}/{id}"),
            Self::Instant { until, at, id } => format!("instant/{until}/{at}/{id}"),
        })
    }

    fn parse(cursor: &Cursor) -> Option<Self> {
        let mut parts = cursor.0.splitn(4, '/');
        let kind = parts.next()?;
        let until = parts.next()?.parse().ok()?;
        let mut row = || Some((parts.next()?.parse().ok()?, Text::from(parts.next()?)));
        Some(match kind {
            "rest" => Self::Rest { until },
            "walk" => row().map(|(at, id)| Self::Walk { until, at, id })?,
            "instant" => row().map(|(at, id)| Self::Instant { until, at, id })?,
            _ => return None,
        })
    }
}

impl Window {
    /// What to ask for next.
    ///
    /// # Errors
    ///
    /// If the cursor is none that a window gave.
    pub fn ask(&self, after: Option<&Cursor>, now: i64) -> Result<Ask, ConnectorError> {
        let position = match after {
            None => None,
            Some(cursor) => Some(Position::parse(cursor).ok_or_else(Cursor::foreign)?),
        };
        let given = |id: Text| Some(id).filter(|id| !id.is_empty());
        let ends = now.saturating_sub(self.trail.num_milliseconds());
        let whole = |at: i64| at.saturating_sub(at.rem_euclid(self.instant()));
        let by_time = |from: Option<i64>, until, behind| Ask {
            from: from.map(whole),
            until: whole(until),
            order: Order::Time { behind },
            limit: self.page,
        };
        Ok(match position {
            None => by_time(None, ends, None),
            // A clock that went back does not take the window back.
            Some(Position::Rest { until }) => {
                by_time(Some(until.saturating_sub(self.overlap.num_milliseconds())), ends.max(until), None)
            }
            Some(Position::Walk { until, at, id }) => {
                by_time(Some(at), until, given(id).filter(|_| self.keyset == Keyset::TimeAndId))
            }
            // By time, too, an instant is read from its beginning.
            Some(Position::Instant { until, at, .. }) if self.keyset != Keyset::Time => by_time(Some(at), until, None),
            Some(Position::Instant { until, at, id }) => Ask {
                from: Some(at),
                until: at,
                order: Order::Id { behind: given(id), window_ends: until },
                limit: self.page,
            },
        })
    }

    /// What to keep of the rows that came back, each with its instant and its id, in the order of the answer; and where
    /// to go on.
    ///
    /// # Errors
    ///
    /// If the answer leads nowhere: a full page of an instant that ends where it began. To go on would be to ask for it
    /// for ever, or to leave rows out.
    pub fn turn(&self, ask: &Ask, rows: &[(i64, Text)]) -> Result<Turn, ConnectorError> {
        let inside = |at: i64| ask.from.is_none_or(|from| at >= from) && at <= ask.until;
        let keep = (0..rows.len()).filter(|row| rows.get(*row).is_some_and(|(at, _)| inside(*at))).collect();
        let full = rows.len() >= ask.limit;
        let next = match &ask.order {
            Order::Time { behind } => self.behind_page(ask, behind.as_ref(), rows.last().filter(|_| full))?,
            Order::Id { behind, window_ends } => match rows.last().filter(|_| full) {
                Some((_, id)) if Some(id) != behind.as_ref() => {
                    Position::Instant { until: *window_ends, at: ask.until, id: id.clone() }
                }
                Some(_) => return Err(nowhere()),
                None => {
                    let at = ask.until.saturating_add(self.instant());
                    if at > *window_ends {
                        Position::Rest { until: *window_ends }
                    } else {
                        Position::Walk { until: *window_ends, at, id: Text::default() }
                    }
                }
            },
        };
        Ok(Turn { keep, more: !matches!(next, Position::Rest { .. }), next: next.cursor() })
    }

    /// How long an instant of the system is, in milliseconds.
    fn instant(&self) -> i64 {
        self.precision.num_milliseconds().max(1)
    }

    /// Where a window goes on behind the last row of a full page, or that it is over.
    fn behind_page(
        &self,
        ask: &Ask,
        behind: Option<&Text>,
        last: Option<&(i64, Text)>,
    ) -> Result<Position, ConnectorError> {
        let Some((at, id)) = last.filter(|(at, _)| *at <= ask.until) else {
            return Ok(Position::Rest { until: ask.until });
        };
        let moved = ask.from.is_none_or(|from| *at > from);
        if ask.from.is_some_and(|from| *at < from) {
            return Err(nowhere());
        }
        match self.keyset {
            // No row is named: by time alone, nothing says which of its instant were read before it.
            Keyset::TimeOnly if moved => Ok(Position::Walk { until: ask.until, at: *at, id: Text::default() }),
            Keyset::TimeOnly => Err(nowhere()),
            _ if moved => Ok(Position::Walk { until: ask.until, at: *at, id: id.clone() }),
            Keyset::TimeAndId if behind != Some(id) => Ok(Position::Walk { until: ask.until, at: *at, id: id.clone() }),
            Keyset::TimeAndId => Err(nowhere()),
            // All of the page is of one instant: by time there is no way past it.
            Keyset::Time => Ok(Position::Instant { until: ask.until, at: *at, id: Text::default() }),
        }
    }
}

fn nowhere() -> ConnectorError {
    ConnectorError::new(
        ConnectorErrorKind::Malformed,
        "a full page ends where it began, or before: asking on would never end, or leave rows out",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// A system that can be asked as windows ask; it may answer with more than was asked for.
    fn answer(rows: &[(i64, u32)], ask: &Ask, keyset: Keyset, loose: bool) -> Vec<(i64, Text)> {
        let slack = if loose { 3 } else { 0 };
        let from = ask.from.unwrap_or(i64::MIN);
        let mut found: Vec<_> =
            rows.iter().filter(|(at, _)| *at >= from && *at <= ask.until.saturating_add(slack)).copied().collect();
        match &ask.order {
            Order::Id { behind, .. } => {
                found.retain(|(at, _)| *at == ask.until);
                found.sort_by_key(|(_, id)| *id);
                let behind = behind.as_ref().map(|id| id.parse::<u32>().unwrap());
                found.retain(|(_, id)| behind.is_none_or(|behind| *id > behind));
            }
            Order::Time { behind } => {
                match keyset {
                    // By time alone: rows of one instant in whatever order.
                    Keyset::Time | Keyset::TimeOnly => {
                        found.sort_by_key(|(at, id)| (*at, id.wrapping_mul(2_654_435_761)));
                    }
                    Keyset::TimeAndId => found.sort_unstable(),
                }
                let behind = behind.as_ref().map(|id| id.parse::<u32>().unwrap());
                found.retain(|row| behind.is_none_or(|id| *row > (ask.from.unwrap(), id)));
            }
        }
        found.truncate(ask.limit);
        found.into_iter().map(|(at, id)| (at, id.to_string().into())).collect()
    }

    proptest! {
        /// Every row inside the window is read, none outside of it, in a bounded number of pages: whatever shares an
        /// instant.
        #[test]
        fn a_walk_reads_all_of_its_window(
            rows in prop::collection::btree_set((0i64..40, 0u32..400), 0..300),
            page in 1usize..30,
            by_row in any::<bool>(),
            loose in any::<bool>(),
            now in 10i64..60,
        ) {
            let keyset = if by_row { Keyset::TimeAndId } else { Keyset::Time };
            let window = Window {
                trail: TimeDelta::milliseconds(5), overlap: TimeDelta::zero(), page,
                precision: TimeDelta::milliseconds(1), keyset,
            };
            let rows: Vec<_> = rows.into_iter().collect();
            let (mut read, mut after, mut pages) = (BTreeSet::new(), None, 0);
            loop {
                let ask = window.ask(after.as_ref(), now).unwrap();
                let found = answer(&rows, &ask, keyset, loose);
                let turn = window.turn(&ask, &found).unwrap();
                for place in &turn.keep {
                    let (at, id) = &found[*place];
                    read.insert((*at, id.parse::<u32>().unwrap()));
                }
                pages += 1;
                prop_assert!(pages <= 2 * rows.len() + 100, "no end");
                after = Some(turn.next);
                if !turn.more { break }
            }
            let due: BTreeSet<_> = rows.iter().copied().filter(|(at, _)| *at <= now - 5).collect();
            prop_assert_eq!(read, due);
            prop_assert_eq!(after, Some(Cursor(format!("rest/{}", now - 5))));
        }
    }

    const fn window() -> Window {
        Window {
            trail: TimeDelta::milliseconds(10),
            overlap: TimeDelta::milliseconds(3),
            page: 2,
            precision: TimeDelta::milliseconds(1),
            keyset: Keyset::Time,
        }
    }

    #[test]
    fn what_lies_outside_is_dropped_and_ends_the_walk() {
        let ask = window().ask(Some(&Cursor("rest/100".into())), 150).unwrap();
        assert_eq!((ask.from, ask.until), (Some(97), 140));
        let turn = window().turn(&ask, &[(96, "1".into()), (141, "2".into())]).unwrap();
        assert_eq!((turn.keep, turn.more), (vec![], false));
        assert_eq!(turn.next.0, "rest/140");
    }

    #[test]
    fn a_bound_within_an_instant_of_the_system_is_its_beginning() {
        let seconds = Window { precision: TimeDelta::seconds(1), ..window() };
        let ask = seconds.ask(Some(&Cursor("rest/5001".into())), 7_009).unwrap();
        assert_eq!((ask.from, ask.until), (Some(4_000), 6_000));
        assert_eq!(seconds.turn(&ask, &[]).unwrap().next.0, "rest/6000");
        assert_eq!(seconds.ask(None, -1).unwrap().until, -1_000);
    }

    #[test]
    fn the_next_poll_reaches_back_and_a_clock_that_went_back_takes_nothing_back() {
        let ask = window().ask(Some(&Cursor("rest/100".into())), 20).unwrap();
        assert_eq!((ask.from, ask.until), (Some(97), 100));
    }

    #[test]
    fn a_system_that_answers_the_same_page_for_ever_is_an_error() {
        let ask = window().ask(Some(&Cursor("instant/140/120/7".into())), 150).unwrap();
        let same = [(120, "6".into()), (120, "7".into())];
        assert_eq!(window().turn(&ask, &same).unwrap_err().kind, ConnectorErrorKind::Malformed);
    }

    #[test]
    fn a_cursor_of_another_surface_is_an_error_and_ids_may_hold_slashes() {
        for text in ["", "rest", "rest/x", "walk/1/2", "page/1/2/3"] {
            assert!(window().ask(Some(&Cursor(text.into())), 0).is_err(), "{text}");
        }
        let at = Position::Instant { until: 1, at: 2, id: "gid://shopify/Customer/7".into() };
        assert_eq!(Position::parse(&at.cursor()), Some(at));
    }
}
