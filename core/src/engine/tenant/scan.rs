//! Scans: every record of a connection, page by page, and what a complete one did not meet.
//!
//! Where a scan stands is stored, so that it goes on after a restart, and in pieces: whoever has more to do than to read one
//! connection reads some pages of it at a time.

use std::ops::AddAssign;

use crate::connector::ConnectorErrorKind;
use crate::connector::walk::Walk;
use crate::engine::hydrate::{Loader, look_at_representation};
use crate::engine::intake::{Input, TakenIn};
use crate::engine::persist::record_of_key;
use crate::engine::tenant::read::{Position, join, reading};
use crate::engine::{Tenant, persist};
use crate::error::Error;
use crate::id::{ConnectionName, ObjectType, RecordRef};
use crate::store::Table;
use crate::surface::{Channel, Deletes, Surface};
use crate::text::Text;

/// How far the scans of a connection have come.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Scanned {
    /// What was taken in.
    pub(crate) taken: TakenIn,
    /// When the earliest of them began, in milliseconds since the epoch.
    pub(crate) began: Option<i64>,
    /// Whether there is more to read.
    pub(crate) more: bool,
}

impl AddAssign for Scanned {
    fn add_assign(&mut self, other: Self) {
        self.taken += other.taken;
        self.began = self.began.into_iter().chain(other.began).min();
        self.more |= other.more;
    }
}

impl Tenant {
    /// Reads every record on every scan surface of a connection. A record that two complete scans in a row did not meet
    /// is read directly, and only then held to be gone.
    ///
    /// # Errors
    ///
    /// [`Error::Full`]; or if a page cannot be read or stored, or pages lead nowhere ([`ConnectorErrorKind::Contract`]); an interrupted scan
    /// goes on at its last page, or begins anew where its cursor leads nowhere any more
    /// ([`ConnectorErrorKind::Expired`]), and counts as complete only when its last page is durable. The other surfaces
    /// are scanned all the same.
    pub async fn scan(&self, connection: &str) -> Result<TakenIn, Error> {
        let (name, _) = self.connection(connection)?;
        Ok(self.scan_pages(&name, None, usize::MAX).await?.taken)
    }

    /// The same, of at most so many pages. What was scanned to its end since an instant is not scanned again.
    pub(crate) async fn scan_pages(
        &self,
        name: &ConnectionName,
        since: Option<i64>,
        most: usize,
    ) -> Result<Scanned, Error> {
        let (_, bound) = self.connection(name.as_str())?;
        // Another process may have let an attribute go on: this scan is to believe what no poll tells again.
        self.core.stops.forget(&self.id, name);
        let (mut ended, mut left) = (Ok(Scanned::default()), most);
        for bound in bound.surfaces.iter().filter(|bound| bound.surface.channel == Channel::Scan) {
            join(&mut ended, self.scan_surface(name, &bound.surface, since, &mut left).await)?;
        }
        ended
    }

    /// A scan has the number of the read that began it: a record met since then is not absent from it, whichever page or
    /// direct read met it. Each page has a number of its own, since what it says is as new as the page and not as the scan.
    async fn scan_surface(
        &self,
        name: &ConnectionName,
        surface: &Surface,
        since: Option<i64>,
        left: &mut usize,
    ) -> Result<Scanned, Error> {
        let mut scanned = Scanned::default();
        let mut under_way = None;
        let mut began_anew = false;
        loop {
            let (row, position) = self.position(name, &surface.name).await?;
            let complete = Scanned { began: position.began, ..scanned };
            if under_way.is_some_and(|scan| scan <= position.complete) {
                // Another worker went on with this scan, and has ended it.
                return Ok(complete);
            }
            if position.scan == 0 {
                if position.ended && since.is_some_and(|since| position.began.is_some_and(|began| began >= since)) {
                    return Ok(complete);
                }
                // None is under way; or one was, and after an outage it begins anew.
                let (scan, began) = (self.read_number().await?, Some(self.now()));
                self.move_to(row, &Position { scan, began, ..position.anew() }).await?;
                continue;
            }
            under_way = Some(position.scan);
            scanned.began = position.began;
            if *left == 0 {
                return Ok(Scanned { more: true, ..scanned });
            }
            if self.connection(name.as_str())?.1.only_hints(surface) {
                // It is not asked for what there is no room for.
                self.require_any_room(name).await?;
            }
            *left -= 1;
            let read = self.read_number().await?;
            let page = match self.page(name, &surface.name, position.after.clone()).await {
                Err(error) if position.after.is_some() && error.is_of_connector(ConnectorErrorKind::Expired) => {
                    // What is left of the scan is not there any more: from its beginning, under its number. If that ends
                    // so too, the next scan tries.
                    self.move_to(row, &Position { after: None, walk: None, ..position }).await?;
                    if std::mem::replace(&mut began_anew, true) {
                        return Err(error);
                    }
                    continue;
                }
                page => page?,
            };
            scanned.taken += self.take_told(name, &page.items, read).await?;
            let mut walk = position.walk.clone().unwrap_or_else(Walk::new);
            if walk.goes_on(position.after.as_ref(), &page).map_err(reading(name))? {
                self.move_to(row, &Position { after: page.next, walk: Some(walk), ..position }).await?;
                continue;
            }
            if surface.semantics.deletes != Deletes::NeverTold {
                scanned.taken += self.note_absences(name, &surface.object, position.scan).await?;
            }
            let Position { scan: complete, began, .. } = position;
            self.move_to(row, &Position { ended: true, complete, began, ..Position::default() }).await?;
            return Ok(scanned);
        }
    }

    /// Notes that a complete scan did not meet records that are linked, or were ever seen, in this object type.
    async fn note_absences(&self, name: &ConnectionName, object: &ObjectType, scan: u64) -> Result<TakenIn, Error> {
        let prefix = format!("{}{object}\u{1f}", persist::connection_prefix(name));
        let mut after: Option<Text> = None;
        let mut taken = TakenIn::default();
        loop {
            let rows = self
                .core
                .store
                .scan(&self.id, Table::Representation, &prefix, after.as_deref(), 500)
                .await
                .map_err(Error::store("compare a scan with what is known"))?;
            let Some(last) = rows.last() else { return Ok(taken) };
            after = Some(last.key.clone());
            let mut absent = Vec::new();
            let mut merged = Vec::new();
            for row in rows {
                let Some(record) = record_of_key(&row.key) else { continue };
                let Some(place) = self.core.place(&record) else { continue };
                let representation = look_at_representation(&self.core, &self.id, &row, place)?;
                if representation.existence().met_by() >= scan {
                    continue;
                }
                if representation.speaks() {
                    absent.push(Input::Absent { record, scan });
                } else if representation.redirected_to().is_some() {
                    merged.push(record);
                }
            }
            // Of a circle of merges, one record stands: which, its others tell.
            let mut loader = Loader::new(&self.core, &self.id);
            loader.records(&merged).await?;
            loader.merges().await?;
            let stands = |record: &RecordRef| {
                let index = loader.loaded.set.find_record(record);
                index.is_some_and(|index| loader.loaded.set.record(index).representation.speaks())
            };
            let standing = merged.into_iter().filter(stands);
            absent.extend(standing.map(|record| Input::Absent { record, scan }));
            let gone = self.take_in(absent, &Self::engine()).await?;
            self.connection(name.as_str())?.1.instruments.taken(&gone);
            taken += gone;
        }
    }
}
