//! Listing open cases: the gravest first, page by page, without ever holding more than a page.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::discrepancy::{Discrepancy, DiscrepancyKind};
use crate::engine::Tenant;
use crate::engine::case::{Case, CaseKind, discrepancy_of_key};
use crate::engine::case_index::{behind_due, case_of_key, prefix_of};
use crate::engine::hydrate::parse;
use crate::engine::persist::LinkRow;
use crate::entity::Entity;
use crate::error::Error;
use crate::id::{Actor, EntityId, EntityType, SystemName};
use crate::store::{Row, Table};
use crate::text::Text;
use crate::triage::Severity;

/// How many rows one scan asks the store for.
const PAGE: usize = 200;

/// How many rows one call looks at, at most. A filter that nothing meets must not hold the caller.
const MOST_LOOKED_AT: usize = 5_000;

/// Which cases to list. The default: all that are open.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CaseFilter {
    /// Of these kinds only; empty: of all.
    pub kinds: Vec<CaseKind>,
    /// Of discrepancies, those that are one of these only; empty: all.
    pub discrepancies: Vec<DiscrepancyKind>,
    /// At least as grave as this.
    pub at_least: Severity,
    /// About entities of this type only.
    pub entity_type: Option<EntityType>,
    /// About this unit only, or the elements of this collection.
    pub unit: Option<Text>,
    /// About this system or connection only.
    pub system: Option<SystemName>,
    /// By whose they are.
    pub assigned: Option<Assigned>,
    /// With this label only.
    pub label: Option<Text>,
    /// Aged for at least so many milliseconds, counted from [`Case::aged_from`].
    pub older_than_ms: Option<i64>,
}

impl CaseFilter {
    /// Aged for at least this span.
    #[must_use]
    pub const fn older_than(mut self, span: TimeDelta) -> Self {
        self.older_than_ms = Some(span.num_milliseconds());
        self
    }
}

/// Whose cases to list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assigned {
    /// This person's.
    To(Actor),
    /// Anybody's.
    Somebody,
    /// Nobody's.
    Nobody,
}

/// Some cases, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct CasePage {
    /// The cases: the gravest first; among these, cases about records and matches by name, then what is overdue, then
    /// whatever is due first.
    pub cases: Vec<Case>,
    /// Where to go on; `None`: there are no more. A page may be short, or empty, and yet have a next one: no call looks
    /// through more than some thousands of rows.
    #[schemars(with = "Option<String>")]
    pub next: Option<CaseCursor>,
}

/// A place in the list of open cases. It keeps the instant at which the list began, so that no case changes its place
/// between two pages by growing older.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseCursor {
    as_of: i64,
    segment: usize,
    after: Text,
}

impl fmt::Display for CaseCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.as_of, self.segment, self.after)
    }
}

impl FromStr for CaseCursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parts = text.splitn(3, '/');
        let mut next = || parts.next().ok_or(Error::UnknownCursor);
        let as_of = next()?.parse().map_err(|_| Error::UnknownCursor)?;
        let segment = next()?.parse().map_err(|_| Error::UnknownCursor)?;
        Ok(Self { as_of, segment, after: next()?.into() })
    }
}

impl Serialize for CaseCursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CaseCursor {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A stretch of the list: rows of one table that follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Segment {
    /// Cases with rows of their own that are this grave now.
    Rows(CaseKind, Severity),
    /// Filed under this severity, and overdue.
    Overdue(Severity),
    /// Filed under this severity, and not overdue.
    Fresh(Severity),
}

/// The whole list, in order.
fn segments() -> Vec<Segment> {
    let mut segments = Vec::new();
    for now in Severity::ALL {
        let kinds = CaseKind::OF_ROWS.into_iter();
        let reaches = |kind: &CaseKind| kind.severity() == now || kind.severity().raised() == now;
        segments.extend(kinds.filter(reaches).map(|kind| Segment::Rows(kind, now)));
        if now == Severity::Critical {
            // Nothing is graver: what is overdue stays.
            segments.push(Segment::Overdue(Severity::Critical));
        }
        segments.extend(now.lowered().map(Segment::Overdue));
        segments.push(Segment::Fresh(now));
    }
    segments
}

impl Segment {
    const fn severity(self) -> Severity {
        match self {
            Segment::Rows(_, now) => now,
            Segment::Overdue(filed) => filed.raised(),
            Segment::Fresh(filed) => filed,
        }
    }

    /// Where its rows stand: their table, prefix, the key that they stand behind, and the first that is none of them.
    fn range(self, as_of: i64) -> (Table, String, Option<Text>, Option<String>) {
        match self {
            Segment::Rows(kind, _) => (Table::Case, kind.prefix().to_owned(), None, None),
            Segment::Overdue(filed) => (Table::Index, prefix_of(filed), None, Some(behind_due(filed, as_of))),
            Segment::Fresh(filed) => (Table::Index, prefix_of(filed), Some(behind_due(filed, as_of).into()), None),
        }
    }
}

impl Tenant {
    /// Open cases, the gravest first. `after` is [`CasePage::next`] of the page before; a cursor can be stored.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub async fn open_cases(
        &self,
        filter: &CaseFilter,
        after: Option<&CaseCursor>,
        limit: usize,
    ) -> Result<CasePage, Error> {
        self.require_filed().await?;
        let as_of = after.map_or_else(|| self.now(), |cursor| cursor.as_of);
        let mut page = CasePage { cases: Vec::new(), next: None };
        let mut looked_at = 0;
        for (place, segment) in segments().into_iter().enumerate().skip(after.map_or(0, |cursor| cursor.segment)) {
            if segment.severity() < filter.at_least {
                break;
            }
            let (table, prefix, begins, ends) = segment.range(as_of);
            let here = after.filter(|cursor| cursor.segment == place).map(|cursor| cursor.after.clone());
            let mut behind = here.or(begins);
            loop {
                let rows = self.core.store.scan(&self.id, table, &prefix, behind.as_deref(), PAGE).await;
                let mut rows = rows.map_err(Error::store("list open cases"))?;
                let full = rows.len() == PAGE;
                let before = rows.len();
                rows.retain(|row| ends.as_deref().is_none_or(|ends| *row.key < *ends));
                let goes_on = full && rows.len() == before;
                looked_at += rows.len();
                behind = rows.last().map(|row| row.key.clone()).or(behind);
                for (key, case) in self.cases_of(segment, filter, rows, as_of).await? {
                    if page.cases.len() == limit.max(1) {
                        let last = page.next.take();
                        page.next = last.or(Some(CaseCursor { as_of, segment: place, after: key }));
                        return Ok(page);
                    }
                    page.next = Some(CaseCursor { as_of, segment: place, after: key });
                    page.cases.push(case);
                }
                if !goes_on {
                    break;
                }
                if looked_at >= MOST_LOOKED_AT {
                    let after = behind.unwrap_or_default();
                    page.next = Some(CaseCursor { as_of, segment: place, after });
                    return Ok(page);
                }
            }
        }
        page.next = None;
        Ok(page)
    }

    /// The cases of rows of a segment that a filter lets through, each with the key of its row.
    async fn cases_of(
        &self,
        segment: Segment,
        filter: &CaseFilter,
        rows: Vec<Row>,
        as_of: i64,
    ) -> Result<Vec<(Text, Case)>, Error> {
        let found = match segment {
            Segment::Rows(kind, now) => {
                let mut found = Vec::new();
                for row in rows {
                    let key = row.key.clone();
                    let case = self.case_of_row(row, kind)?.at(as_of);
                    if case.severity == now && self.lists(filter, &case, None, as_of) {
                        found.push((key, case));
                    }
                }
                found
            }
            Segment::Overdue(_) | Segment::Fresh(_) => self.filed_cases(filter, rows, as_of).await?,
        };
        let (keys, cases): (Vec<Text>, Vec<Case>) = found.into_iter().unzip();
        let cases = self.with_desks(cases).await?;
        Ok(keys.into_iter().zip(cases).filter(|(_, case)| is_desk(filter, case)).collect())
    }

    async fn filed_cases(&self, filter: &CaseFilter, rows: Vec<Row>, as_of: i64) -> Result<Vec<(Text, Case)>, Error> {
        let mut filed = Vec::new();
        for row in rows {
            let link: LinkRow = parse(Table::Index, &row)?;
            if let Some(id) = case_of_key(&row.key).and_then(|key| discrepancy_of_key(&key)) {
                filed.push((row.key, link.entity, id));
            }
        }
        let mut ids: Vec<EntityId> = filed.iter().map(|(_, entity, _)| *entity).collect();
        ids.sort_unstable();
        ids.dedup();
        let entities: BTreeMap<EntityId, Entity> =
            self.stored_entities(&ids).await?.into_iter().flatten().map(|entity| (entity.id, entity)).collect();
        let mut found = Vec::new();
        for (key, entity, id) in filed {
            // What was closed between two reads is left out.
            let Some(entity) = entities.get(&entity) else { continue };
            let Some(discrepancy) = entity.discrepancies.get(&id) else { continue };
            let case = Case::of_discrepancy(&self.core, entity, discrepancy, as_of);
            if self.lists(filter, &case, Some(discrepancy), as_of) {
                found.push((key, case));
            }
        }
        Ok(found)
    }

    /// Whether a filter lists a case, but for what people noted on it.
    pub(in crate::engine::tenant) fn lists(
        &self,
        filter: &CaseFilter,
        case: &Case,
        discrepancy: Option<&Discrepancy>,
        as_of: i64,
    ) -> bool {
        let unit = filter.unit.as_ref().is_none_or(|wanted| {
            let rest = case.unit.as_ref().and_then(|unit| unit.strip_prefix(wanted.as_str()));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        });
        let system = filter.system.as_ref().is_none_or(|system| match discrepancy {
            Some(discrepancy) => self.concerns(system, discrepancy),
            None => case.records.iter().any(|record| self.is_of(system, record)),
        });
        let kind = |wanted: &Vec<DiscrepancyKind>| case.discrepancy.is_some_and(|kind| wanted.contains(&kind));
        let aged = filter.older_than_ms.is_none_or(|span| as_of.saturating_sub(case.aged_from) >= span);
        unit && system
            && aged
            && case.severity >= filter.at_least
            && (filter.kinds.is_empty() || filter.kinds.contains(&case.kind))
            && (filter.discrepancies.is_empty() || kind(&filter.discrepancies))
            && filter.entity_type.as_ref().is_none_or(|wanted| case.entity_type.as_ref() == Some(wanted))
    }
}

/// Whether what people noted on a case is as a filter asks.
pub(in crate::engine::tenant) fn is_desk(filter: &CaseFilter, case: &Case) -> bool {
    let assigned = filter.assigned.as_ref().is_none_or(|wanted| match wanted {
        Assigned::To(actor) => case.assignee.as_ref() == Some(actor),
        Assigned::Somebody => case.assignee.is_some(),
        Assigned::Nobody => case.assignee.is_none(),
    });
    assigned && filter.label.as_ref().is_none_or(|label| case.labels.contains(label))
}
