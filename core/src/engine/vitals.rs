//! Vitals: what the calls of a connection came to in the last minutes, as this process made them. In memory, and of no payload.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::alert::{Measured, WHOLE};
use crate::clock::Clock;
use crate::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Outcome, Page, ReadAnswer,
    RecordKey, Verified, Write, WriteReceipt,
};
use crate::id::{ConnectionName, ObjectType, SurfaceName};
use crate::schema::ObjectSchema;
use crate::surface::Surface;
use crate::telemetry::{Called, Instruments, in_span};

const MINUTE: i64 = 60 * 1000;

/// Over how many minutes is measured.
const WINDOW: i64 = 5;

/// What calls came to, by minute.
#[derive(Debug, Default)]
pub(crate) struct Vitals(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    minutes: BTreeMap<i64, Counts>,
    /// When the calls began that have not ended, by number.
    under_way: BTreeMap<u64, i64>,
    calls: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    calls: u64,
    failed: u64,
    /// In milliseconds, all of them together.
    took: u64,
    /// Items, answers and receipts.
    told: u64,
    /// Those of them that were wrong.
    wrong: u64,
}

impl Vitals {
    fn held(&self) -> MutexGuard<'_, Kept> {
        // Counts are added one by one, and a lost one is only a count.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes items, answers or receipts, and how many of them were wrong.
    pub(crate) fn note_told(&self, now: i64, told: usize, wrong: usize) {
        let mut kept = self.held();
        let counts = kept.minute(now);
        counts.told = counts.told.saturating_add(told as u64);
        counts.wrong = counts.wrong.saturating_add(wrong.min(told) as u64);
    }

    /// What was measured over the last minutes; the queue is not known here. A call under way counts for as long as it has taken.
    pub(crate) fn measured(&self, now: i64) -> Measured {
        let mut kept = self.held();
        kept.forget(now);
        let mut sum = Counts::default();
        for counts in kept.minutes.values() {
            sum.calls += counts.calls;
            sum.failed += counts.failed;
            sum.took = sum.took.saturating_add(counts.took);
            sum.told += counts.told;
            sum.wrong += counts.wrong;
        }
        let waiting = kept.under_way.values().map(|began| u64::try_from(now.saturating_sub(*began)).unwrap_or(0));
        let took = waiting.fold(sum.took, u64::saturating_add);
        let timed = sum.calls + kept.under_way.len() as u64;
        let share = |part: u64, of: u64| (of > 0).then(|| part * WHOLE / of);
        Measured {
            failure_rate: share(sum.failed, sum.calls),
            latency: (timed > 0).then(|| took / timed),
            queue: None,
            error_rate: share(sum.wrong, sum.told),
            verification_age: None,
        }
    }

    fn begin(&self, now: i64) -> u64 {
        let mut kept = self.held();
        kept.calls += 1;
        let number = kept.calls;
        kept.under_way.insert(number, now);
        number
    }

    fn end(&self, number: u64, now: i64, failed: bool) {
        let mut kept = self.held();
        let Some(began) = kept.under_way.remove(&number) else { return };
        let counts = kept.minute(now);
        counts.calls += 1;
        counts.failed += u64::from(failed);
        counts.took = counts.took.saturating_add(u64::try_from(now.saturating_sub(began)).unwrap_or(0));
    }
}

impl Kept {
    fn minute(&mut self, now: i64) -> &mut Counts {
        self.forget(now);
        self.minutes.entry(now.div_euclid(MINUTE)).or_default()
    }

    /// Forgets what is older than the window, and what a clock that was set back has made the future.
    fn forget(&mut self, now: i64) {
        let minute = now.div_euclid(MINUTE);
        self.minutes.retain(|at, _| (minute - WINDOW + 1..=minute).contains(at));
    }
}

/// A connector whose calls are counted.
pub(crate) struct Metered {
    name: ConnectionName,
    inner: Arc<dyn Connector>,
    vitals: Arc<Vitals>,
    instruments: Arc<Instruments>,
    clock: Arc<dyn Clock>,
}

/// A call under way. One that is dropped has neither failed nor succeeded.
struct Call<'m> {
    metered: &'m Metered,
    number: u64,
    began: i64,
    kind: Called,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.metered.vitals.held().under_way.remove(&self.number);
    }
}

impl Metered {
    pub(crate) fn new(
        name: ConnectionName,
        inner: Arc<dyn Connector>,
        (vitals, instruments): (Arc<Vitals>, Arc<Instruments>),
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { name, inner, vitals, instruments, clock }
    }

    fn begin(&self, kind: Called) -> Call<'_> {
        let began = self.clock.now();
        Call { metered: self, number: self.vitals.begin(began), began, kind }
    }

    fn end<T>(&self, call: &Call<'_>, answer: &Result<T, ConnectorError>) {
        // To ask for what there is not is the asker's fault.
        let failed = answer.as_ref().is_err_and(|error| error.kind != ConnectorErrorKind::Unsupported);
        let now = self.clock.now();
        self.vitals.end(call.number, now, failed);
        self.instruments.called(call.kind, now.saturating_sub(call.began), failed);
    }
}

#[async_trait]
impl Connector for Metered {
    fn system(&self) -> &str {
        self.inner.system()
    }

    fn surfaces(&self) -> &[Surface] {
        self.inner.surfaces()
    }

    fn create_safety(&self) -> CreateSafety {
        self.inner.create_safety()
    }

    fn verify(&self, delivery: &Delivery) -> Result<Verified, ConnectorError> {
        self.inner.verify(delivery)
    }

    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let call = self.begin(Called::ReadPage);
        let page =
            in_span!("call", { connection = self.name, call = "read_page" }, self.inner.read_page(surface, after));
        self.end(&call, &page);
        page
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        let call = self.begin(Called::ReadRecords);
        let answers =
            in_span!("call", { connection = self.name, call = "read_records" }, self.inner.read_records(keys));
        self.end(&call, &answers);
        if let Ok(answers) = &answers {
            let wrong = answers.iter().filter(|answer| matches!(answer, ReadAnswer::Failed(_))).count();
            self.vitals.note_told(self.clock.now(), answers.len(), wrong);
        }
        answers
    }

    fn describes(&self) -> bool {
        self.inner.describes()
    }

    async fn describe(&self, objects: &[ObjectType]) -> Result<Vec<ObjectSchema>, ConnectorError> {
        let call = self.begin(Called::Describe);
        let described = in_span!("call", { connection = self.name, call = "describe" }, self.inner.describe(objects));
        self.end(&call, &described);
        described
    }

    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        let call = self.begin(Called::WriteBatch);
        let receipts =
            in_span!("call", { connection = self.name, call = "write_batch" }, self.inner.write_batch(writes));
        self.end(&call, &receipts);
        if let Ok(receipts) = &receipts {
            // A lost race and what is put off are outcomes as others.
            let is_wrong = |outcome: &Outcome| matches!(outcome, Outcome::Refused { .. } | Outcome::Unknown);
            let wrong = receipts.iter().filter(|receipt| is_wrong(&receipt.outcome)).count();
            receipts.iter().for_each(|receipt| self.instruments.wrote(&receipt.outcome));
            self.vitals.note_told(self.clock.now(), receipts.len(), wrong);
        }
        receipts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_the_window_counts_no_more_and_nothing_is_made_of_nothing() {
        let vitals = Vitals::default();
        assert_eq!(vitals.measured(0), Measured::default());
        vitals.note_told(0, 10, 1);
        for (minute, failed) in [(0, true), (1, false), (2, false), (4, false)] {
            let call = vitals.begin(minute * MINUTE);
            vitals.end(call, minute * MINUTE + 200, failed);
        }
        let measured = vitals.measured(4 * MINUTE + 200);
        assert_eq!(
            (measured.failure_rate, measured.latency, measured.error_rate),
            (Some(2_500), Some(200), Some(1_000))
        );
        let measured = vitals.measured(5 * MINUTE);
        assert_eq!((measured.failure_rate, measured.error_rate), (Some(0), None));
        assert_eq!(vitals.measured(60 * MINUTE), Measured::default());
        assert_eq!(vitals.measured(-60 * MINUTE), Measured::default(), "a clock that was set back");
    }

    #[test]
    fn a_call_that_hangs_shows_as_latency_while_it_hangs() {
        let vitals = Vitals::default();
        let call = vitals.begin(0);
        assert_eq!(vitals.measured(30_000).latency, Some(30_000));
        assert_eq!(vitals.measured(20 * MINUTE).latency, Some(20 * 60_000));
        vitals.end(call, 20 * MINUTE, false);
        assert_eq!(vitals.measured(20 * MINUTE).failure_rate, Some(0));
    }
}
