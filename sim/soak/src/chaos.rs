//! What goes wrong: workers are killed and frozen, wires are cut, servers die and are started again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use accordant_test_servers::Wire;
use rustix::process::{Pid, Signal, kill_process};

use crate::Failed;
use crate::people::complain;
use crate::place::{Broker, Database, LEASE, Place};

/// A sequence that a seed determines (`xorshift*`; Marsaglia, *Xorshift RNGs*, 2003).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below this one.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        number as usize % limit.max(1)
    }
}

/// How often it is told how far a run is.
const TOLD: Duration = Duration::from_secs(60);

/// A worker that runs.
#[derive(Debug)]
struct Running {
    child: Child,
    log: PathBuf,
}

/// The workers, and how often each kind of thing went wrong.
#[derive(Debug)]
pub(crate) struct Chaos {
    place: Place,
    folder: PathBuf,
    workers: Vec<Option<Running>>,
    begun: usize,
    database: Option<Wire>,
    broker: Option<Wire>,
    dice: Dice,
    /// How often what happened.
    pub(crate) counts: BTreeMap<&'static str, usize>,
}

impl Chaos {
    pub(crate) fn new(place: Place, folder: PathBuf, workers: usize, wires: [Option<Wire>; 2], dice: Dice) -> Self {
        let [database, broker] = wires;
        let workers = (0..workers).map(|_| None).collect();
        Self { place, folder, workers, begun: 0, database, broker, dice, counts: BTreeMap::new() }
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Starts every worker that does not run.
    pub(crate) fn start_all(&mut self) -> Result<(), Failed> {
        for slot in 0..self.workers.len() {
            let gone = self.workers[slot].as_mut().is_none_or(|running| !matches!(running.child.try_wait(), Ok(None)));
            if !gone {
                continue;
            }
            if let Some(running) = self.workers[slot].take()
                && let Ok(said) = std::fs::read_to_string(&running.log)
                && let Some(last) = said.lines().last()
            {
                eprintln!("a worker ended by itself: {last}");
                self.count("workers that ended by themselves");
            }
            self.begun += 1;
            let log = self.folder.join(format!("worker-{}.log", self.begun));
            let child = Command::new(std::env::current_exe()?)
                .arg("worker")
                .args(self.place.words())
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(std::fs::File::create(&log)?)
                .spawn()?;
            self.workers[slot] = Some(Running { child, log });
        }
        Ok(())
    }

    /// Does things until it is told to stop; then lets everything work again. Tells how far it is, once a minute.
    pub(crate) fn rage(&mut self, lasts: Duration, stop: &AtomicBool) -> Result<(), Failed> {
        let begun = Instant::now();
        let mut told = begun;
        while begun.elapsed() < lasts && !stop.load(Ordering::Relaxed) {
            self.wait(800, 3000);
            match self.dice.below(20) {
                0..7 => self.kill(),
                7..12 => self.freeze()?,
                12..15 => self.cut(true),
                15..18 => self.cut(false),
                18 => self.restart_database(),
                _ => self.restart_broker(),
            }
            self.start_all()?;
            if told.elapsed() >= TOLD {
                told = Instant::now();
                let faults: usize = self.counts.values().sum();
                eprintln!("{:>5} s of {}: {faults} faults", begun.elapsed().as_secs(), lasts.as_secs());
            }
        }
        Ok(())
    }

    fn wait(&mut self, least: usize, most: usize) {
        let pause = least + self.dice.below(most - least);
        std::thread::sleep(Duration::from_millis(pause as u64));
    }

    fn kill(&mut self) {
        let slot = self.dice.below(self.workers.len());
        let Some(mut running) = self.workers[slot].take() else { return };
        // It is ours, and it is waited for: its number is nobody else's meanwhile.
        if running.child.kill().and_then(|()| running.child.wait()).is_ok() {
            self.count("workers killed");
        }
        self.wait(0, 2000);
    }

    /// Stops a worker, for as long as others need to take over from it or for less, and lets it go on.
    fn freeze(&mut self) -> Result<(), Failed> {
        let slot = self.dice.below(self.workers.len());
        let Some(pid) = self.workers[slot].as_ref().and_then(|running| Pid::from_raw(running.child.id() as i32)) else {
            return Ok(());
        };
        kill_process(pid, Signal::STOP)?;
        let most = 2 * LEASE.as_millis() as usize;
        self.wait(500, most);
        kill_process(pid, Signal::CONT)?;
        self.count("workers frozen");
        Ok(())
    }

    fn cut(&mut self, of_database: bool) {
        let (how, after) = (self.dice.below(3), self.dice.below(20_000) as u64);
        let Some(wire) = (if of_database { &self.database } else { &self.broker }) else {
            self.count(if of_database {
                "cuts of the store, skipped: it is not reached by a wire"
            } else {
                "cuts of the broker, skipped"
            });
            return;
        };
        // In the middle of whatever is said, or with what was asked done and its answer unheard.
        match how {
            0 => wire.cut_after(0),
            1 => wire.cut_after(after),
            _ => wire.swallow_answers(),
        }
        self.wait(0, 2500);
        if let Some(wire) = if of_database { &self.database } else { &self.broker } {
            wire.mend();
        }
        self.count(if of_database { "connections of the store cut" } else { "connections of the broker cut" });
    }

    fn restart_database(&mut self) {
        match self.place.database {
            Database::Postgres => self.restart("postgres", "restarts of the database"),
            Database::Mongodb => self.restart("mongodb", "restarts of the database"),
            Database::Sqlite => self.count("restarts of the database, skipped: a file"),
        }
    }

    fn restart_broker(&mut self) {
        match self.place.broker {
            Broker::Nats => self.restart("nats", "restarts of the broker"),
            // It has no disk: what it was told would be lost by its nature, and not by us.
            Broker::Kafka => self.count("restarts of the broker, skipped: it keeps memory only"),
            Broker::Sqlite => self.count("restarts of the broker, skipped: a file"),
        }
    }

    fn restart(&mut self, server: &str, what: &'static str) {
        if std::env::var_os("ACCORDANT_SERVERS").is_none() {
            return;
        }
        for command in ["kill", "start"] {
            if let Err(failed) = script(&[command, server]) {
                complain(server, &*failed);
            }
            self.wait(100, 1500);
        }
        self.count(what);
    }

    /// Ends all workers in order.
    pub(crate) fn end(&mut self) {
        for running in self.workers.iter_mut().flatten() {
            drop(running.child.stdin.take());
        }
        for running in self.workers.iter_mut().filter_map(Option::take) {
            let mut running = running;
            drop(running.child.wait());
        }
    }
}

impl Drop for Chaos {
    /// No worker outlives a run that failed.
    fn drop(&mut self) {
        for running in self.workers.iter_mut().filter_map(Option::as_mut) {
            drop(running.child.kill());
            drop(running.child.wait());
        }
    }
}

/// Runs the script of the test servers.
pub(crate) fn script(words: &[&str]) -> Result<(), Failed> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/test-servers");
    let ended = Command::new(script).args(words).stdout(Stdio::null()).status()?;
    if ended.success() { Ok(()) } else { Err(format!("test-servers {} failed", words.join(" ")).into()) }
}
