//! The connector's passport, over a wire that can be cut.

use std::sync::Arc;
use std::time::Duration;

use accordant::SystemClock;
use accordant::connector::conformance::{Bench, Cannot, Measured, Promise, Values, measure};
use accordant::connector::{Connector, Outcome};
use accordant::id::ObjectType;
use accordant::model::Path;
use accordant::text::Text;
use accordant_postgres_table::{PostgresTable, Settings};
use accordant_test_servers::Wire;
use async_trait::async_trait;
use chrono::TimeDelta;
use tokio_postgres::Client;

use crate::{Stage, update};

/// The table behind the connector's back, over a wire that can be cut.
struct Account {
    client: Client,
    schema: String,
    wire: Wire,
    connector: PostgresTable,
}

#[async_trait]
impl Bench for Account {
    fn connector(&self) -> &dyn Connector {
        &self.connector
    }

    fn values(&self, _: &ObjectType, number: u32) -> Result<Values, Cannot> {
        let email = (Path::new("email"), Text::from(format!("n{number}@acme.test")));
        Ok(vec![email, (Path::new("First Name"), format!("Ana {number}").into())])
    }

    async fn make(&self, _: &ObjectType, values: &Values) -> Result<Text, Cannot> {
        let insert = format!(
            r#"INSERT INTO {}.customers (email, "First Name") VALUES ($1, $2) RETURNING id::text"#,
            self.schema
        );
        let row = self.client.query_one(&insert, &[&values[0].1.as_str(), &values[1].1.as_str()]).await.unwrap();
        Ok(row.get::<_, String>(0).into())
    }

    async fn edit(&self, _: &ObjectType, id: &str, values: &Values) -> Result<(), Cannot> {
        for (path, text) in values {
            let column = &path.keys()[0];
            let update = format!(
                r#"UPDATE {}.customers SET "{column}" = $1, version = version + 1, updated_at = clock_timestamp()
                   WHERE id = $2::text::bigint"#,
                self.schema
            );
            self.client.execute(&update, &[&text.as_str(), &id]).await.unwrap();
        }
        Ok(())
    }

    async fn delete(&self, _: &ObjectType, id: &str) -> Result<(), Cannot> {
        let delete = format!("DELETE FROM {}.customers WHERE id = $1::text::bigint", self.schema);
        self.client.execute(&delete, &[&id]).await.unwrap();
        Ok(())
    }

    async fn down(&self, down: bool) -> Result<(), Cannot> {
        if down {
            self.wire.cut_after(0);
        } else {
            self.wire.mend();
        }
        Ok(())
    }

    fn restarted(&self) -> Result<Box<dyn Connector>, Cannot> {
        Err(Cannot::new("a connector to a database is not made without waiting"))
    }
}

pub(crate) fn the_connector_keeps_what_it_promises(stage: &Stage) {
    let client = stage.client();
    let (wire, over) = wired(stage);
    let table = stage.table().version("version").modified("updated_at").key("our_key");
    let log = stage.log().kept_for(TimeDelta::days(1));
    let settings = Settings::new("erp", &over).unwrap().table("customers", table).page(3);
    let settings = settings.log(log).patience(Duration::from_secs(2));
    // The server's clock is not ours to move: the connector goes by the same.
    let connector = stage.runtime.block_on(PostgresTable::connect(settings, Arc::new(SystemClock))).unwrap();
    let account = Account { client, schema: stage.schema.clone(), wire, connector };
    let passport = stage.runtime.block_on(measure(&account));
    println!("{passport}");
    passport.require();
    for entry in passport.skipped() {
        let Measured::Skipped(why) = &entry.measured else { continue };
        let known = [
            "nothing is promised",
            "nothing is pushed",
            "nothing shows late",
            "absence shows in scans and reads alone",
            "the bench cannot show changes late",
            "the bench does not count what is over the limits",
        ];
        assert!(known.contains(&why.as_str()), "{entry:?}\n{passport}");
        assert!(!matches!(entry.promise, Promise::CreateSafety | Promise::Delivery), "{entry:?}\n{passport}");
    }
}

/// A wire to the server, and the address over it.
pub(crate) fn wired(stage: &Stage) -> (Wire, String) {
    let address: tokio_postgres::Config = stage.address.parse().unwrap();
    let tokio_postgres::config::Host::Tcp(host) = &address.get_hosts()[0] else { panic!("servers are on loopback") };
    let wire = Wire::to((host.as_str(), address.get_ports()[0])).unwrap();
    let over = stage.address.replace(&format!("{host}:{}", address.get_ports()[0]), &wire.address().to_string());
    assert_ne!(over, stage.address);
    (wire, over)
}

/// A statement that waits for another writer, whose answer is then lost: it happens, and nobody may say that it did not.
pub(crate) fn a_write_without_an_answer_is_unknown(stage: &Stage) {
    stage.sql("INSERT INTO $T (id, email) VALUES (7, 'was')");
    let (wire, over) = wired(stage);
    let settings = Settings::new("erp", &over).unwrap().table("customers", stage.table());
    let connector = Arc::new(stage.connect(settings.patience(Duration::from_secs(5))));
    let other = stage.client();
    let table = format!("{}.customers", stage.schema);
    stage
        .runtime
        .block_on(other.batch_execute(&format!("BEGIN; SELECT FROM {table} WHERE id = 7 FOR UPDATE")))
        .unwrap();
    let writing = {
        let connector = Arc::clone(&connector);
        stage.runtime.spawn(async move { connector.write_batch(vec![update(1, "7", &[("email", "is")])]).await })
    };
    let waiting = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'accordant' AND wait_event_type = 'Lock' \
         AND query LIKE 'UPDATE%{}%'",
        stage.schema
    );
    while stage.one(&waiting) != "1" {
        assert!(!writing.is_finished(), "it did not wait");
    }
    wire.swallow_answers();
    stage.runtime.block_on(other.batch_execute("COMMIT")).unwrap();
    let said = stage.runtime.block_on(writing).unwrap().unwrap().remove(0);
    assert_eq!(said.outcome, Outcome::Unknown);
    assert_eq!(stage.one("SELECT email FROM $T WHERE id = 7"), "is");
}
