//! Kills the program at a hundred random points, starts it again each time, and looks for what was lost or doubled.
//!
//! `cargo test -p quickstart --test crash -- --nocapture`
#![expect(clippy::unwrap_used, reason = "a test that cannot start the program has failed")]
#![expect(clippy::print_stdout, reason = "the count is what the test is run for")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use accordant::view::Shows;
use accordant::{Accordant, EntityId, RequireApproval, Scope, SeededEntropy, SqliteStore, Tenant, money};
use futures::executor::block_on;
use quickstart::generate::SEED;
use quickstart::model::{Company, Customer, Order};
use quickstart::systems::{HubSpot, NetSuite, Shopify};
use quickstart::world::World;

const KILLS: u32 = 100;
/// A run is cut into pieces of at most this part of its work.
const PIECES: u64 = 16;
/// So many of the kills must fall while writes are under way, or the test would prove less than it says.
const WHILE_WRITING: u32 = 10;

#[test]
fn a_hundred_kills_lose_and_double_nothing() {
    let whole = tempfile::tempdir().unwrap();
    assert!(start(whole.path()).wait().unwrap().success());
    let works = [Work::Store, Work::Systems, Work::Writes].map(|kind| (kind, kind.done(whole.path())));
    let expected = Judged::of(whole.path());
    expected.must_be_sound();

    let mut random = SEED;
    let (mut kills, mut lost, mut doubled, mut worlds) = (0, 0, 0, 0);
    let mut spread: BTreeMap<&str, u32> = BTreeMap::new();
    while kills < KILLS {
        let directory = tempfile::tempdir().unwrap();
        let next_kill = |kills: u32| (kills < KILLS).then(|| works[usize::try_from(kills % 3).unwrap()]);
        while let Some(mut program) = unfinished(directory.path(), next_kill(kills), &mut random) {
            program.kill().unwrap();
            program.wait().unwrap();
            kills += 1;
            *spread.entry(phase(directory.path())).or_default() += 1;
        }
        worlds += 1;
        let judged = Judged::of(directory.path());
        judged.must_be_sound();
        doubled += judged.doubled;
        for (name, state) in &expected.entities {
            if judged.entities.get(name) != Some(state) {
                lost += 1;
                println!("{name}:\n  expected {state:?}\n  found    {:?}", judged.entities.get(name));
            }
        }
        assert_eq!(judged.entities.keys().collect::<Vec<_>>(), expected.entities.keys().collect::<Vec<_>>());
    }
    let while_writing = spread.get("while writing").copied().unwrap_or(0);
    let spread: Vec<String> = spread.iter().map(|(phase, kills)| format!("{kills} {phase}")).collect();
    println!("{}; {worlds} worlds lived through to the end", spread.join(", "));
    println!("{kills} kills, {lost} lost, {doubled} doubled");
    assert_eq!((lost, doubled), (0, 0));
    assert!(while_writing >= WHILE_WRITING, "{while_writing} kills while writing");
}

fn start(directory: &Path) -> Child {
    let mut program = Command::new(env!("CARGO_BIN_EXE_quickstart"));
    program.arg("--dir").arg(directory).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
}

/// What a run is measured by: kills fall where work is done, however fast the machine is.
#[derive(Debug, Clone, Copy)]
enum Work {
    /// What the store has written: long while reading.
    Store,
    /// What the systems have noted down of edits, writes and answers.
    Systems,
    /// The writes of the program that took effect.
    Writes,
}

impl Work {
    /// Bytes, or writes, in a directory so far.
    fn done(self, directory: &Path) -> u64 {
        let folder = match self {
            Self::Store => directory.to_owned(),
            Self::Systems => directory.join("log"),
            Self::Writes => return writes(&directory.join("log")),
        };
        let files = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        files.filter_map(|file| file.metadata().ok()).filter(std::fs::Metadata::is_file).map(|file| file.len()).sum()
    }
}

/// Counts the lines of the systems' logs that name the program as their author.
fn writes(logs: &Path) -> u64 {
    let logs = ["hubspot", "shopify", "netsuite"].map(|system| logs.join(format!("{system}.jsonl")));
    let texts = logs.into_iter().filter_map(|log| std::fs::read(log).ok());
    let count = texts.map(|text| {
        let lines = text.split(|byte| *byte == b'\n');
        lines.filter(|line| String::from_utf8_lossy(line).contains(r#""author":{"accordant""#)).count()
    });
    u64::try_from(count.sum::<usize>()).unwrap_or(u64::MAX)
}

/// Starts the program and lets it do a random part of a run's work. `None`: it came to its end before.
fn unfinished(directory: &Path, cut: Option<(Work, u64)>, random: &mut u64) -> Option<Child> {
    let until = cut.map(|(kind, whole)| (kind, kind.done(directory) + next(random) % (whole / PIECES).max(1)));
    let mut program = start(directory);
    loop {
        if let Some(status) = program.try_wait().unwrap() {
            assert!(status.success(), "the program failed after {}", phase(directory));
            return None;
        }
        if until.is_some_and(|(kind, until)| kind.done(directory) >= until) {
            return Some(program);
        }
        std::thread::yield_now();
    }
}

/// What the program was doing when it was killed, as its files tell.
fn phase(directory: &Path) -> &'static str {
    let Ok(world) = World::open(directory) else { return "before the world was there" };
    let written = world.remotes().iter().any(|remote| !remote.writes().is_empty());
    match (world.moments_left(), written) {
        (0, true) => "while writing",
        (0, false) => "between reading and writing",
        _ => "while reading",
    }
}

/// `SplitMix64`.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// What a run left behind.
struct Judged {
    unanswered: usize,
    doubled: usize,
    created_twice: usize,
    planned: usize,
    differences: Vec<String>,
    /// By type and identity: golden and what each system shows, unit by unit, and what stands open. No ids, no instants.
    entities: BTreeMap<String, Vec<String>>,
}

impl Judged {
    fn of(directory: &Path) -> Self {
        let world = World::open(directory).unwrap();
        let accordant = Accordant::builder()
            .store(SqliteStore::open(directory.join("accordant.db")).unwrap())
            .clock(world.clock.clone())
            .entropy(SeededEntropy::new(SEED - 1))
            .connect(HubSpot::new(&world.hubspot))
            .connect(Shopify::new(&world.shopify))
            .connect(NetSuite::new(&world.netsuite))
            .entity::<Customer>()
            .entity::<Company>()
            .entity::<Order>()
            .rule(Company::ANNUAL_REVENUE, RequireApproval::when_moved_by(money!(10_000_000 USD)))
            .build()
            .unwrap();
        let acme = accordant.tenant("acme");
        let writes = world.remotes().into_iter().flat_map(|remote| remote.writes());
        block_on(async {
            let differences = acme.verify().await.unwrap().differences.iter().map(ToString::to_string).collect();
            // Before the systems are read once more: what the program had taken in must be all there is.
            let entities = entities(&acme).await;
            Self {
                unanswered: world.moments_left() + world.echoes().len(),
                doubled: writes.filter(|written| written.effects > 1).count(),
                created_twice: shared_emails(&world),
                planned: acme.plan(Scope::default()).await.unwrap().operations.len(),
                differences,
                entities,
            }
        })
    }

    fn must_be_sound(&self) {
        assert_eq!(self.unanswered, 0, "moments that were never answered");
        assert_eq!(self.created_twice, 0, "customers that a system holds twice");
        assert_eq!(self.planned, 0, "operations that are still owed");
        assert_eq!(self.differences, Vec::<String>::new(), "the store is not what its journal adds up to");
    }
}

/// How many customers share their email with another one of the same shop.
fn shared_emails(world: &World) -> usize {
    let customers = world.shopify.listed_after("customers", 0, false, usize::MAX);
    let emails: BTreeSet<String> =
        customers.iter().map(|(_, node)| node["defaultEmailAddress"]["emailAddress"].to_string()).collect();
    customers.len() - emails.len()
}

async fn entities(acme: &Tenant) -> BTreeMap<String, Vec<String>> {
    let mut ids: Vec<EntityId> = Vec::new();
    for entity_type in ["customer", "company", "order"] {
        ids.extend(acme.entities(entity_type, None, usize::MAX).await.unwrap());
    }
    let mut views = Vec::new();
    for id in ids {
        views.push(acme.inspect_erased(id).await.unwrap());
    }
    // Ids are drawn anew after every restart: an entity is called by its identity.
    let names: BTreeMap<String, String> = views
        .iter()
        .map(|view| {
            (view.id.to_string(), format!("{} {}", view.entity_type, view.units[0].golden.as_value().unwrap_or("?")))
        })
        .collect();
    let named = |text: Option<&str>| -> String {
        text.map_or_else(|| "nothing".to_owned(), |text| names.get(text).cloned().unwrap_or_else(|| text.to_owned()))
    };
    let state = |view: &accordant::view::EntityView| {
        let mut lines: Vec<String> = vec![format!("{:?}", view.life)];
        lines.extend(view.units.iter().map(|unit| {
            let mut shows: Vec<String> = unit
                .links
                .iter()
                .map(|link| {
                    let system = &view.links[link.link].system;
                    match &link.shows {
                        Shows::Value(field) => format!("{system} {}", named(field.as_value())),
                        Shows::Hidden(why) => format!("{system} {why:?}"),
                    }
                })
                .collect();
            shows.sort();
            format!("{} = {} {:?}: {}", unit.name, named(unit.golden.as_value()), unit.verdict, shows.join(", "))
        }));
        lines.extend(view.discrepancies.iter().map(|one| format!("{:?} {:?} {}", one.kind, one.state, one.unit)));
        lines
    };
    views.iter().map(|view| (names[&view.id.to_string()].clone(), state(view))).collect()
}
