//! One run: servers, systems, people, workers, what goes wrong, and the judgement.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use accordant::queue::Queue as _;
use accordant_test_servers::{Server, Wire};
use tokio::runtime::Runtime;

use crate::arguments::Arguments;
use crate::chaos::{Chaos, Dice};
use crate::people::{self, Doors, Told};
use crate::place::{Broker, Database, Place};
use crate::systems::Systems;
use crate::{Failed, judge};

/// Runs, and says whether all held.
pub(crate) fn soak(arguments: &Arguments) -> Result<bool, Failed> {
    if let Some(ended) = with_servers(arguments)? {
        return Ok(ended);
    }
    let folder = tempfile::tempdir()?;
    let (systems, port) = Systems::serve()?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    // The doors and the judge reach the servers as they are, the workers through wires that are cut.
    let direct = Place {
        database: arguments.database,
        database_at: match arguments.database {
            Database::Sqlite => path("store.db"),
            Database::Postgres => address(Server::POSTGRES)?,
            Database::Mongodb => address(Server::MONGODB)?,
        },
        broker: arguments.broker,
        broker_at: match arguments.broker {
            Broker::Sqlite => path("queue.db"),
            Broker::Nats => address(Server::NATS)?,
            Broker::Kafka => address(Server::KAFKA)?,
        },
        systems: port,
        name: format!("soak_{}", since.as_millis()),
    };
    let (wired, wires) = wired(&direct)?;
    let runtime = Runtime::new()?;
    let told = Arc::new(Told::default());
    let stop = Arc::new(AtomicBool::new(false));
    let (doors, mut feed) = runtime.block_on(async {
        let doors = Doors::open(&direct).await?;
        let feed = direct.queue().await?.join(judge::FOLLOWED, "judge").await?;
        let tenant = doors.tenant();
        for connection in ["crm", "shop"] {
            tenant.poll(connection).await?;
        }
        people::allow(&tenant).await?;
        Ok::<_, Failed>((doors, feed))
    })?;
    let tenant = doors.tenant();
    let mut chaos = Chaos::new(wired, folder.path().to_owned(), arguments.workers, wires, Dice::new(arguments.seed));
    chaos.start_all()?;
    let lives = people::live(
        systems.clone(),
        doors,
        Arc::clone(&told),
        Arc::clone(&stop),
        arguments.rate,
        Dice::new(arguments.seed + 1),
    );
    let living = runtime.spawn(lives);
    let approving = runtime.spawn(people::look_through(tenant.clone(), Arc::clone(&stop)));
    let begun = Instant::now();
    chaos.rage(arguments.lasts, &stop)?;
    stop.store(true, Ordering::Relaxed);
    runtime.block_on(async {
        living.await?;
        approving.await
    })?;
    chaos.start_all()?;
    let verdict = runtime.block_on(async {
        let store = direct.store().await?;
        judge::judge(&tenant, &*store, &systems, &told, &mut *feed).await
    })?;
    chaos.end();
    verdict.tell();
    for (what, count) in &chaos.counts {
        println!("{count:>7}  {what}");
    }
    let faults: usize = chaos.counts.iter().filter(|(what, _)| !what.contains("skipped")).map(|(_, count)| count).sum();
    let quiet = verdict.quiet.map_or("not quiet".to_owned(), |after| format!("quiet after {} s", after.as_secs()));
    println!(
        "{} s on {} and {} with {} workers: {} edits, {} webhooks ({} given up by their sender), {} writes, {} journal entries, \
         {} published; {faults} faults; {quiet}, chain {}, {} wrong, {} lost, {} doubled",
        begun.elapsed().as_secs(),
        arguments.database.name(),
        arguments.broker.name(),
        arguments.workers,
        told.edits.load(Ordering::Relaxed),
        told.webhooks.load(Ordering::Relaxed),
        told.given_up.load(Ordering::Relaxed),
        verdict.writes,
        verdict.entries,
        verdict.published,
        if verdict.wrong.is_empty() { "verifies" } else { "or store differs" },
        verdict.wrong.len(),
        verdict.lost.len(),
        verdict.doubled.len(),
    );
    Ok(verdict.is_clean())
}

fn address(server: Server) -> Result<String, Failed> {
    server.address().ok_or_else(|| format!("{} is not there: {} is not set", server.name, server.variable).into())
}

/// The servers that a run needs, by the names of the script.
fn needed(arguments: &Arguments) -> Vec<(&'static str, Server)> {
    let mut needed = Vec::new();
    match arguments.database {
        Database::Postgres => needed.push(("postgres", Server::POSTGRES)),
        Database::Mongodb => needed.push(("mongodb", Server::MONGODB)),
        Database::Sqlite => {}
    }
    match arguments.broker {
        Broker::Nats => needed.push(("nats", Server::NATS)),
        Broker::Kafka => needed.push(("kafka", Server::KAFKA)),
        Broker::Sqlite => {}
    }
    needed
}

/// Starts servers where they are missing, and runs this program again with their addresses. `None`: none is missing.
fn with_servers(arguments: &Arguments) -> Result<Option<bool>, Failed> {
    let needed = needed(arguments);
    if needed.iter().all(|(_, server)| server.address().is_some()) {
        return Ok(None);
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/test-servers");
    let ended = Command::new(script)
        .arg("run")
        .args(needed.iter().map(|(name, _)| name))
        .arg("--")
        .arg(std::env::current_exe()?)
        .args(std::env::args().skip(1))
        .env("ACCORDANT_REQUIRE_SERVERS", "1")
        .status()?;
    Ok(Some(ended.success()))
}

/// The place as workers reach it, and the wires in between.
fn wired(direct: &Place) -> Result<(Place, [Option<Wire>; 2]), Failed> {
    let mut place = direct.clone();
    let database = match direct.database {
        // A replica set tells its clients where it is: they do not stay on a wire.
        Database::Sqlite | Database::Mongodb => None,
        Database::Postgres => Some(wire(&mut place.database_at)?),
    };
    let broker = match direct.broker {
        // A broker of Kafka tells its clients where it is: they do not stay on a wire.
        Broker::Sqlite | Broker::Kafka => None,
        Broker::Nats => Some(wire(&mut place.broker_at)?),
    };
    Ok((place, [database, broker]))
}

/// Puts a wire in between, for the host and port that a URL names.
fn wire(url: &mut String) -> Result<Wire, Failed> {
    let begin = url.find("://").map_or(0, |at| at + 3);
    let begin = url[begin..].find('@').map_or(begin, |at| begin + at + 1);
    let end = url[begin..].find(['/', '?']).map_or(url.len(), |at| begin + at);
    let wire = Wire::to(&url[begin..end])?;
    url.replace_range(begin..end, &wire.address().to_string());
    Ok(wire)
}
