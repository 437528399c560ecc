//! Listening: it is noted, every so often, that somebody listens to a connection; and when nobody did for longer than what a
//! surface told can be recovered, the connection is due to be read anew, whatever restarts before it was.
//!
//! To listen to what is pushed is to be there, and to have room for it; to listen to a poll or a log is to have read it to its end. What was missed is
//! noted in the commit that makes the pulse due, and a scan under way begins anew: its first pages were read before the outage.

use crate::engine::hydrate::parse;
use crate::engine::persist::Changes;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::pulse::{PulseRow, pulse_key};
use crate::engine::tenant::read::{Position, position_key};
use crate::engine::{Connection, Tenant};
use crate::error::Error;
use crate::id::ConnectionName;
use crate::outage::{Listened, Outage, asked_every, noted_every, outages};
use crate::store::{RowKey, Table};
use crate::surface::{Channel, Surface};

/// The kind of the journal entry of an outage.
const OUTAGE: &str = "outage";

/// A row's key, its revision, and the position that it holds.
type Placed = (RowKey, Option<u64>, Position);

impl Tenant {
    /// Notes that somebody listens to the connections now, and answers with those to which nobody did for longer than what a
    /// surface tells can be recovered ([`unrecoverable_after`](crate::surface::EventSemantics::unrecoverable_after)). Each of
    /// them is due to be read anew from end to end ([`Tenant::pulse`], [`Tenant::pulses`]), and the journal says why.
    ///
    /// [`Tenant::run`] and [`Worker`](crate::engine::Worker) do so by themselves. Whoever polls and receives otherwise calls it
    /// before the first poll, and every few minutes from then on.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub async fn listen(&self) -> Result<Vec<(ConnectionName, Outage)>, Error> {
        let mut found = Vec::new();
        for name in self.core.connections.keys() {
            let (outages, _) = self.listen_once(name).await?;
            found.extend(outages.into_iter().map(|outage| (name.clone(), outage)));
        }
        Ok(found)
    }

    /// The same of one connection. Says whether an outage makes its pulse due, this one or one before.
    pub(crate) async fn listen_to(&self, name: &ConnectionName) -> Result<bool, Error> {
        Ok(self.listen_once(name).await?.1)
    }

    async fn listen_once(&self, name: &ConnectionName) -> Result<(Vec<Outage>, bool), Error> {
        let (_, bound) = self.connection(name.as_str())?;
        let Some(every) = noted_every(surfaces(bound)) else { return Ok((Vec::new(), false)) };
        let mut attempts = Attempts::default();
        loop {
            let now = self.now();
            let (revision, row) = self.pulse_row(name).await?;
            let row = row.unwrap_or_else(|| PulseRow::counted_from(now));
            if self.is_full(name).await? {
                // Who pushes now is refused, here or by another process: what senders give up before there is room again is an outage.
                return Ok((Vec::new(), row.outage.is_some()));
            }
            let positions = self.positions(name, bound).await?;
            let last = |surface: &Surface| match surface.channel {
                Channel::Webhook => row.listened,
                Channel::Poll | Channel::Stream => {
                    let key = position_key(name, &surface.name);
                    positions.iter().find(|(of, ..)| *of == key).and_then(|(.., position)| position.heard)
                }
                Channel::Scan | Channel::Read => None,
            };
            let scanned = |surface: &Surface| row.began.filter(|_| bound.scans(&surface.object));
            let listened =
                surfaces(bound).map(|surface| Listened { surface, last: last(surface), scanned: scanned(surface) });
            let found = outages(listened, row.noticed, now);
            let recent =
                row.listened.is_some_and(|at| (0..every.num_milliseconds() / 2).contains(&now.saturating_sub(at)));
            if found.is_empty() && recent {
                return Ok((found, row.outage.is_some()));
            }
            let mut changes = Changes::new(&self.core, now, &Self::engine());
            changes.commit.expect.push((pulse_key(name), revision));
            for outage in &found {
                changes.journal(OUTAGE, name.as_str(), &(name, outage));
            }
            let scans: Vec<RowKey> = scans(bound).map(|surface| position_key(name, &surface.name)).collect();
            // What no scan reads cannot be read anew: the journal says what may be lost.
            let read_anew = |outage: &&Outage| {
                surfaces(bound).any(|surface| surface.name == outage.surface && bound.scans(&surface.object))
            };
            let earliest = found.iter().filter(read_anew).min_by_key(|outage| outage.from);
            // Where nobody listened in between either, what a scan has read was as new as it will be: it is read once more, and to
            // begin it anew each time would end it never.
            let heard_since = |old: &Outage| earliest.is_some_and(|new| new.from > old.until);
            if earliest.is_some() && row.outage.as_ref().is_none_or(heard_since) {
                for (key, revision, position) in positions.into_iter().filter(|(key, ..)| scans.contains(key)) {
                    changes.commit.expect.push((key.clone(), revision));
                    changes.put(key, &position.anew());
                }
            }
            let outage = match (earliest.cloned(), row.outage) {
                (Some(new), Some(old)) => Some(Outage { from: new.from.min(old.from), ..new }),
                (new, old) => new.or(old),
            };
            let pending = outage.is_some();
            let noticed = if found.is_empty() { row.noticed } else { Some(now) };
            changes.put(pulse_key(name), &PulseRow { listened: Some(now), noticed, outage, ..row });
            if attempts.commit(self, "note that somebody listens", changes.commit).await? {
                return Ok((found, pending));
            }
        }
    }

    /// Where the surfaces stand that are read page by page.
    async fn positions(&self, name: &ConnectionName, bound: &Connection) -> Result<Vec<Placed>, Error> {
        let paged = |surface: &&Surface| !matches!(surface.channel, Channel::Webhook | Channel::Read);
        let all = bound.surfaces.iter().map(|bound| &bound.surface);
        let keys: Vec<RowKey> = all.filter(paged).map(|surface| position_key(name, &surface.name)).collect();
        let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("load cursors"))?;
        let placed = keys.into_iter().zip(rows).filter_map(|(key, row)| Some((key, row?)));
        placed.map(|(key, row)| Ok((key, Some(row.revision), parse(Table::Cursor, &row)?))).collect()
    }
}

fn surfaces(bound: &Connection) -> impl Iterator<Item = &Surface> {
    bound.surfaces.iter().map(|bound| &bound.surface)
}

fn scans(bound: &Connection) -> impl Iterator<Item = &Surface> {
    surfaces(bound).filter(|surface| surface.channel == Channel::Scan)
}

impl crate::engine::Core {
    /// How often it is noted that somebody listens to a connection; `None`: nothing that it tells is ever lost.
    pub(crate) fn noted_every(&self, connection: &ConnectionName) -> Option<chrono::TimeDelta> {
        noted_every(surfaces(self.connections.get(connection)?))
    }

    /// How often a connection is polled at the least; `None`: however seldom, nothing that its polls tell is lost.
    pub(crate) fn asked_every(&self, connection: &ConnectionName) -> Option<chrono::TimeDelta> {
        asked_every(surfaces(self.connections.get(connection)?))
    }
}
