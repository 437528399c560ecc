//! Existence: whether a record is there, from sightings, deaths and absences.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::observation::{DeathEvidence, Sighting};
use crate::stamp::Stamp;

/// Whether a record is there: registers for sightings, deaths and absences.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Existence {
    pub(super) live: Option<Stamp>,
    pub(super) full: Option<Stamp>,
    /// The last scan or direct read that met the record.
    pub(super) met_by: u64,
    /// Boxed, and never empty: few records were ever missed.
    gone: Option<Box<Gone>>,
}

/// What speaks against a record's being there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Gone {
    pub(super) dead: Option<(Stamp, DeathEvidence)>,
    /// Scans that did not meet the record, each with the last token that was known of it then.
    pub(super) absences: BTreeMap<u64, i64>,
}

static NOTHING: Gone = Gone { dead: None, absences: BTreeMap::new() };

/// A record's state of existence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Never sighted.
    Unknown,
    /// There.
    Live,
    /// There again after it was gone; its cells stay hidden until a full read.
    Resurrected,
    /// Gone.
    Dead(DeathEvidence),
}

impl Existence {
    /// By its registers.
    pub(super) fn of(live: Option<Stamp>, full: Option<Stamp>, met_by: u64, gone: Gone) -> Self {
        let gone = (gone != NOTHING).then(|| Box::new(gone));
        Self { live, full, met_by, gone }
    }

    /// What speaks against it.
    pub(super) fn gone(&self) -> &Gone {
        self.gone.as_deref().unwrap_or(&NOTHING)
    }

    fn dead(&self) -> Option<(Stamp, DeathEvidence)> {
        self.gone().dead
    }

    /// The state that the registers add up to. A tie means live.
    #[must_use]
    pub fn life(&self) -> Life {
        match (self.live, self.dead()) {
            (None, None) => Life::Unknown,
            (Some(_), None) => Life::Live,
            (live, Some((dead, evidence))) if live < Some(dead) || planted!(DeathIsFinal) => Life::Dead(evidence),
            (live, Some((dead, _))) if live == Some(dead) || self.full >= Some(dead) => Life::Live,
            _ => Life::Resurrected,
        }
    }

    /// Whether a sighting and a death carry the same stamp: the record must be read.
    #[must_use]
    pub fn tied(&self) -> bool {
        matches!((self.live, self.dead()), (Some(live), Some((dead, _))) if live == dead)
    }

    /// How many complete scans have missed the record since it was last sighted: by a later scan or direct read, or by a
    /// push or poll that says something later than what was known when the scan missed it.
    #[must_use]
    pub fn missed_scans(&self) -> usize {
        let sighted = self.live.map_or(i64::MIN, |stamp| stamp.token);
        let since = |(scan, token): &(&u64, &i64)| **scan > self.met_by && **token >= sighted;
        self.gone().absences.iter().filter(since).count()
    }

    /// The number of the last scan or direct read that met the record.
    #[must_use]
    pub const fn met_by(&self) -> u64 {
        self.met_by
    }

    /// Whether the record was ever seen whole. What was only heard of in parts may not say whose it is.
    #[must_use]
    pub const fn seen_whole(&self) -> bool {
        self.full.is_some()
    }

    /// The highest stamp of any sighting or death.
    #[must_use]
    pub fn last(&self) -> Option<Stamp> {
        self.live.max(self.dead().map(|(stamp, _)| stamp))
    }

    pub(super) fn fold(&mut self, stamp: Stamp, sighting: &Sighting) {
        match sighting {
            Sighting::Live { full } => {
                self.live = self.live.max(Some(stamp));
                self.met_by = self.met_by.max(stamp.read);
                self.forget_met();
                if *full {
                    self.full = self.full.max(Some(stamp));
                }
            }
            Sighting::Dead(evidence) => {
                // The strongest evidence of one stamp stands, whichever was heard first.
                let surer = |(at, known)| (stamp, Reverse(*evidence)) > (at, Reverse(known));
                if self.dead().is_none_or(surer) {
                    self.gone.get_or_insert_default().dead = Some((stamp, *evidence));
                }
            }
            Sighting::Absent { scan } => {
                // Noted twice, after a crash, a scan still saw no more than it had when it was first noted.
                let absences = &mut self.gone.get_or_insert_default().absences;
                let token = absences.entry(*scan).or_insert(stamp.token);
                *token = stamp.token.min(*token);
                self.forget_met();
            }
        }
    }

    /// Scans before the last that met the record count for nothing, in whatever order they are heard of.
    fn forget_met(&mut self) {
        let Some(gone) = &mut self.gone else { return };
        gone.absences.retain(|scan, _| *scan > self.met_by);
        self.gone.take_if(|gone| **gone == NOTHING);
    }
}
