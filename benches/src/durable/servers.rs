//! On servers: PostgreSQL, and MongoDB.

use std::error::Error;
use std::io::Write;
use std::path::Path;

use accordant_mongodb::{MongoOptions, MongoStore};
use accordant_postgres::{PostgresOptions, PostgresStore};
use accordant_test_servers::{REQUIRED, Server};

use super::{raw, take_in, workers};

/// `FILE --store postgres|mongodb`, and with PostgreSQL `--workers 1,2,4`.
pub(super) fn run(arguments: &[&str], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    match *arguments {
        [file, "--store", "postgres", "--workers", counts] => {
            let counts: Vec<usize> = counts.split(',').map(str::parse).collect::<Result<_, _>>()?;
            let Some(address) = address(Server::POSTGRES, out)? else { return Ok(()) };
            for count in counts {
                workers::take_in(Path::new(file), &address, count.max(1), out)?;
            }
            run(&[file, "--store", "postgres"], out)
        }
        [file, "--store", "postgres"] => {
            let Some(address) = address(Server::POSTGRES, out)? else { return Ok(()) };
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let schema = format!("accordant_bench_{}", std::process::id());
            let options = PostgresOptions::new(&address)?.schema(&schema);
            let store = runtime.block_on(PostgresStore::open_with(options))?;
            take_in(Path::new(file), "postgres", store.clone(), out)?;
            raw::postgres::beside(&runtime, &address, &schema, &store, out)
        }
        [file, "--store", "mongodb"] => {
            let Some(address) = address(Server::MONGODB, out)? else { return Ok(()) };
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let database = format!("accordant_bench_{}", std::process::id());
            let store = runtime.block_on(async {
                MongoStore::open_with(MongoOptions::new(&address).await?.database(database)).await
            })?;
            let _entered = runtime.enter();
            take_in(Path::new(file), "mongodb", store, out)
        }
        _ => Err(super::USAGE.into()),
    }
}

/// Where a server is; none: it says that nothing is measured.
fn address(server: Server, out: &mut impl Write) -> Result<Option<String>, Box<dyn Error>> {
    let Server { name, variable } = server;
    match server.address() {
        Some(address) => Ok(Some(address)),
        None if std::env::var(REQUIRED).is_ok_and(|required| required == "1") => {
            Err(format!("{variable} does not say where a server is").into())
        }
        None => {
            writeln!(out, "skipped: nothing is written to {name}, because {variable} is not set")?;
            Ok(None)
        }
    }
}
