//! Writes: spelled, then a look, then one request for each record. A success has no body: what became of it is read back.

use std::collections::{BTreeMap, BTreeSet};

use accordant::connector::{ConnectorError, Outcome, Write, WriteAction, WriteReceipt};
use accordant::model::Path;
use accordant::text::Text;
use accordant::value::Native;
use accordant_http::not_sent;
use futures::stream::{self, StreamExt as _};
use http::header::LOCATION;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::connector::NetSuite;
use crate::fault::unwritten;
use crate::query::{self, instant};
use crate::settings::{Object, Settings, column};
use crate::wire::{Row, Rows, malformed};

/// A row that was looked at: when it changed, and its values as text.
struct Looked {
    token: Option<i64>,
    values: BTreeMap<String, String>,
}

impl NetSuite {
    /// One receipt per write, in their order.
    pub(crate) async fn write(&self, writes: &[Write]) -> Vec<WriteReceipt> {
        // What cannot be spelled is refused before anything is looked at: it takes no other's look with it.
        let spelled: Vec<Result<String, String>> = writes.iter().map(|write| self.spelled(write)).collect();
        let looked = self.look_at(writes, &spelled).await;
        let one = async |(place, (write, body)): (usize, (&Write, &Result<String, String>))| {
            let outcome = match (body, looked.get(&place)) {
                (Err(why), _) => refused(why),
                (Ok(_), Some(Err(error))) => not_sent(error),
                (Ok(body), Some(Ok(held))) => self.write_one(write, body, held.as_ref()).await,
                (Ok(body), None) => self.write_one(write, body, None).await,
            };
            outcome.into()
        };
        // A request each: as many at once as the account allows, which the gate sees to.
        let at_once = self.settings.at_once.max(1) as usize;
        stream::iter(writes.iter().zip(&spelled).enumerate()).map(one).buffered(at_once).collect().await
    }

    /// A write's record as NetSuite takes it, or why it takes none.
    fn spelled(&self, write: &Write) -> Result<String, String> {
        let object = self.known.object(write.object.as_str()).ok_or("netsuite: no such object type")?;
        // Nothing could be told of what became of it.
        if let Some((path, _)) =
            write.changes.iter().chain(&write.expect).find(|(path, _)| object.unasked.contains(path))
        {
            return Err(format!("{path} cannot be asked for in this account"));
        }
        let made_with = matches!(write.action, WriteAction::Create { .. }).then_some(&object.made_with);
        body(&write.changes, &self.settings, made_with)
    }

    /// The rows that updates and archives are about, as they are now, by the place of the write: of those that are spelled.
    async fn look_at(
        &self,
        writes: &[Write],
        spelled: &[Result<String, String>],
    ) -> BTreeMap<usize, Result<Option<Looked>, ConnectorError>> {
        let mut groups: BTreeMap<&str, Vec<(usize, &Write, &Text)>> = BTreeMap::new();
        for (place, (write, _)) in writes.iter().zip(spelled).enumerate().filter(|(_, (_, body))| body.is_ok()) {
            if let WriteAction::Update { id } | WriteAction::Archive { id } = &write.action {
                groups.entry(write.object.as_str()).or_default().push((place, write, id));
            }
        }
        let mut looked = BTreeMap::new();
        for (name, group) in groups {
            let Some(object) = self.known.object(name) else { continue };
            for group in group.chunks(self.settings.page.clamp(1, 500)) {
                let found = self.look(&object, group).await;
                for (place, _, id) in group {
                    let held = match &found {
                        Ok(found) => Ok(found
                            .iter()
                            .find(|(of, _)| of == *id)
                            .map(|(_, row)| Looked { token: row.token, values: row.values.clone() })),
                        Err(error) => Err(error.clone()),
                    };
                    looked.insert(*place, held);
                }
            }
        }
        looked
    }

    async fn look(
        &self,
        object: &Object,
        group: &[(usize, &Write, &Text)],
    ) -> Result<Vec<(Text, Looked)>, ConnectorError> {
        let number = |id: &&str| !id.is_empty() && id.bytes().all(|digit| digit.is_ascii_digit());
        let ids: Vec<&str> = group.iter().map(|(_, _, id)| id.as_str()).filter(number).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let columns: BTreeSet<String> =
            group.iter().flat_map(|(_, write, _)| &write.expect).filter_map(|(path, _)| column(path)).collect();
        let answer = self.run(&query::named(object, &self.settings, &columns, "id", &ids), self.settings.page).await?;
        let rows: Rows<'_> = serde_json::from_slice(&answer).map_err(|_| malformed("a page of rows"))?;
        let looked = |raw: &&RawValue| {
            let row = Row::parse(raw)?;
            let token = row.lastmodifieddate.as_ref().and_then(|at| instant(at, self.settings.zone));
            let values = columns.iter().map(|column| (column.clone(), row.text(column))).collect();
            Ok((row.id(), Looked { token, values }))
        };
        rows.items.iter().map(looked).collect()
    }

    async fn write_one(&self, write: &Write, body: &str, held: Option<&Looked>) -> Outcome {
        let Some(object) = self.known.object(write.object.as_str()) else {
            return refused("netsuite: no such object type");
        };
        let at = format!("/services/rest/record/v1/{}", object.record);
        let (method, path, body) = match &write.action {
            WriteAction::Create { key } => return self.create(&object, &at, key, body, write).await,
            WriteAction::Update { id } | WriteAction::Archive { id } => {
                if !held.is_some_and(|held| holds(held, write, &self.settings)) {
                    return Outcome::Stale;
                }
                let archives = matches!(write.action, WriteAction::Archive { .. });
                (if archives { "DELETE" } else { "PATCH" }, format!("{at}/{id}"), (!archives).then_some(body))
            }
            _ => return refused("netsuite: an action that this connector does not know"),
        };
        match self.send(method, &path, body, write).await {
            Ok(answer) if answer.status().is_success() => match &write.action {
                WriteAction::Update { id } | WriteAction::Archive { id } => Outcome::Applied { id: id.clone() },
                _ => Outcome::Unknown,
            },
            Ok(answer) => unwritten(&answer),
            Err(outcome) => outcome,
        }
    }

    /// Makes a record under an external id, unless there is one: what people made of it since stays.
    async fn create(&self, object: &Object, at: &str, key: &Text, body: &str, write: &Write) -> Outcome {
        let plain = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_' | b'.');
        if key.is_empty() || !key.bytes().all(plain) {
            return refused("netsuite: a key that cannot stand in an address");
        }
        match self.of_key(object, key).await {
            Ok(Some(id)) => return Outcome::Applied { id },
            Ok(None) => {}
            Err(error) => return not_sent(&error),
        }
        let path = format!("{at}/{}{key}", self.settings.external);
        let answer = match self.send("PUT", &path, Some(body), write).await {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        if !answer.status().is_success() {
            return unwritten(&answer);
        }
        let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        match location.and_then(|location| location.rsplit('/').next()).filter(|id| !id.is_empty()) {
            Some(id) if id.bytes().all(|digit| digit.is_ascii_digit()) => Outcome::Applied { id: id.into() },
            // Made, and nobody said as what: it is found by its external id.
            _ => match self.of_key(object, key).await {
                Ok(Some(id)) => Outcome::Applied { id },
                _ => Outcome::Unknown,
            },
        }
    }

    async fn of_key(&self, object: &Object, key: &Text) -> Result<Option<Text>, ConnectorError> {
        let query = query::named(object, &self.settings, &BTreeSet::new(), "externalid", &[key.as_str()]);
        let answer = self.run(&query, 1).await?;
        let rows: Rows<'_> = serde_json::from_slice(&answer).map_err(|_| malformed("a page of rows"))?;
        rows.items.first().map(|raw| Row::parse(raw).map(|row| row.id())).transpose()
    }
}

/// A record as NetSuite takes it. Numbers are written as they are, to the last digit.
fn body(
    changes: &[(Path, Native)],
    settings: &Settings,
    made_with: Option<&BTreeMap<String, Value>>,
) -> Result<String, String> {
    let mut fields: BTreeMap<String, Box<RawValue>> = BTreeMap::new();
    for (field, value) in made_with.into_iter().flatten() {
        fields.extend(RawValue::from_string(value.to_string()).ok().map(|value| (field.clone(), value)));
    }
    for (path, native) in changes {
        let column = column(path).ok_or_else(|| format!("{path} is no column of netsuite's"))?;
        let text = |text: &Text| Value::String(text.to_string()).to_string();
        let json = match native {
            Native::Null => "null".to_owned(),
            Native::Bool(value) => value.to_string(),
            Native::Text(id) | Native::Number(id) if settings.references.contains(&column) => {
                format!("{{\"id\":{}}}", text(id))
            }
            Native::Text(value) => text(value),
            Native::Number(value) => value.to_string(),
            Native::List(_) | Native::Elements(_) => return Err(format!("{path}: netsuite takes no list there")),
        };
        let json = RawValue::from_string(json).map_err(|_| format!("{path}: no number that netsuite takes"))?;
        let field = settings.fields.get(&column).cloned().unwrap_or(column);
        fields.insert(field, json);
    }
    serde_json::to_string(&fields).map_err(|_| "no body can be made of the changes".to_owned())
}

/// Whether a row is as a write expects it: the same version, or else the same values. Of what is kept in children of the row,
/// its version says nothing.
fn holds(held: &Looked, write: &Write, settings: &Settings) -> bool {
    let of_children = |path: &Path| column(path).is_some_and(|column| settings.of_children.contains(&column));
    let same = |path: &Path, native: &Native| {
        let column = column(path);
        let Some(held) = column.and_then(|column| held.values.get(&column)) else { return false };
        match native {
            Native::Null => held.is_empty(),
            Native::Bool(value) => held == if *value { "T" } else { "F" },
            Native::Text(text) | Native::Number(text) => held.as_str() == text.as_str(),
            Native::List(_) | Native::Elements(_) => false,
        }
    };
    let children = write.expect.iter().filter(|(path, _)| of_children(path)).all(|(path, native)| same(path, native));
    children && write.holds(held.token, same)
}

fn refused(why: &str) -> Outcome {
    Outcome::Refused { reason: why.into() }
}
