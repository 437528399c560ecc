//! The same on PostgreSQL.

use std::error::Error;
use std::io::Write;

use accordant::store::Store;
use accordant_bench::usage::Clocks;
use tokio::runtime::Runtime;
use tokio_postgres::NoTls;

use super::{BATCHES, ROUNDS, commits, keys, tell, value};

/// Beside `INSERT ... SELECT FROM unnest ... ON CONFLICT DO UPDATE`, prepared, each batch a transaction of its own.
pub(in super::super) fn beside(
    runtime: &Runtime,
    address: &str,
    schema: &str,
    store: &dyn Store,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let (client, connection) = runtime.block_on(tokio_postgres::connect(address, NoTls))?;
    drop(runtime.spawn(connection));
    let (mut bare, mut through) = (Vec::new(), Vec::new());
    runtime.block_on(client.batch_execute(&format!(
        "CREATE TABLE {schema}.raw (tenant text COLLATE \"C\" NOT NULL, key text COLLATE \"C\" NOT NULL, \
         revision bigint NOT NULL, value text NOT NULL, PRIMARY KEY (tenant, key))"
    )))?;
    let upsert = format!(
        "INSERT INTO {schema}.raw AS held (tenant, key, revision, value) \
         SELECT $1, key, 1, value FROM unnest($2::text[], $3::text[]) AS one (key, value) \
         ON CONFLICT (tenant, key) DO UPDATE SET revision = held.revision + 1, value = excluded.value"
    );
    let upsert = runtime.block_on(client.prepare(&upsert))?;
    for round in 0..ROUNDS {
        let clocks = Clocks::now();
        for batch in 0..BATCHES {
            let keys = keys(round, batch);
            let values: Vec<String> = keys.iter().map(|key| value(round, key)).collect();
            runtime.block_on(client.execute(&upsert, &[&"batches", &keys, &values]))?;
        }
        bare.push(clocks.taken().wall);
        through.push(commits(store, round)?);
    }
    tell("postgres", bare, through, out)
}
