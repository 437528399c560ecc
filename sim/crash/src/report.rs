//! What was found, as one aligned summary and as a file of figures.

use std::fmt::Write as _;

use crate::judge::Fault;
use crate::million::Recovery;

/// How many faults are told in full.
const TOLD: usize = 5;

/// What came of one kind of fault.
#[derive(Debug, Clone)]
pub struct Tally {
    /// What was counted.
    pub name: &'static str,
    /// How many were judged.
    pub judged: usize,
    /// Something acknowledged was not there.
    pub lost: usize,
    /// Something was there in part.
    pub torn: usize,
    /// Something was created twice.
    pub doubled: usize,
    /// The store could not be worked with, or the systems did not come to agree.
    pub stuck: usize,
    /// Why nothing was judged, if nothing could be.
    pub skipped: Option<&'static str>,
    told: Vec<String>,
}

impl Tally {
    /// Nothing yet.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, judged: 0, lost: 0, torn: 0, doubled: 0, stuck: 0, skipped: None, told: Vec::new() }
    }

    /// One more was judged.
    pub fn judged(&mut self, what: &str, outcome: Result<(), Fault>) {
        self.judged += 1;
        let Err(fault) = outcome else { return };
        match &fault {
            Fault::Lost(_) => self.lost += 1,
            Fault::Torn(_) => self.torn += 1,
            Fault::Doubled(_) => self.doubled += 1,
            Fault::Unusable(_) | Fault::Apart(_) => self.stuck += 1,
        }
        if self.told.len() < TOLD {
            self.told.push(format!("{what}: {fault}"));
        }
    }

    /// None can be judged here.
    pub const fn skipped(&mut self, why: &'static str) {
        self.skipped = Some(why);
    }

    /// Whether nothing was found.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.lost + self.torn + self.doubled + self.stuck == 0
    }
}

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Report {
    /// By kind.
    pub tallies: Vec<Tally>,
    /// Images of a lying disk that were judged, and those in which something was lost.
    pub lying: Option<(usize, usize)>,
    /// Recovery with a long journal.
    pub recovery: Option<Recovery>,
}

impl Report {
    /// Whether everything held, and the judge is not blind.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.tallies.iter().all(Tally::is_clean)
            && self.lying.is_none_or(|(_, found)| found > 0)
            && self.recovery.as_ref().is_none_or(|recovery| recovery.clean && recovery.total().as_secs() < 5)
    }

    /// For people.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        for tally in &self.tallies {
            let _ = match tally.skipped {
                Some(why) => writeln!(text, "{:<32} {:>7}  skipped: {why}", tally.name, tally.judged),
                None => writeln!(
                    text,
                    "{:<32} {:>7}  {} lost, {} torn, {} doubled, {} stuck",
                    tally.name, tally.judged, tally.lost, tally.torn, tally.doubled, tally.stuck
                ),
            };
        }
        if let Some((judged, found)) = self.lying {
            let _ = writeln!(text, "{:<32} {judged:>7}  {found} found, as they must be", "images of a lying disk");
        }
        if let Some(one) = &self.recovery {
            let _ = writeln!(
                text,
                "{:<32} {:>7}  {} ms (open {}, recover {}, first webhook {}); verify {:.1} s{}",
                "recovery, journal entries",
                one.entries,
                one.total().as_millis(),
                one.open.as_millis(),
                one.recover.as_millis(),
                one.first.as_millis(),
                one.verify.as_secs_f64(),
                if one.clean { "" } else { ", with differences" },
            );
        }
        for told in self.tallies.iter().flat_map(|tally| &tally.told) {
            let _ = writeln!(text, "  {told}");
        }
        let sum = |of: fn(&Tally) -> usize| self.tallies.iter().map(of).sum::<usize>();
        let _ = write!(text, "{} lost, {} torn", sum(|tally| tally.lost), sum(|tally| tally.torn));
        text
    }

    /// For programs: TOML.
    #[must_use]
    pub fn figures(&self, command: &str, date: &str, commit: &str) -> String {
        let mut text =
            format!("source = \"crash\"\ndate = \"{date}\"\ncommit = \"{commit}\"\ncommand = \"{command}\"\n");
        for tally in &self.tallies {
            let _ = writeln!(
                text,
                "\n[[figure]]\nname = \"{}\"\ncount = {}\nlost = {}\ntorn = {}\ndoubled = {}\nstuck = {}",
                tally.name, tally.judged, tally.lost, tally.torn, tally.doubled, tally.stuck
            );
            if let Some(why) = tally.skipped {
                let _ = writeln!(text, "skipped = \"{why}\"");
            }
        }
        if let Some((judged, found)) = self.lying {
            let _ =
                writeln!(text, "\n[[figure]]\nname = \"images of a lying disk\"\ncount = {judged}\nfound = {found}");
        }
        if let Some(one) = &self.recovery {
            let _ = writeln!(
                text,
                "\n[[figure]]\nname = \"recovery\"\ncount = {}\nbytes = {}\nmilliseconds = {}\nopen_ms = {}\nrecover_ms = {}\n\
                 first_ms = {}\nverify_ms = {}\nclean = {}",
                one.entries,
                one.bytes,
                one.total().as_millis(),
                one.open.as_millis(),
                one.recover.as_millis(),
                one.first.as_millis(),
                one.verify.as_millis(),
                one.clean,
            );
        }
        text
    }
}
