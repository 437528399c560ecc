//! The bench: people who work in a fake system.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use accordant::ManualClock;
use accordant::connector::conformance::{Bench, Cannot, Values};
use accordant::connector::{Connector, Delivery};
use accordant::id::ObjectType;
use accordant::model::{EntityModel, Path, SystemObject};
use accordant::testing::FakeSystem;
use accordant::text::Text;
use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::json;

use super::honest::signed;

/// The fake system, and what stands before it.
#[derive(Clone)]
pub(crate) struct Premises {
    pub(crate) system: FakeSystem,
    pub(crate) clock: Arc<ManualClock>,
    /// How often the system was asked for too much at once.
    pub(crate) refused: Arc<AtomicU64>,
    /// By how much the system shows changes late.
    pub(crate) late: Arc<Mutex<TimeDelta>>,
}

pub(crate) type Connects = fn(&Premises) -> Box<dyn Connector>;

pub(crate) struct Office {
    premises: Premises,
    connector: Box<dyn Connector>,
    connects: Connects,
    pushed: Mutex<Vec<Delivery>>,
    bare: bool,
    lazy: bool,
    /// What nobody can play at all.
    absent: Option<Absent>,
}

/// What a bench may lack of what every bench needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absent {
    Values,
    Records,
}

impl Office {
    pub(crate) fn of(connects: Connects) -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()));
        let mut model = EntityModel::new("customer");
        model.object(SystemObject::new("crm", "contacts"));
        let system = FakeSystem::new("crm", &[model], &clock);
        let late = Arc::new(Mutex::new(TimeDelta::zero()));
        let premises = Premises { system, clock, refused: Arc::default(), late };
        let connector = connects(&premises);
        Self { premises, connector, connects, pushed: Mutex::default(), bare: false, lazy: false, absent: None }
    }

    /// The fake system as it is.
    pub(crate) fn of_fake() -> Self {
        Self { bare: true, ..Self::of(|premises| Box::new(premises.system.clone())) }
    }

    /// The same, where nobody does more than must be done.
    pub(crate) fn lazy(self) -> Self {
        Self { lazy: true, ..self }
    }

    /// The same, where something that is needed is not there.
    pub(crate) fn without(self, absent: Absent) -> Self {
        Self { absent: Some(absent), ..self }
    }

    fn unless_absent(&self, what: Absent) -> Result<(), Cannot> {
        if self.absent == Some(what) { Err(Cannot::new("nobody is there")) } else { Ok(()) }
    }

    fn unless_lazy(&self, what: &'static str) -> Result<(), Cannot> {
        if self.lazy { Err(Cannot::new(what)) } else { Ok(()) }
    }

    fn push(&self, delivery: Delivery) {
        let delivery = if self.bare { delivery } else { signed(delivery, "acme") };
        self.pushed.lock().unwrap().push(delivery);
    }

    fn push_last(&self, object: &ObjectType, id: &str) {
        let system = &self.premises.system;
        let version = system.versions(object.as_str(), id) - 1;
        self.push(system.webhook(object.as_str(), id, version));
    }

    fn set(&self, object: &ObjectType, id: &str, values: &Values) {
        for (path, value) in values {
            self.premises.system.edit(object.as_str(), id, &json!({ path.to_string(): value.as_str() }));
        }
        self.push_last(object, id);
    }
}

#[async_trait]
impl Bench for Office {
    fn connector(&self) -> &dyn Connector {
        &*self.connector
    }

    fn values(&self, _: &ObjectType, number: u32) -> Result<Values, Cannot> {
        self.unless_absent(Absent::Values)?;
        let value = |path: &str, text: String| (Path::new(path), Text::from(text));
        Ok(vec![
            value("email", format!("n{number}@acme.test")),
            value("city", format!("City {number}")),
            value("name", format!("Name {number}")),
        ])
    }

    async fn make(&self, object: &ObjectType, values: &Values) -> Result<Text, Cannot> {
        self.unless_absent(Absent::Records)?;
        let id = Text::from(format!("by-hand-{:04}", self.premises.system.ids(object.as_str()).len()));
        let id = if self.premises.system.versions(object.as_str(), &id) == 0 { id } else { values[0].1.clone() };
        self.set(object, &id, values);
        Ok(id)
    }

    async fn edit(&self, object: &ObjectType, id: &str, values: &Values) -> Result<(), Cannot> {
        self.unless_lazy("the bench cannot edit records")?;
        self.set(object, id, values);
        Ok(())
    }

    async fn delete(&self, object: &ObjectType, id: &str) -> Result<(), Cannot> {
        self.unless_lazy("the bench cannot delete records")?;
        self.premises.system.delete(object.as_str(), id);
        self.push_last(object, id);
        Ok(())
    }

    async fn merge(&self, object: &ObjectType, survivor: &str, loser: &str) -> Result<Text, Cannot> {
        self.unless_lazy("the bench cannot merge records")?;
        self.premises.system.merge(object.as_str(), survivor, loser);
        self.push(self.premises.system.merge_webhook(object.as_str(), survivor, loser));
        Ok(survivor.into())
    }

    async fn pass(&self, time: TimeDelta) -> Result<(), Cannot> {
        self.unless_lazy("the bench cannot let time pass")?;
        self.premises.clock.advance(time);
        Ok(())
    }

    async fn show_late(&self, by: TimeDelta) -> Result<(), Cannot> {
        self.unless_lazy("the bench cannot show changes late")?;
        self.premises.system.lags(by);
        *self.premises.late.lock().unwrap() = by;
        Ok(())
    }

    async fn down(&self, down: bool) -> Result<(), Cannot> {
        self.unless_lazy("the bench cannot take the system down")?;
        self.premises.system.unavailable(down);
        Ok(())
    }

    async fn lose_answers(&self, lose: bool) -> Result<(), Cannot> {
        self.unless_lazy("the bench cannot lose answers")?;
        if lose {
            self.premises.system.loses_answer();
        }
        Ok(())
    }

    fn over_limits(&self) -> Result<u64, Cannot> {
        if self.bare {
            return Err(Cannot::new("the system has no limits"));
        }
        Ok(self.premises.refused.load(Ordering::SeqCst))
    }

    async fn deliveries(&self) -> Result<Vec<Delivery>, Cannot> {
        Ok(std::mem::take(&mut *self.pushed.lock().unwrap()))
    }

    fn signed(&self) -> Result<(), Cannot> {
        if self.bare { Err(Cannot::new("the system signs nothing")) } else { Ok(()) }
    }

    async fn misdirected(&self) -> Result<Delivery, Cannot> {
        if self.bare {
            return Err(Cannot::new("the system signs nothing"));
        }
        let id = &self.premises.system.ids("contacts")[0];
        Ok(signed(self.premises.system.webhook("contacts", id, 0), "globex"))
    }

    fn restarted(&self) -> Result<Box<dyn Connector>, Cannot> {
        Ok((self.connects)(&self.premises))
    }
}
