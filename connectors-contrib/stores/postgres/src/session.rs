//! Connections: the pool of them, how each is set up, and the transaction around a call.

use std::future::Future;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};

use accordant::id::TenantId;
use accordant::store::{StoreError, StoreFault};
use deadpool_postgres::{
    ClientWrapper, Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolConfig, RecyclingMethod, Runtime,
    Timeouts,
};
use futures::future::try_join4;
use tokio_postgres::{Error, NoTls};

use crate::fault::no_connection;
use crate::options::PostgresOptions;
use crate::spelling::spell;

/// What is set in every session.
///
/// Rows are looked up by key and by nothing else: a plan that reads a whole table is never right here, however young
/// the statistics are. What is acknowledged was flushed, also where a server's default is otherwise.
const SET_UP: &str = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off; \
    SET client_min_messages = warning; \
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// Names the tenant of a transaction, for row security.
const SET_TENANT: &str = "SELECT set_config('accordant.tenant', $1, true)";

pub(crate) fn pool(options: &PostgresOptions) -> Result<Pool, StoreError> {
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match options.config.get_ssl_mode() {
        #[cfg(feature = "tls")]
        tokio_postgres::config::SslMode::Require => {
            let tls = accordant_postgres_tls::connector(&options.authorities)
                .map_err(|error| StoreError::database("set up TLS", StoreFault::Refused, error))?;
            Manager::from_config(options.config.clone(), tls, recycling)
        }
        _ => Manager::from_config(options.config.clone(), NoTls, recycling),
    };
    let patience = options.patience.as_millis();
    // A worker that was stopped in the middle holds its tenant's journal. The server ends its transaction before those who
    // wait for it give up.
    let idle = patience / 3;
    let set_up = format!(
        "{SET_UP}; SET statement_timeout = {patience}; SET lock_timeout = {patience}; \
         SET idle_in_transaction_session_timeout = {idle}"
    );
    let set_up = Hook::async_fn(move |client: &mut ClientWrapper, _| {
        let set_up = set_up.clone();
        Box::pin(async move { client.batch_execute(&set_up).await.map_err(HookError::Backend) })
    });
    let wait = Some(options.patience);
    let config =
        PoolConfig { timeouts: Timeouts { wait, create: wait, recycle: wait }, ..PoolConfig::new(options.connections) };
    let built = Pool::builder(manager).config(config).runtime(Runtime::Tokio1).post_create(set_up).build();
    built.map_err(|error| StoreError::database("set up its connections", StoreFault::Refused, error))
}

/// A connection of the pool, for one call.
///
/// It goes back only while no transaction is open on it. Otherwise nobody knows what state it is in: it is closed, and the
/// server undoes what was open.
pub(crate) struct Session {
    object: Option<Object>,
    open: AtomicBool,
}

impl Session {
    pub(crate) async fn of(pool: &Pool, doing: &'static str) -> Result<Self, StoreError> {
        let object = pool.get().await.map_err(no_connection(doing))?;
        Ok(Self { object: Some(object), open: AtomicBool::new(false) })
    }

    /// Begins a transaction for a tenant, and runs what follows right behind it, without a round trip in between. What
    /// follows must send its statements when it is first polled.
    pub(crate) async fn begin<T>(
        &self,
        how: &str,
        tenant: &TenantId,
        then: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let set_tenant = self.prepare_cached(SET_TENANT).await?;
        let setting = setting(tenant);
        self.open.store(true, Ordering::Relaxed);
        let (_, _, then) =
            futures::future::try_join3(self.batch_execute(how), self.query_one(&set_tenant, &[&setting]), then).await?;
        Ok(then)
    }

    /// Runs `query` in a snapshot of its own, in one round trip.
    pub(crate) async fn snapshot<T>(
        &self,
        tenant: &TenantId,
        query: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", tenant, query).await
    }

    /// Runs one statement that writes, in one round trip.
    pub(crate) async fn write<T>(
        &self,
        tenant: &TenantId,
        statement: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.transaction("BEGIN ISOLATION LEVEL READ COMMITTED", tenant, statement).await
    }

    async fn transaction<T>(
        &self,
        how: &str,
        tenant: &TenantId,
        query: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let set_tenant = self.prepare_cached(SET_TENANT).await?;
        let setting = setting(tenant);
        self.open.store(true, Ordering::Relaxed);
        // The server answers one after the other. If the statement fails, the end undoes the transaction.
        let (_, _, answer, ()) = try_join4(
            self.batch_execute(how),
            self.query_one(&set_tenant, &[&setting]),
            query,
            self.batch_execute("COMMIT"),
        )
        .await?;
        self.open.store(false, Ordering::Relaxed);
        Ok(answer)
    }

    /// Ends the transaction.
    pub(crate) async fn end(&self) -> Result<(), Error> {
        self.batch_execute("COMMIT").await?;
        self.open.store(false, Ordering::Relaxed);
        Ok(())
    }
}

impl Deref for Session {
    type Target = ClientWrapper;
    fn deref(&self) -> &ClientWrapper {
        self.object.as_ref().expect("it is taken only when the session is dropped")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(object) = self.object.take_if(|_| self.open.load(Ordering::Relaxed)) {
            drop(Object::take(object));
        }
    }
}

/// The setting by which row security tells tenants apart. The sign before the name makes the empty name one, too.
fn setting(tenant: &TenantId) -> String {
    format!("={}", spell(tenant.as_str()))
}
