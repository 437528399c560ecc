//! What a fake system answers to reads.

use accordant::connector::{ConnectorError, ConnectorErrorKind, Cursor, Item, Page, ReadAnswer, RecordKey, Says};
use accordant::text::Text;

use super::{Record, Server, body, id};

/// How many items a page holds: few, so that paging is always tried.
const PAGE: usize = 2;

impl Server {
    /// A page of changes behind a place in the log. Each record stands once, as it is now.
    #[must_use]
    pub fn changes_page(&self, after: Option<&Cursor>, now: i64) -> Page {
        let start: usize = after.and_then(|cursor| cursor.0.parse().ok()).unwrap_or(0);
        let mut next = start.min(self.log.len());
        let mut places: Vec<usize> = Vec::new();
        let mut more = false;
        for (at, place) in &self.log[next..] {
            if at.saturating_add(self.lag) > now {
                break;
            }
            if places.len() == PAGE && !places.contains(place) {
                more = true;
                break;
            }
            next += 1;
            if !places.contains(place) {
                places.push(*place);
            }
        }
        let items = places.into_iter().filter_map(|place| self.told(place, "changes")).collect();
        Page { items, next: Some(Cursor(next.to_string())), more }
    }

    /// A page of all that is there. Where pages shift, a record slips through between two of them.
    #[must_use]
    pub fn scan_page(&self, after: Option<&Cursor>, shifts: bool) -> Page {
        let start: usize = after.and_then(|cursor| cursor.0.parse().ok()).unwrap_or(0);
        let alive = self.records.iter().enumerate().filter(|(_, record)| record.live).map(|(place, _)| place);
        let mut rest = alive.filter(|place| *place >= start).skip(usize::from(shifts));
        let places: Vec<usize> = rest.by_ref().take(PAGE).collect();
        let next = places.last().map_or(start, |place| place + 1);
        let more = rest.next().is_some();
        let items = places.into_iter().map(|place| self.item(place, "scan")).collect();
        Page { items, next: Some(Cursor(next.to_string())), more }
    }

    /// The answer to a read: of now, or of a replica that stands at an earlier instant.
    #[must_use]
    pub fn answer(&self, key: &RecordKey, now: i64, replica: Option<i64>) -> ReadAnswer {
        let found = if key.by_create_key { self.by_create_key(&key.id, now) } else { self.find(&key.id) };
        let Some(place) = found.map(|place| self.survivor(place)) else { return ReadAnswer::Gone };
        let record = &self.records[place];
        if record.poisoned {
            let error = ConnectorError::new(ConnectorErrorKind::Malformed, "the record cannot be shown");
            return ReadAnswer::Failed(error);
        }
        if let Some(instant) = replica {
            return self.as_of(place, record, instant);
        }
        if record.live { ReadAnswer::Found(self.item(place, "read")) } else { ReadAnswer::Gone }
    }

    /// The record created under a key. Where nothing is promised, it is found by a search that lags.
    fn by_create_key(&self, key: &Text, now: i64) -> Option<usize> {
        let place = *self.create_keys.get(key)?;
        let searched = self.design.safety == accordant::connector::CreateSafety::DetectAndMerge;
        let visible = !searched || self.records[place].made.saturating_add(self.lag) <= now;
        visible.then_some(place)
    }

    fn as_of(&self, place: usize, record: &Record, instant: i64) -> ReadAnswer {
        if record.made > instant {
            return ReadAnswer::Gone;
        }
        match record.past.iter().find(|past| past.until > instant) {
            None if record.live => ReadAnswer::Found(self.item(place, "read")),
            Some(past) if past.live => ReadAnswer::Found(Item::new(
                self.surface("read"),
                Says::Record,
                self.dialect.record(self.place, place, past.token, record.subject, &past.fields),
            )),
            _ => ReadAnswer::Gone,
        }
    }

    /// A record as a surface that tells of deletions and merges, or does not, tells of it.
    #[must_use]
    pub fn told(&self, place: usize, surface: &str) -> Option<Item> {
        let record = &self.records[place];
        if record.live {
            return Some(self.item(place, surface));
        }
        if surface == "changes" && !self.design.tells_deletes {
            return None;
        }
        let says = match record.merged_into {
            Some(survivor) => Says::Merged { survivor: id(survivor).into(), losers: vec![id(place).into()] },
            None => Says::Deleted { id: id(place).into() },
        };
        Some(Item::new(self.surface(surface), says, body::notice(place, record.token)))
    }

    /// A record as it is now.
    #[must_use]
    pub fn item(&self, place: usize, surface: &str) -> Item {
        let record = &self.records[place];
        let body = self.dialect.record(self.place, place, record.token, record.subject, &record.fields);
        Item::new(self.surface(surface), Says::Record, body)
    }
}
