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
//!
//! Several may forget at once. Between the reading of a page and the keeping of its keys, another may have taken all that there was
//! of one of them; so what keys were kept of is looked at again, and those go whose messages went. What goes later goes with the key
//! that was kept by then.

use std::collections::{BTreeMap, BTreeSet};

use super::mark::marker;
use super::message::{self, Message};
use super::opened::Opened;
use super::scope::Scope;
use super::{KeyId, SealError, SealKey, SealedStore, Secret};
use crate::id::TenantId;
use crate::store::{Commit, Committed, RowKey, StoreError, Table};
use crate::text::Text;

/// How much is read, kept or destroyed at once.
const PAGE: usize = 512;

/// The old keys of a scope, and which of them are needed.
struct Old<'a> {
    scope: &'a Scope,
    keys: BTreeSet<KeyId>,
    /// The bytes of those of them that seal something on a page; `None`: they are gone. Kept keys seal nothing else.
    secrets: BTreeMap<KeyId, Option<Secret>>,
    needed: BTreeSet<KeyId>,
}

/// A part of what stands, as it was read.
enum Page {
    Rows(Vec<(RowKey, Vec<u8>)>),
    /// Payloads of a subject behind a place.
    Payloads(u64, Vec<Vec<u8>>),
}

impl Page {
    fn messages(&self) -> Vec<Message<'_>> {
        match self {
            Self::Rows(rows) => rows.iter().filter_map(|(_, value)| message::row(value)).collect(),
            Self::Payloads(_, payloads) => payloads.iter().filter_map(|bytes| message::payload(bytes)).collect(),
        }
    }
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
            let keys = old.into_iter().collect();
            let mut old = Old { scope, keys, secrets: BTreeMap::new(), needed: BTreeSet::new() };
            self.keep_standing(tenant, &opened, &mut old).await?;
            let gone: Vec<KeyId> = old.keys.difference(&old.needed).copied().collect();
            self.destroy(tenant, &gone).await?;
        }
        // Nothing that was destroyed is remembered.
        self.close(tenant);
        Ok(())
    }

    async fn destroy(&self, tenant: &TenantId, keys: &[KeyId]) -> Result<(), StoreError> {
        for page in keys.chunks(PAGE) {
            self.keys.destroy(tenant, page).await.map_err(SealError::from)?;
        }
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
                    let rows = rows.into_iter().map(|row| (RowKey::new(*table, row.key), row.value));
                    self.keep(tenant, old, Page::Rows(rows.collect())).await?;
                }
            }
            Scope::Subject(subject) => {
                let keys = Scope::rows_of(subject).iter().map(|row| opened.names.stored(row)).collect();
                let rows = self.rows_there(tenant, keys).await?;
                self.keep(tenant, old, rows).await?;
                let mut after = 0;
                loop {
                    let (last, payloads) = self.payloads_behind(tenant, subject, after).await?;
                    let Some(last) = last else { return Ok(()) };
                    self.keep(tenant, old, payloads).await?;
                    after = last;
                }
            }
        }
    }

    /// Those of these rows that there are.
    async fn rows_there(&self, tenant: &TenantId, keys: Vec<RowKey>) -> Result<Page, StoreError> {
        let rows = self.store.load(tenant, &keys).await?;
        let there = keys.into_iter().zip(rows).filter_map(|(key, row)| Some((key, row?.value)));
        Ok(Page::Rows(there.collect()))
    }

    /// The payloads of the next entries about a subject, and the place of the last of those; `None`: there are no more.
    async fn payloads_behind(
        &self,
        tenant: &TenantId,
        subject: &str,
        after: u64,
    ) -> Result<(Option<u64>, Page), StoreError> {
        let page = self.store.journal_about(tenant, subject, after, PAGE).await?;
        let last = page.last().map(|(entry, _)| entry.seq);
        let payloads = page.into_iter().filter_map(|(_, payload)| Some(payload?.bytes));
        Ok((last, Page::Payloads(after, payloads.collect())))
    }

    /// Keeps keys of what stands on a page.
    async fn keep(&self, tenant: &TenantId, old: &mut Old<'_>, page: Page) -> Result<(), StoreError> {
        let messages = page.messages();
        old.needed.extend(messages.iter().map(Message::kept_key));
        let sealing: BTreeSet<KeyId> = messages.iter().map(|message| message.key).collect();
        let sealing = sealing.intersection(&old.keys).filter(|key| !old.secrets.contains_key(key));
        let sealing: Vec<KeyId> = sealing.copied().collect();
        if !sealing.is_empty() {
            let secrets = self.keys.secrets(tenant, &sealing).await.map_err(SealError::from)?;
            old.secrets.extend(sealing.into_iter().zip(secrets));
        }
        let kept = messages.iter().filter_map(|message| {
            let of_scope = old.secrets.get(&message.key)?.as_ref()?;
            Some(SealKey { id: message.kept_key(), secret: message.own_secret(of_scope) })
        });
        let kept: Vec<SealKey> = kept.collect();
        if kept.is_empty() {
            return Ok(());
        }
        let ids: BTreeSet<KeyId> = kept.iter().map(|key| key.id).collect();
        self.keys.keep(tenant, &old.scope.name(), kept).await.map_err(SealError::from)?;
        let again = match page {
            Page::Rows(rows) => self.rows_there(tenant, rows.into_iter().map(|(key, _)| key).collect()).await?,
            Page::Payloads(after, _) => match old.scope {
                Scope::Subject(subject) => self.payloads_behind(tenant, subject, after).await?.1,
                Scope::Tenant | Scope::Table(_) => return Ok(()),
            },
        };
        let standing: BTreeSet<KeyId> = again.messages().iter().map(Message::kept_key).collect();
        let gone: Vec<KeyId> = ids.difference(&standing).copied().collect();
        old.needed.retain(|key| !gone.contains(key));
        self.destroy(tenant, &gone).await
    }
}
