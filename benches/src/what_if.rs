//! A long recorded history, looked at under another policy: how long it takes, and that memory does not grow with it.
//!
//! The history is recorded by a process of its own, so that the peak of this one is that of the look alone.

pub(crate) mod systems;

use std::error::Error;
use std::fs;
use std::io::{IsTerminal as _, Write};
use std::path::Path;
use std::process::Command;

use accordant::policy::Registry;
use accordant::{Accordant, Builder, Canonical, Email, SeededEntropy, SqliteStore};
use accordant_bench::usage::{Clocks, peak_memory};
use futures::executor::block_on;

use crate::standing;
use systems::changing;

/// Somebody who buys, in two systems that speak in turn.
#[derive(Canonical, Debug)]
#[canonical(entity = "customer", system(crm, object = "contacts"), system(shop, object = "customers"))]
#[expect(dead_code, reason = "a model is declared; the engine reads it")]
struct Customer {
    #[canonical(identity, pii, at(crm = "email", shop = "email"))]
    email: Email,
    #[canonical(pii, resolve(latest), at(crm = "phone", shop = "phone"))]
    phone: Option<String>,
    #[canonical(resolve(latest), at(crm = "city", shop = "city"))]
    city: Option<String>,
}

/// The proposal: one attribute, another policy.
const PROPOSED: &str = r#"
entity = "customer"
[attribute.phone]
resolve = [{ policy = "source_priority", systems = ["crm", "shop"] }]
"#;

/// How many observations one customer has, on average.
const PER_CUSTOMER: u64 = 20;

fn builder(observations: u64, store: SqliteStore) -> Builder {
    let customers = (observations / PER_CUSTOMER).max(1);
    Accordant::builder()
        .store(store)
        .clock(standing::clock())
        .entropy(SeededEntropy::new(42))
        .connect(changing("crm", "contacts", observations.div_ceil(2), customers))
        .connect(changing("shop", "customers", observations / 2, customers))
        .entity::<Customer>()
}

/// `what-if --observations N`, or `what-if record N FOLDER`.
pub(crate) fn run(arguments: &[&str], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    match *arguments {
        ["--observations", observations] => {
            let folder = tempfile::tempdir()?;
            // Asked of itself: what recording holds is none of the look's.
            let recorded = Command::new(std::env::current_exe()?)
                .args(["what-if", "record", observations])
                .arg(folder.path())
                .status()?;
            if !recorded.success() {
                return Err("the history could not be recorded".into());
            }
            look(observations.parse()?, folder.path(), out)
        }
        ["record", observations, folder] => record(observations.parse()?, Path::new(folder), out),
        _ => Err("accordant-bench what-if --observations N".into()),
    }
}

fn record(observations: u64, folder: &Path, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let clocks = Clocks::now();
    let store = SqliteStore::open(folder.join("history.db"))?;
    let acme = builder(observations, store).build()?.tenant("acme");
    let mut observed = 0;
    for connection in ["crm", "shop"] {
        observed += block_on(acme.poll(connection))?.observed;
    }
    let (wall, peak) = (clocks.taken().wall, mebibytes(peak_memory()));
    writeln!(out, "recorded {observed} observations in {wall} s, with a peak of {peak} MB")?;
    Ok(())
}

fn look(observations: u64, folder: &Path, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let history = SqliteStore::open(folder.join("history.db"))?;
    let acme = builder(observations, history).build()?.tenant("acme");
    let scratch = SqliteStore::open(folder.join("scratch.db"))?;
    let proposal = builder(observations, scratch).overlay(PROPOSED, &Registry::builtin()).build()?;
    let before = mebibytes(peak_memory());
    let clocks = Clocks::now();
    let terminal = std::io::stderr().is_terminal();
    let mut told = 0;
    // The peak on the way: that it stands still is what is to be seen.
    let would = block_on(acme.what_if_while(&proposal, |looking| {
        let percent = looking.entries * 100 / looking.of.max(1);
        if percent >= told + 10 || (terminal && percent > told) {
            told = percent;
            let line = format!("{percent:>3} %: {looking}, peak {} MB", mebibytes(peak_memory()));
            if terminal { eprint!("\r{line}") } else { eprintln!("{line}") }
        }
        true
    }))?;
    if terminal {
        eprintln!();
    }
    let taken = clocks.taken();
    let phones = would.golden.values().map(|changed| changed.count).sum::<u64>();
    let writes = would.writes.values().map(|changed| changed.count).sum::<u64>();
    let size = |name: &str| fs::metadata(folder.join(name)).map_or(0, |file| file.len());
    writeln!(
        out,
        "{} observations in {} entries, {} customers: {phones} golden values and {writes} writes would differ",
        would.observations, would.entries, would.entities
    )?;
    writeln!(out, "taken    {} s, {} s of processor time", taken.wall, taken.cpu)?;
    writeln!(out, "peak     {} MB ({before} MB before)", mebibytes(peak_memory()))?;
    writeln!(
        out,
        "on disk  history {} MB, scratch {} MB",
        mebibytes(size("history.db")),
        mebibytes(size("scratch.db"))
    )?;
    Ok(())
}

const fn mebibytes(bytes: u64) -> u64 {
    bytes >> 20
}
