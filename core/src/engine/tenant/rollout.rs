//! How far each connection may go: set by operators, journaled, and asked before every read and write.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::engine::Tenant;
use crate::engine::hydrate::{Loader, parse};
use crate::engine::persist::Changes;
use crate::engine::tenant::attempts::Attempts;
use crate::error::Error;
use crate::id::{Actor, ConnectionName};
use crate::role::Role;
use crate::rollout::{ApplyWindow, Changed, ConnectionState, Flow, Stage, Waiting};
use crate::store::{RowKey, Table};
use crate::text::Text;

/// The journal's kind for what an operator allows a connection from an entry on.
pub(crate) const CONNECTION_SET: &str = "connection_set";

const STATES: &str = "connection\u{1f}";

/// What the rows of connections' states begin with.
pub(crate) const fn state_prefix() -> &'static str {
    STATES
}

pub(crate) fn state_key(connection: &ConnectionName) -> RowKey {
    RowKey::new(Table::Meta, Text::of_parts(&[STATES, connection.as_str()]))
}

/// The connection whose state a key names.
pub(crate) fn connection_of_key(key: &str) -> Option<ConnectionName> {
    key.strip_prefix(STATES).map(ConnectionName::new)
}

impl Tenant {
    /// Lets a connection observe, propose or act. From the commit on, no call begins that the stage does not allow: of an
    /// application under way, neither. What was sent by then is not taken back.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownConnection`].
    pub async fn set_stage(&self, connection: &str, stage: Stage, by: &Actor, reason: &str) -> Result<(), Error> {
        self.require_role(by, Role::Admin, "set how far connections go").await?;
        self.refuse_cards("reason", [reason])?;
        self.set_connection(connection, by, reason, |state| state.stage = stage).await
    }

    /// Makes writes into a connection wait; reading goes on. What waits is planned from what is true when it is resumed.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownConnection`].
    pub async fn hold(&self, connection: &str, by: &Actor, reason: &str) -> Result<(), Error> {
        self.require_role(by, Role::Operator, "hold connections").await?;
        self.refuse_cards("reason", [reason])?;
        self.set_connection(connection, by, reason, |state| state.flow = Flow::Held).await
    }

    /// Stops every call to a connection: polls, scans, reads, probes and writes. What it pushes is taken in as ever.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownConnection`].
    pub async fn pause(&self, connection: &str, by: &Actor, reason: &str) -> Result<(), Error> {
        self.require_role(by, Role::Operator, "pause connections").await?;
        self.refuse_cards("reason", [reason])?;
        self.set_connection(connection, by, reason, |state| state.flow = Flow::Paused).await
    }

    /// Ends a hold or a pause. Reads go on where they stopped; the next plan holds what is owed by then, under the limits.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownConnection`].
    pub async fn resume(&self, connection: &str, by: &Actor, reason: &str) -> Result<(), Error> {
        self.require_role(by, Role::Admin, "resume connections").await?;
        self.refuse_cards("reason", [reason])?;
        self.set_connection(connection, by, reason, |state| state.flow = Flow::Open).await
    }

    /// Sets the hours in which writes into a connection may begin; none: at any time.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownConnection`].
    pub async fn set_windows(
        &self,
        connection: &str,
        windows: Vec<ApplyWindow>,
        by: &Actor,
        reason: &str,
    ) -> Result<(), Error> {
        self.require_role(by, Role::Admin, "set when connections are written").await?;
        self.refuse_cards("reason", [reason])?;
        self.set_connection(connection, by, reason, |state| state.windows.clone_from(&windows)).await
    }

    /// How every connection stands, by name.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn connections(&self) -> Result<BTreeMap<ConnectionName, ConnectionState>, Error> {
        let names: Vec<&ConnectionName> = self.core.connections.keys().collect();
        let keys: Vec<RowKey> = names.iter().map(|name| state_key(name)).collect();
        let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("load connections"))?;
        let state = |(name, row): (&ConnectionName, Option<_>)| {
            let state = row.as_ref().map(|row| parse(Table::Meta, row)).transpose()?.unwrap_or_default();
            Ok((name.clone(), state))
        };
        names.into_iter().zip(rows).map(state).collect()
    }

    async fn set_connection(
        &self,
        connection: &str,
        by: &Actor,
        reason: &str,
        set: impl Fn(&mut ConnectionState) + Send + Sync,
    ) -> Result<(), Error> {
        let (name, _) = self.connection(connection)?;
        let mut attempts = Attempts::default();
        loop {
            let mut loader = Loader::new(&self.core, &self.id);
            let mut state = self.connection_state(&mut loader, &name).await?;
            set(&mut state);
            let at = self.now();
            state.changed = Some(Changed { by: by.clone(), at, reason: reason.into() });
            let mut changes = Changes::new(&self.core, at, by);
            changes.commit.expect.extend(loader.loaded.revisions);
            changes.put(state_key(&name), &state);
            changes.journal(CONNECTION_SET, name.as_str(), &(&name, &state));
            if attempts.commit(self, "set how far a connection may go", changes.commit).await? {
                return Ok(());
            }
        }
    }

    /// How a connection stands; whoever loaded it commits only if it stays so.
    pub(crate) async fn connection_state(
        &self,
        loader: &mut Loader<'_>,
        connection: &ConnectionName,
    ) -> Result<ConnectionState, Error> {
        let row = loader.rows(&[state_key(connection)]).await?.into_iter().next().flatten();
        Ok(row.map(|row| parse(Table::Meta, &row)).transpose()?.unwrap_or_default())
    }

    /// Why a write into a connection does not begin now, if it does not; whoever asked commits only if it stays so.
    pub(crate) async fn writes_wait(
        &self,
        loader: &mut Loader<'_>,
        connection: &ConnectionName,
    ) -> Result<Option<Waiting>, Error> {
        let state = self.connection_state(loader, connection).await?;
        let now = DateTime::from_timestamp_millis(self.now()).unwrap_or(DateTime::<Utc>::MAX_UTC);
        Ok(state.writes_wait(connection, now))
    }

    /// The connections that are only observed, each with what plans say of it.
    pub(crate) async fn observed_only(&self) -> Result<BTreeMap<ConnectionName, Text>, Error> {
        let states = self.connections().await?;
        Ok(states.into_iter().filter_map(|(name, state)| Some((name.clone(), state.never_written(&name)?))).collect())
    }

    /// Whether a connection is paused.
    pub(crate) async fn is_paused(&self, connection: &ConnectionName) -> Result<bool, Error> {
        let state = self.connection_state(&mut Loader::new(&self.core, &self.id), connection).await?;
        Ok(state.flow == Flow::Paused)
    }

    /// Refuses while a connection is paused.
    pub(crate) async fn require_running(&self, connection: &ConnectionName) -> Result<(), Error> {
        match self.is_paused(connection).await? {
            true => Err(Error::Paused { connection: connection.clone() }),
            false => Ok(()),
        }
    }
}
