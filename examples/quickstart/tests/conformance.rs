//! The passports of the quickstart's three connectors, each before its system in memory.
#![expect(clippy::unwrap_used, reason = "a test that finds nothing has failed")]

use std::sync::{Arc, Mutex};

use accordant::connector::conformance::{Bench, Cannot, Measured, Passport, Promise, Values, measure};
use accordant::connector::{Connector, Delivery};
use accordant::id::ObjectType;
use accordant::model::Path;
use accordant::text::Text;
use async_trait::async_trait;
use chrono::TimeDelta;
use futures::executor::block_on;
use quickstart::systems::{HubSpot, NetSuite, Shopify};
use quickstart::world::{
    Author, Delivery as Pushed, Dialect, HubSpotWays, NetSuiteWays, Remote, ShopifyWays, WorldClock,
};
use serde_json::Value;

/// Records that were there before: with these, everything takes more than a page.
const BEFORE: u32 = 120;

struct Stage {
    remote: Arc<Remote>,
    connector: Box<dyn Connector>,
    connects: fn(&Arc<Remote>) -> Box<dyn Connector>,
    /// How many lines of the system's log were pushed.
    pushed: Mutex<usize>,
}

fn person() -> Author {
    Author::Person { step: 0, name: "ana".into() }
}

/// The mapped values of an object type, by the path of the one that no two records share.
fn paths(object: &str) -> &'static [&'static str] {
    match object {
        "contacts" => &["properties.email", "properties.city", "properties.firstname"],
        "companies" => &["properties.domain", "properties.name"],
        "customers" => &["defaultEmailAddress.emailAddress", "lastName", "firstName"],
        "customer" => &["email", "lastname", "firstname"],
        "company" => &["custentity_domain", "companyname"],
        "orders" => &["name"],
        _ => &["otherrefnum"],
    }
}

impl Stage {
    fn of(dialect: impl Dialect, connects: fn(&Arc<Remote>) -> Box<dyn Connector>) -> Self {
        let clock = WorldClock::default();
        clock.reach(1_767_600_000_000);
        let remote = Arc::new(Remote::in_memory(Box::new(dialect), clock));
        let stage = Self { connector: connects(&remote), remote, connects, pushed: Mutex::new(0) };
        for object in stage.remote.dialect().objects() {
            for number in 0..BEFORE {
                let values = stage.values(&ObjectType::new(object), 1_000_000 + number).unwrap();
                stage.remote.create(object, None, &leaves(&values), &person()).unwrap();
            }
        }
        stage
    }
}

fn leaves(values: &Values) -> Vec<(Path, Value)> {
    values.iter().map(|(path, text)| (path.clone(), Value::from(text.as_str()))).collect()
}

#[async_trait]
impl Bench for Stage {
    fn connector(&self) -> &dyn Connector {
        &*self.connector
    }

    fn values(&self, object: &ObjectType, number: u32) -> Result<Values, Cannot> {
        let value = |(place, path): (usize, &&str)| {
            let text = if place == 0 { format!("n{number}@acme.test") } else { format!("Value {place} of {number}") };
            (Path::new(path), Text::from(text))
        };
        Ok(paths(object.as_str()).iter().enumerate().map(value).collect())
    }

    async fn make(&self, object: &ObjectType, values: &Values) -> Result<Text, Cannot> {
        let record = self.remote.create(object.as_str(), None, &leaves(values), &person()).unwrap();
        Ok(self.remote.dialect().id(&record).unwrap().to_string().into())
    }

    async fn edit(&self, object: &ObjectType, id: &str, values: &Values) -> Result<(), Cannot> {
        let edited = self.remote.edit(object.as_str(), id.parse().unwrap(), &leaves(values), &person()).unwrap();
        edited.map(drop).ok_or(Cannot::new("there is no such record"))
    }

    async fn delete(&self, object: &ObjectType, id: &str) -> Result<(), Cannot> {
        assert!(self.remote.delete(object.as_str(), id.parse().unwrap(), &person()).unwrap());
        Ok(())
    }

    async fn merge(&self, object: &ObjectType, survivor: &str, loser: &str) -> Result<Text, Cannot> {
        if self.remote.dialect().system() != "hubspot" {
            return Err(Cannot::new("records are merged in HubSpot alone"));
        }
        let (survivor, loser) = (survivor.parse().unwrap(), loser.parse().unwrap());
        let merged = self.remote.merge(object.as_str(), survivor, loser, &person()).unwrap();
        Ok(merged.unwrap().to_string().into())
    }

    async fn pass(&self, time: TimeDelta) -> Result<(), Cannot> {
        self.remote.pass(time.num_milliseconds());
        Ok(())
    }

    async fn deliveries(&self) -> Result<Vec<Delivery>, Cannot> {
        let lines = self.remote.lines();
        let from = std::mem::replace(&mut *self.pushed.lock().unwrap(), lines.len());
        let pushed =
            lines.iter().skip(from).flat_map(|line| Pushed::of(&self.remote, "kit", self.remote.webhooks(line)));
        Ok(pushed.map(|delivery| delivery.request().unwrap()).collect())
    }

    fn signed(&self) -> Result<(), Cannot> {
        Err(Cannot::new("a header stands for the signature"))
    }

    fn restarted(&self) -> Result<Box<dyn Connector>, Cannot> {
        Ok((self.connects)(&self.remote))
    }
}

/// Every promise holds; what was skipped is promised nowhere, or is what a system in memory cannot be made to do.
fn require(passport: &Passport) {
    eprintln!("{passport}");
    passport.require();
    for entry in passport.skipped() {
        let Measured::Skipped(why) = &entry.measured else { continue };
        let expected = match entry.promise {
            Promise::Order | Promise::Deletes | Promise::Merges => {
                ["nothing is promised", "another id is answered by reads alone"].contains(&why.as_str())
            }
            Promise::Lag => why == "the bench cannot show changes late",
            Promise::UnnamedValues => why == "the bench has one value alone",
            Promise::CancelSafety => why == "its reads never wait",
            Promise::Errors => why == "the bench cannot take the system down",
            Promise::Limits => why == "the bench does not count what is over the limits",
            Promise::Signatures => ["a header stands for the signature", "nothing is pushed"].contains(&why.as_str()),
            Promise::Tenants => {
                ["the bench has no delivery of another tenant", "nothing is pushed"].contains(&why.as_str())
            }
            _ => false,
        };
        assert!(expected, "{entry:?}\n{passport}");
    }
}

#[test]
fn hubspot_keeps_what_it_promises() {
    require(&block_on(measure(&Stage::of(HubSpotWays, |remote| Box::new(HubSpot::new(remote))))));
}

#[test]
fn shopify_keeps_what_it_promises() {
    require(&block_on(measure(&Stage::of(ShopifyWays, |remote| Box::new(Shopify::new(remote))))));
}

#[test]
fn netsuite_keeps_what_it_promises() {
    require(&block_on(measure(&Stage::of(NetSuiteWays, |remote| Box::new(NetSuite::new(remote))))));
}
