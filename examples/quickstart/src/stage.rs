//! The stage: where the story is set, and how it is told. It decides nothing, and calls nothing of the engine's.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use accordant::classify::Verdict;
use accordant::discrepancy::{Discrepancy, DiscrepancyKind, DiscrepancyState};
use accordant::engine::Integrity;
use accordant::explain::Explanation;
use accordant::model::Canonical;
use accordant::plan::{Intent, Operation, Plan, Target};
use accordant::value::{Field, Value};
use accordant::view::{GoldenStatus, Shows, UnitView, View};
use accordant::{Actor, Applied, Attribute};

use crate::generate::{Feed, SEED};
use crate::screen::{Screen, Table, Tone, count};
use crate::world::{Moment, World};

/// How many examples of a kind are shown.
const EXAMPLES: usize = 2;
/// After so many plans a world that is still not quiet is a fault.
const MOST_PASSES: usize = 8;

/// The world, the screen, and a directory for both.
#[derive(Debug)]
pub struct Stage {
    /// The three systems and their day.
    pub world: World,
    /// What ids and salts are drawn from: the same in every fresh directory, another after every restart in one.
    pub seed: u64,
    screen: Screen,
    directory: PathBuf,
    passes: Cell<usize>,
    waiting: Cell<bool>,
    opened: Cell<bool>,
}

impl Stage {
    /// Sets the stage as the arguments say: `--dir PATH` for a directory of one's own, `generate PATH` for the feed only.
    ///
    /// # Errors
    ///
    /// If the arguments make no sense, or the directory cannot be written.
    pub fn set() -> Result<Self, Box<dyn Error>> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let screen = Screen::stdout();
        let (directory, told) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["generate", directory] => {
                Feed::of(SEED)?.write(Path::new(directory))?;
                std::process::exit(0);
            }
            ["--dir", directory] => (PathBuf::from(directory), "the directory given".to_owned()),
            [] => {
                // A fresh one each time, and kept: the store is there to be looked into.
                let name = "accordant-quickstart";
                let directory = tempfile::Builder::new().prefix(&format!("{name}-")).tempdir()?.keep();
                let told = if screen.is_terminal() {
                    directory.display().to_string()
                } else {
                    format!("{name}-* in the directory for temporary files")
                };
                (directory, told)
            }
            _ => return Err("usage: quickstart [--dir PATH | generate PATH]".into()),
        };
        Feed::of(SEED)?.write(&directory)?;
        let world = World::open(&directory)?;
        let seed = SEED.wrapping_add(restarts(&directory)?);
        screen.line(format_args!("{}", screen.tone(Tone::Strong, "Acme: one Monday, three systems")));
        screen.line(format_args!("  store: accordant.db, in {told}"));
        Ok(Self {
            world,
            seed,
            screen,
            directory,
            passes: Cell::new(0),
            waiting: Cell::new(false),
            opened: Cell::new(false),
        })
    }

    /// The file of the store.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.directory.join("accordant.db")
    }

    /// What was not answered yet: at first the day, then the webhooks that our own writes gave rise to.
    pub fn news(&self) -> impl Iterator<Item = io::Result<Moment>> + '_ {
        let day = (!self.opened.replace(true)).then(|| self.day());
        // Asked for when the day is over: until then a process before this one may have left some.
        let echoes = std::iter::once_with(|| self.world.echoes()).flatten().map(Ok);
        day.into_iter().flatten().chain(echoes)
    }

    /// Says what is about to be read, and gives the day moment by moment while the bar grows.
    fn day(&self) -> impl Iterator<Item = io::Result<Moment>> + '_ {
        self.screen.section("What the systems say");
        let mut table = Table::new(&["system", "object", "records"]).right(2);
        for remote in self.world.remotes() {
            for object in remote.dialect().objects() {
                table.row([remote.dialect().system(), object, &remote.count(object).to_string()]);
            }
        }
        self.screen.table(&table);
        let mut bar = Some(self.screen.progress("scans, webhooks and polls", self.world.moments_left()));
        let mut day = self.world.day();
        let mut heard = false;
        std::iter::from_fn(move || {
            if let Some(bar) = bar.as_mut().filter(|_| heard) {
                bar.step();
            }
            heard = true;
            let next = day.next();
            if next.is_none()
                && let Some(bar) = bar.take()
            {
                bar.finish("each durable before it was answered");
            }
            next
        })
    }

    /// One customer across systems.
    pub fn side_by_side<E>(&self, view: &View<E>) {
        self.screen.section("One customer side by side");
        self.indented(view);
    }

    /// What stands, by kind.
    pub fn discrepancies(&self, all: &[Discrepancy]) {
        self.screen.section("Discrepancies by kind");
        let mut kinds: BTreeMap<DiscrepancyKind, Vec<&Discrepancy>> = BTreeMap::new();
        for discrepancy in all {
            kinds.entry(discrepancy.kind).or_default().push(discrepancy);
        }
        let mut table = Table::new(&["kind", "count", "wait", "about", "because"]).right(1).right(2);
        for (kind, of_kind) in &kinds {
            let mut alike: BTreeMap<(String, &str), Vec<&Discrepancy>> = BTreeMap::new();
            for one in of_kind {
                let at = one.link.as_ref().map_or_else(|| one.entity_type.to_string(), ToString::to_string);
                let unit = if one.unit.as_str() == "$exists" { "presence" } else { one.unit.as_str() };
                alike.entry((format!("{unit} of {at}"), one.reason.as_str())).or_default().push(one);
            }
            for (place, ((about, reason), those)) in alike.into_iter().enumerate() {
                let waiting = those.iter().filter(|one| one.state == DiscrepancyState::Waiting).count();
                let title = if place == 0 { kind.title() } else { "" };
                let numbers = [those.len().to_string(), waiting.to_string()];
                let [counted, waiting] = numbers;
                table.row([title.to_owned(), counted, waiting, about, reason.to_owned()]);
            }
        }
        self.screen.table(&table);
    }

    /// Why one value is what it is.
    pub fn explanation(&self, explanation: &Explanation) {
        self.screen.section("Why does HubSpot not get its way?");
        self.indented(explanation);
    }

    /// Whether a unit waits for a person; if so, says for what.
    pub fn waits<E: Canonical, T: Value>(&self, view: &View<E>, attribute: Attribute<E, T>) -> bool {
        let Some(unit) = view.entity.unit(attribute.id()) else { return false };
        if unit.verdict != Verdict::Frozen {
            return false;
        }
        if !self.waiting.replace(true) {
            self.screen.section("What waits for a person");
        }
        let name = &view.entity.entity_type;
        match &unit.status {
            GoldenStatus::Held { proposed, rule, reason } => {
                let (before, after) = (words(&unit.golden), words(proposed));
                self.screen.line(format_args!(
                    "  {name} {}: held by rule \"{rule}\": {reason}; {before} stays until {after} is accepted",
                    unit.name
                ));
            }
            GoldenStatus::Parked { reason } => {
                self.screen.line(format_args!("  {name} {}: parked: {reason}: {}", unit.name, said(view, unit)));
            }
            _ => return false,
        }
        true
    }

    /// Shows what came of a decision: what is golden now, and by whose word.
    pub fn decided(&self, explanation: &Explanation) {
        let text = explanation.to_string();
        let by = text.lines().map(str::trim).find(|line| line.starts_with("decided by")).unwrap_or("undecided");
        self.screen.line(format_args!("    now {}, {by}", text.lines().next().unwrap_or_default()));
    }

    /// Shows a plan. The one that plans nothing ends the story.
    #[must_use]
    pub fn has_work(&self, plan: &Plan) -> bool {
        let pass = self.passes.get() + 1;
        self.passes.set(pass);
        let planned = plan.operations.len();
        if planned == 0 {
            self.screen.section(&format!("Plan {pass}"));
            let quiet = format!("quiet: {}", count(planned, "operation planned", "operations planned"));
            self.screen.line(self.screen.tone(Tone::Good, &quiet));
            return false;
        }
        self.screen.section(&format!("Plan {pass}: {}", count(planned, "operation", "operations")));
        let mut groups: BTreeMap<(&str, &str, String), Vec<&Operation>> = BTreeMap::new();
        for operation in &plan.operations {
            let what = match &operation.intent {
                Intent::Create(_) => ("create", operation.entity_type.to_string()),
                Intent::Archive => ("archive", operation.entity_type.to_string()),
                Intent::Set(_) => ("set", format!("{} {}", operation.entity_type, operation.unit)),
                _ => ("other", operation.entity_type.to_string()),
            };
            groups.entry((operation.target.connection().as_str(), what.0, what.1)).or_default().push(operation);
        }
        let mut table = Table::new(&["system", "write", "", "count", "for example"]).right(3);
        for ((system, action, what), operations) in &groups {
            let number = operations.len().to_string();
            table.row([(*system).to_owned(), (*action).to_owned(), what.clone(), number, example(operations[0])]);
        }
        self.screen.table(&table);
        for parked in plan.parked.iter().take(EXAMPLES) {
            self.screen.line(format_args!("  not planned: {}: {}", example(&parked.operation), parked.why));
        }
        pass < MOST_PASSES
    }

    /// Shows what came of a plan.
    pub fn applied(&self, by: &Actor, applied: &Applied) {
        let done = count(applied.done, "write applied", "writes applied");
        let mut words = vec![format!("approved by {}; {done}", by.as_str())];
        let others = [
            (applied.already, "in effect already"),
            (applied.superseded, "superseded: the record moved meanwhile"),
            (applied.refused.len(), "refused"),
            (applied.deferred, "put off"),
            (applied.unknown, "of unknown outcome"),
            (applied.unapproved, "not approved"),
            (applied.held.len(), "held back by a limit"),
        ];
        words.extend(others.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")));
        self.screen.line(format_args!("  {}", words.join(", ")));
        for (operation, why) in applied.refused.iter().take(EXAMPLES) {
            self.screen.line(format_args!("  refused: {}: {why}", example(operation)));
        }
        for failed in &applied.failed {
            self.screen.line(format_args!("  {} could not {}: {}", failed.connection, failed.doing, failed.cause));
        }
    }

    /// Says whether the store is what its journal adds up to, and whether the world is quiet.
    ///
    /// # Errors
    ///
    /// If either is not so.
    pub fn verified(&self, verified: &Integrity) -> Result<(), Box<dyn Error>> {
        self.screen.line(verified);
        for difference in verified.differences.iter().take(EXAMPLES * 5) {
            self.screen.line(format_args!("  {difference}"));
        }
        if !verified.is_clean() {
            return Err("the store is not what its journal adds up to".into());
        }
        if self.passes.get() >= MOST_PASSES { Err("the world does not come to rest".into()) } else { Ok(()) }
    }

    fn indented(&self, text: impl Display) {
        for line in text.to_string().trim_end().lines() {
            self.screen.line(format_args!("  {line}").to_string().trim_end());
        }
    }
}

/// Counts the times that this directory was opened before.
fn restarts(directory: &Path) -> io::Result<u64> {
    let path = directory.join("log/starts");
    let before = std::fs::metadata(&path).map_or(0, |starts| starts.len());
    std::fs::OpenOptions::new().create(true).append(true).open(&path)?.write_all(b".")?;
    Ok(before)
}

fn example(operation: &Operation) -> String {
    let what = match &operation.intent {
        Intent::Set(value) => format!("{} -> {}", words(&operation.expect), words(value)),
        Intent::Create(fields) => {
            fields.iter().find(|(_, field)| field.is_value()).map_or_else(String::new, |(_, field)| words(field))
        }
        _ => operation.reason.to_string(),
    };
    match &operation.target {
        Target::Record(record) => format!("{}/{}: {what}", record.object, record.id),
        target => format!("new in {}: {what}", target.object()),
    }
}

/// What each system says of a unit.
fn said<E>(view: &View<E>, unit: &UnitView) -> String {
    let said = unit.links.iter().filter_map(|link| {
        let Shows::Value(field) = &link.shows else { return None };
        Some(format!("{} says {}", view.entity.links.get(link.link)?.record.connection, words(field)))
    });
    said.collect::<Vec<_>>().join(", ")
}

/// A value as a person reads it; of a compound, the members that there are.
fn words(field: &Field) -> String {
    let Some(text) = field.as_value() else { return "nothing".to_owned() };
    let members: Option<Vec<Option<String>>> =
        if text.starts_with('[') { serde_json::from_str(text).ok() } else { None };
    members.map_or_else(|| text.to_owned(), |members| members.into_iter().flatten().collect::<Vec<_>>().join(", "))
}
