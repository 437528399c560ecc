//! Recovery with a long journal: how long until a process that was killed takes in something new.
#![expect(clippy::disallowed_methods, reason = "time is what is measured")]

use std::io::{self, BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use accordant::SqliteStore;
use futures::executor::block_on;
use serde_json::json;

use crate::day::{CLASSES, Failed, Place, Process};
use crate::kill::fresh;

/// How many people the CRM has.
const PEOPLE: u32 = 20_000;

/// What was measured.
#[derive(Debug, Clone)]
pub struct Recovery {
    /// Entries of the journal.
    pub entries: u64,
    /// Bytes of the store's files when the process was killed.
    pub bytes: u64,
    /// Opening the store.
    pub open: Duration,
    /// Looking for writes without receipt, and taking every step that is due.
    pub recover: Duration,
    /// Taking in a webhook, to the end of its commit.
    pub first: Duration,
    /// Walking the whole chain, replaying it, and comparing it with what is stored: not part of a start.
    pub verify: Duration,
    /// Whether that found no difference.
    pub clean: bool,
}

impl Recovery {
    /// Until the process works again.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.open + self.recover + self.first
    }
}

/// Edits everybody again and again, and polls, until it is killed.
///
/// # Errors
///
/// If the store fails.
pub fn grow(process: &Process) -> Result<(), Failed> {
    for wave in 0_u32.. {
        for person in 0..PEOPLE {
            process.crm.edit(
                &person.to_string(),
                &[
                    ("email", json!(format!("p{person}@acme.test"))),
                    ("balance", json!(wave.wrapping_mul(31).wrapping_add(person).to_string())),
                    ("phone", json!(wave.to_string())),
                ],
            )?;
        }
        process.clock.advance(chrono::TimeDelta::minutes(1));
        block_on(process.tenant.poll("crm"))?;
    }
    Ok(())
}

/// Lets a process grow a journal, kills it, and measures what the next one needs. The store is measured in `on`.
///
/// # Errors
///
/// If a file or process fails.
pub fn measure(folder: &Path, on: &Path, entries: u64) -> Result<Recovery, Failed> {
    let (class, safety) = CLASSES[0];
    let run = fresh(folder)?;
    let grown = Place::below(&run, safety)?;
    let mut child = Command::new(std::env::current_exe()?)
        .args(["grow", class, "1", "0"])
        .arg(&run)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(out) = child.stdout.take() {
        for line in BufReader::new(out).lines() {
            let line = line?;
            let seq: u64 = line.split(' ').nth(1).and_then(|seq| seq.parse().ok()).unwrap_or_default();
            if line.starts_with("commit ") && seq >= entries {
                break;
            }
        }
    }
    child.kill()?;
    child.wait()?;

    // The remote's log stays where it is; the store goes to where it is to be measured.
    let ours = on.join("accordant-recovery");
    remove(&ours)?;
    std::fs::create_dir_all(&ours)?;
    let mut bytes = 0;
    for file in std::fs::read_dir(&grown.ours)? {
        let file = file?;
        bytes += std::fs::copy(file.path(), ours.join(file.file_name()))?;
    }
    std::fs::remove_dir_all(&grown.ours)?;
    let place = Place { ours: ours.clone(), ..grown };

    let started = Instant::now();
    drop(SqliteStore::open(place.store()).map_err(Failed::of)?);
    let open = started.elapsed();
    // Reading the fake's own log is no part of it.
    let process = place.open(2, false)?;
    let started = Instant::now();
    block_on(process.tenant.recover())?;
    process.steps()?;
    let recover = started.elapsed();
    process.crm.edit("0", &[("phone", json!("new"))])?;
    let started = Instant::now();
    block_on(process.tenant.receive("crm", process.crm.webhook("0")))?;
    let first = started.elapsed();
    let started = Instant::now();
    let verified = block_on(process.tenant.verify())?;
    let verify = started.elapsed();
    drop(process);
    remove(&ours)?;
    let clean = verified.is_clean();
    Ok(Recovery { entries: verified.entries, bytes, open, recover, first, verify, clean })
}

fn remove(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
