//! Forgetting: the keys of what is gone are destroyed, and what still stands keeps being read.
//!
//! A key seals many things, of which some stand and others are gone. So whatever stands under a key that goes keeps a key of
//! its own, made of that key. The order makes it safe, whoever else writes meanwhile and wherever it stops:
//!
//! 1. the keys are retired: whoever looks for a key to seal by makes a new one;
//! 2. the marker is put anew: whoever still seals by a retired key loses their commit, so that none can stand under one that
//!    is not found in the next step;
//! 3. what stands is gone through, and its own keys are kept;
//! 4. all old keys are destroyed but those that something standing was found to need.
//!
//! Done again, it goes on with the keys that are still old.

use std::collections::{BTreeMap, BTreeSet};

use super::mark::marker;
use super::message::{self, Message};
use super::opened::Opened;
use super::scope::Scope;
use super::{KeyId, SealError, SealKey, SealedStore, Secret};
use crate::id::TenantId;
use crate::store::{Commit, Committed, StoreError, Table};
use crate::text::Text;

/// How much is read, kept or destroyed at once.
const PAGE: usize = 512;

/// The old keys of a scope, and which of them are needed.
struct Old<'a> {
    scope: &'a Scope,
    secrets: &'a BTreeMap<KeyId, Secret>,
    needed: BTreeSet<KeyId>,
}

impl SealedStore {
    /// Destroys the keys of what is gone: of these subjects, and of rows that do not say whom they are about.
    pub(super) async fn destroy_keys(&self, tenant: &TenantId, subjects: &[Text]) -> Result<(), StoreError> {
        if self.open(tenant).await?.is_none() {
            return Ok(());
        }
        let of_subjects = subjects.iter().map(|subject| Scope::of_entry(subject)).filter(|one| *one != Scope::Tenant);
        let scopes: BTreeSet<Scope> = Table::ALL.into_iter().map(Scope::Table).chain(of_subjects).collect();
        let scopes: Vec<Scope> = scopes.into_iter().collect();
        let names: Vec<Text> = scopes.iter().map(Scope::name).collect();
        let old = self.keys.retire(tenant, &names).await.map_err(SealError::from)?;
        if old.iter().all(Vec::is_empty) {
            return Ok(());
        }
        let opened = self.mark_anew(tenant).await?;
        for (scope, old) in scopes.iter().zip(old).filter(|(_, old)| !old.is_empty()) {
            let mut secrets = BTreeMap::new();
            for page in old.chunks(PAGE) {
                let found = self.keys.secrets(tenant, page).await.map_err(SealError::from)?;
                secrets.extend(page.iter().zip(found).filter_map(|(key, secret)| Some((*key, secret?))));
            }
            let mut old_keys = Old { scope, secrets: &secrets, needed: BTreeSet::new() };
            self.keep_standing(tenant, &opened, &mut old_keys).await?;
            let needed = old_keys.needed;
            let gone: Vec<KeyId> = old.into_iter().filter(|key| !needed.contains(key)).collect();
            for page in gone.chunks(PAGE) {
                self.keys.destroy(tenant, page).await.map_err(SealError::from)?;
            }
        }
        // Nothing that was destroyed is remembered.
        self.close(tenant);
        Ok(())
    }

    /// Puts the marker anew, and forgets every key that is remembered.
    async fn mark_anew(&self, tenant: &TenantId) -> Result<std::sync::Arc<Opened>, StoreError> {
        loop {
            let Some((revision, found)) = self.marked(tenant).await? else {
                return Err(SealError::Marker { tenant: tenant.clone() }.into());
            };
            let put = vec![(marker(), found.retired().value())];
            let commit = Commit { expect: vec![(marker(), Some(revision))], put, ..Commit::default() };
            if let Committed::Done { .. } = self.store.commit(tenant, commit).await? {
                break;
            }
        }
        self.close(tenant);
        let opened = self.open(tenant).await?;
        opened.ok_or_else(|| SealError::Marker { tenant: tenant.clone() }.into())
    }

    /// Goes through what stands under the keys of a scope, and keeps a key of its own for each.
    async fn keep_standing(&self, tenant: &TenantId, opened: &Opened, old: &mut Old<'_>) -> Result<(), StoreError> {
        match old.scope {
            Scope::Tenant => Ok(()),
            Scope::Table(table) => {
                let mut after: Option<Text> = None;
                loop {
                    let rows = self.store.scan(tenant, *table, "", after.as_deref(), PAGE).await?;
                    let Some(last) = rows.last() else { return Ok(()) };
                    after = Some(last.key.clone());
                    let messages = rows.iter().filter_map(|row| message::row(&row.value));
                    self.keep(tenant, old, messages.collect()).await?;
                }
            }
            Scope::Subject(subject) => {
                let rows = Scope::rows_of(subject).iter().map(|row| opened.names.stored(row)).collect::<Vec<_>>();
                let rows = self.store.load(tenant, &rows).await?;
                let messages = rows.iter().flatten().filter_map(|row| message::row(&row.value));
                self.keep(tenant, old, messages.collect()).await?;
                let mut after = 0;
                loop {
                    let page = self.store.journal_about(tenant, subject, after, PAGE).await?;
                    let Some((last, _)) = page.last() else { return Ok(()) };
                    after = last.seq;
                    let payloads = page.iter().filter_map(|(_, payload)| payload.as_ref());
                    let messages = payloads.filter_map(|payload| message::payload(&payload.bytes));
                    self.keep(tenant, old, messages.collect()).await?;
                }
            }
        }
    }

    async fn keep(&self, tenant: &TenantId, old: &mut Old<'_>, messages: Vec<Message<'_>>) -> Result<(), StoreError> {
        old.needed.extend(messages.iter().map(Message::kept_key));
        let kept = messages.iter().filter_map(|message| {
            let secret = message.own_secret(old.secrets.get(&message.key)?);
            Some(SealKey { id: message.kept_key(), secret })
        });
        let kept: Vec<SealKey> = kept.collect();
        if !kept.is_empty() {
            self.keys.keep(tenant, &old.scope.name(), kept).await.map_err(SealError::from)?;
        }
        Ok(())
    }
}
