//! Connectors that lie, each about one promise.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use accordant::clock::Clock as _;
use accordant::connector::conformance::{Promise, measure};
use accordant::connector::{
    Connector, ConnectorError, CreateSafety, Cursor, Delivery, Item, Outcome, Page, ReadAnswer, RecordKey, Says,
    Verified, Write, WriteAction, WriteReceipt,
};
use accordant::id::SurfaceName;
use accordant::model::Path;
use accordant::surface::Surface;
use accordant::value::Native;
use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;
use futures::executor::block_on;
use serde_json::{Value, json};

use super::honest::{Honest, tenant_of, wait};
use super::office::{Connects, Office, Premises};

/// What is not true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    /// The connector's own clock is given out for the system's.
    OwnClock,
    /// Reads tell another token than polls.
    TwoClocks,
    /// Scans leave a value out.
    LeavesOut,
    /// What may not be read is said to be carried.
    Denies,
    /// Polls keep quiet about deletions.
    HidesDeletions,
    /// Scans go on showing what was deleted.
    ShowsTheDead,
    /// Polls keep quiet about merges.
    HidesMerges,
    /// A read by the id of a loser leads nowhere.
    ForgetsLosers,
    /// The last item of every page is lost.
    DropsLastItems,
    /// A scan ends with its first page.
    EndsEarly,
    /// Half of the webhooks are not taken for anything.
    LosesWebhooks,
    /// A poll goes on behind what is not visible yet.
    Overtakes,
    /// A scan has always one more page.
    NeverEnds,
    /// A page is given out once.
    GivesPagesOnce,
    /// Cursors are known to the process alone that gave them.
    RemembersCursors,
    /// A dropped read takes its page along.
    LosesDroppedPages,
    /// Answers come in the order of ids.
    SortsAnswers,
    /// What is not there is left out.
    SkipsAnswers,
    /// Whatever is expected, it is written.
    WritesAnyway,
    /// Whatever changed meanwhile, it is archived.
    ArchivesAnyway,
    /// What is there is not changed, and that is said.
    RefusesUpdates,
    /// A write clears what it does not name.
    ClearsTheRest,
    /// Receipts come in the order in which the system was done.
    ReversesReceipts,
    /// A write is said to be done that was never sent.
    ClaimsWrites,
    /// A receipt has a token of our own.
    InventsTokens,
    /// An answer that was lost is taken for a refusal to take the write.
    DeniesLostAnswers,
    /// Every attempt is a create of its own.
    ForgetsKeys,
    /// A create is not found by its key.
    LosesKeys,
    /// A failure is an empty page.
    CallsErrorsEmpty,
    /// A failure is a record that is gone.
    CallsErrorsGone,
    /// More is asked for at once than the system allows, and less only when it refuses.
    AsksTooMuch,
    /// Whatever is pushed is taken.
    TrustsAnybody,
    /// Whatever is signed is taken.
    TrustsAnyTenant,
}

/// A connector that lies.
struct Liar {
    honest: Honest,
    lie: Lie,
    count: AtomicU64,
    under_way: AtomicBool,
    given: Mutex<BTreeSet<(String, Option<String>)>>,
    id: u64,
}

static LIARS: AtomicU64 = AtomicU64::new(0);

impl Liar {
    fn boxed<const LIE: usize>(premises: &Premises) -> Box<dyn Connector> {
        Box::new(Self {
            honest: Honest::new(premises),
            lie: ALL[LIE].0,
            count: AtomicU64::new(0),
            under_way: AtomicBool::new(false),
            given: Mutex::default(),
            id: LIARS.fetch_add(1, Ordering::SeqCst),
        })
    }

    fn lies(&self, lie: Lie) -> bool {
        self.lie == lie
    }
}

/// The same item with another body.
fn changed(mut item: Item, change: impl FnOnce(&mut Value)) -> Item {
    let mut body: Value = serde_json::from_slice(&item.body).unwrap_or_default();
    change(&mut body);
    item.body = Bytes::from(body.to_string());
    item
}

#[async_trait]
impl Connector for Liar {
    fn system(&self) -> &str {
        self.honest.system()
    }

    fn surfaces(&self) -> &[Surface] {
        self.honest.surfaces()
    }

    fn create_safety(&self) -> CreateSafety {
        self.honest.create_safety()
    }

    fn verify(&self, delivery: &Delivery) -> Result<Verified, ConnectorError> {
        let trusts = self.lies(Lie::TrustsAnybody) || self.lies(Lie::TrustsAnyTenant) && tenant_of(delivery).is_some();
        let mut verified =
            if trusts { self.honest.premises.system.verify(delivery)? } else { self.honest.verify(delivery)? };
        if self.lies(Lie::LosesWebhooks) && self.count.fetch_add(1, Ordering::SeqCst) % 2 == 1 {
            verified.items.clear();
        }
        Ok(verified)
    }

    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let system = &self.honest.premises.system;
        let (scan, poll) = (surface.as_str() == "contacts/scan", surface.as_str() == "contacts/changes");
        if self.lies(Lie::LosesDroppedPages) && self.under_way.swap(true, Ordering::SeqCst) {
            self.under_way.store(false, Ordering::SeqCst);
            return Ok(Page { items: Vec::new(), next: after, more: false });
        }
        if self.lies(Lie::NeverEnds) && scan {
            let turned = after.as_ref().and_then(|after| after.0.strip_prefix("behind/")?.parse::<u64>().ok());
            let mut page = match turned {
                Some(_) => Page { items: Vec::new(), next: None, more: false },
                None => system.read_page(surface, after.clone()).await?,
            };
            if !page.more {
                page.next = Some(Cursor(format!("behind/{}", turned.unwrap_or_default() + 1)));
                page.more = true;
            }
            return Ok(page);
        }
        let mut asked = after.clone();
        if self.lies(Lie::RemembersCursors) {
            let own = format!("{}:", self.id);
            asked = after.as_ref().and_then(|after| after.0.strip_prefix(&own).map(|after| Cursor(after.to_owned())));
        }
        let read = self.honest.read_page(surface, asked).await;
        self.under_way.store(false, Ordering::SeqCst);
        let mut page = match read {
            Err(_) if self.lies(Lie::CallsErrorsEmpty) => Page { items: Vec::new(), next: after.clone(), more: false },
            read => read?,
        };
        match self.lie {
            Lie::OwnClock => {
                let now = self.honest.premises.clock.now() + self.count.fetch_add(1, Ordering::SeqCst).cast_signed();
                page.items =
                    page.items.into_iter().map(|item| changed(item, |body| body["modified"] = now.into())).collect();
            }
            Lie::LeavesOut if scan => {
                let leave_out =
                    |body: &mut Value| drop(body["record"].as_object_mut().map(|record| record.remove("city")));
                page.items = page.items.into_iter().map(|item| changed(item, leave_out)).collect();
            }
            Lie::Denies if scan => {
                page.items = page.items.into_iter().map(|item| item.denying([Path::new("city")])).collect();
            }
            Lie::HidesDeletions if poll => page.items.retain(|item| !matches!(item.says, Says::Deleted { .. })),
            Lie::HidesMerges if poll => page.items.retain(|item| !matches!(item.says, Says::Merged { .. })),
            Lie::ShowsTheDead if scan && !page.more => {
                // Whatever was ever read stays in a cache.
                let dead = self.given.lock().unwrap().clone();
                for (id, _) in dead.iter().filter(|(id, _)| !system.ids("contacts").contains(id)) {
                    let body = json!({ "id": id, "modified": 1, "record": { "email": "gone@acme.test" } });
                    page.items.push(Item::new(surface.clone(), Says::Record, Bytes::from(body.to_string())));
                }
            }
            Lie::DropsLastItems if page.more => drop(page.items.pop()),
            Lie::EndsEarly if scan => (page.next, page.more) = (None, false),
            Lie::Overtakes if poll && !page.more => {
                system.lags(TimeDelta::zero());
                while let Ok(ahead) = system.read_page(surface, page.next.clone()).await {
                    page.next = ahead.next;
                    if !ahead.more {
                        break;
                    }
                }
                system.lags(*self.honest.premises.late.lock().unwrap());
            }
            Lie::GivesPagesOnce => {
                let place = (surface.to_string(), after.as_ref().map(|after| after.0.clone()));
                let inner = after.is_some() && page.more;
                if inner && !self.given.lock().unwrap().insert(place) {
                    page.items.clear();
                }
            }
            Lie::RemembersCursors => page.next = page.next.map(|next| Cursor(format!("{}:{}", self.id, next.0))),
            _ => {}
        }
        if self.lies(Lie::ShowsTheDead) {
            let ids = system.ids("contacts").into_iter().map(|id| (id, None));
            self.given.lock().unwrap().extend(ids);
        }
        Ok(page)
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        if self.lies(Lie::AsksTooMuch) && self.honest.admit(keys.len()).is_err() {
            wait().await;
        }
        let mut keys = keys.to_vec();
        if self.lies(Lie::SortsAnswers) {
            keys.sort();
        }
        let read = self.honest.read_records(&keys).await;
        let mut answers = match read {
            Err(_) if self.lies(Lie::CallsErrorsGone) => keys.iter().map(|_| ReadAnswer::Gone).collect(),
            read => read?,
        };
        for (key, answer) in keys.iter().zip(&mut answers) {
            if self.lies(Lie::LosesKeys) && key.by_create_key {
                *answer = ReadAnswer::Gone;
            }
            if let ReadAnswer::Found(item) = answer {
                let body: Value = serde_json::from_slice(&item.body).unwrap_or_default();
                if self.lies(Lie::ForgetsLosers) && !key.by_create_key && body["id"] != key.id.as_str() {
                    *answer = ReadAnswer::Gone;
                } else if self.lies(Lie::TwoClocks) {
                    let later = body["modified"].as_i64().unwrap_or_default() + 7;
                    *item = changed(item.clone(), |body| body["modified"] = later.into());
                }
            }
        }
        if self.lies(Lie::SkipsAnswers) {
            answers.retain(|answer| !matches!(answer, ReadAnswer::Gone));
        }
        Ok(answers)
    }

    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        if self.lies(Lie::AsksTooMuch) && self.honest.admit(writes.len()).is_err() {
            wait().await;
        }
        let mut writes = writes;
        for write in &mut writes {
            match (&mut write.action, self.lie) {
                (WriteAction::Update { .. } | WriteAction::Archive { .. }, Lie::WritesAnyway) => {
                    write.expect.clear();
                    write.expect_token = None;
                }
                (WriteAction::Archive { .. }, Lie::ArchivesAnyway) => write.expect_token = None,
                (WriteAction::Update { .. }, Lie::ClearsTheRest) => {
                    write.changes.push((Path::new("city"), Native::Null));
                }
                (WriteAction::Create { key }, Lie::ForgetsKeys) => {
                    *key = format!("{key}-{}", self.count.fetch_add(1, Ordering::SeqCst)).into();
                }
                _ => {}
            }
        }
        if self.lies(Lie::ClaimsWrites) {
            let claimed = |write: &Write| match &write.action {
                WriteAction::Update { id } => Outcome::Applied { id: id.clone() },
                _ => Outcome::Applied { id: "1".into() },
            };
            let receipt = |outcome| WriteReceipt { outcome, record: None, token: None };
            return Ok(writes.iter().map(|write| receipt(claimed(write))).collect());
        }
        if self.lies(Lie::RefusesUpdates) {
            let mut receipts = Vec::new();
            for write in writes {
                receipts.extend(match &write.action {
                    WriteAction::Update { .. } => vec![Outcome::Refused { reason: "not today".into() }.into()],
                    _ => self.honest.write_batch(vec![write]).await?,
                });
            }
            return Ok(receipts);
        }
        let mut receipts = self.honest.write_batch(writes).await?;
        for receipt in &mut receipts {
            match self.lie {
                Lie::InventsTokens => receipt.token = receipt.token.map(|token| token + 5),
                Lie::DeniesLostAnswers if receipt.outcome == Outcome::Unknown => {
                    receipt.outcome = Outcome::Deferred { after: None };
                }
                _ => {}
            }
        }
        if self.lies(Lie::ReversesReceipts) {
            receipts.reverse();
        }
        Ok(receipts)
    }
}

/// Every lie, and all that is found broken by it; what it is about comes first.
const ALL: [(Lie, &[Promise]); 33] = [
    (Lie::OwnClock, &[Promise::Order, Promise::Cursors, Promise::CancelSafety]),
    (
        Lie::TwoClocks,
        &[Promise::Order, Promise::Expectation, Promise::UnnamedValues, Promise::Receipts, Promise::CreateSafety],
    ),
    (Lie::LeavesOut, &[Promise::Completeness]),
    (Lie::Denies, &[Promise::Completeness]),
    (Lie::HidesDeletions, &[Promise::Deletes]),
    (Lie::ShowsTheDead, &[Promise::Deletes, Promise::Cursors]),
    (Lie::HidesMerges, &[Promise::Merges]),
    (Lie::ForgetsLosers, &[Promise::Merges]),
    (Lie::DropsLastItems, &[Promise::Delivery]),
    (Lie::EndsEarly, &[Promise::Delivery]),
    (Lie::LosesWebhooks, &[Promise::Delivery, Promise::Merges]),
    (Lie::Overtakes, &[Promise::Lag]),
    (
        Lie::NeverEnds,
        &[
            Promise::Delivery,
            Promise::Order,
            Promise::Completeness,
            Promise::Deletes,
            Promise::Cursors,
            Promise::CancelSafety,
            Promise::CreateSafety,
        ],
    ),
    (Lie::GivesPagesOnce, &[Promise::Cursors]),
    (Lie::RemembersCursors, &[Promise::Cursors]),
    (Lie::LosesDroppedPages, &[Promise::CancelSafety]),
    (Lie::SortsAnswers, &[Promise::Answers]),
    (Lie::SkipsAnswers, &[Promise::Answers, Promise::Deletes, Promise::CreateSafety]),
    (Lie::WritesAnyway, &[Promise::Expectation]),
    (Lie::ArchivesAnyway, &[Promise::Expectation]),
    (Lie::RefusesUpdates, &[Promise::UnnamedValues, Promise::Expectation, Promise::Receipts]),
    (Lie::ClearsTheRest, &[Promise::UnnamedValues]),
    (Lie::ReversesReceipts, &[Promise::Receipts]),
    (
        Lie::ClaimsWrites,
        &[Promise::Receipts, Promise::Expectation, Promise::UnnamedValues, Promise::CreateSafety, Promise::Errors],
    ),
    (Lie::InventsTokens, &[Promise::Receipts, Promise::UnnamedValues, Promise::CreateSafety]),
    (Lie::DeniesLostAnswers, &[Promise::Receipts]),
    (Lie::ForgetsKeys, &[Promise::CreateSafety]),
    (Lie::LosesKeys, &[Promise::CreateSafety]),
    (Lie::CallsErrorsEmpty, &[Promise::Errors]),
    (Lie::CallsErrorsGone, &[Promise::Errors]),
    (Lie::AsksTooMuch, &[Promise::Limits]),
    (Lie::TrustsAnybody, &[Promise::Signatures, Promise::Tenants]),
    (Lie::TrustsAnyTenant, &[Promise::Tenants]),
];

/// Makes a liar of each line of the table: what connects is a plain function, so that it can connect again.
macro_rules! liars {
    ($($line:literal)*) => { [$(Liar::boxed::<$line>),*] };
}

#[test]
fn every_lie_is_found_and_named() {
    let liars: [Connects; 33] =
        liars!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);
    let mut wrong = Vec::new();
    let mut about = BTreeSet::new();
    for ((lie, promises), connects) in ALL.iter().zip(liars) {
        let passport = block_on(measure(&Office::of(connects)));
        let found = super::broken(&passport);
        about.extend(promises.first().copied());
        let mut expected = promises.to_vec();
        expected.sort_unstable();
        if found != expected {
            wrong.push(format!("{lie:?} is told of as {found:?}\n{passport}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert_eq!(about.len(), 17, "each promise has a lie about it");
}
