//! Keys in a SQLite file of their own, wrapped under a master key.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, params};

use super::message::{self, About};
use super::{KeyError, KeyId, SealKey, SealKeys, Secret};
use crate::clock::{Entropy as _, SystemEntropy};
use crate::id::TenantId;
use crate::sqlite_thread::Owner;
use crate::store::StoreFault;
use crate::store::sqlite_fault as fault;
use crate::text::Text;

/// `AKey`: how SQLite files tell whose they are.
const APPLICATION: i32 = 0x414b_6579;

/// The version of the tables.
const FORMAT: i32 = 1;

/// How long a call waits for another process that writes.
const PATIENCE: Duration = Duration::from_secs(5);

const TABLES: &str = "
CREATE TABLE seal_key (
    tenant TEXT NOT NULL,
    id BLOB NOT NULL,
    scope TEXT NOT NULL,
    current INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX seal_key_current ON seal_key (tenant, scope) WHERE current;
CREATE INDEX seal_key_old ON seal_key (tenant, scope) WHERE NOT current;
CREATE TABLE master (wrapped BLOB NOT NULL);
";

/// Keeps keys in a SQLite file of its own, each wrapped under a master key that you keep elsewhere.
///
/// Clones share one connection, which a thread of its own holds; several processes may open one file. What was created
/// survives a loss of power, and so does that something was destroyed: its bytes in the file are overwritten. SQLite writes them to a
/// journal beside the file before that, and deletes that journal without overwriting it: wrapped keys may stay on the blocks of the disk
/// until those are used again. The file belongs on no disk of which snapshots are kept for longer than an erasure may take, and not
/// where the store's backups go. Without the master key, it
/// says which records and entities there are keys for, and nothing else.
#[derive(Clone)]
pub struct SqliteKeys {
    owner: Arc<Owner>,
    master: SealKey,
}

/// What a key file cannot be used for.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("it is the database of another application, or of another version")]
    Foreign,
    #[error("its keys were wrapped under another master key, or altered")]
    OtherMaster,
    #[error("its thread has ended")]
    Ended,
}

impl SqliteKeys {
    /// Opens the keys in the file at `path`, and creates it if there is none. The master key is 32 bytes at random.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, is none of keys, or its keys were wrapped under another master key.
    pub fn open(path: impl AsRef<Path>, master: Secret) -> Result<Self, KeyError> {
        // Without the flag for URIs: a path is a path, whatever it starts with.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(failed("open the file"))?;
        // Every key of the file has its own name and salt: under the master key, none is wrapped as another.
        let master = SealKey { id: KeyId([0; 16]), secret: master };
        prepare(&mut connection, &master)?;
        let owner = Owner::start("accordant-keys", connection);
        let owner = owner.map_err(|source| KeyError::new("start its thread", StoreFault::Refused, source))?;
        Ok(Self { owner: Arc::new(owner), master })
    }

    async fn work<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, KeyError> {
        let done = self.owner.work(work).await;
        done.ok_or_else(|| Unusable::Ended.when(doing))?.map_err(failed(doing))
    }

    fn wrapped(&self, tenant: &TenantId, keys: Vec<SealKey>) -> Result<Vec<(KeyId, Vec<u8>)>, KeyError> {
        let wrap = |key: SealKey| {
            let about = About::key(tenant, key.id);
            let wrapped = message::seal_row(&self.master, salt(), &about, key.secret.0.to_vec());
            Ok((key.id, wrapped.ok_or_else(|| Unusable::OtherMaster.when("wrap a key"))?))
        };
        keys.into_iter().map(wrap).collect()
    }

    fn unwrapped(&self, tenant: &TenantId, id: KeyId, wrapped: &[u8]) -> Result<Secret, KeyError> {
        let secret = unwrap(&self.master, &About::key(tenant, id), wrapped);
        let secret = secret.and_then(|bytes| bytes.try_into().ok());
        secret.map(Secret).ok_or_else(|| Unusable::OtherMaster.when("unwrap a key"))
    }

    fn key(&self, tenant: &TenantId, (id, wrapped): (KeyId, Vec<u8>)) -> Result<SealKey, KeyError> {
        Ok(SealKey { id, secret: self.unwrapped(tenant, id, &wrapped)? })
    }
}

impl fmt::Debug for SqliteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteKeys").finish_non_exhaustive()
    }
}

fn failed(doing: &'static str) -> impl FnOnce(rusqlite::Error) -> KeyError {
    move |source| KeyError::new(doing, fault(&source), source)
}

impl Unusable {
    fn when(self, doing: &'static str) -> KeyError {
        KeyError::new(doing, StoreFault::Refused, self)
    }
}

fn salt() -> [u8; 16] {
    let mut salt = [0; 16];
    SystemEntropy.fill(&mut salt);
    salt
}

fn unwrap(master: &SealKey, about: &About, wrapped: &[u8]) -> Option<Vec<u8>> {
    let message = message::row(wrapped)?;
    message.open(&message.own_secret(&master.secret), about)
}

/// Sets the file up, or recognises it, and holds the master key against it.
fn prepare(connection: &mut Connection, master: &SealKey) -> Result<(), KeyError> {
    const DOING: &str = "set up the file";
    let about = About::master();
    let Some(check) = message::seal_row(master, salt(), &about, Vec::new()) else {
        return Err(Unusable::OtherMaster.when(DOING));
    };
    let set_up = |connection: &mut Connection| -> rusqlite::Result<Option<Vec<u8>>> {
        connection.busy_timeout(PATIENCE)?;
        // EXTRA: that the rollback journal is gone is on disk too, with the keys that it held.
        connection.pragma_update(None, "synchronous", "EXTRA")?;
        connection.pragma_update(None, "secure_delete", "ON")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let read = |sql| transaction.query_row(sql, [], |row| row.get::<_, i32>(0));
        let found = (read("PRAGMA application_id")?, read("PRAGMA user_version")?);
        if found == (0, 0) && read("SELECT count(*) FROM sqlite_schema")? == 0 {
            transaction.execute_batch(TABLES)?;
            transaction.execute("INSERT INTO master (wrapped) VALUES (?1)", params![check])?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", FORMAT)?;
        } else if found != (APPLICATION, FORMAT) {
            return Ok(None);
        }
        let check = transaction.query_row("SELECT wrapped FROM master", [], |row| row.get(0))?;
        transaction.commit()?;
        Ok(Some(check))
    };
    let check = set_up(connection).map_err(failed(DOING))?;
    let check = check.ok_or_else(|| Unusable::Foreign.when(DOING))?;
    unwrap(master, &about, &check).map(drop).ok_or_else(|| Unusable::OtherMaster.when(DOING))
}

fn id(bytes: Vec<u8>) -> KeyId {
    // They are put in as such, and read back nowhere else.
    KeyId(bytes.try_into().unwrap_or_default())
}

fn find_current(connection: &Connection, tenant: &str, scope: &str) -> rusqlite::Result<Option<(KeyId, Vec<u8>)>> {
    let sql = "SELECT id, wrapped FROM seal_key WHERE tenant = ?1 AND scope = ?2 AND current";
    let mut find = connection.prepare_cached(sql)?;
    find.query_row(params![tenant, scope], |row| Ok((id(row.get(0)?), row.get(1)?))).optional()
}

#[async_trait]
impl SealKeys for SqliteKeys {
    async fn current(&self, tenant: &TenantId, scopes: &[Text]) -> Result<Vec<Option<SealKey>>, KeyError> {
        let (of, scopes) = (tenant.clone(), scopes.to_vec());
        let read = move |connection: &mut Connection| {
            let find = |scope: &Text| find_current(connection, of.as_str(), scope);
            scopes.iter().map(find).collect::<rusqlite::Result<Vec<_>>>()
        };
        let found = self.work("read current keys", read).await?;
        found.into_iter().map(|found| found.map(|found| self.key(tenant, found)).transpose()).collect()
    }

    async fn secrets(&self, tenant: &TenantId, keys: &[KeyId]) -> Result<Vec<Option<Secret>>, KeyError> {
        let (of, asked) = (tenant.clone(), keys.to_vec());
        let read = move |connection: &mut Connection| {
            let mut find = connection.prepare_cached("SELECT wrapped FROM seal_key WHERE tenant = ?1 AND id = ?2")?;
            let mut find = |key: &KeyId| find.query_row(params![of.as_str(), key.0], |row| row.get(0)).optional();
            asked.iter().map(&mut find).collect::<rusqlite::Result<Vec<Option<Vec<u8>>>>>()
        };
        let found = self.work("read keys", read).await?.into_iter().zip(keys);
        found.map(|(found, id)| found.map(|found| self.unwrapped(tenant, *id, &found)).transpose()).collect()
    }

    async fn create(&self, tenant: &TenantId, keys: Vec<(Text, SealKey)>) -> Result<Vec<SealKey>, KeyError> {
        let (scopes, keys): (Vec<Text>, Vec<SealKey>) = keys.into_iter().unzip();
        let (of, wrapped) = (tenant.clone(), self.wrapped(tenant, keys)?);
        let write = move |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut current = Vec::new();
            for (scope, (id, wrapped)) in scopes.iter().zip(wrapped) {
                let sql = "INSERT INTO seal_key (tenant, id, scope, current, wrapped) VALUES (?1, ?2, ?3, 1, ?4) \
                           ON CONFLICT DO NOTHING";
                transaction.prepare_cached(sql)?.execute(params![of.as_str(), id.0, scope.as_str(), wrapped])?;
                current.push(find_current(&transaction, of.as_str(), scope)?);
            }
            transaction.commit()?;
            Ok(current)
        };
        let current = self.work("create keys", write).await?;
        current.into_iter().flatten().map(|found| self.key(tenant, found)).collect()
    }

    async fn keep(&self, tenant: &TenantId, scope: &Text, keys: Vec<SealKey>) -> Result<(), KeyError> {
        let (of, scope, wrapped) = (tenant.clone(), scope.clone(), self.wrapped(tenant, keys)?);
        let write = move |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for (id, wrapped) in wrapped {
                let sql = "INSERT INTO seal_key (tenant, id, scope, current, wrapped) VALUES (?1, ?2, ?3, 0, ?4) \
                           ON CONFLICT DO NOTHING";
                transaction.prepare_cached(sql)?.execute(params![of.as_str(), id.0, scope.as_str(), wrapped])?;
            }
            transaction.commit()
        };
        self.work("keep keys", write).await
    }

    async fn retire(&self, tenant: &TenantId, scopes: &[Text]) -> Result<Vec<Vec<KeyId>>, KeyError> {
        let (of, scopes) = (tenant.clone(), scopes.to_vec());
        let write = move |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut old = Vec::new();
            for scope in &scopes {
                let of_scope = params![of.as_str(), scope.as_str()];
                let sql = "UPDATE seal_key SET current = 0 WHERE tenant = ?1 AND scope = ?2 AND current";
                transaction.prepare_cached(sql)?.execute(of_scope)?;
                let sql = "SELECT id FROM seal_key WHERE tenant = ?1 AND scope = ?2 AND NOT current";
                let mut find = transaction.prepare_cached(sql)?;
                let found = find.query_map(of_scope, |row| row.get(0).map(id))?;
                old.push(found.collect::<rusqlite::Result<Vec<KeyId>>>()?);
            }
            transaction.commit()?;
            Ok(old)
        };
        self.work("retire keys", write).await
    }

    async fn destroy(&self, tenant: &TenantId, keys: &[KeyId]) -> Result<(), KeyError> {
        let (of, keys) = (tenant.clone(), keys.to_vec());
        let write = move |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for key in keys {
                let sql = "DELETE FROM seal_key WHERE tenant = ?1 AND id = ?2";
                transaction.prepare_cached(sql)?.execute(params![of.as_str(), key.0])?;
            }
            transaction.commit()
        };
        self.work("destroy keys", write).await
    }
}
