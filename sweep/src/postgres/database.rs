//! Questions to a database, each in a session and a thread of its own: sweeps wait for their rows, and know no async.

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use futures::{Future, FutureExt as _, StreamExt as _};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, Error, NoTls, SimpleQueryMessage, Socket};

use crate::error::SnapshotError;

type Connecting = Pin<Box<dyn Future<Output = Result<Client, Error>>>>;

/// A database of PostgreSQL, and how it is connected to. Nothing is written into it.
#[derive(Clone)]
pub struct Database {
    connect: Arc<dyn Fn() -> Connecting + Send + Sync>,
    patience: Duration,
}

/// How long a database may take to answer, unless said otherwise: it may have to put a large table in order before the first row.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

impl fmt::Debug for Database {
    /// Its address may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Database")
    }
}

/// A row, as texts.
pub(super) type Texts = Vec<Option<String>>;

impl Database {
    /// Connects without TLS.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::with_tls(config, NoTls)
    }

    /// Connects by TLS: `accordant_postgres_tls::connector` makes one.
    #[must_use]
    pub fn with_tls<T>(config: Config, tls: T) -> Self
    where
        T: MakeTlsConnect<Socket, Stream: Send + 'static, TlsConnect: TlsConnect<Socket, Future: Send>>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        // Values are told in one way, whatever the server's defaults are.
        let own = config.get_options().unwrap_or_default();
        let options = format!(
            "{own} -c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=iso_8601 -c extra_float_digits=1 -c bytea_output=hex \
             -c default_transaction_read_only=on -c client_encoding=UTF8"
        );
        let mut config = config;
        config.options(&options);
        let connect = move || -> Connecting {
            let (config, tls) = (config.clone(), tls.clone());
            Box::pin(async move {
                let (client, connection) = config.connect(tls).await?;
                // It ends with the client.
                drop(tokio::spawn(connection));
                Ok(client)
            })
        };
        Self { connect: Arc::new(connect), patience: PATIENCE }
    }

    /// How long it may take to connect, to answer, and to go on with an answer, each; half an hour unless said otherwise. What takes longer
    /// is an error: a server that is behind a broken line says nothing at all.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// All rows that a statement answers with.
    pub(super) fn ask(&self, statement: String) -> Result<Vec<Texts>, SnapshotError> {
        let (connect, patience) = (Arc::clone(&self.connect), self.patience);
        let asked = thread::spawn(move || {
            run(async move {
                let client = within(patience, connect()).await?;
                let answers = within(patience, client.simple_query(&statement)).await?;
                let rows = answers.into_iter().filter_map(|answer| match answer {
                    SimpleQueryMessage::Row(row) => {
                        Some((0..row.len()).map(|place| row.get(place).map(str::to_owned)).collect())
                    }
                    _ => None,
                });
                Ok(rows.collect())
            })
        });
        asked.join().unwrap_or_else(|_| Err(unreached()))?
    }

    /// The bytes of a `COPY ... TO STDOUT`, read ahead by some blocks.
    pub(super) fn copy(&self, statement: String) -> Blocks {
        let (to, from) = sync_channel(4);
        let (connect, patience) = (Arc::clone(&self.connect), self.patience);
        // It ends with what it reads, or when nobody listens.
        drop(thread::spawn(move || {
            let last = run(copy(connect, patience, statement, to.clone()));
            if let Ok(Err(error)) | Err(error) = last {
                drop(to.send(Some(Err(error))));
            }
        }));
        Blocks { from, ended: false }
    }
}

/// How many bytes are handed over at once.
const BLOCK: usize = 128 << 10;

type Block = Option<Result<Vec<u8>, SnapshotError>>;

async fn copy(
    connect: Arc<dyn Fn() -> Connecting + Send + Sync>,
    patience: Duration,
    statement: String,
    to: SyncSender<Block>,
) -> Result<(), SnapshotError> {
    let client = within(patience, connect()).await?;
    let stream = within(patience, client.copy_out(&statement)).await?;
    let mut stream = pin!(stream);
    let mut block = Vec::with_capacity(BLOCK * 2);
    while let Some(bytes) = within(patience, stream.next().map(Option::transpose)).await? {
        block.extend_from_slice(&bytes);
        if block.len() >= BLOCK
            && to.send(Some(Ok(std::mem::replace(&mut block, Vec::with_capacity(BLOCK * 2))))).is_err()
        {
            return Ok(());
        }
    }
    drop(to.send(Some(Ok(block))));
    drop(to.send(None));
    Ok(())
}

/// What the database answers, if it does in time.
async fn within<T>(patience: Duration, answer: impl Future<Output = Result<T, Error>>) -> Result<T, SnapshotError> {
    match tokio::time::timeout(patience, answer).await {
        Ok(answer) => answer.map_err(|error| refused(&error)),
        Err(_) => Err(SnapshotError::Database { state: "nothing in time".to_owned() }),
    }
}

fn run<T>(future: impl Future<Output = T>) -> Result<T, SnapshotError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(SnapshotError::Read)?.block_on(future))
}

/// Blocks of bytes, as they come.
#[derive(Debug)]
pub(super) struct Blocks {
    from: Receiver<Block>,
    ended: bool,
}

impl Blocks {
    /// The next block; nothing behind the last. A stream that broke off is an error, and no end.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, SnapshotError> {
        if self.ended {
            return Ok(None);
        }
        let block = self.from.recv().unwrap_or_else(|_| Some(Err(unreached())));
        self.ended = block.as_ref().is_none_or(Result::is_err);
        block.transpose()
    }
}

fn unreached() -> SnapshotError {
    SnapshotError::Database { state: "nothing: the connection was lost".to_owned() }
}

/// States are told, messages are not: they quote.
fn refused(error: &Error) -> SnapshotError {
    match error.code() {
        Some(state) => SnapshotError::Database { state: state.code().to_owned() },
        None => unreached(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use super::Database;
    use crate::error::SnapshotError;

    /// A line that takes what is sent and carries nothing back.
    #[test]
    fn a_database_that_says_nothing_is_an_error() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("host=127.0.0.1 port={} user=u", silent.local_addr().unwrap().port());
        let database = Database::new(address.parse().unwrap()).patience(Duration::from_millis(20));
        let told = |error: SnapshotError| error.to_string();
        let asked = database.ask("SELECT 1".to_owned()).map_err(told).unwrap_err();
        let copied = database.copy("COPY t TO STDOUT".to_owned()).next().map_err(told).unwrap_err();
        assert_eq!(asked, copied);
        assert!(asked.contains("nothing in time"), "{asked}");
    }
}
