//! What a sweep finds ends in the discrepancies that events would have ended in.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use accordant::connector::{Connector, ConnectorError, Cursor, Page, Says};
use accordant::equivalence::Equivalence;
use accordant::id::SurfaceName;
use accordant::testing::{FakeSystem, Habits};
use accordant::value::Composite as Name;
use accordant::{Accordant, Canonical, ManualClock, MemoryStore, SeededEntropy, Tenant};
use accordant_sweep::source::{Csv, JsonLines};
use accordant_sweep::{Order, Side, Sweep, Swept};
use async_trait::async_trait;
use futures::executor::block_on;
use serde_json::json;

#[derive(Canonical)]
#[canonical(entity = "customer", existence(crm))]
#[canonical(system(crm, object = "contacts"), system(shop, object = "customers"))]
#[derive(Debug)]
#[expect(dead_code, reason = "the engine reads the model, not the struct")]
struct Customer {
    #[canonical(identity, at(crm = "email", shop = "email"))]
    pub email: Name,
    #[canonical(owner(crm), at(crm = "name", shop = "name"))]
    pub name: Option<Name>,
    #[canonical(resolve(latest), at(crm = "city", shop = "town"))]
    pub city: Option<Name>,
}

/// A system whose changes are lost on their way to us.
struct Deaf(FakeSystem);

#[async_trait]
impl Habits for Deaf {
    fn fake(&self) -> &FakeSystem {
        &self.0
    }

    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        // What was there when we came is told; then nothing more.
        match (surface.as_str().ends_with("/changes"), &after) {
            (true, Some(_)) => Ok(Page { items: Vec::new(), next: after, more: false }),
            _ => self.0.read_page(surface, after).await,
        }
    }
}

struct World {
    clock: Arc<ManualClock>,
    crm: FakeSystem,
    shop: FakeSystem,
    tenant: Tenant,
}

fn sweep(folder: &Path) -> Sweep {
    let exact = || Equivalence::Exact;
    Sweep::by(Order::Bytes)
        .attribute("name", exact())
        .attribute("city", exact())
        .side(Side::new("crm", Csv::new(folder.join("crm.csv"))).key("email").id("id"))
        .side(Side::new("shop", JsonLines::new(folder.join("shop.jsonl"))).key("email").id("id").column("city", "town"))
}

impl World {
    /// Three customers in both systems, taken in; then people edit, delete and add, and nobody tells.
    fn new(swept: Option<PathBuf>) -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()));
        let fake = |name: &str| FakeSystem::new(name, &[Customer::model()], &clock);
        let (crm, shop) = (fake("crm"), fake("shop"));
        for (id, name) in [("1", "Ana"), ("2", "Ben"), ("3", "Cem")] {
            let email = format!("{}@acme.test", name.to_lowercase());
            crm.edit("contacts", id, &json!({ "email": email, "name": name, "city": "Bern" }));
            shop.edit("customers", &format!("s{id}"), &json!({ "email": email, "name": name, "town": "Bern" }));
        }
        let builder = Accordant::builder().clock(Arc::clone(&clock)).entropy(SeededEntropy::new(1));
        let builder = builder.store(MemoryStore::new()).entity::<Customer>();
        let builder =
            match swept {
                None => builder.connect(crm.clone()).connect(shop.clone()),
                Some(folder) => {
                    let (for_crm, for_shop) = (folder.clone(), folder);
                    builder
                        .connect(Swept::new(Deaf(crm.clone()), "contacts", move || sweep(&for_crm)))
                        .connect(Swept::new(Deaf(shop.clone()), "customers", move || sweep(&for_shop)))
                }
            };
        Self { clock, crm, shop, tenant: builder.build().unwrap().tenant("acme") }
    }

    fn poll(&self) {
        for connection in ["crm", "shop"] {
            block_on(self.tenant.poll(connection)).unwrap();
        }
        for _ in 0..100 {
            if !block_on(self.tenant.step()).unwrap().more() {
                return;
            }
        }
        panic!("the engine does not come to rest");
    }

    fn edit(&self) {
        self.clock.advance(accordant::chrono::TimeDelta::minutes(5));
        self.shop.edit("customers", "s1", &json!({ "name": "Anna" }));
        self.crm.edit("contacts", "2", &json!({ "name": "Benno", "city": "Basel" }));
        self.shop.delete("customers", "s3");
        self.crm.edit("contacts", "4", &json!({ "email": "dov@acme.test", "name": "Dov", "city": "Genf" }));
    }

    /// The exports of both systems, as they are now.
    fn export(&self, folder: &Path) {
        let mut text = "id,email,name,city\n".to_owned();
        for id in self.crm.ids("contacts") {
            let record = self.crm.record("contacts", &id).unwrap();
            let of = |path: &str| record[path].as_str().unwrap_or_default().to_owned();
            text.push_str(&format!("{id},{},{},{}\n", of("email"), of("name"), of("city")));
        }
        fs::write(folder.join("crm.csv"), text).unwrap();
        let line = |id: String| {
            let mut record = self.shop.record("customers", &id).unwrap();
            record["id"] = json!(id);
            format!("{record}\n")
        };
        let text: String = self.shop.ids("customers").into_iter().map(line).collect();
        fs::write(folder.join("shop.jsonl"), text).unwrap();
    }

    /// Every discrepancy: its kind, what it is about, and what was said, by the e-mail of its entity.
    fn discrepancies(&self) -> Vec<String> {
        let found = block_on(self.tenant.discrepancies(Default::default())).unwrap();
        let mut told: Vec<String> = found
            .iter()
            .map(|found| {
                let view = block_on(self.tenant.inspect_erased(found.entity)).unwrap();
                let email = view.golden("email").and_then(|field| field.as_value().map(str::to_owned));
                format!("{email:?} {:?} {} {:?} {:?}", found.kind, found.unit, found.link, found.said)
            })
            .collect();
        told.sort_unstable();
        told
    }
}

#[test]
fn a_sweep_ends_in_the_discrepancies_of_the_events_that_were_lost() {
    let told = World::new(None);
    told.poll();
    assert_eq!(told.discrepancies(), [""; 0]);
    told.edit();
    told.poll();
    let expected = told.discrepancies();
    assert!(expected.len() > 3, "{expected:?}");

    let folder = tempfile::tempdir().unwrap();
    let swept = World::new(Some(folder.path().to_owned()));
    swept.export(folder.path());
    swept.poll();
    swept.edit();
    swept.poll();
    assert_eq!(swept.discrepancies(), [""; 0], "nobody told");
    swept.export(folder.path());
    swept.poll();
    // What is gone from a system has no row there, and no id: its own scan sees to that. The others are told.
    let without_gone = |told: &[String]| -> Vec<String> {
        told.iter().filter(|line| !line.contains("cem@acme.test")).cloned().collect()
    };
    assert_eq!(without_gone(&swept.discrepancies()), without_gone(&expected));
    for _ in 0..2 {
        block_on(swept.tenant.scan("shop")).unwrap();
    }
    swept.poll();
    assert_eq!(swept.discrepancies(), expected);
}

#[test]
fn a_long_sweep_is_many_pages_and_goes_on_behind_any_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(None);
    // 12 MB a side, of which the last row differs.
    let line = |id: u32, name: &str| format!("{id:06},{id:06}@acme.test,{name},{}\n", "x".repeat(64));
    for (side, last) in [("crm", "Ana"), ("shop", "Anna")] {
        let rows: String = (0..130_000).map(|id| line(id, if id == 129_999 { last } else { "Ben" })).collect();
        fs::write(folder.path().join(side), format!("id,email,name,city\n{rows}")).unwrap();
    }
    let begin = |sorted: bool| {
        let folder = folder.path().to_owned();
        let side = move |name: &str, folder: &Path| {
            let side = Side::new(name, Csv::new(folder.join(name))).key("email").id("id");
            if sorted { side.sorted() } else { side }
        };
        Swept::new(world.crm.clone(), "contacts", move || {
            let sweep = Sweep::by(Order::Bytes).attribute("name", Equivalence::Exact);
            sweep.side(side("crm", &folder)).side(side("shop", &folder))
        })
    };
    let name = SurfaceName::from("contacts.sweep");
    // Looked through first, by one process; and declared to be in order, each page read by one that has only the cursor.
    for sorted in [false, true] {
        let (mut cursors, mut hints): (Vec<Option<Cursor>>, usize) = (vec![None], 0);
        let mut swept = begin(sorted);
        loop {
            let page = block_on(swept.read_page(&name, cursors.last().unwrap().clone())).unwrap();
            hints += page.items.len();
            assert!(!cursors.contains(&page.next), "each page leads on");
            cursors.push(page.next);
            if !page.more {
                break;
            }
            if sorted {
                swept = begin(sorted);
            }
        }
        assert_eq!(hints, 1);
        let fewest = if sorted { 2 } else { 4 };
        assert!(cursors.len() > fewest, "{} pages", cursors.len() - 1);
    }
}

#[test]
fn a_sweep_that_ended_is_not_made_again_before_a_snapshot_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(Some(folder.path().to_owned()));
    world.edit();
    world.export(folder.path());
    let path = folder.path().to_owned();
    let swept = Swept::new(world.crm.clone(), "contacts", move || sweep(&path));
    let name = SurfaceName::from("contacts.sweep");
    let page = |after: Option<Cursor>| block_on(swept.read_page(&name, after)).unwrap();
    let hints = |page: &Page| -> Vec<String> {
        let id = |says: &Says| match says {
            Says::Hint { id } => id.to_string(),
            other => panic!("{other:?} is no hint"),
        };
        page.items.iter().map(|item| id(&item.says)).collect()
    };
    let first = page(None);
    assert_eq!((hints(&first), first.more), (["1", "2", "3", "4"].map(str::to_owned).to_vec(), false));
    let again = page(first.next.clone());
    assert_eq!((hints(&again), again.more, &again.next), (Vec::new(), false, &first.next));
    world.shop.edit("customers", "s1", &json!({ "name": "Ana" }));
    world.export(folder.path());
    let anew = page(again.next);
    assert_eq!((hints(&anew), anew.more), (["2", "3", "4"].map(str::to_owned).to_vec(), false));
}
