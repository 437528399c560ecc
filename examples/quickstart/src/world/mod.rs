//! A small remote world: three systems with a life of their own, in files, so that they outlive the process.
//!
//! `feed/` holds what the generator wrote: each system's records in its native shape, and the script of one day.
//! `log/` holds what came of it: one append-only file per system, and one of what was delivered and answered.
//! A process that is killed at any point opens the same world again, and goes on with the same day.

mod clock;
mod day;
mod dialect;
mod hubspot;
mod leaf;
mod log;
mod netsuite;
mod remote;
mod shopify;

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

pub use clock::WorldClock;
pub use day::{Delivery, Happens, Moment, SECRET, SECRET_HEADER, Step};
pub use dialect::{Dialect, Happened, Told, Webhook};
pub use hubspot::{BATCH, HubSpotWays, PORTAL};
pub use leaf::{json, leaf, put, same, text};
pub use log::Log;
pub use netsuite::{NetSuiteWays, TIME_FORMAT, ZONE};
pub use remote::{Author, Becomes, Change, Line, Remote, Untouched, Written};
pub use shopify::ShopifyWays;
pub(crate) use shopify::node_type;

/// Three systems, the script of one day, and how far it went.
#[derive(Debug)]
pub struct World {
    /// The time there.
    pub clock: WorldClock,
    /// HubSpot.
    pub hubspot: Arc<Remote>,
    /// Shopify.
    pub shopify: Arc<Remote>,
    /// NetSuite.
    pub netsuite: Arc<Remote>,
    steps: Vec<Step>,
    answered: Mutex<(Log, BTreeSet<String>)>,
}

impl World {
    /// Opens the world in a directory that holds a feed.
    ///
    /// # Errors
    ///
    /// If a file cannot be read.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let (feed, logs) = (directory.join("feed"), directory.join("log"));
        std::fs::create_dir_all(&logs)?;
        let clock = WorldClock::default();
        let remote = |ways: Box<dyn Dialect>| {
            let system = ways.system();
            let log = logs.join(format!("{system}.jsonl"));
            Remote::open(ways, clock.clone(), &feed.join(system), &log).map(Arc::new)
        };
        let steps = std::fs::read_to_string(feed.join("day.jsonl"))?
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?;
        let (log, answered) = Log::open::<String>(&logs.join("answered.jsonl"))?;
        Ok(Self {
            hubspot: remote(Box::new(HubSpotWays))?,
            shopify: remote(Box::new(ShopifyWays))?,
            netsuite: remote(Box::new(NetSuiteWays))?,
            clock,
            steps,
            answered: Mutex::new((log, answered.into_iter().collect())),
        })
    }

    /// The system of a name.
    #[must_use]
    pub fn remote(&self, system: &str) -> Option<&Arc<Remote>> {
        self.remotes().into_iter().find(|remote| remote.dialect().system() == system)
    }

    /// All three.
    #[must_use]
    pub fn remotes(&self) -> [&Arc<Remote>; 3] {
        [&self.hubspot, &self.shopify, &self.netsuite]
    }

    /// What of the day is still to come, for a progress bar.
    #[must_use]
    pub fn moments_left(&self) -> usize {
        let moments = self.opening().chain(self.steps.iter().filter_map(Step::moment));
        moments.filter(|moment| !self.is_answered(&moment.name())).count()
    }

    /// Lives through the day: people edit, systems deliver, and whoever listens is given each moment in turn.
    ///
    /// Say [`World::answered`] once a moment is durable. One that is not answered comes again in the next process.
    pub fn day(&self) -> impl Iterator<Item = io::Result<Moment>> + '_ {
        let opening = self.opening().filter(|moment| !self.is_answered(&moment.name())).map(Ok);
        opening.chain(self.steps.iter().filter_map(|step| {
            self.clock.reach(step.at.timestamp_millis());
            match step.moment() {
                Some(moment) => (!self.is_answered(&moment.name())).then_some(Ok(moment)),
                None => self.take(step).err().map(Err),
            }
        }))
    }

    /// First contact: each system is read as a whole.
    fn opening(&self) -> impl Iterator<Item = Moment> + '_ {
        self.remotes().into_iter().map(|remote| {
            let connection = remote.dialect().system().to_owned();
            Moment::Scan { name: format!("scan-{connection}"), connection }
        })
    }

    /// Takes note that a moment was answered: it does not come again.
    ///
    /// # Errors
    ///
    /// If the log cannot be written.
    pub fn answered(&self, moment: &Moment) -> io::Result<()> {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        let name = moment.name();
        answered.0.append(&name)?;
        answered.1.insert(name);
        Ok(())
    }

    /// The webhooks that our own writes gave rise to, and that were not answered yet.
    #[must_use]
    pub fn echoes(&self) -> Vec<Moment> {
        let ours = |line: &Line| matches!(line.author, Author::Accordant { .. });
        let mut echoes = Vec::new();
        for remote in self.remotes() {
            for (number, line) in remote.lines().iter().enumerate().filter(|(_, line)| ours(line)) {
                let name = format!("echo-{}-{number}", remote.dialect().system());
                echoes.extend(Delivery::of(remote, &name, remote.webhooks(line)).map(Moment::Delivery));
            }
        }
        echoes.retain(|moment| !self.is_answered(&moment.name()));
        echoes
    }

    fn is_answered(&self, name: &str) -> bool {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner).1.contains(name)
    }

    /// Takes a step in its system, unless an earlier process took it.
    fn take(&self, step: &Step) -> io::Result<()> {
        let Some(system) = step.system() else { return Ok(()) };
        let remote = self.remote(system).ok_or_else(|| io::Error::other(format!("no system `{system}`")))?;
        if remote.last_step().is_some_and(|last| last >= step.number) {
            return Ok(());
        }
        step.take(remote)
    }
}
