//! What measures came to day by day, and what follows of it: trends, the next breach, and days that are unusual.

use std::cmp::Ordering;
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::outlook::outlook;
use super::{Cause, Measure, Outlook, OutlookError};
use crate::{Anomaly, Detector, Measured, SeriesError};

/// How many days of a series are kept: an outlook looks at each pair of them.
const KEPT: usize = 56;

/// For how many days a series is kept that no measure goes on with.
const FORGOTTEN: i64 = 400;

/// The measures of a tenant, day by day. A value: whoever keeps it stores it as they store anything else, and gives it the measures of
/// the next day. It keeps eight weeks of counts and a [`Detector`] per measure, and no value of anybody's.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct History {
    /// In the order of their names.
    series: Vec<Series>,
}

/// One measure, day by day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Series {
    of: MeasureName,
    at_least: f64,
    /// Day, how many were good, of how many.
    days: VecDeque<(i64, u64, u64)>,
    detector: Detector,
}

/// What tells one measure from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MeasureName {
    /// The system.
    pub system: String,
    /// The type of entity.
    pub entity: String,
    /// The attributes; none where it is about the table.
    pub attributes: Vec<String>,
    /// What measures it.
    pub check: String,
    /// What is wrong with those that are not good.
    pub cause: Cause,
}

impl MeasureName {
    fn of(measure: &Measure) -> Self {
        let Measure { system, entity, attributes, check, cause, .. } = measure.clone();
        Self { system, entity, attributes, check, cause }
    }
}

/// Why the measures of a day were not taken. The history stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// Two measures of a day are about the same.
    #[error("{system}, {entity}: \"{check}\" is measured twice on one day")]
    Twice {
        /// The system.
        system: String,
        /// The type of entity.
        entity: String,
        /// What measures it.
        check: String,
    },
    /// The day is not behind the last one, or more were good than were judged.
    #[error("{system}, {entity}: \"{check}\" cannot go on")]
    Series {
        /// The system.
        system: String,
        /// The type of entity.
        entity: String,
        /// What measures it.
        check: String,
        /// Why.
        #[source]
        source: SeriesError,
    },
}

impl History {
    /// Takes the measures of a day, counted from any day on, and says which of them are unusual, in the order of their names. Measures
    /// of nothing are a day that is missing. A series that nothing went on with for four hundred days is forgotten.
    ///
    /// # Errors
    ///
    /// [`HistoryError`] if the day is not behind the last one of each series, a measure comes twice, or more were good than were judged.
    pub fn take(&mut self, day: i64, measures: &[Measure]) -> Result<Vec<(MeasureName, Anomaly)>, HistoryError> {
        let mut today: Vec<(MeasureName, &Measure)> =
            measures.iter().map(|measure| (MeasureName::of(measure), measure)).collect();
        today.sort_by(|one, other| one.0.cmp(&other.0));
        if let Some(pair) = today.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let MeasureName { system, entity, check, .. } = pair[0].0.clone();
            return Err(HistoryError::Twice { system, entity, check });
        }
        let mut unusual = Vec::new();
        let mut next = Vec::with_capacity(self.series.len().max(today.len()));
        let (mut known, mut today) = (self.series.iter().peekable(), today.into_iter().peekable());
        loop {
            // Both are in the order of names.
            let order = match (known.peek(), today.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(series), Some((name, _))) => series.of.cmp(name),
            };
            let series = if order.is_le() { known.next().cloned() } else { None };
            let measured = if order.is_ge() { today.next() } else { None };
            match measured {
                Some((name, measure)) => {
                    let (series, anomaly) = Series::taken(series, name, day, measure)?;
                    unusual.extend(anomaly.map(|anomaly| (series.of.clone(), anomaly)));
                    next.push(series);
                }
                None => next.extend(series.filter(|series| !series.is_forgotten(day))),
            }
        }
        self.series = next;
        Ok(unusual)
    }

    /// Where each measure leads, in the order of their names: how it moves, and when it will be below its least share, if it will.
    ///
    /// # Errors
    ///
    /// [`OutlookError`] if the horizon is not a day at least.
    pub fn outlooks(&self, horizon: i64) -> Result<Vec<(MeasureName, Outlook)>, OutlookError> {
        let of = |series: &Series| {
            let days: Vec<(i64, u64, u64)> = series.days.iter().copied().collect();
            Ok((series.of.clone(), outlook(&days, series.at_least, horizon)?))
        };
        self.series.iter().map(of).collect()
    }
}

impl Series {
    fn taken(
        known: Option<Self>,
        of: MeasureName,
        day: i64,
        measure: &Measure,
    ) -> Result<(Self, Option<Anomaly>), HistoryError> {
        let begun = |of| Self { of, at_least: 1.0, days: VecDeque::new(), detector: Detector::new() };
        let mut series = known.unwrap_or_else(|| begun(of));
        let anomaly = series.take(day, measure).map_err(|source| {
            let MeasureName { system, entity, check, .. } = series.of.clone();
            HistoryError::Series { system, entity, check, source }
        })?;
        Ok((series, anomaly))
    }

    fn take(&mut self, day: i64, measure: &Measure) -> Result<Option<Anomaly>, SeriesError> {
        if let Some((last, ..)) = self.days.back().filter(|(last, ..)| day <= *last) {
            return Err(SeriesError::NotLater { day, last: *last });
        }
        let anomaly = self.detector.take(day, Measured::Share { hits: measure.good, of: measure.of })?;
        self.at_least = measure.at_least;
        self.days.push_back((day, measure.good, measure.of));
        if self.days.len() > KEPT {
            self.days.pop_front();
        }
        Ok(anomaly)
    }

    fn is_forgotten(&self, day: i64) -> bool {
        self.days.back().is_none_or(|(last, ..)| day.saturating_sub(*last) > FORGOTTEN)
    }
}
