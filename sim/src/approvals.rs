//! What the operator approved and confirmed: whatever takes effect was approved, and is approved once; and only so many
//! records are archived.

use std::collections::{BTreeMap, BTreeSet};

use accordant::Plan;
use accordant::plan::{Intent, Target};

use crate::design::Design;
use crate::word::Word;

/// One thing that was approved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Approved {
    /// Where.
    pub system: usize,
    /// The record's id; of a create, whom it is about.
    pub at: String,
    /// The attribute; none for a create or an archive as a whole.
    pub attribute: Option<usize>,
    /// What is written.
    pub word: Word,
}

/// What was approved and is not carried out yet.
#[derive(Debug, Default)]
pub struct Approvals {
    open: BTreeSet<Approved>,
    ever: BTreeSet<Approved>,
    /// What the engine is asked to approve, and has not answered.
    asked: Vec<Vec<Approved>>,
    /// What the engine is asked to confirm, and has not answered.
    confirming: Vec<Vec<(String, String)>>,
    /// Archives since somebody confirmed, by system.
    archives: BTreeMap<usize, usize>,
    /// The records of which somebody confirmed the archive, by system.
    confirmed: BTreeSet<(usize, String)>,
}

impl Approvals {
    /// The operator asks to approve a plan.
    pub fn ask(&mut self, design: &Design, plan: &Plan) {
        self.asked.push(named(design, plan));
    }

    /// The engine answered: the plan is approved, or it is no longer what would be done.
    pub fn answered(&mut self, design: &Design, plan: &Plan, approved: bool) {
        let named = named(design, plan);
        if let Some(place) = self.asked.iter().position(|asked| *asked == named) {
            self.asked.remove(place);
        }
        if approved {
            self.ever.extend(named.iter().cloned());
            self.open.extend(named);
        }
    }

    /// Whether something is approved.
    #[must_use]
    pub fn stands(&self, approved: &Approved) -> bool {
        self.open.contains(approved)
    }

    /// It was carried out, and the engine was told.
    pub fn spend(&mut self, approved: &Approved) {
        self.open.remove(approved);
    }

    /// Somebody asks to confirm the archives of records: by system, and id there.
    pub fn ask_to_confirm(&mut self, records: &[(String, String)]) {
        self.confirming.push(records.to_vec());
    }

    /// The engine answered: the archives are confirmed, or they are no longer what would be done.
    pub fn confirmation_answered(&mut self, design: &Design, records: &[(String, String)], confirmed: bool) {
        if let Some(place) = self.confirming.iter().position(|asked| asked == records) {
            self.confirming.remove(place);
        }
        if confirmed {
            self.confirm(design, records);
        }
    }

    fn confirm(&mut self, design: &Design, records: &[(String, String)]) {
        for (system, design) in design.systems.iter().enumerate() {
            for (_, id) in records.iter().filter(|(name, _)| *name == design.name) {
                self.archives.insert(system, 0);
                self.confirmed.insert((system, id.clone()));
            }
        }
    }

    /// The engine archived a record. Says whether that is one more than may be without anybody who confirmed it.
    #[must_use]
    pub fn archived(&mut self, design: &Design, system: usize, id: &str) -> bool {
        if self.confirmed.remove(&(system, id.to_owned())) {
            return false;
        }
        let done = self.archives.entry(system).or_default();
        *done += 1;
        *done > design.limit as usize
    }

    /// The engine may not know what was carried out: after a crash, and where a commit failed.
    pub fn reopen(&mut self, design: &Design) {
        for records in std::mem::take(&mut self.confirming) {
            self.confirm(design, &records);
        }
        self.ever.extend(std::mem::take(&mut self.asked).into_iter().flatten());
        self.open.clone_from(&self.ever);
    }
}

/// What the operations of a plan write, one by one.
fn named(design: &Design, plan: &Plan) -> Vec<Approved> {
    let mut all = Vec::new();
    for operation in &plan.operations {
        let name = operation.target.connection().as_str();
        let Some(system) = design.systems.iter().position(|system| system.name == name) else { continue };
        let at = match &operation.target {
            Target::Record(record) => record.id.to_string(),
            _ => operation.entity.to_string(),
        };
        let mut add = |unit: Option<&str>, value: Option<&str>| {
            let attribute = unit.and_then(|unit| design.dialect.attribute(unit));
            let read = |value| design.dialect.word(attribute?, value);
            let word = value.and_then(read).unwrap_or_default();
            let approved = Approved { system, at: at.clone(), attribute, word };
            all.push(approved);
        };
        match &operation.intent {
            Intent::Set(field) => add(Some(operation.unit.as_str()), field.as_value()),
            Intent::Create(fields) => {
                add(None, None);
                for (unit, field) in fields {
                    add(Some(unit.as_str()), field.as_value());
                }
            }
            _ => add(None, None),
        }
    }
    all
}
