//! The passport of a described system, before a help desk on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use accordant::ManualClock;
use accordant::connector::Connector;
use accordant::connector::conformance::{Bench, Cannot, Measured, Promise, Values, measure};
use accordant::id::ObjectType;
use accordant::model::Path;
use accordant::text::Text;
use accordant_http::{ReqwestTransport, SecretString, Transport};
use accordant_rehearsal::{Asleep, Unanswered};
use accordant_rest::{Changed, Description, Paging, Parameter, Rest, Size};
use accordant_sandbox::{Served, serve};
use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::{Map, Value, json};
use support::Desk;

/// A desk, and how its changes are asked for.
struct Account {
    desk: Desk,
    clock: Arc<ManualClock>,
    transport: Arc<Unanswered>,
    description: Description,
    connector: Rest,
    _served: Served,
}

fn connector(description: &Description, transport: &Arc<Unanswered>, clock: &Arc<ManualClock>) -> Rest {
    let sleep = Arc::new(Asleep(clock.clone()));
    Rest::new(description.clone(), &SecretString::from("t"), transport.clone(), clock.clone(), sleep).unwrap()
}

impl Account {
    async fn open(change: impl FnOnce(&mut Changed)) -> Self {
        let clock = Arc::new(ManualClock::at("2026-11-21T08:00:00Z".parse().unwrap()));
        let desk = Desk::new(&clock);
        let served = serve(Arc::new(desk.clone()), 0).await.unwrap();
        let mut description = Description::parse(include_str!("fourth/zendesk.toml")).unwrap();
        description.base.clone_from(&served.base);
        let users = description.objects.get_mut("users").unwrap();
        let three = |parameter: &str| Some(Size { parameter: Some(parameter.to_owned()), rows: 3 });
        let changed = users.changed.as_mut().unwrap();
        changed.size = three("per_page");
        change(changed);
        users.list.as_mut().unwrap().size = three("page[size]");
        users.update.as_mut().unwrap().if_match = true;
        users.delete.as_mut().unwrap().if_match = true;
        let inner: Arc<dyn Transport> = Arc::new(ReqwestTransport::new(Default::default()).unwrap());
        let transport = Arc::new(Unanswered::new(inner, |request| request.method() != http::Method::GET));
        let connector = connector(&description, &transport, &clock);
        Self { desk, clock, transport, description, connector, _served: served }
    }
}

/// Values as the desk keeps them.
fn fields(values: &Values) -> Value {
    let mut fields = Map::new();
    for (path, text) in values {
        let (mut at, keys) = (&mut fields, path.keys());
        for key in &keys[..keys.len() - 1] {
            at = at.entry(key.to_string()).or_insert_with(|| json!({})).as_object_mut().unwrap();
        }
        at.insert(keys[keys.len() - 1].to_string(), text.as_str().into());
    }
    Value::Object(fields)
}

#[async_trait]
impl Bench for Account {
    fn connector(&self) -> &dyn Connector {
        &self.connector
    }

    fn values(&self, _: &ObjectType, number: u32) -> Result<Values, Cannot> {
        let value = |path: &str, text: String| (Path::new(path), Text::from(text));
        Ok(vec![
            value("email", format!("n{number}@acme.test")),
            value("user_fields.last_name", format!("Last {number}")),
            value("user_fields.first_name", format!("First {number}")),
        ])
    }

    async fn make(&self, _: &ObjectType, values: &Values) -> Result<Text, Cannot> {
        Ok(self.desk.make(&fields(values)).to_string().into())
    }

    async fn edit(&self, _: &ObjectType, id: &str, values: &Values) -> Result<(), Cannot> {
        self.desk.edit(id.parse().unwrap(), &fields(values));
        Ok(())
    }

    async fn delete(&self, _: &ObjectType, id: &str) -> Result<(), Cannot> {
        self.desk.delete(id.parse().unwrap());
        Ok(())
    }

    async fn pass(&self, time: TimeDelta) -> Result<(), Cannot> {
        self.clock.advance(time);
        Ok(())
    }

    async fn show_late(&self, by: TimeDelta) -> Result<(), Cannot> {
        self.desk.late(by);
        Ok(())
    }

    async fn down(&self, down: bool) -> Result<(), Cannot> {
        self.desk.down(down);
        Ok(())
    }

    async fn lose_answers(&self, lose: bool) -> Result<(), Cannot> {
        self.transport.lose(lose);
        Ok(())
    }

    fn restarted(&self) -> Result<Box<dyn Connector>, Cannot> {
        Ok(Box::new(connector(&self.description, &self.transport, &self.clock)))
    }
}

async fn keeps_its_promises(account: Account) {
    let passport = measure(&account).await;
    println!("{passport}");
    passport.require();
    for entry in passport.skipped() {
        let Measured::Skipped(why) = &entry.measured else { continue };
        let known = ["nothing is promised", "nothing is pushed", "the bench does not count what is over the limits"];
        assert!(known.contains(&why.as_str()), "{entry:?}\n{passport}");
        assert!(!matches!(entry.promise, Promise::CreateSafety | Promise::Delivery), "{entry:?}\n{passport}");
    }
}

#[tokio::test]
async fn a_system_that_is_polled_by_its_cursor_keeps_what_is_promised() {
    keeps_its_promises(Account::open(|_| {}).await).await;
}

#[tokio::test]
async fn a_system_that_is_polled_by_time_keeps_what_is_promised() {
    let by_time = |changed: &mut Changed| {
        *changed = Changed {
            path: "/since".into(),
            records: String::new(),
            since: Parameter { parameter: "from".into(), written: Default::default() },
            size: Some(Size { parameter: Some("rows".into()), rows: 3 }),
            paging: Paging::Time { after_id: Some("after_id".into()) },
            ..changed.clone()
        };
    };
    keeps_its_promises(Account::open(by_time).await).await;
}
