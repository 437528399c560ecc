//! The create of one record.

use stateright::{Model, Property};

/// How long a request may be under way, where that is bounded.
const LIFE: u8 = 1;

/// How long a process waits before it takes a look-up for proof.
const DRAIN: u8 = 2;

/// When the modelled world ends.
const END: u8 = 5;

/// How far the system makes creates safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The system enforces our key.
    RemoteKey,
    /// Requests die, and then a look-up sees every create.
    Drain,
    /// Neither.
    Detect,
}

/// What else happens in a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hazard {
    /// A process crashes; requests and answers are lost or late.
    Crashes,
    /// A second process recovers what the first still works on.
    SecondProcess,
    /// A process stands still between its intent and its call.
    Pauses,
    /// A look-up does not see what was created just now.
    Lags,
    /// The entity is merged into one that has a record, as soon as nothing is under way that is known of.
    Merges,
}

/// A way to create that is not ours: the model must find what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// Ours.
    None,
    /// No intent: what was not answered is called again.
    NoIntent,
    /// The drain is measured when the look-up's answer is there, not when it was asked for.
    DrainAtAnswer,
}

/// A world in which one record is to be created.
#[derive(Debug, Clone)]
pub struct Create {
    /// How safe the system is.
    pub class: Class,
    /// What happens beside crashes.
    pub hazard: Hazard,
    /// What is done otherwise than by us.
    pub flaw: Flaw,
    /// How many attempts are made at most.
    pub attempts: u8,
    /// How many crashes there are at most.
    pub crashes: u8,
}

impl Create {
    /// Our protocol, with three attempts and two crashes.
    #[must_use]
    pub const fn new(class: Class, hazard: Hazard) -> Self {
        Self { class, hazard, flaw: Flaw::None, attempts: 3, crashes: 2 }
    }

    const fn processes(&self) -> usize {
        match self.hazard {
            Hazard::SecondProcess | Hazard::Pauses => 2,
            _ => 1,
        }
    }
}

/// What a process is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Process {
    /// Nothing.
    Idle,
    /// Its intent is durable; it has not called yet.
    Intended(u8),
    /// It has called, and waits.
    Called(u8),
    /// It asks for the record of an attempt that has no receipt: when it began, and what the system answered.
    Asking(u8, u8, Option<Option<u8>>),
}

/// A request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Request {
    attempt: u8,
    born: u8,
}

/// What the world is like.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    now: u8,
    /// The row of the outbox: attempt, and since when its outcome is open.
    row: Option<(u8, u8)>,
    /// The records that are linked.
    linked: Vec<u8>,
    /// The records that were created: whether a look-up sees them.
    records: Vec<bool>,
    requests: Vec<Request>,
    /// Attempt, and the record that the system answered with.
    answers: Vec<(u8, u8)>,
    processes: Vec<Process>,
    attempts: u8,
    crashes: u8,
    merged: bool,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// The intent is made durable.
    Intend(usize),
    /// The system is called.
    Call(usize),
    /// A request takes effect.
    Arrive(usize),
    /// A request is lost.
    Lose(usize),
    /// A process hears the answer.
    Hear(usize),
    /// A process waits no longer.
    GiveUp(usize),
    /// A process asks for what has no receipt.
    Ask(usize),
    /// The system looks.
    Look(usize),
    /// The process draws its conclusion.
    Conclude(usize),
    /// A process dies, and starts anew.
    Crash(usize),
    /// Time passes.
    Tick,
    /// The index shows what there is.
    CatchUp,
    /// A person merges the entity.
    Merge,
}

impl State {
    fn settled(&mut self, attempt: u8) {
        if self.row.is_some_and(|(of, _)| of == attempt) {
            self.row = None;
        }
    }

    fn link(&mut self, record: u8) {
        if !self.linked.contains(&record) {
            self.linked.push(record);
            self.linked.sort_unstable();
        }
    }

    /// Nothing is under way, and nobody knows of anything that is.
    fn at_rest(&self) -> bool {
        self.row.is_none() && self.requests.is_empty() && self.processes.iter().all(|process| *process == Process::Idle)
    }
}

impl Model for Create {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            now: 0,
            row: None,
            linked: Vec::new(),
            records: Vec::new(),
            requests: Vec::new(),
            answers: Vec::new(),
            processes: vec![Process::Idle; self.processes()],
            attempts: 0,
            crashes: 0,
            merged: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (at, process) in state.processes.iter().enumerate() {
            match process {
                Process::Idle => {
                    // What is still planned today: no link, no write under way, not merged.
                    let owed = state.linked.is_empty() && !state.merged && state.attempts < self.attempts;
                    let free = state.row.is_none() || self.flaw == Flaw::NoIntent;
                    if owed && free {
                        actions.push(Action::Intend(at));
                    }
                    if state.row.is_some() && self.flaw != Flaw::NoIntent {
                        actions.push(Action::Ask(at));
                    }
                }
                Process::Intended(_) => actions.push(Action::Call(at)),
                Process::Called(attempt) => {
                    if state.answers.iter().any(|(of, _)| of == attempt) {
                        actions.push(Action::Hear(at));
                    }
                    actions.push(Action::GiveUp(at));
                }
                Process::Asking(_, _, None) => actions.push(Action::Look(at)),
                Process::Asking(_, _, Some(_)) => actions.push(Action::Conclude(at)),
            }
            if *process != Process::Idle && state.crashes < self.crashes {
                actions.push(Action::Crash(at));
            }
        }
        for at in 0..state.requests.len() {
            actions.push(Action::Arrive(at));
            actions.push(Action::Lose(at));
        }
        // Where processes do not stand still, a call follows its intent at once.
        let prompt =
            self.hazard == Hazard::Pauses || !state.processes.iter().any(|one| matches!(one, Process::Intended(_)));
        if self.class == Class::Drain && state.now < END && prompt {
            actions.push(Action::Tick);
        }
        if self.hazard == Hazard::Lags && state.records.contains(&false) {
            actions.push(Action::CatchUp);
        }
        if self.hazard == Hazard::Merges
            && !state.merged
            && state.row.is_none()
            && state.linked.is_empty()
            && state.attempts > 0
        {
            actions.push(Action::Merge);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Intend(at) => {
                state.attempts += 1;
                state.row = Some((state.attempts, state.now));
                state.processes[at] = Process::Intended(state.attempts);
            }
            Action::Call(at) => {
                let Process::Intended(attempt) = state.processes[at] else { return None };
                state.requests.push(Request { attempt, born: state.now });
                state.requests.sort_unstable();
                state.processes[at] = Process::Called(attempt);
            }
            Action::Arrive(at) => {
                let request = state.requests.remove(at);
                if self.class != Class::RemoteKey || state.records.is_empty() {
                    state.records.push(self.hazard != Hazard::Lags);
                }
                let record = u8::try_from(state.records.len() - 1).unwrap_or(u8::MAX);
                state.answers.push((request.attempt, record));
                state.answers.sort_unstable();
            }
            Action::Lose(at) => drop(state.requests.remove(at)),
            Action::Hear(at) => {
                let Process::Called(attempt) = state.processes[at] else { return None };
                let (_, record) = *state.answers.iter().find(|(of, _)| *of == attempt)?;
                state.link(record);
                state.settled(attempt);
                state.processes[at] = Process::Idle;
            }
            Action::GiveUp(at) => {
                let Process::Called(attempt) = state.processes[at] else { return None };
                if state.row.is_some_and(|(of, _)| of == attempt) {
                    state.row = Some((attempt, state.now));
                }
                state.processes[at] = Process::Idle;
            }
            Action::Ask(at) => {
                let (attempt, _) = state.row?;
                state.processes[at] = Process::Asking(attempt, state.now, None);
            }
            Action::Look(at) => {
                let Process::Asking(attempt, began, None) = state.processes[at] else { return None };
                let saw =
                    state.records.iter().position(|visible| *visible).and_then(|record| u8::try_from(record).ok());
                state.processes[at] = Process::Asking(attempt, began, Some(saw));
            }
            Action::Conclude(at) => {
                let Process::Asking(attempt, began, Some(saw)) = state.processes[at] else { return None };
                state.processes[at] = Process::Idle;
                // The row of another attempt is left alone.
                let (_, since) = state.row.filter(|(of, _)| *of == attempt)?;
                let asked = if self.flaw == Flaw::DrainAtAnswer { state.now } else { began };
                match saw {
                    Some(record) => {
                        state.link(record);
                        state.row = None;
                    }
                    None if self.class == Class::Drain && asked < since + DRAIN => {}
                    None => state.row = None,
                }
            }
            Action::Crash(at) => {
                state.crashes += 1;
                state.processes[at] = Process::Idle;
            }
            Action::Tick => {
                state.now += 1;
                let now = state.now;
                state.requests.retain(|request| now - request.born <= LIFE);
            }
            Action::CatchUp => state.records.fill(true),
            Action::Merge => state.merged = true,
        }
        // An answer that nobody waits for is heard by nobody.
        let waited = |attempt: u8| {
            let waits = |process: &Process| matches!(process, Process::Called(of) if *of == attempt);
            state.processes.iter().any(waits)
        };
        let answers: Vec<_> = state.answers.iter().copied().filter(|(attempt, _)| waited(*attempt)).collect();
        state.answers = answers;
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(AT_MOST_ONE, |_, state: &State| state.records.len() + usize::from(state.merged) <= 1),
            Property::always(NOTHING_FORGOTTEN, |model: &Create, state: &State| {
                // At rest, what was created once is linked, or the create is still owed and finds it.
                let owed = state.linked.is_empty() && !state.merged;
                !state.at_rest()
                    || state.records.len() != 1
                    || !state.linked.is_empty()
                    || owed
                    || model.hazard == Hazard::Merges
            }),
            Property::sometimes(DONE, |_, state: &State| {
                state.at_rest() && state.records.len() == 1 && state.linked.len() == 1
            }),
        ]
    }
}

/// The entity has no more than one record in the system.
pub const AT_MOST_ONE: &str = "at most one record";

/// What was created is not forgotten.
pub const NOTHING_FORGOTTEN: &str = "nothing is forgotten";

/// The record is there and linked, and nothing is under way.
pub const DONE: &str = "it gets done";
