//! Polls: what changed since, by time or by the system's own cursor from a time on.

use accordant::connector::{ConnectorError, ConnectorErrorKind, Cursor, Page};
use accordant::surface::Surface;
use accordant::text::Text;
use accordant_http::{Keyset, Order, Window};
use chrono::TimeDelta;
use serde_json::value::RawValue;

use crate::answer::{self, malformed};
use crate::connector::Rest;
use crate::description::{Changed, Object, Paging, Written};
use crate::list::{Asked, item};
use crate::surfaces::overlap;

impl Rest {
    /// A page of what changed.
    pub(crate) async fn poll(
        &self,
        surface: &Surface,
        object: &Object,
        after: Option<Cursor>,
    ) -> Result<Page, ConnectorError> {
        let changed = object.changed.as_ref().ok_or_else(|| self.unsupported())?;
        match &changed.paging {
            Paging::Time { after_id } => self.by_time(surface, object, changed, after_id.as_deref(), after).await,
            _ => self.by_cursor(surface, object, changed, after).await,
        }
    }

    /// Each page from the instant of the last row of the one before.
    async fn by_time(
        &self,
        surface: &Surface,
        object: &Object,
        changed: &Changed,
        after_id: Option<&str>,
        after: Option<Cursor>,
    ) -> Result<Page, ConnectorError> {
        let window = Window {
            keyset: if after_id.is_some() { Keyset::TimeAndId } else { Keyset::TimeOnly },
            ..self.window(object, changed)
        };
        let ask = window.ask(after.as_ref(), self.clock.now())?;
        let mut parameters = since(changed, ask.from, ask.until);
        if let (Order::Time { behind: Some(id) }, Some(name)) = (&ask.order, after_id) {
            parameters.push((name, id.to_string()));
        }
        let answered = self.page_of(&asked(changed), &parameters, None).await?;
        let system = &self.description.system;
        let records = answered.records(system)?;
        let rows = records.iter().map(|record| self.place_of(object, record)).collect::<Result<Vec<_>, _>>()?;
        let turn = window.turn(&ask, &rows).map_err(|error| match after_id {
            Some(_) => error,
            // The cursor stays where it is: what is mended goes on from there.
            None => {
                let told = "more records changed at one instant than a page holds: ask for larger pages (`size`), or name \
                            the parameter that starts behind an id (`after_id`)";
                ConnectorError::new(ConnectorErrorKind::Malformed, told)
            }
        })?;
        let items = turn.keep.iter().filter_map(|place| Some(item(surface, records.get(*place)?))).collect();
        Ok(Page { items, next: Some(turn.next), more: turn.more })
    }

    /// The system's own pages, of what changed since the poll before began.
    async fn by_cursor(
        &self,
        surface: &Surface,
        object: &Object,
        changed: &Changed,
        after: Option<Cursor>,
    ) -> Result<Page, ConnectorError> {
        // The bounds of the pages behind the first are those of the first.
        let amid = match Amid::of(after.as_ref())? {
            Some(amid) => amid,
            None => {
                let ask = self.window(object, changed).ask(after.as_ref(), self.clock.now())?;
                Amid { from: ask.from, until: ask.until, place: None }
            }
        };
        let (list, bounds) = (asked(changed), since(changed, amid.from, amid.until));
        let answered = match self.page_of(&list, &bounds, amid.place.as_deref()).await {
            // The system's cursor has expired: from the first page on, within the same bounds.
            Err(error) if error.kind == ConnectorErrorKind::Expired => self.page_of(&list, &bounds, None).await?,
            answered => answered?,
        };
        let items = answered.records(&self.description.system)?.iter().map(|record| item(surface, record)).collect();
        let more = answered.next.is_some();
        let next = Amid { place: answered.next, ..amid }.cursor();
        Ok(Page { items, next: Some(next), more })
    }

    fn window(&self, object: &Object, changed: &Changed) -> Window {
        let precision = object.record.modified.as_ref().map_or(1_000, |modified| modified.precision_ms);
        // A bound that is asked for in whole seconds is one.
        let asked = std::iter::once(&changed.since).chain(&changed.until);
        let whole = asked.into_iter().any(|bound| bound.written == Written::Seconds);
        let precision = if whole { precision.max(1_000) } else { precision };
        Window {
            trail: TimeDelta::seconds(i64::from(changed.trail_seconds)),
            overlap: overlap(changed),
            page: changed.size.as_ref().map_or(usize::MAX, |size| size.rows),
            precision: TimeDelta::milliseconds(i64::from(precision)),
            keyset: Keyset::Time,
        }
    }

    /// When a record changed, and its id.
    fn place_of(&self, object: &Object, record: &RawValue) -> Result<(i64, Text), ConnectorError> {
        let system = &self.description.system;
        let modified = object.record.modified.as_ref().ok_or_else(|| self.unsupported())?;
        let at = answer::at(record, &modified.at.as_str().into());
        let at = at.and_then(|at| answer::instant(at, modified.written));
        let id = answer::at(record, &object.record.id.as_str().into()).and_then(answer::text);
        Ok((
            at.ok_or_else(|| malformed(system, "when a record changed"))?,
            id.ok_or_else(|| malformed(system, "an id"))?,
        ))
    }
}

fn asked(changed: &Changed) -> Asked<'_> {
    Asked {
        path: &changed.path,
        query: &changed.query,
        records: &changed.records,
        size: changed.size.as_ref(),
        paging: &changed.paging,
    }
}

/// The bounds of a window, as parameters.
fn since(changed: &Changed, from: Option<i64>, until: i64) -> Vec<(&str, String)> {
    // The first poll asks for everything there ever was, by an instant before all: some systems insist on one.
    let from = (changed.since.parameter.as_str(), answer::written(from.unwrap_or(0), changed.since.written));
    let until = changed.until.iter().map(|upper| (upper.parameter.as_str(), answer::written(until, upper.written)));
    std::iter::once(from).chain(until).collect()
}

/// A poll by the system's own cursor that is not at its end.
struct Amid {
    from: Option<i64>,
    until: i64,
    /// The next page, by the paging's own word for it; `None`: the first, or none behind the last.
    place: Option<String>,
}

impl Amid {
    /// `None`: between two polls.
    fn of(after: Option<&Cursor>) -> Result<Option<Self>, ConnectorError> {
        let Some(text) = after.and_then(|after| after.0.strip_prefix("amid/")) else { return Ok(None) };
        let amid = || {
            let mut parts = text.splitn(3, '/');
            let from = parts.next()?;
            let from = if from.is_empty() { None } else { Some(from.parse().ok()?) };
            Some(Self { from, until: parts.next()?.parse().ok()?, place: Some(parts.next()?.to_owned()) })
        };
        amid().map(Some).ok_or_else(Cursor::foreign)
    }

    /// Behind the last page, the cursor of a window that was read to its end.
    fn cursor(&self) -> Cursor {
        let Self { from, until, place } = self;
        Cursor(match place {
            Some(place) => format!("amid/{}/{until}/{place}", from.map(|from| from.to_string()).unwrap_or_default()),
            None => format!("rest/{until}"),
        })
    }
}
