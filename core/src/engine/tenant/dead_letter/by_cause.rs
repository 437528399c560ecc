//! Dead letters by their cause: grouped, tried again after a fix, or discarded with a reason.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decode::Batch;
use crate::engine::Tenant;
use crate::engine::hydrate::parse;
use crate::engine::intake::{Input, sort};
use crate::engine::persist::Changes;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::dead_letter::{LETTER_REOPENED, LETTER_SETTLED, LetterState, StoredDeadLetter, letter_key};
use crate::error::Error;
use crate::id::{Actor, ConnectionName, SurfaceName};
use crate::role::Role;
use crate::store::{Row, RowKey, Table};
use crate::text::Text;
use crate::view::instant_of;

/// How many rows one scan asks the store for.
pub(super) const PAGE: usize = 200;

/// Why inputs of a surface could not be processed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct LetterCause {
    /// The connection.
    #[schemars(with = "String")]
    pub connection: ConnectionName,
    /// The surface.
    #[schemars(with = "String")]
    pub surface: SurfaceName,
    /// What was expected, and where.
    pub cause: String,
}

/// The dead letters of one cause that wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct LetterGroup {
    /// The cause that they have in common.
    pub cause: LetterCause,
    /// How many there are.
    pub count: usize,
    /// When the first of them came, in milliseconds since the epoch.
    pub oldest: i64,
    /// When the last of them came, in milliseconds since the epoch.
    pub newest: i64,
    /// One of them, by key.
    #[schemars(with = "String")]
    pub example: Text,
}

/// What trying dead letters again came to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Retried {
    /// How many could be processed.
    pub taken_in: usize,
    /// How many are as dead as before.
    pub still_dead: usize,
    /// How many got further and failed of another cause: these wait as new letters.
    pub replaced: usize,
    /// Where to go on; `None`: that was the last.
    #[schemars(with = "Option<String>")]
    pub next: Option<Text>,
}

/// What became of one letter.
enum Outcome {
    TakenIn,
    StillDead,
    Replaced,
}

impl Tenant {
    /// The dead letters that wait, grouped by cause: by connection, surface and cause. Goes through all of them, and holds
    /// no more than the groups.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn dead_letter_groups(&self) -> Result<Vec<LetterGroup>, Error> {
        let mut groups: BTreeMap<LetterCause, LetterGroup> = BTreeMap::new();
        let mut after = None;
        loop {
            let rows = self.letter_rows(after.as_deref()).await?;
            let Some(last) = rows.last() else { return Ok(groups.into_values().collect()) };
            after = Some(last.key.clone());
            for row in rows {
                let letter: StoredDeadLetter = parse(Table::DeadLetter, &row)?;
                if letter.state != LetterState::Waiting {
                    continue;
                }
                let (cause, at) = (letter.group(), letter.at);
                let group = groups.entry(cause.clone()).or_insert_with(|| LetterGroup {
                    cause,
                    count: 0,
                    oldest: at,
                    newest: at,
                    example: row.key.clone(),
                });
                group.count += 1;
                group.oldest = group.oldest.min(at);
                group.newest = group.newest.max(at);
            }
        }
    }

    /// Up to `limit` dead letters that wait, of a cause or of any, behind the key `after`. Fewer than `limit`: there are no
    /// more.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn dead_letters_of(
        &self,
        cause: Option<&LetterCause>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(Text, StoredDeadLetter)>, Error> {
        let mut found = Vec::new();
        let mut after: Option<Text> = after.map(Text::new);
        while found.len() < limit {
            let rows = self.letter_rows(after.as_deref()).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.key.clone());
            for row in rows {
                let letter: StoredDeadLetter = parse(Table::DeadLetter, &row)?;
                let wanted = cause.is_none_or(|cause| letter.group() == *cause);
                if wanted && letter.state == LetterState::Waiting {
                    found.push((row.key, letter));
                }
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    /// One dead letter, whatever became of it.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownDeadLetter`].
    pub async fn dead_letter(&self, key: &str) -> Result<StoredDeadLetter, Error> {
        Ok(self.letter(key).await?.1)
    }

    /// When a delivery was taken in, in milliseconds since the epoch; `None`: it never came, or so long ago that its id was
    /// forgotten ([`Retention::deliveries`](crate::engine::Retention::deliveries)).
    ///
    /// # Errors
    ///
    /// [`Error::UnknownConnection`].
    pub async fn delivery(&self, connection: &str, id: &str) -> Result<Option<i64>, Error> {
        let (name, _) = self.connection(connection)?;
        let key = RowKey::new(Table::Dedup, format!("{name}\u{1f}{id}"));
        let row = self.row(&key, "look for a delivery").await?;
        row.map(|row| parse(Table::Dedup, &row)).transpose()
    }

    /// Tries a dead letter again: after the mapping, the model or the connector was mended. It counts as what it was when
    /// it came: later news is not overwritten. In one commit it is taken in, and settled.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownDeadLetter`]; [`Error::LetterSettled`] if it does not wait any more;
    /// [`Error::UnknownConnection`] if its connection is gone.
    pub async fn retry_dead_letter(&self, key: &str, by: &Actor) -> Result<Retried, Error> {
        self.require_role(by, Role::Operator, "try dead letters again").await?;
        let mut retried = Retried::default();
        retried.count(self.retry(key, by).await?);
        Ok(retried)
    }

    /// Tries up to `limit` dead letters of a cause again, behind the key `after`, as [`Tenant::retry_dead_letter`] does.
    /// Each is a commit of its own: what an interrupted call leaves, the next one finds.
    ///
    /// # Errors
    ///
    /// As [`Tenant::retry_dead_letter`].
    pub async fn retry_dead_letters(
        &self,
        cause: &LetterCause,
        after: Option<&str>,
        limit: usize,
        by: &Actor,
    ) -> Result<Retried, Error> {
        self.require_role(by, Role::Operator, "try dead letters again").await?;
        let letters = self.dead_letters_of(Some(cause), after, limit).await?;
        let mut retried = Retried::default();
        if letters.len() == limit {
            retried.next = letters.last().map(|(key, _)| key.clone());
        }
        for (key, _) in letters {
            match self.retry(&key, by).await {
                Ok(outcome) => retried.count(outcome),
                // Somebody else has settled it meanwhile.
                Err(Error::LetterSettled { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(retried)
    }

    /// Discards a dead letter: it waits no more. Its bytes are kept, with who discarded it and why. Journaled.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownDeadLetter`]; [`Error::LetterSettled`]; [`Error::NoReason`].
    pub async fn discard_dead_letter(&self, key: &str, by: &Actor, reason: &str) -> Result<(), Error> {
        self.require_role(by, Role::Operator, "discard dead letters").await?;
        self.refuse_cards("reason", [reason])?;
        if reason.trim().is_empty() {
            return Err(Error::NoReason { doing: "discard a dead letter" });
        }
        let mut attempts = Attempts::default();
        loop {
            let (revision, letter) = self.waiting_letter(key).await?;
            let mut changes = Changes::new(&self.core, self.now(), by);
            let state = LetterState::Discarded { by: by.clone(), at: changes.as_of(), reason: reason.to_owned() };
            settle(&mut changes, key, revision, letter, state);
            if attempts.commit(self, "discard a dead letter", changes.commit).await? {
                return Ok(());
            }
        }
    }

    /// Takes back that a dead letter was discarded: it waits again, and can be tried again. Journaled, with the reason.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownDeadLetter`]; [`Error::LetterSettled`] if it was tried again; [`Error::NoReason`].
    pub async fn reopen_dead_letter(&self, key: &str, by: &Actor, reason: &str) -> Result<(), Error> {
        self.require_role(by, Role::Operator, "reopen dead letters").await?;
        self.refuse_cards("reason", [reason])?;
        if reason.trim().is_empty() {
            return Err(Error::NoReason { doing: "take up a dead letter again" });
        }
        let mut attempts = Attempts::default();
        loop {
            let (revision, letter) = self.letter(key).await?;
            match &letter.state {
                LetterState::Waiting => return Ok(()),
                LetterState::Retried { .. } | LetterState::Erased { .. } => {
                    return self.waiting_letter(key).await.map(drop);
                }
                LetterState::Discarded { .. } => {}
            }
            let mut changes = Changes::new(&self.core, self.now(), by);
            changes.journal(LETTER_REOPENED, &letter.subject(), &(key, reason));
            let row = RowKey::new(Table::DeadLetter, key);
            changes.commit.expect.push((row.clone(), Some(revision)));
            changes.put(row, &StoredDeadLetter { state: LetterState::Waiting, ..letter });
            if attempts.commit(self, "take up a dead letter again", changes.commit).await? {
                return Ok(());
            }
        }
    }

    /// Discards up to `limit` dead letters of a cause. Says how many; fewer than `limit`: there are no more.
    ///
    /// # Errors
    ///
    /// As [`Tenant::discard_dead_letter`].
    pub async fn discard_dead_letters(
        &self,
        cause: &LetterCause,
        limit: usize,
        by: &Actor,
        reason: &str,
    ) -> Result<usize, Error> {
        self.require_role(by, Role::Operator, "discard dead letters").await?;
        self.refuse_cards("reason", [reason])?;
        let letters = self.dead_letters_of(Some(cause), None, limit).await?;
        let mut discarded = 0;
        for (key, _) in letters {
            match self.discard_dead_letter(&key, by, reason).await {
                Ok(()) => discarded += 1,
                Err(Error::LetterSettled { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(discarded)
    }

    async fn retry(&self, key: &str, by: &Actor) -> Result<Outcome, Error> {
        let mut attempts = Attempts::default();
        loop {
            let (revision, letter) = self.waiting_letter(key).await?;
            let item = self.believable_item(&letter.connection, &letter.item()).await?;
            let inputs = {
                let (name, connection) = self.connection(letter.connection.as_str())?;
                let mut batch = Batch::new();
                sort(&name, connection, &self.core.model, &[item], letter.read, &mut batch)
            };
            let dead = |input: &Input| match input {
                Input::Dead(letter) => Some(letter_key(letter)),
                _ => None,
            };
            let dead: BTreeSet<Text> = inputs.iter().filter_map(dead).collect();
            if dead.contains(key) {
                return Ok(Outcome::StillDead);
            }
            let (taken, commit) = self.prepare(&inputs, by, &BTreeSet::new()).await?;
            let mut changes = Changes::new(&self.core, self.now(), by);
            changes.commit = commit;
            if taken.suppressed > 0 {
                // Only now is it known whose it is.
                settle_erased(&mut changes, key, revision, letter);
                if attempts.commit(self, "try a dead letter again", changes.commit).await? {
                    return Ok(Outcome::TakenIn);
                }
                continue;
            }
            let outcome = if dead.is_empty() { Outcome::TakenIn } else { Outcome::Replaced };
            let state = LetterState::Retried { by: by.clone(), at: changes.as_of(), became: dead };
            settle(&mut changes, key, revision, letter, state);
            if attempts.commit(self, "try a dead letter again", changes.commit).await? {
                return Ok(outcome);
            }
        }
    }

    /// Some letters behind a key, with their bytes.
    pub(in crate::engine::tenant) async fn letter_rows(&self, after: Option<&str>) -> Result<Vec<Row>, Error> {
        let rows = self.core.store.scan(&self.id, Table::DeadLetter, "", after, PAGE).await;
        rows.map_err(Error::store("list dead letters"))
    }

    async fn letter(&self, key: &str) -> Result<(u64, StoredDeadLetter), Error> {
        let row = self.row(&RowKey::new(Table::DeadLetter, key), "load a dead letter").await?;
        let row = row.ok_or_else(|| Error::UnknownDeadLetter { key: key.into() })?;
        Ok((row.revision, parse(Table::DeadLetter, &row)?))
    }

    async fn waiting_letter(&self, key: &str) -> Result<(u64, StoredDeadLetter), Error> {
        let (revision, letter) = self.letter(key).await?;
        let how = match &letter.state {
            LetterState::Waiting => return Ok((revision, letter)),
            LetterState::Retried { by, at, .. } => format!("{by} tried it again at {}", instant_of(*at)),
            LetterState::Discarded { by, at, .. } => format!("{by} discarded it at {}", instant_of(*at)),
            LetterState::Erased { at } => format!("it told of a person who was erased at {}", instant_of(*at)),
        };
        Err(Error::LetterSettled { key: key.into(), how: how.into() })
    }
}

impl Retried {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::TakenIn => self.taken_in += 1,
            Outcome::StillDead => self.still_dead += 1,
            Outcome::Replaced => self.replaced += 1,
        }
    }
}

/// Notes that a letter told of a person who was erased, without its bytes.
pub(in crate::engine::tenant) fn settle_erased(
    changes: &mut Changes<'_>,
    key: &str,
    revision: u64,
    letter: StoredDeadLetter,
) {
    let state = LetterState::Erased { at: changes.as_of() };
    settle(changes, key, revision, StoredDeadLetter { body: String::new(), hex: false, ..letter }, state);
}

/// Notes what became of a letter, and journals it.
fn settle(changes: &mut Changes<'_>, key: &str, revision: u64, letter: StoredDeadLetter, state: LetterState) {
    let row = RowKey::new(Table::DeadLetter, key);
    changes.commit.expect.push((row.clone(), Some(revision)));
    changes.journal(LETTER_SETTLED, &letter.subject(), &(key, &state));
    changes.put(row, &StoredDeadLetter { state, ..letter });
}
