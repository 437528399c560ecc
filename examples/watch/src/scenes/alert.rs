//! Sales does not answer for a while. Somebody is told, once; and told again when it is over.

use std::sync::{Arc, Mutex, PoisonError};

use accordant::MemoryStore;
use accordant::alert::{Alert, AlertSink, SinkError};
use accordant::chrono::TimeDelta;
use async_trait::async_trait;

use crate::office::{Customer, Office, customer};
use crate::scenes::Played;
use operator::page::Page;

/// Where alerts go: a pager, say.
#[derive(Debug, Clone, Default)]
struct Pager(Arc<Mutex<Vec<String>>>);

impl Pager {
    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl AlertSink for Pager {
    async fn tell(&self, alert: &Alert) -> Result<(), SinkError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(alert.to_string());
        Ok(())
    }
}

pub(super) async fn play(page: &mut Page) -> Played {
    let office = Office::open(&[customer("Ana Diaz", "+49 30 1", "gold")]);
    let pager = Pager::default();
    let builder = office.builder(MemoryStore::new()).entity::<Customer>().alert_sink(pager.clone());
    let acme = builder.build()?.tenant("acme");
    office.hear(&acme).await?;

    page.tell("Sales is asked ten times a minute. At five past eight it stops answering.");
    for minute in 0..20 {
        office.crm.unavailable((5..9).contains(&minute));
        for _ in 0..10 {
            // Whether it answers is what is measured.
            drop(acme.poll("crm").await);
        }
        office.clock.advance(TimeDelta::minutes(1));
        acme.raise_alerts().await?;
        for line in pager.lines() {
            page.show(format!("08:{:02}  {line}", minute + 1));
        }
    }

    page.tell("It answered again from nine past eight. Nobody had to acknowledge anything.");
    let status = acme.status().await?;
    for (name, connection) in &status.connections {
        let health = connection.health;
        page.show(format!("{name}: health {}.{:02} %, {} alerts", health / 100, health % 100, connection.alerts.len()));
    }
    Ok(())
}
