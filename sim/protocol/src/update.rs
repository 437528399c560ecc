//! The change of one value, while a person decides otherwise and another edits the record.

use stateright::{Model, Property};

/// Whether the system compares before it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum System {
    /// A write says what it expects; a record that is otherwise is left alone.
    Compares,
    /// A write is carried out, whatever the record holds.
    Overwrites,
}

/// The value that the record has at first.
const OLD: u8 = 0;
/// The golden value.
const GOLDEN: u8 = 1;
/// What a person decides instead.
const DECIDED: u8 = 2;
/// What somebody enters in the system.
const EDITED: u8 = 9;

/// A world in which one value is to be changed.
#[derive(Debug, Clone)]
pub struct Update {
    /// What the system does.
    pub system: System,
    /// How many processes there are.
    pub processes: usize,
    /// How many attempts are made at most.
    pub attempts: u8,
    /// How many crashes there are at most.
    pub crashes: u8,
}

impl Update {
    /// Our protocol: two processes, three attempts, one crash.
    #[must_use]
    pub const fn new(system: System) -> Self {
        Self { system, processes: 2, attempts: 3, crashes: 1 }
    }
}

/// What is sent: attempt, value, and the value that it expects to replace.
type Write = (u8, u8, u8);

/// What a process is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Process {
    /// Nothing.
    Idle,
    /// Its intent is durable.
    Intended(Write),
    /// It has called, and waits.
    Called(Write),
    /// It reads the record of a write without receipt: what it saw.
    Asking(Write, Option<u8>),
}

/// What the world is like.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    golden: u8,
    /// What the system holds.
    held: u8,
    /// What we last saw of it.
    seen: u8,
    row: Option<Write>,
    requests: Vec<Write>,
    /// Attempt, and what the record held after a write that took effect; `None`: it was not as expected.
    answers: Vec<(u8, Option<u8>)>,
    processes: Vec<Process>,
    attempts: u8,
    crashes: u8,
    edited: bool,
    /// Somebody's edit was overwritten by a write that did not expect it.
    overwritten: bool,
    /// What was decided stood in the system, and an older write took it back.
    taken_back: bool,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// A person decides.
    Decide,
    /// Somebody edits the record.
    Edit,
    /// A poll shows the record.
    Poll,
    /// The intent is made durable.
    Intend(usize),
    /// The system is called.
    Call(usize),
    /// A request takes effect, or is found to be out of date.
    Arrive(usize),
    /// A request is lost.
    Lose(usize),
    /// A process hears the answer.
    Hear(usize),
    /// A process waits no longer.
    GiveUp(usize),
    /// A process reads the record of a write without receipt.
    Ask(usize),
    /// The process draws its conclusion.
    Conclude(usize),
    /// A process dies, and starts anew.
    Crash(usize),
}

impl Model for Update {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            golden: GOLDEN,
            held: OLD,
            seen: OLD,
            row: None,
            requests: Vec::new(),
            answers: Vec::new(),
            processes: vec![Process::Idle; self.processes],
            attempts: 0,
            crashes: 0,
            edited: false,
            overwritten: false,
            taken_back: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.golden == GOLDEN {
            actions.push(Action::Decide);
        }
        if !state.edited {
            actions.push(Action::Edit);
        }
        if state.seen != state.held {
            actions.push(Action::Poll);
        }
        for (at, process) in state.processes.iter().enumerate() {
            match process {
                Process::Idle => {
                    if state.row.is_none() && state.seen != state.golden && state.attempts < self.attempts {
                        actions.push(Action::Intend(at));
                    }
                    if state.row.is_some() {
                        actions.push(Action::Ask(at));
                    }
                }
                Process::Intended(_) => actions.push(Action::Call(at)),
                Process::Called((attempt, ..)) => {
                    if state.answers.iter().any(|(of, _)| of == attempt) {
                        actions.push(Action::Hear(at));
                    }
                    actions.push(Action::GiveUp(at));
                }
                Process::Asking(..) => actions.push(Action::Conclude(at)),
            }
            if *process != Process::Idle && state.crashes < self.crashes {
                actions.push(Action::Crash(at));
            }
        }
        for at in 0..state.requests.len() {
            actions.push(Action::Arrive(at));
            actions.push(Action::Lose(at));
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Decide => state.golden = DECIDED,
            Action::Edit => {
                state.edited = true;
                state.held = EDITED;
            }
            Action::Poll => state.seen = state.held,
            Action::Intend(at) => {
                state.attempts += 1;
                let write = (state.attempts, state.golden, state.seen);
                state.row = Some(write);
                state.processes[at] = Process::Intended(write);
            }
            Action::Call(at) => {
                let Process::Intended(write) = state.processes[at] else { return None };
                state.requests.push(write);
                state.requests.sort_unstable();
                state.processes[at] = Process::Called(write);
            }
            Action::Arrive(at) => {
                let (attempt, value, expected) = state.requests.remove(at);
                let done = self.system == System::Overwrites || state.held == expected;
                if done {
                    state.overwritten |= state.held == EDITED && expected != EDITED;
                    state.taken_back |= state.held == DECIDED && value == GOLDEN;
                    state.held = value;
                }
                state.answers.push((attempt, done.then_some(state.held)));
                state.answers.sort_unstable();
            }
            Action::Lose(at) => drop(state.requests.remove(at)),
            Action::Hear(at) => {
                let Process::Called((attempt, ..)) = state.processes[at] else { return None };
                let (_, answer) = *state.answers.iter().find(|(of, _)| *of == attempt)?;
                // The answer carries the record; what it does not carry is read.
                state.seen = answer.unwrap_or(state.held);
                if state.row.is_some_and(|(of, ..)| of == attempt) {
                    state.row = None;
                }
                state.processes[at] = Process::Idle;
            }
            Action::GiveUp(at) => state.processes[at] = Process::Idle,
            Action::Ask(at) => state.processes[at] = Process::Asking(state.row?, Some(state.held)),
            Action::Conclude(at) => {
                let Process::Asking((attempt, ..), saw) = state.processes[at] else { return None };
                state.processes[at] = Process::Idle;
                state.seen = saw?;
                if state.row.is_some_and(|(of, ..)| of == attempt) {
                    state.row = None;
                }
            }
            Action::Crash(at) => {
                state.crashes += 1;
                state.processes[at] = Process::Idle;
            }
        }
        let waited = |attempt: u8| {
            let waits = |process: &Process| matches!(process, Process::Called((of, ..)) if *of == attempt);
            state.processes.iter().any(waits)
        };
        let answers: Vec<_> = state.answers.iter().copied().filter(|(attempt, _)| waited(*attempt)).collect();
        state.answers = answers;
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(EDITS_STAND, |_, state: &State| !state.overwritten),
            Property::always(DECISIONS_STAND, |_, state: &State| !state.taken_back),
            Property::sometimes(DONE, |_, state: &State| {
                let idle = state.row.is_none() && state.processes.iter().all(|one| *one == Process::Idle);
                idle && state.edited && state.golden == DECIDED && state.held == DECIDED && state.seen == DECIDED
            }),
        ]
    }
}

/// No edit is overwritten by a write that did not know of it.
pub const EDITS_STAND: &str = "edits stand";

/// What a person decided is not taken back by an older write.
pub const DECISIONS_STAND: &str = "decisions stand";

/// Somebody edited, somebody decided, and the system holds what was decided.
pub const DONE: &str = "it gets done";
