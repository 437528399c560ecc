//! What is asked for.

use std::time::Duration;

use crate::place::{Broker, Database, Place};

const USAGE: &str = "\
accordant-soak --minutes N [--store postgres|mongodb|sqlite] [--queue nats|kafka|sqlite] [--workers N] [--rate EDITS_A_SECOND] [--seed N]
accordant-soak --move-tenant ENTITIES";

/// What a run is to be like.
#[derive(Debug, Clone)]
pub(crate) struct Arguments {
    pub(crate) lasts: Duration,
    pub(crate) database: Database,
    pub(crate) broker: Broker,
    pub(crate) workers: usize,
    /// Edits by people, a second.
    pub(crate) rate: u32,
    pub(crate) seed: u64,
}

/// What this process is.
#[derive(Debug)]
pub(crate) enum Asked {
    /// The one that runs the others.
    Soak(Arguments),
    /// One that moves a tenant of so many entities around.
    Move(u64),
    /// A worker.
    Work(Place),
}

impl Arguments {
    pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
        let arguments: Vec<String> = arguments.collect();
        if let [first, rest @ ..] = &arguments[..]
            && first == "worker"
        {
            return Place::read(rest).map(Asked::Work).ok_or_else(|| USAGE.to_owned());
        }
        if let [first, entities] = &arguments[..]
            && first == "--move-tenant"
        {
            return entities.parse().map(Asked::Move).map_err(|_| USAGE.to_owned());
        }
        let mut asked = Self {
            lasts: Duration::ZERO,
            database: Database::Postgres,
            broker: Broker::Nats,
            workers: 4,
            rate: 20,
            seed: 1,
        };
        let number = |text: &str| text.parse::<f64>().map_err(|_| format!("`{text}` is no number\n{USAGE}"));
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { return Err(USAGE.to_owned()) };
            match (name.as_str(), value.as_str()) {
                ("--minutes", text) => {
                    let minutes = number(text)?;
                    asked.lasts = Duration::try_from_secs_f64(minutes * 60.0).map_err(|_| USAGE.to_owned())?;
                }
                ("--workers", text) => asked.workers = (number(text)? as usize).max(1),
                ("--rate", text) => asked.rate = (number(text)? as u32).max(1),
                ("--seed", text) => asked.seed = number(text)? as u64,
                ("--store", text) => asked.database = Database::named(text).ok_or_else(|| USAGE.to_owned())?,
                ("--queue", text) => asked.broker = Broker::named(text).ok_or_else(|| USAGE.to_owned())?,
                _ => return Err(USAGE.to_owned()),
            }
        }
        if asked.lasts.is_zero() { Err(USAGE.to_owned()) } else { Ok(Asked::Soak(asked)) }
    }
}
