//! Presence: whose records are there, and where one must be.

use crate::design::System;
use crate::oracle::{Known, Oracle};

impl Oracle {
    /// Whether a subject has had one record at most in each system, and wherever one is required, and none was ever lost.
    pub(super) fn is_whole(&self, subject: usize) -> bool {
        let of = |records: &Vec<Known>| records.iter().filter(|known| known.subject == subject).count();
        let lost = self.deaths(subject) > 0 || self.boundary.misled(subject);
        let whole = |(records, system): (_, &System)| of(records) == 1 || (of(records) == 0 && !system.required);
        !lost && self.records.iter().zip(&self.systems).all(whole)
    }

    /// Where a record is required it exists, and only once if only we create.
    pub(super) fn judge_presence(&self, subject: usize, found: &mut Vec<String>) {
        let of = |known: &&Known| known.subject == subject;
        if !self.records.iter().flatten().any(|known| of(&known) && known.live) {
            return;
        }
        for (design, records) in self.systems.iter().zip(&self.records).filter(|(design, _)| design.required) {
            if !records.iter().any(|known| of(&known)) {
                found.push(format!("k{subject} is required in {}, and is not there", design.name));
            }
        }
    }
}
