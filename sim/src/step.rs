//! The steps of a script: what people and the operator do, and how a file spells it.

use std::fmt;

use crate::office::{ADMIN, OFFICE};

/// One step of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// When, after the round began, in milliseconds.
    pub after: i64,
    /// What happens.
    pub does: Does,
}

/// What happens in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// A person makes a record, unless there is one.
    Make {
        /// Where.
        system: usize,
        /// About whom.
        subject: usize,
    },
    /// A person edits: 0 clears, 1 and 2 copy what another system holds, the rest say something new.
    Edit {
        /// Where.
        system: usize,
        /// About whom.
        subject: usize,
        /// What.
        attribute: usize,
        /// How.
        how: usize,
    },
    /// A person deletes a record.
    Delete {
        /// Where.
        system: usize,
        /// About whom.
        subject: usize,
    },
    /// A person brings a record back.
    Revive {
        /// Where.
        system: usize,
        /// About whom.
        subject: usize,
    },
    /// A person makes a second record of somebody.
    Double {
        /// Where.
        system: usize,
        /// About whom.
        subject: usize,
    },
    /// A person merges two records of somebody.
    Merge {
        /// Where.
        system: usize,
        /// About whom.
        subject: usize,
    },
    /// The engine polls.
    Poll(usize),
    /// The engine scans.
    Scan(usize),
    /// The engine does what is due.
    Work,
    /// A plan is made, approved and applied: at first contact, or as every day.
    Mend(bool),
    /// A plan is made and applied, and nobody approves it.
    Propose,
    /// The operator allows writes of an attribute into a system without being asked.
    Give {
        /// Where.
        system: usize,
        /// What.
        attribute: usize,
    },
    /// The operator withdraws the last such permission.
    Withdraw,
    /// A plan of earlier is applied again, by its place among the plans.
    Reapply(usize),
    /// A person decides something that waits.
    Decide,
    /// An admin lets the journal begin later.
    Compact,
    /// An admin erases a person.
    Erase(usize),
    /// An admin lets a person who was erased come back.
    Lift(usize),
    /// An admin gives somebody of the office a rank, or takes it: 0.
    Grant {
        /// Whom.
        who: usize,
        /// Which.
        rank: usize,
    },
    /// Somebody of the office tries what they may not, or may.
    Try {
        /// Who.
        who: usize,
        /// What.
        what: usize,
        /// About whom.
        subject: usize,
    },
    /// The model changes: another system owns an attribute, or none does.
    Remodel {
        /// Which attribute.
        attribute: usize,
        /// The new owner, if it is not the present one.
        system: usize,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {} ", self.after)?;
        match self.does {
            Does::Make { system, subject } => write!(f, "make {system} {subject}"),
            Does::Edit { system, subject, attribute, how } => write!(f, "edit {system} {subject} {attribute} {how}"),
            Does::Delete { system, subject } => write!(f, "delete {system} {subject}"),
            Does::Revive { system, subject } => write!(f, "revive {system} {subject}"),
            Does::Double { system, subject } => write!(f, "double {system} {subject}"),
            Does::Merge { system, subject } => write!(f, "merge {system} {subject}"),
            Does::Poll(system) => write!(f, "poll {system}"),
            Does::Scan(system) => write!(f, "scan {system}"),
            Does::Work => f.write_str("work"),
            Does::Mend(true) => f.write_str("bootstrap"),
            Does::Mend(false) => f.write_str("mend"),
            Does::Propose => f.write_str("propose"),
            Does::Give { system, attribute } => write!(f, "give {system} {attribute}"),
            Does::Withdraw => f.write_str("withdraw"),
            Does::Reapply(plan) => write!(f, "reapply {plan}"),
            Does::Decide => f.write_str("decide"),
            Does::Compact => f.write_str("compact"),
            Does::Erase(subject) => write!(f, "erase {subject}"),
            Does::Lift(subject) => write!(f, "lift {subject}"),
            Does::Grant { who, rank } => write!(f, "grant {who} {rank}"),
            Does::Try { who, what, subject } => write!(f, "try {who} {what} {subject}"),
            Does::Remodel { attribute, system } => write!(f, "remodel {attribute} {system}"),
        }
    }
}

impl Step {
    /// The step that a line spells, in a world of so many systems and attributes. `None`: it means nothing there.
    #[must_use]
    pub fn read(line: &str, systems: usize, attributes: usize) -> Option<Self> {
        let mut words = line.split(' ');
        let (Some("at"), Some(after), Some(verb)) = (words.next(), words.next(), words.next()) else { return None };
        let numbers: Option<Vec<usize>> = words.map(|word| word.parse().ok()).collect();
        let numbers = numbers?;
        let of = |place: usize| numbers.first().copied().filter(|system| numbers.len() == place && *system < systems);
        let (system, two) = (of(2), numbers.get(1).copied());
        let does = match verb {
            "make" => Does::Make { system: system?, subject: two? },
            "edit" => {
                let attribute = numbers.get(2).copied().filter(|attribute| *attribute < attributes)?;
                Does::Edit { system: of(4)?, subject: two?, attribute, how: *numbers.get(3)? }
            }
            "delete" => Does::Delete { system: system?, subject: two? },
            "revive" => Does::Revive { system: system?, subject: two? },
            "double" => Does::Double { system: system?, subject: two? },
            "merge" => Does::Merge { system: system?, subject: two? },
            "poll" => Does::Poll(of(1)?),
            "scan" => Does::Scan(of(1)?),
            "work" => Does::Work,
            "bootstrap" => Does::Mend(true),
            "mend" => Does::Mend(false),
            "propose" => Does::Propose,
            "give" => Does::Give { system: of(2)?, attribute: two.filter(|attribute| *attribute < attributes)? },
            "withdraw" => Does::Withdraw,
            "reapply" => Does::Reapply(*numbers.first()?),
            "decide" => Does::Decide,
            "compact" => Does::Compact,
            "erase" => Does::Erase(*numbers.first()?),
            "lift" => Does::Lift(*numbers.first()?),
            "grant" => {
                let [who, rank] = numbers[..] else { return None };
                (who < OFFICE.len() && rank <= ADMIN).then_some(Does::Grant { who, rank })?
            }
            "try" => {
                let [who, what, subject] = numbers[..] else { return None };
                (who < OFFICE.len()).then_some(Does::Try { who, what, subject })?
            }
            "remodel" => {
                let [attribute, system] = numbers[..] else { return None };
                (attribute < attributes && system < systems).then_some(Does::Remodel { attribute, system })?
            }
            _ => return None,
        };
        Some(Self { after: after.parse().ok()?, does })
    }
}
