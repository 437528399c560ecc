//! Retention: how long is kept what only serves a while.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;

use crate::id::TenantId;
use crate::store::Table;
use crate::text::Text;

/// How long is kept what only serves a while. What has run out goes with a later [`Tenant::step`], in small pieces.
///
/// Nothing that happened is forgotten as long as the journal is kept: it says what was planned, approved, carried out, and what ran
/// out. By default it is kept for ever.
///
/// [`Tenant::step`]: crate::engine::Tenant::step
///
/// Less than a minute of anything is a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Ids of deliveries. By default thirty days, the horizon beyond which no surface may deliver. A repetition that
    /// comes later is taken in like any item, and says nothing new.
    pub deliveries: TimeDelta,
    /// Plans since they were last made, and approvals since they were given and not carried out. By default ninety days.
    /// A plan stays while one of its operations is approved or under way, and so does the approval of a write that is.
    pub plans: TimeDelta,
    /// How long a plan may be approved since it was last made. By default ninety days. Then it is planned again, and what
    /// was approved of it in time stays approved.
    pub plans_stand: TimeDelta,
    /// What systems said, as the journal tells it word by word. `None`, the default: for ever. What it came to stays as long as
    /// the journal does. Asks for keys that sign checkpoints ([`Tenant::compact`]).
    ///
    /// [`Tenant::compact`]: crate::engine::Tenant::compact
    pub observations: Option<TimeDelta>,
    /// The journal, by whole entries. `None`, the default: for ever. Asks for keys that sign checkpoints.
    pub journal: Option<TimeDelta>,
    /// Dead letters since they were tried again, discarded or erased. By default half a year. One that waits for somebody is
    /// kept until they come.
    pub dead_letters: TimeDelta,
    /// What is kept of a record that is gone from its system, since that was first seen by the daily look through what records say:
    /// what it last said, and its link. `None`, the default: for ever. Less than ninety days is a mistake: what systems tell late must
    /// find it. [`Tenant::step`] looks once a day.
    ///
    /// It goes once nobody needs it: where the record belongs to nobody, or to an entity that is retired and of which no record is left
    /// anywhere. From then on it was never seen.
    ///
    /// [`Tenant::step`]: crate::engine::Tenant::step
    pub tombstones: Option<TimeDelta>,
}

/// The shortest time for which anything else is kept. What is shorter was meant otherwise: with it, all there is would go at once.
const SHORTEST: TimeDelta = TimeDelta::minutes(1);

/// The shortest time for which a tombstone is kept: longer than any surface may deliver late, and than most systems keep what they
/// deleted.
const SHORTEST_TOMBSTONE: TimeDelta = TimeDelta::days(90);

impl Default for Retention {
    fn default() -> Self {
        Self {
            deliveries: crate::representation::HORIZON,
            plans: TimeDelta::days(90),
            plans_stand: TimeDelta::days(90),
            observations: None,
            journal: None,
            dead_letters: TimeDelta::days(183),
            tombstones: None,
        }
    }
}

/// How often the tables are looked through, in milliseconds.
const EVERY: i64 = 24 * 60 * 60 * 1000;

impl Retention {
    /// How old the newest checkpoint may get before another is made: a quarter of what is kept shortest. `None`: none is needed.
    pub(crate) fn between_checkpoints(self) -> Option<i64> {
        let shortest = self.journal.into_iter().chain(self.observations).min()?;
        Some(shortest.num_milliseconds().max(0) / 4)
    }

    /// What cannot be meant.
    pub(crate) fn refused(self) -> impl Iterator<Item = String> {
        let Self { deliveries, plans, plans_stand, observations, journal, dead_letters, tombstones } = self;
        let lengths = [
            ("deliveries", Some(deliveries)),
            ("plans", Some(plans)),
            ("plans_stand", Some(plans_stand)),
            ("observations", observations),
            ("journal", journal),
            ("dead_letters", Some(dead_letters)),
        ];
        let too_short = lengths.into_iter().filter_map(|(name, kept)| {
            let ms = kept.filter(|kept| *kept < SHORTEST)?.num_milliseconds();
            let least = SHORTEST.num_milliseconds();
            Some(format!("`retention` keeps `{name}` for {ms} ms; it must be at least {least} ms"))
        });
        let tombstones = tombstones.filter(|kept| *kept < SHORTEST_TOMBSTONE).map(|kept| {
            let (days, least) = (kept.num_days(), SHORTEST_TOMBSTONE.num_days());
            format!("`retention` keeps tombstones for {days} days; it must be at least {least}")
        });
        too_short.chain(tombstones)
    }

    /// Until when a plan that was made at an instant may be approved.
    pub(crate) fn stands_until(self, made: i64) -> i64 {
        made.saturating_add(self.plans_stand.num_milliseconds())
    }

    /// When a plan that was made at `made` and is made again now counts as made now. Not at once: planning runs again after
    /// every reply, and a plan that stays the same should leave no row.
    pub(crate) fn renews(self, made: i64, now: i64) -> bool {
        let shorter = self.plans.min(self.plans_stand).num_milliseconds();
        made.saturating_add(EVERY.min(shorter / 2)) <= now
    }
}

/// How far each tenant's tables were looked through. Not stored: a process that begins looks through them once.
#[derive(Debug, Default)]
pub(crate) struct Sweeps(Mutex<BTreeMap<TenantId, Sweep>>);

/// How far one tenant's tables were looked through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sweep {
    /// Up to this key of this table.
    At(Table, Option<Text>),
    /// All of them, when this began; and how many differences kept the journal from being let go.
    Done { at: i64, kept: usize },
}

impl Sweeps {
    fn held(&self) -> MutexGuard<'_, BTreeMap<TenantId, Sweep>> {
        // An insertion is whole or has not happened, so a poisoned lock guards a whole map.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where to go on; `None`: nothing is due.
    pub(crate) fn due(&self, tenant: &TenantId, first: Table, now: i64) -> Option<(Table, Option<Text>)> {
        match self.held().get(tenant) {
            None => Some((first, None)),
            Some(Sweep::At(table, after)) => Some((*table, after.clone())),
            // A clock that was set back does not stop it for longer than it was set back.
            Some(Sweep::Done { at, .. }) => (now.saturating_sub(*at).abs() >= EVERY).then_some((first, None)),
        }
    }

    pub(crate) fn note(&self, tenant: &TenantId, sweep: Sweep) {
        self.held().insert(tenant.clone(), sweep);
    }

    /// How many differences kept the journal from being let go at the last look that came to its end.
    pub(crate) fn journal_kept(&self, tenant: &TenantId) -> usize {
        match self.held().get(tenant) {
            Some(Sweep::Done { kept, .. }) => *kept,
            Some(Sweep::At(..)) | None => 0,
        }
    }
}
