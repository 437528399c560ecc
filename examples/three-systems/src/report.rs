//! What is printed: shares before and after, delays by priority, what the judge found.

use accordant_sandbox::Sent;
use quickstart::screen::{Screen, Table, Tone, count};

use crate::attribute::Priority;
use crate::day::Went;
use crate::judge::{How, Share, Verdict};

/// How many findings of a kind are shown.
const SHOWN: usize = 5;
/// Of a hundred values, so many may be wrong before a person has decided.
pub const MOST_WRONG_PERCENT: usize = 2;

/// A run, as it is told.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The share of values that would be wrong if nobody had done anything.
    pub before: Share,
    /// The share that was wrong when the engine had done what it may do without a person.
    pub alone: Share,
    /// The share that is wrong at the end.
    pub after: Share,
    /// How it went.
    pub went: Went,
    /// What the judge found.
    pub verdict: Verdict,
    /// What became of the webhooks of HubSpot and of Shopify.
    pub sent: [Sent; 2],
}

impl Report {
    /// What is not as it was promised, in words.
    #[must_use]
    pub fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let mut promise = |kept: bool, what: String| broken.extend((!kept).then_some(what));
        let Verdict { lost, doubled, unexplained, unseen, .. } = &self.verdict;
        promise(self.before.all > 0 && self.verdict.edits > 0, "nothing was judged".to_owned());
        promise(lost.is_empty(), format!("{} lost", count(lost.len(), "edit is", "edits are")));
        promise(
            doubled.is_empty(),
            format!("{} not once in every system", count(doubled.len(), "customer is", "customers are")),
        );
        promise(
            unexplained.is_empty(),
            format!("{} not explained", count(unexplained.len(), "write is", "writes are")),
        );
        promise(unseen.is_empty(), format!("{} never seen", count(unseen.len(), "edit was", "edits were")));
        promise(self.alone.is_at_most(MOST_WRONG_PERCENT), format!("{} wrong without a person", self.alone));
        promise(self.after.wrong == 0, format!("{} wrong at the end", self.after));
        promise(!self.went.restless, "the world came to no rest".to_owned());
        promise(
            self.went.left == 0,
            format!("{} still planned", count(self.went.left, "operation is", "operations are")),
        );
        broken
    }

    /// Prints it.
    pub fn print(&self, screen: &Screen) {
        screen.section("Wrong values");
        let mut table = Table::new(&["when", "wrong", "of", "share"]).right(1).right(2).right(3);
        for (when, share) in [
            ("if nobody had done anything", self.before),
            ("before a person decided", self.alone),
            ("at the end", self.after),
        ] {
            table.row([when.to_owned(), share.wrong.to_string(), share.all.to_string(), share.to_string()]);
        }
        screen.table(&table);

        screen.section("From an edit to its detection");
        let mut table =
            Table::new(&["priority", "edits", "median", "99 of 100", "longest", "by webhook", "by poll", "by scan"]);
        for column in 1..8 {
            table = table.right(column);
        }
        for priority in Priority::ALL {
            let mut seen = self.verdict.seen.get(&priority).cloned().unwrap_or_default();
            seen.sort_unstable();
            let at = |percent: usize| seen.get((seen.len() * percent / 100).min(seen.len().saturating_sub(1)));
            let delay = |percent: usize| at(percent).map_or_else(|| "-".to_owned(), |(delay, _)| span(*delay));
            let by = |how: How| seen.iter().filter(|(_, seen)| *seen == how).count().to_string();
            table.row([
                priority.name().to_owned(),
                seen.len().to_string(),
                delay(50),
                delay(99),
                delay(100),
                by(How::Webhook),
                by(How::Poll),
                by(How::Scan),
            ]);
        }
        screen.table(&table);

        screen.section("What the judge found");
        let mut table = Table::new(&["what", "of", "found"]).right(1).right(2);
        let Verdict { customers, edits, writes, lost, doubled, unexplained, unseen, .. } = &self.verdict;
        for (what, of, found) in [
            ("edits that were lost", edits, lost),
            ("edits that were never seen", edits, unseen),
            ("customers not once in every system", customers, doubled),
            ("writes without a reason or an approval", writes, unexplained),
        ] {
            let tone = if found.is_empty() { Tone::Good } else { Tone::Bad };
            table.toned([
                (what.to_owned(), Tone::Plain),
                (of.to_string(), Tone::Plain),
                (found.len().to_string(), tone),
            ]);
        }
        screen.table(&table);
        for found in [lost, unseen, doubled, unexplained] {
            for one in found.iter().take(SHOWN) {
                screen.line(format_args!("    {one}"));
            }
        }
        let Went { done, refused, unknown, failed, decided, left, .. } = self.went;
        screen.line(format_args!(
            "  {done} operations took effect, {refused} were refused, {unknown} were looked after; {failed} calls failed; \
             a person decided {decided}"
        ));
        screen.line("");
        let quiet = if left == 0 { "quiet" } else { "not quiet" };
        let tone = if left == 0 { Tone::Good } else { Tone::Bad };
        screen.line(screen.tone(tone, &format!("{quiet}: {left} operations planned")));
    }
}

/// A span as people say it.
fn span(millis: i64) -> String {
    let seconds = millis / 1_000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}
