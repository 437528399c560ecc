//! Two tables of one PostgreSQL: streamed and merged, compared by the server, and compared by reladiff in turn.

use std::env;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use accordant::equivalence::Equivalence;
use accordant_sweep::postgres::{Database, Table, Within, sweep_within};
use accordant_sweep::{Attribute, Counts, Order, Side, Sweep};
use futures::SinkExt as _;
use tokio_postgres::{Config, NoTls};

use super::{COLUMNS, tables};
use crate::beside;
use crate::usage::{Clocks, Nanos, cpu_of_family};

type Failure = Box<dyn Error>;

/// Where the tables are made, and dropped again.
const SCHEMA: &str = "accordant_sweep_bench";

/// What one comparison found and took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// Changed, missing, extra.
    found: [u64; 3],
    client: Nanos,
    server: Option<Nanos>,
    wall: Nanos,
}

/// Makes the tables, compares them in each way in turn, so often, and prints medians.
///
/// `ACCORDANT_POSTGRES_URL` names the database; `ACCORDANT_SERVERS`, where it is set, the folder in which `postgres.pid` names its
/// process; `ACCORDANT_RELADIFF_PYTHON` a Python that has reladiff.
pub(super) fn compare(rows: u64, runs: usize, out: &mut impl Write) -> Result<(), Failure> {
    let Ok(address) = env::var("ACCORDANT_POSTGRES_URL") else {
        writeln!(out, "skipped: ACCORDANT_POSTGRES_URL names no database")?;
        return Ok(());
    };
    let config: Config = address.parse()?;
    make(&config, rows)?;
    let python = env::var_os("ACCORDANT_RELADIFF_PYTHON");
    let script = tempfile::NamedTempFile::new()?;
    fs::write(script.path(), include_str!("reladiff_tables.py"))?;
    let (mut merged, mut within, mut reladiff) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs.max(1) {
        merged.push(measured(|| streamed(&config))?);
        within.push(measured(|| by_the_server(&config))?);
        if let Some(python) = &python {
            reladiff.push(measured(|| by_reladiff(Command::new(python).arg(script.path()), &address))?);
        }
    }
    sql(&config, &format!("DROP SCHEMA {SCHEMA} CASCADE"))?;
    writeln!(out, "{rows} rows, medians of {} runs in turn; seconds", runs.max(1))?;
    writeln!(out, "{:<22}{:>10}{:>10}{:>10}  changed, missing, extra", "", "wall", "client", "server")?;
    if reladiff.is_empty() {
        writeln!(out, "skipped: ACCORDANT_RELADIFF_PYTHON names no Python with reladiff")?;
    }
    for (name, runs) in [("streamed and merged", merged), ("by the server", within), ("reladiff", reladiff)] {
        let Some(first) = runs.first() else { continue };
        let median = |of: fn(&Run) -> Nanos| {
            let mut all: Vec<Nanos> = runs.iter().map(of).collect();
            beside::median(&mut all)
        };
        let server = median(|run| run.server.unwrap_or_default());
        let (wall, client) = (median(|run| run.wall), median(|run| run.client));
        writeln!(out, "{name:<22}{wall:>10}{client:>10}{server:>10}  {:?}", first.found)?;
    }
    Ok(())
}

fn measured(work: impl FnOnce() -> Result<([u64; 3], Option<Nanos>), Failure>) -> Result<Run, Failure> {
    let server = || -> Option<Nanos> {
        let pid = fs::read_to_string(Path::new(&env::var_os("ACCORDANT_SERVERS")?).join("postgres.pid")).ok()?;
        Some(cpu_of_family(pid.lines().next()?.trim().parse().ok()?))
    };
    let (before, clocks) = (server(), Clocks::now());
    let (found, client) = work()?;
    let taken = clocks.taken();
    // Sessions end a moment after their clients.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let server = before.zip(server()).map(|(before, after)| Nanos(after.0.saturating_sub(before.0)));
    Ok(Run { found, client: client.unwrap_or(taken.cpu), server, wall: taken.wall })
}

fn found(counts: &Counts) -> [u64; 3] {
    let missing = |side: usize| counts.missing.get(side).copied().unwrap_or_default();
    [counts.changed, missing(1), missing(0)]
}

fn streamed(config: &Config) -> Result<([u64; 3], Option<Nanos>), Failure> {
    let database = Database::new(config.clone());
    let side = |name: &str| Side::new(name, Table::new(&database, name).schema(SCHEMA)).sorted();
    let mut sweep = Sweep::by(Order::Number);
    for attribute in &COLUMNS[1..] {
        sweep = sweep.attribute(*attribute, Equivalence::Exact);
    }
    let counts = sweep.side(side("a")).side(side("b")).start()?.finish(|difference| {
        std::hint::black_box(difference);
    })?;
    Ok((found(&counts), None))
}

fn by_the_server(config: &Config) -> Result<([u64; 3], Option<Nanos>), Failure> {
    let database = Database::new(config.clone());
    let attributes: Vec<Attribute> =
        COLUMNS[1..].iter().map(|name| Attribute::new(*name, Equivalence::Exact)).collect();
    let columns = || COLUMNS[1..].iter().map(|name| Some((*name).to_owned())).collect();
    let table = |name: &str| Within::new(name, Table::new(&database, name).schema(SCHEMA), "id", columns());
    let counts = sweep_within(&database, &attributes, Order::Number, [table("a"), table("b")], |difference| {
        std::hint::black_box(difference);
    })?;
    Ok((found(&counts.ok_or("the server cannot compare them")?), None))
}

fn by_reladiff(command: &mut Command, address: &str) -> Result<([u64; 3], Option<Nanos>), Failure> {
    let command = command.args([
        &address.replacen("postgres://", "postgresql://", 1),
        &format!("{SCHEMA}.a"),
        &format!("{SCHEMA}.b"),
    ]);
    let output = command.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let said = String::from_utf8(output.stdout)?;
    let number = |name: &str| -> Result<&str, Failure> {
        let (_, behind) = said.split_once(&format!("\"{name}\": ")).ok_or("reladiff says nothing of it")?;
        Ok(behind.split([',', '}']).next().unwrap_or_default())
    };
    let (seconds, fraction) = number("cpu_seconds")?.split_once('.').unwrap_or(("0", "0"));
    let micros = format!("{fraction:0<6.6}").parse::<u128>()? + seconds.parse::<u128>()? * 1_000_000;
    Ok((
        [number("changed")?.parse()?, number("missing")?.parse()?, number("extra")?.parse()?],
        Some(Nanos(micros * 1_000)),
    ))
}

fn sql(config: &Config, statement: &str) -> Result<(), Failure> {
    with(config, |client| async move { Ok(client.batch_execute(statement).await?) })
}

/// The tables of the files that `sweep gen` writes.
fn make(config: &Config, rows: u64) -> Result<(), Failure> {
    let columns = "(id bigint PRIMARY KEY, email text, first_name text, last_name text, phone text, company text, city text, \
                   status text, amount numeric(12, 2), updated_at timestamp)";
    sql(
        config,
        &format!(
            "DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}; CREATE TABLE {SCHEMA}.a {columns}; \
             CREATE TABLE {SCHEMA}.b {columns}"
        ),
    )?;
    let (mut one, mut other) = (Vec::new(), Vec::new());
    tables::write(rows, 42, &mut one, &mut other)?;
    for (name, bytes) in [("a", one), ("b", other)] {
        with(config, |client| async move {
            let sink = client.copy_in(&format!("COPY {SCHEMA}.{name} FROM STDIN (FORMAT csv)")).await?;
            let mut sink = std::pin::pin!(sink);
            for block in bytes.chunks(1 << 20) {
                sink.send(accordant::bytes::Bytes::copy_from_slice(block)).await?;
            }
            sink.finish().await?;
            Ok(())
        })?;
        sql(config, &format!("VACUUM ANALYZE {SCHEMA}.{name}"))?;
    }
    Ok(())
}

fn with<F: Future<Output = Result<(), Failure>>>(
    config: &Config,
    work: impl FnOnce(tokio_postgres::Client) -> F,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, connection) = config.connect(NoTls).await?;
        let connection = tokio::spawn(connection);
        work(client).await?;
        connection.await??;
        Ok(())
    })
}
