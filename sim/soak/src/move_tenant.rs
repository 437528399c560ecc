//! A tenant is moved from store to store and back; every store exports the same bytes.

use std::fs::{self, File};
use std::io::{BufReader, IsTerminal as _, Read as _, Write};
use std::path::{Path, PathBuf};

use accordant::TenantId;
use accordant::store::{SqliteStore, Store};
use accordant::transfer::{Progress, export, import};
use accordant_mongodb::{MongoOptions, MongoStore};
use accordant_postgres::{PostgresOptions, PostgresStore};
use accordant_test_servers::{REQUIRED, Server};
use futures::executor::block_on;
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;

use crate::Failed;
use crate::customers::builder;

/// Fills a tenant of `entities` customers on SQLite, and moves it around.
pub(crate) fn run(entities: u64, out: &mut impl Write) -> Result<(), Failed> {
    let Some((postgres, mongodb)) = servers(out)? else { return Ok(()) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let acme = TenantId::new("acme");

    let first = SqliteStore::open(folder.path().join("first.db"))?;
    let begun = seconds();
    let tenant = builder(first.clone(), entities).build()?.tenant("acme");
    for connection in ["crm", "shop"] {
        block_on(tenant.poll(connection))?;
    }
    writeln!(out, "filled      SQLite with {entities} entities in {} s", seconds() - begun)?;
    drop(tenant);

    let name = format!("accordant_soak_{}", std::process::id());
    let mut moving = Moving { runtime: &runtime, tenant: &acme, folder: folder.path(), files: Vec::new(), out };
    moving.export("SQLite", &first)?;
    drop(first);
    let store = runtime.block_on(PostgresStore::open_with(PostgresOptions::new(&postgres)?.schema(&name)))?;
    moving.through("PostgreSQL", &store)?;
    drop(store);
    let options = runtime.block_on(MongoOptions::new(&mongodb))?.database(&name);
    let store = runtime.block_on(MongoStore::open_with(options))?;
    moving.through("MongoDB", &store)?;
    drop(store);
    let last = SqliteStore::open(folder.path().join("last.db"))?;
    moving.through("SQLite", &last)?;
    let files = std::mem::take(&mut moving.files);

    // What came back is what the engine wrote, and it goes on with it.
    let verified = block_on(builder(last, entities).build()?.tenant("acme").verify())?;
    writeln!(out, "verified    {verified}")?;
    if !verified.is_clean() || verified.entities as u64 != entities {
        return Err("what came back is not what was moved".into());
    }
    for file in &files[1..] {
        if !same(&files[0], file)? {
            return Err(format!("{} differs from {}", file.display(), files[0].display()).into());
        }
    }
    let bytes = fs::metadata(&files[0])?.len();
    writeln!(
        out,
        "moved {entities} entities SQLite → PostgreSQL → MongoDB → SQLite: {} exports of {bytes} bytes, byte-identical",
        files.len()
    )?;
    Ok(())
}

/// Where both servers are; `None` if one is missing and need not be there.
fn servers(out: &mut impl Write) -> Result<Option<(String, String)>, Failed> {
    let mut addresses = Vec::new();
    for server in [Server::POSTGRES, Server::MONGODB] {
        match server.address() {
            Some(address) => addresses.push(address),
            None if std::env::var(REQUIRED).is_ok_and(|required| required == "1") => {
                return Err(
                    format!("{} is required, and {} does not say where one is", server.name, server.variable).into()
                );
            }
            None => {
                writeln!(out, "skipped: no tenant is moved, because {} is not set", server.variable)?;
                return Ok(None);
            }
        }
    }
    Ok(addresses.pop().zip(addresses.pop()).map(|(mongodb, postgres)| (postgres, mongodb)))
}

struct Moving<'a, W> {
    runtime: &'a Runtime,
    tenant: &'a TenantId,
    folder: &'a Path,
    files: Vec<PathBuf>,
    out: &'a mut W,
}

impl<W: Write> Moving<'_, W> {
    /// Moves the last export into a store, and exports it from there.
    fn through(&mut self, name: &str, store: &dyn Store) -> Result<(), Failed> {
        let file = self.files.last().ok_or("nothing was exported yet")?;
        let begun = seconds();
        let done = self.runtime.block_on(import(store, self.tenant, file, tell("imported", name)))?;
        end_line();
        writeln!(
            self.out,
            "imported    {} entries and {} rows into {name} in {} s",
            done.entries,
            done.rows,
            seconds() - begun
        )?;
        self.export(name, store)
    }

    fn export(&mut self, name: &str, store: &dyn Store) -> Result<(), Failed> {
        let file = self.folder.join(format!("{}.export", self.files.len()));
        let begun = seconds();
        let done = self.runtime.block_on(export(store, self.tenant, &file, tell("exported", name)))?;
        end_line();
        writeln!(
            self.out,
            "exported    {} entries and {} rows from {name} in {} s",
            done.entries,
            done.rows,
            seconds() - begun
        )?;
        self.files.push(file);
        Ok(())
    }
}

/// Shows how far it is, where somebody looks.
fn tell(doing: &str, name: &str) -> impl FnMut(Progress) + Send {
    let (shown, doing, name) = (std::io::stderr().is_terminal(), doing.to_owned(), name.to_owned());
    move |progress| {
        if shown {
            eprint!("\r{doing} {} entries and {} rows ({name})", progress.entries, progress.rows);
        }
    }
}

fn end_line() {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
}

/// Whether two files hold the same bytes.
fn same(one: &Path, other: &Path) -> Result<bool, Failed> {
    if fs::metadata(one)?.len() != fs::metadata(other)?.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (BufReader::new(File::open(one)?), BufReader::new(File::open(other)?));
    let (mut here, mut there) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let read = one.read(&mut here)?;
        if read == 0 {
            return Ok(true);
        }
        other.read_exact(&mut there[..read])?;
        if here[..read] != there[..read] {
            return Ok(false);
        }
    }
}

/// Seconds that passed since some moment.
fn seconds() -> i64 {
    clock_gettime(ClockId::Monotonic).tv_sec
}
