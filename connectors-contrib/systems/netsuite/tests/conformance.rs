//! The passport of the connector, before the sandbox on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use accordant::connector::Connector;
use accordant::connector::conformance::{Bench, Cannot, Measured, Promise, Values, measure};
use accordant::id::ObjectType;
use accordant::model::Path;
use accordant::text::Text;
use accordant_netsuite::NetSuite;
use accordant_rehearsal::Faulty;
use async_trait::async_trait;
use chrono::TimeDelta;
use support::{Stage, connector_over};

struct Account {
    stage: Stage,
    faulty: Faulty,
    connector: NetSuite,
}

fn is_write(request: &accordant_http::Request) -> bool {
    request.uri().path().starts_with("/services/rest/record/")
}

impl Account {
    async fn open() -> Self {
        let stage = Stage::with(|settings| accordant_netsuite::Settings { page: 10, ..settings }).await;
        let account = stage.account.clone();
        let faulty = Faulty::new(&stage.clock, is_write, move |faults| account.faults(faults));
        let connector = connector_over(faulty.transport().clone(), &stage.settings, &stage.clock, "certificate-1");
        Self { stage, faulty, connector }
    }

    fn put(&self, object: &ObjectType, id: Option<&str>, values: &Values) -> String {
        let mut columns: Vec<(String, &str)> =
            values.iter().map(|(path, text)| (path.to_string(), text.as_str())).collect();
        columns.push(("isperson".to_owned(), if object.as_str() == "company" { "F" } else { "T" }));
        let columns: Vec<(&str, &str)> = columns.iter().map(|(name, text)| (name.as_str(), *text)).collect();
        self.stage.account.edit("customer", id, &columns)
    }
}

#[async_trait]
impl Bench for Account {
    fn connector(&self) -> &dyn Connector {
        &self.connector
    }

    fn values(&self, object: &ObjectType, number: u32) -> Result<Values, Cannot> {
        let value = |path: &str, text: String| (Path::new(path), Text::from(text));
        match object.as_str() {
            "customer" => Ok(vec![
                value("email", format!("n{number}@acme.test")),
                value("lastname", format!("Last {number}")),
                value("firstname", format!("First {number}")),
            ]),
            "company" => Ok(vec![
                value("custentity_domain", format!("n{number}.test")),
                value("companyname", format!("Company {number}")),
            ]),
            _ => Err(Cannot::new("the bench keeps customers and companies")),
        }
    }

    async fn make(&self, object: &ObjectType, values: &Values) -> Result<Text, Cannot> {
        Ok(self.put(object, None, values).into())
    }

    async fn edit(&self, object: &ObjectType, id: &str, values: &Values) -> Result<(), Cannot> {
        self.put(object, Some(id), values);
        Ok(())
    }

    async fn delete(&self, _: &ObjectType, id: &str) -> Result<(), Cannot> {
        self.stage.account.delete("customer", id);
        Ok(())
    }

    async fn pass(&self, time: TimeDelta) -> Result<(), Cannot> {
        self.faulty.pass(time);
        Ok(())
    }

    async fn show_late(&self, by: TimeDelta) -> Result<(), Cannot> {
        self.faulty.show_late(by);
        Ok(())
    }

    async fn down(&self, down: bool) -> Result<(), Cannot> {
        self.faulty.down(down);
        Ok(())
    }

    async fn lose_answers(&self, lose: bool) -> Result<(), Cannot> {
        self.faulty.lose_answers(lose);
        Ok(())
    }

    fn restarted(&self) -> Result<Box<dyn Connector>, Cannot> {
        Ok(Box::new(connector_over(
            self.faulty.transport().clone(),
            &self.stage.settings,
            &self.stage.clock,
            "certificate-1",
        )))
    }
}

#[tokio::test]
async fn the_connector_keeps_what_it_promises() {
    let passport = measure(&Account::open().await).await;
    eprintln!("{passport}");
    passport.require();
    let known = ["nothing is promised", "nothing is pushed", "the bench does not count what is over the limits"];
    for entry in passport.skipped() {
        let Measured::Skipped(why) = &entry.measured else { continue };
        if entry.place.starts_with("salesorder") {
            assert_eq!(why, "the bench keeps customers and companies");
            continue;
        }
        assert!(known.contains(&why.as_str()), "{entry:?}\n{passport}");
        assert!(!matches!(entry.promise, Promise::CreateSafety | Promise::Delivery), "{entry:?}\n{passport}");
    }
}
