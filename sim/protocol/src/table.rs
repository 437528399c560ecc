//! What holds, as a table for people.

use stateright::{Checker as _, Model as _};

use crate::create::{AT_MOST_ONE, Class, Create, Hazard};
use crate::update::{DECISIONS_STAND, EDITS_STAND, System, Update};

/// A question that was put to the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether it holds in every order of events.
    pub holds: bool,
    /// How many states were looked at.
    pub states: usize,
}

/// Whether no more than one record comes to be.
#[must_use]
pub fn created_once(model: Create) -> Answer {
    let checker = model.checker().threads(1).spawn_bfs().join();
    Answer { holds: checker.discovery(AT_MOST_ONE).is_none(), states: checker.unique_state_count() }
}

/// Whether edits, and decisions, stand.
#[must_use]
pub fn changed_safely(model: Update) -> [Answer; 2] {
    let checker = model.checker().threads(1).spawn_bfs().join();
    [EDITS_STAND, DECISIONS_STAND]
        .map(|property| Answer { holds: checker.discovery(property).is_none(), states: checker.unique_state_count() })
}

/// The classes and hazards of creates, with the words of the table.
const CLASSES: [(Class, &str); 3] = [
    (Class::RemoteKey, "`RemoteKey`"),
    (Class::Drain, "`DrainThenConsistentLookup`"),
    (Class::Detect, "`DetectAndMerge`"),
];

const HAZARDS: [(Hazard, &str); 5] = [
    (Hazard::Crashes, "crashes, lost and late answers"),
    (Hazard::SecondProcess, "and a second process"),
    (Hazard::Pauses, "that stands still before its call"),
    (Hazard::Lags, "a look-up that lags"),
    (Hazard::Merges, "a merge meanwhile"),
];

/// The tables, and how many states they rest on.
#[must_use]
pub fn written() -> (String, usize) {
    let mut states = 0;
    let mut lines = vec![
        format!("| a create | {} |", HAZARDS.map(|(_, name)| name).join(" | ")),
        format!("|---|{}", "---|".repeat(HAZARDS.len())),
    ];
    for (class, name) in CLASSES {
        let cells = HAZARDS.map(|(hazard, _)| {
            let answer = created_once(Create::new(class, hazard));
            states += answer.states;
            if answer.holds { "one record" } else { "may be two" }
        });
        lines.push(format!("| {name} | {} |", cells.join(" | ")));
    }
    lines.push(String::new());
    lines.push("| an update, where the system | somebody edits meanwhile | somebody decides meanwhile |".to_owned());
    lines.push("|---|---|---|".to_owned());
    for (system, name) in [(System::Compares, "compares with what is expected"), (System::Overwrites, "overwrites")] {
        let [edits, decisions] = changed_safely(Update::new(system));
        states += edits.states;
        let edits =
            if edits.holds { "the edit is never overwritten unseen" } else { "the edit may be overwritten unseen" };
        let decisions =
            if decisions.holds { "the decision stands" } else { "a late request may take it back for a while" };
        lines.push(format!("| {name} | {edits} | {decisions} |"));
    }
    (lines.join("\n"), states)
}
