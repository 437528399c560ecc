//! What a customer takes: in memory, part by part, and on disk with its history.
//!
//! Each part is held by a process of its own, so that what one has freed is no room for another.

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use accordant::SqliteStore;
use accordant::working_set::WorkingSet;
use accordant_bench::beside::{text_of, whole};
use accordant_bench::delivery::Blocks;
use accordant_bench::stream::{Intake, Stage, customers_in};
use accordant_bench::usage::held_memory;
use accordant_bench::world::{Ground, linked};
use futures::executor::block_on;

use crate::durable::systems::Told;
use crate::durable::{poll, polling};
use crate::pages::SMALL;

/// Cells, values and links of a customer of three systems and eight attributes.
const GOAL_FOLDED: u64 = 1_250;
/// With bases, origins and golden values.
const GOAL_SETTLED: u64 = 2_200;

/// What a process holds at its end: each what the one before it does, and more.
const PARTS: [(&str, bool, Stage); 4] = [
    ("nothing", false, Stage::Decode),
    ("linked", true, Stage::Decode),
    ("folded", true, Stage::Fold),
    ("settled", true, Stage::Settle),
];

/// `memory FILE`.
pub(crate) fn run(arguments: &[&str], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    match *arguments {
        [file] => tell(file, out),
        [file, "--holding", part] => hold(Path::new(file), part, out),
        _ => Err("accordant-bench memory FILE".into()),
    }
}

fn tell(file: &str, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let own = env::current_exe()?;
    let (mut held, mut customers) = ([0; 4], 1);
    for ((part, ..), held) in PARTS.into_iter().zip(&mut held) {
        let mut holding = Command::new(&own);
        // What was freed is given back at once, and in pages of 4 KB: of pages of 2 MB, one would be told for each byte in it.
        holding.args(["memory", file, "--holding", part]).env("MIMALLOC_PURGE_DELAY", "0").envs([SMALL]);
        let said = text_of(&mut holding)?;
        *held = whole(&said, r#""bytes":"#)?;
        customers = whole(&said, r#""customers":"#)?.max(1);
    }
    let [nothing, linked, folded, settled] = held;
    let each = |until: u64, from: u64| until.saturating_sub(from) / customers;
    let History { entries, journal, file, events } = history(Path::new(file))?;
    writeln!(
        out,
        r#"{{"customers":{customers},"bytes_each":{{"links":{},"links_cells_values":{},"goal":{GOAL_FOLDED},"with_bases_golden_discrepancies":{},"goal_with":{GOAL_SETTLED}}},"history":{{"events":{events},"entries":{entries},"journal_bytes":{journal},"journal_bytes_per_event":{},"journal_bytes_per_customer":{},"file_bytes":{file},"file_bytes_per_customer":{}}}}}"#,
        each(linked, nothing),
        each(folded, nothing),
        each(settled, nothing),
        journal / events.max(1),
        journal / customers,
        file / customers,
    )?;
    Ok(())
}

/// Takes in a file as far as a part goes, and says what is held then.
fn hold(file: &Path, part: &str, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let (_, links, until) = PARTS.into_iter().find(|(name, ..)| *name == part).ok_or("no such part")?;
    let ground = Ground::default();
    let known = customers_in(&ground, File::open(file)?)?;
    let customers = known.len();
    let set = if links { linked(&ground, known) } else { WorkingSet::new() };
    let mut intake = Intake::new(&ground, set, until);
    let mut blocks = Blocks::new(File::open(file)?);
    while let Some(block) = blocks.next_block()? {
        intake.take(block);
    }
    let set = intake.finish();
    writeln!(out, r#"{{"customers":{customers},"entities":{},"bytes":{}}}"#, set.entities().len(), held_memory())?;
    Ok(())
}

/// What the engine leaves on disk of a file that it polls.
struct History {
    /// Changes that were journaled as observed.
    events: u64,
    entries: u64,
    /// Bytes of entries and payloads.
    journal: u64,
    /// Bytes of the whole database: rows, journal and indexes.
    file: u64,
}

fn history(file: &Path) -> Result<History, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("history.db");
    let tenant = polling(&Told::read(file)?, SqliteStore::open(&database)?)?;
    poll(&tenant)?;
    let sizes = block_on(tenant.journal_sizes())?;
    let events = sizes.kinds.get("observed").map_or(0, |observed| observed.entries);
    // With it goes the last handle: the log is worked into the file.
    drop(tenant);
    let file = fs::metadata(&database)?.len();
    Ok(History { events, entries: sizes.whole.entries, journal: sizes.whole.bytes, file })
}
