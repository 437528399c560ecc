//! The tester's calls: made again while the system asks to, and what they answered.

use chrono::TimeDelta;

use super::heard::{Heard, decode};
use super::tester::Tester;
use super::told::{Told, broken, skipped};
use crate::connector::walk::Walk;
use crate::connector::{
    Connector, ConnectorError, Cursor, Item, Outcome, Page, ReadAnswer, RecordKey, Retry, Write, WriteReceipt,
};
use crate::id::ObjectType;
use crate::surface::{Channel, Surface};
use crate::text::Text;

/// How often a call is made again that the system asks to be made later.
const TRIES: u32 = 6;
/// How many pages a walk may have before it is held to be endless.
const MOST_PAGES: usize = 10_000;

/// The records of a walk, and where it ended.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) heard: Vec<Heard>,
    pub(super) end: Option<Cursor>,
    pub(super) pages: usize,
}

/// The steps of a walk: they lead on, and come to an end.
#[derive(Default)]
pub(super) struct Steps {
    walk: Walk,
    pub(super) pages: usize,
}

impl Steps {
    /// Whether there is another page behind this one, which was read behind `after`.
    pub(super) fn goes_on(&mut self, after: Option<&Cursor>, page: &Page) -> Told<bool> {
        self.pages += 1;
        match self.walk.goes_on(after, page) {
            Ok(true) if self.pages == MOST_PAGES => broken("the pages do not end"),
            Ok(more) => Ok(more),
            Err(error) => broken(error.to_string()),
        }
    }
}

impl Tester<'_> {
    /// Waits as an error asks to, if it does and the bench can.
    async fn waits(&self, error: &ConnectorError) -> bool {
        let wait = match error.retry {
            Retry::Never => return false,
            Retry::Backoff => TimeDelta::minutes(1),
            Retry::After(delay) => delay.max(TimeDelta::seconds(1)),
        };
        self.bench.pass(wait).await.is_ok()
    }

    /// A page, asked for again while the system asks to.
    pub(super) async fn page(&self, connector: &dyn Connector, surface: &Surface, after: Option<Cursor>) -> Told<Page> {
        let mut tries = 0;
        loop {
            match connector.read_page(&surface.name, after.clone()).await {
                Ok(page) => return Ok(page),
                Err(error) => {
                    tries += 1;
                    if tries == TRIES || !self.waits(&error).await {
                        return broken(format!("a page cannot be read: {error}"));
                    }
                }
            }
        }
    }

    /// Pages to their end.
    pub(super) async fn walk(
        &self,
        connector: &dyn Connector,
        surface: &Surface,
        mut after: Option<Cursor>,
    ) -> Told<Walked> {
        let (mut steps, mut heard) = (Steps::default(), Vec::new());
        loop {
            let page = self.page(connector, surface, after.clone()).await?;
            self.decode_all(surface, &page.items, &mut heard)?;
            let more = steps.goes_on(after.as_ref(), &page)?;
            after = page.next.or(after);
            if !more {
                return Ok(Walked { heard, end: after, pages: steps.pages });
            }
        }
    }

    /// What a surface tells now: of these records, where it has to be asked for each.
    pub(super) async fn hear(&mut self, surface: &Surface, ids: &[Text]) -> Told<Vec<Heard>> {
        match surface.channel {
            Channel::Poll | Channel::Stream => {
                let after = self.positions.get(&surface.name).cloned();
                let walked = self.walk(self.bench.connector(), surface, after).await?;
                self.moved(surface, walked.end);
                Ok(walked.heard)
            }
            Channel::Scan => Ok(self.walk(self.bench.connector(), surface, None).await?.heard),
            Channel::Read => {
                let answers = self.read(&surface.object, ids, false).await?;
                let mut heard = Vec::new();
                for answer in answers {
                    match answer {
                        ReadAnswer::Found(item) => heard.push(self.decode(surface, &item)?),
                        ReadAnswer::Gone => {}
                        ReadAnswer::Failed(error) => return broken(format!("a record cannot be read: {error}")),
                    }
                }
                Ok(heard)
            }
            Channel::Webhook => {
                for delivery in self.bench.deliveries().await? {
                    match self.bench.connector().verify(&delivery) {
                        Ok(verified) => self.mail.extend(verified.items),
                        Err(error) => return broken(format!("what the system pushed is not taken: {error}")),
                    }
                }
                let mail: Vec<Item> = self.mail.extract_if(.., |item| item.surface == surface.name).collect();
                let mut heard = Vec::new();
                self.decode_all(surface, &mail, &mut heard)?;
                Ok(heard)
            }
        }
    }

    /// What a surface tells within its declared lag, until `wanted` is content.
    pub(super) async fn hear_until(
        &mut self,
        surface: &Surface,
        ids: &[Text],
        wanted: impl Fn(&[Heard]) -> bool + Send,
    ) -> Told<Vec<Heard>> {
        let mut heard = self.hear(surface, ids).await?;
        if wanted(&heard) || self.bench.pass(surface.semantics.lag + TimeDelta::seconds(1)).await.is_err() {
            return Ok(heard);
        }
        let later = self.hear(surface, ids).await?;
        if matches!(surface.channel, Channel::Scan | Channel::Read) {
            heard.clear();
        }
        heard.extend(later);
        Ok(heard)
    }

    /// Where a poll stands.
    pub(super) fn position(&self, surface: &Surface) -> Option<Cursor> {
        self.positions.get(&surface.name).cloned()
    }

    pub(super) fn moved(&mut self, surface: &Surface, to: Option<Cursor>) {
        if let Some(to) = to {
            self.positions.insert(surface.name.clone(), to);
        }
    }

    /// Reads records by id or by create key: an answer for each.
    pub(super) async fn read(&self, object: &ObjectType, ids: &[Text], by_create_key: bool) -> Told<Vec<ReadAnswer>> {
        let keys: Vec<RecordKey> =
            ids.iter().map(|id| RecordKey { object: object.clone(), id: id.clone(), by_create_key }).collect();
        let mut tries = 0;
        loop {
            match self.bench.connector().read_records(&keys).await {
                Ok(answers) if answers.len() == keys.len() => return Ok(answers),
                Ok(answers) => return broken(format!("{} answers to {} keys", answers.len(), keys.len())),
                Err(error) => {
                    tries += 1;
                    if tries == TRIES || !self.waits(&error).await {
                        return broken(format!("records cannot be read: {error}"));
                    }
                }
            }
        }
    }

    /// Reads one record; `None`: it is gone.
    pub(super) async fn look(&self, object: &ObjectType, id: &Text, by_create_key: bool) -> Told<Option<Heard>> {
        match self.read(object, std::slice::from_ref(id), by_create_key).await?.pop() {
            Some(ReadAnswer::Found(item)) => self.answer_of(object, &item).map(Some),
            Some(ReadAnswer::Failed(error)) => broken(format!("a record cannot be read: {error}")),
            Some(ReadAnswer::Gone) | None => Ok(None),
        }
    }

    /// What an item told that was no page's: by the surface that it names.
    pub(super) fn answer_of(&self, object: &ObjectType, item: &Item) -> Told<Heard> {
        let named = self.surfaces.iter().find(|surface| surface.name == item.surface && surface.object == *object);
        match named {
            Some(surface) => self.decode(surface, item),
            None => broken(format!("an answer is of `{}`, which is no surface of {object}", item.surface)),
        }
    }

    /// Writes, and sends again what the system put off.
    pub(super) async fn write(&self, writes: Vec<Write>) -> Told<Vec<WriteReceipt>> {
        let mut receipts: Vec<Option<WriteReceipt>> = writes.iter().map(|_| None).collect();
        let mut due: Vec<(usize, Write)> = writes.into_iter().enumerate().collect();
        let mut tries = 0;
        loop {
            tries += 1;
            let sent: Vec<Write> = due.iter().map(|(_, write)| write.clone()).collect();
            let count = sent.len();
            let told = match self.bench.connector().write_batch(sent).await {
                Ok(told) if told.len() == count => told,
                Ok(told) => return broken(format!("{} receipts for {count} writes", told.len())),
                Err(error) if tries < TRIES && self.waits(&error).await => continue,
                Err(error) => return broken(format!("writes cannot be sent: {error}")),
            };
            let mut later = Vec::new();
            let mut wait = TimeDelta::seconds(1);
            for ((place, write), receipt) in due.into_iter().zip(told) {
                if let Outcome::Deferred { after } = receipt.outcome
                    && tries < TRIES
                {
                    wait = wait.max(after.unwrap_or(TimeDelta::minutes(1)));
                    later.push((place, write));
                } else if let Some(slot) = receipts.get_mut(place) {
                    *slot = Some(receipt);
                }
            }
            if later.is_empty() {
                return Ok(receipts.into_iter().flatten().collect());
            }
            if self.bench.pass(wait).await.is_err() {
                return skipped("the system puts writes off, and the bench cannot let time pass");
            }
            due = later;
        }
    }

    /// Writes one.
    pub(super) async fn write_one(&self, write: Write) -> Told<WriteReceipt> {
        match self.write(vec![write]).await?.pop() {
            Some(receipt) => Ok(receipt),
            None => broken("no receipt for a write"),
        }
    }

    pub(super) fn decode_all(&self, surface: &Surface, items: &[Item], heard: &mut Vec<Heard>) -> Told<()> {
        for item in items {
            heard.push(self.decode(surface, item)?);
        }
        Ok(())
    }

    fn decode(&self, surface: &Surface, item: &Item) -> Told<Heard> {
        match self.tables.get(&surface.name) {
            Some(table) => decode(table, item),
            None => skipped("the bench has no values for it"),
        }
    }
}
