//! Reading surfaces: webhooks that come in, polls that go out.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::connector::walk::Walk;
use crate::connector::{ConnectorError, ConnectorErrorKind, Cursor, Delivery};
use crate::engine::hydrate::parse;
use crate::engine::intake::TakenIn;
use crate::engine::persist::{Changes, PART};
use crate::engine::{Connection, Tenant, persist};
use crate::error::Error;
use crate::id::{ConnectionName, SurfaceName};
use crate::store::{RowKey, Table};
use crate::surface::{Channel, Surface};
use crate::telemetry::in_span;
use crate::text::Text;

/// The position of a poll or stream, and what is left of a scan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    pub(super) after: Option<Cursor>,
    /// The number of the scan under way; 0: none is.
    #[serde(default)]
    pub(super) scan: u64,
    /// The number of the scan that last came to its end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) complete: u64,
    /// When the scan under way began, or the one that last came to its end: milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) began: Option<i64>,
    /// Whether the pages of the scan under way lead on, in however many pieces it is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) walk: Option<Walk>,
    /// Whether the surface was ever read to its end: what was not met by then was not there.
    #[serde(default)]
    pub(crate) ended: bool,
    /// When the poll began that last came to its end, in milliseconds since the epoch; of surfaces that may lose something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) heard: Option<i64>,
}

impl Position {
    /// Of a scan under way: from the beginning.
    pub(crate) fn anew(&self) -> Self {
        Self { ended: self.ended, complete: self.complete, ..Self::default() }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The key of a surface's position.
pub(crate) fn position_key(name: &ConnectionName, surface: &SurfaceName) -> RowKey {
    RowKey::new(Table::Cursor, Text::of_parts(&[name.as_str(), PART, surface.as_str()]))
}

impl Tenant {
    /// Takes in a webhook: verified, durable, and only then answered.
    ///
    /// A repeated delivery is answered like the first and changes nothing.
    ///
    /// # Errors
    ///
    /// If the request does not come from the system, or the store fails; [`Error::Full`] if it hints at records and as many wait as
    /// may ([`Inputs::most`](crate::engine::Inputs::most)): then nothing of it was taken in. Answer with [`Error::http_status`]: the
    /// sender then repeats, and nothing is lost.
    pub async fn receive(&self, connection: &str, delivery: Delivery) -> Result<http::Response<Bytes>, Error> {
        let name = ConnectionName::new(connection);
        in_span!("receive", { tenant = self.id, connection = name }, self.hear(connection, delivery))
    }

    async fn hear(&self, connection: &str, delivery: Delivery) -> Result<http::Response<Bytes>, Error> {
        let (name, bound) = self.connection(connection)?;
        let verified = bound.connector.verify(&delivery).map_err(|source| Error::Connector {
            connection: name.clone(),
            doing: "verify a webhook",
            source,
        })?;
        let key = verified.delivery_id.map(|id| RowKey::new(Table::Dedup, format!("{name}\u{1f}{id}")));
        if let Some(key) = &key {
            let known = self.core.store.load(&self.id, std::slice::from_ref(key)).await;
            if known.map_err(Error::store("look for a repeated delivery"))?.iter().any(Option::is_some) {
                return Ok(verified.reply);
            }
        }
        let taken = self.take_told(&name, &verified.items, 0).await;
        if planted!(AckBeforeDurable) && taken.is_err() {
            return Ok(verified.reply);
        }
        taken?;
        self.core.bells.ring(&self.id);
        if let Some(key) = key {
            // After the items: a crash in between costs a repetition, which changes nothing.
            let commit = crate::store::Commit { put: vec![(key, persist::json(&self.now()))], ..Default::default() };
            self.commit("remember a delivery", commit).await?;
        }
        Ok(verified.reply)
    }

    /// Reads what changed since the last poll, on every poll and stream surface of a connection. The cursor moves only
    /// after a page is durable.
    ///
    /// # Errors
    ///
    /// [`Error::Paused`], [`Error::Full`], or if a page cannot be read or stored, or pages lead nowhere
    /// ([`ConnectorErrorKind::Contract`]).
    /// What was taken in before it stays, the other surfaces are polled all the same, and the next poll goes on there.
    pub async fn poll(&self, connection: &str) -> Result<TakenIn, Error> {
        let (name, bound) = self.connection(connection)?;
        in_span!("poll", { tenant = self.id, connection = name }, self.poll_surfaces(&name, bound))
    }

    async fn poll_surfaces(&self, name: &ConnectionName, bound: &Connection) -> Result<TakenIn, Error> {
        let mut ended = Ok(TakenIn::default());
        for bound in bound.surfaces.iter().filter(|bound| is_polled(&bound.surface)) {
            join(&mut ended, self.poll_surface(name, &bound.surface).await)?;
        }
        ended
    }

    async fn poll_surface(&self, name: &ConnectionName, surface: &Surface) -> Result<TakenIn, Error> {
        let (_, bound) = self.connection(name.as_str())?;
        let domain = bound.objects.get(&surface.object).map(|(_, _, domain)| *domain);
        // Where no tokens order what a page carries, the number of its read does.
        let numbered = surface.orders_by().is_none() && domain.is_some_and(|domain| surface.observes(domain));
        let mut walk = Walk::new();
        let mut taken = TakenIn::default();
        let began = surface.semantics.unrecoverable_after.map(|_| self.now());
        let only_hints = bound.only_hints(surface);
        loop {
            // It is not asked for what there is no room for.
            if only_hints {
                self.require_any_room(name).await?;
            }
            let (row, position) = self.position(name, &surface.name).await?;
            let read = if numbered { self.read_number().await? } else { 0 };
            let page = self.page(name, &surface.name, position.after.clone()).await?;
            let (row, position) = if planted!(CursorBeforeCommit) {
                self.move_to(
                    row,
                    &Position { after: page.next.clone().or(position.after.clone()), ..position.clone() },
                )
                .await?;
                (self.position(name, &surface.name).await?.0, position)
            } else {
                (row, position)
            };
            taken += self.take_told(name, &page.items, read).await?;
            let more = walk.goes_on(position.after.as_ref(), &page).map_err(reading(name))?;
            let heard = if more { position.heard } else { began };
            let ended = position.ended || !more;
            let after = page.next.or(position.after);
            self.move_to(row, &Position { after, ended, heard, ..Position::default() }).await?;
            if !more {
                return Ok(taken);
            }
        }
    }

    pub(super) async fn page(
        &self,
        name: &ConnectionName,
        surface: &SurfaceName,
        after: Option<Cursor>,
    ) -> Result<crate::connector::Page, Error> {
        // Before every page: whoever pauses a connection does not wait for the end of a scan.
        self.require_running(name).await?;
        let (_, bound) = self.connection(name.as_str())?;
        let page = bound.connector.read_page(surface, after).await;
        // A page of nothing is a call too.
        self.note_live(name, page.as_ref().map_or(1, |page| page.items.len().max(1)));
        page.map_err(|source: ConnectorError| match source.kind {
            ConnectorErrorKind::Unsupported => {
                Error::UnknownSurface { connection: name.clone(), surface: surface.clone() }
            }
            _ => reading(name)(source),
        })
    }

    pub(super) async fn position(
        &self,
        name: &ConnectionName,
        surface: &SurfaceName,
    ) -> Result<((RowKey, Option<u64>), Position), Error> {
        let key = position_key(name, surface);
        let row = self.row(&key, "load a cursor").await?;
        let position = row.as_ref().map(|row| parse(Table::Cursor, row)).transpose()?.unwrap_or_default();
        Ok(((key, row.map(|row| row.revision)), position))
    }

    /// Moves a cursor. If another worker moved it meanwhile, its position stands: both took in what they read.
    pub(super) async fn move_to(
        &self,
        (key, revision): (RowKey, Option<u64>),
        position: &Position,
    ) -> Result<(), Error> {
        let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
        changes.commit.expect.push((key.clone(), revision));
        changes.put(key, position);
        self.commit("move a cursor", changes.commit).await?;
        Ok(())
    }
}

/// Whether a surface tells what changed since it was last read.
fn is_polled(surface: &Surface) -> bool {
    matches!(surface.channel, Channel::Poll | Channel::Stream)
}

impl crate::engine::Core {
    /// The connections that can be polled.
    pub(crate) fn polled(&self) -> impl Iterator<Item = &ConnectionName> {
        let polled = |bound: &Connection| bound.surfaces.iter().any(|bound| is_polled(&bound.surface));
        self.connections.iter().filter(move |(_, bound)| polled(bound)).map(|(name, _)| name)
    }
}

/// Puts the end of one surface's pages to that of the others: the first failure of a system is told when all were tried.
pub(super) fn join<T: std::ops::AddAssign>(ended: &mut Result<T, Error>, next: Result<T, Error>) -> Result<(), Error> {
    match (ended.as_mut(), next) {
        (Ok(taken), Ok(more)) => *taken += more,
        (Ok(_), Err(error @ (Error::Connector { .. } | Error::UnknownSurface { .. } | Error::Full { .. }))) => {
            *ended = Err(error);
        }
        (Err(_), Ok(_) | Err(Error::Connector { .. } | Error::UnknownSurface { .. } | Error::Full { .. })) => {}
        (_, Err(error)) => return Err(error),
    }
    Ok(())
}

pub(super) fn reading(name: &ConnectionName) -> impl Fn(ConnectorError) -> Error + use<'_> {
    move |source| Error::Connector { connection: name.clone(), doing: "read a page", source }
}
