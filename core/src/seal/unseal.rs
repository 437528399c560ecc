//! Opening what a sealed store gives out: which keys it needs, and what comes of it.

use std::collections::{BTreeMap, BTreeSet};

use super::message::{self, About, Message};
use super::opened::Opened;
use super::scope::Scope;
use super::{KeyId, SealError, SealedStore, Secret};
use crate::id::TenantId;
use crate::journal::{Entry, Payload};
use crate::store::{Row, RowKey, StoreError, Table};
use crate::text::Text;

/// What is to be opened.
struct Sealed<'a> {
    bytes: Option<Message<'a>>,
    about: About,
    scope: Scope,
}

impl SealedStore {
    /// Opens messages, in their order; `None`: the key of one is gone.
    async fn unseal(
        &self,
        tenant: &TenantId,
        opened: &Opened,
        sealed: &[Sealed<'_>],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let messages: Vec<Message<'_>> = sealed.iter().filter_map(|one| one.bytes).collect();
        // Those that are known to have keys of their own: the key store is not asked for ones that are gone.
        let known = messages.iter().map(Message::kept_key);
        let mut kept: BTreeMap<KeyId, Secret> = known.filter_map(|key| Some((key, opened.secret(key)?))).collect();
        let others = messages.iter().filter(|message| !kept.contains_key(&message.kept_key())).copied();
        let mut others: Vec<Message<'_>> = others.collect();
        let of_scopes = self.look_up(tenant, opened, others.iter().map(|message| message.key).collect()).await?;
        others.retain(|message| !of_scopes.contains_key(&message.key));
        let looked_up = self.look_up(tenant, opened, others.iter().map(Message::kept_key).collect()).await?;
        kept.extend(looked_up);
        let open = |one: &Sealed<'_>| {
            let altered = || SealError::Altered { scope: one.scope.shown() };
            let message = one.bytes.ok_or_else(altered)?;
            let of_scope = of_scopes.get(&message.key).map(|of_scope| message.own_secret(of_scope));
            let own = of_scope.or_else(|| kept.get(&message.kept_key()).cloned());
            let Some(own) = own else { return Ok(None) };
            Ok(Some(message.open(&own, &one.about).ok_or_else(altered)?))
        };
        sealed.iter().map(open).collect()
    }

    /// The secrets of those of these keys that there are. All are remembered.
    async fn look_up(
        &self,
        tenant: &TenantId,
        opened: &Opened,
        keys: BTreeSet<KeyId>,
    ) -> Result<BTreeMap<KeyId, Secret>, StoreError> {
        let (mut found, mut missing) = (BTreeMap::new(), Vec::new());
        for key in keys {
            match opened.secret(key) {
                Some(secret) => drop(found.insert(key, secret)),
                None => missing.push(key),
            }
        }
        if !missing.is_empty() {
            let secrets = self.keys.secrets(tenant, &missing).await.map_err(SealError::from)?;
            let looked_up = missing.into_iter().zip(secrets).filter_map(|(key, secret)| Some((key, secret?)));
            let looked_up: Vec<(KeyId, Secret)> = looked_up.collect();
            opened.note_secrets(looked_up.iter().cloned());
            found.extend(looked_up);
        }
        Ok(found)
    }

    /// Opens rows of tables, each under the name that it was put by.
    pub(super) async fn open_rows(
        &self,
        tenant: &TenantId,
        opened: &Opened,
        rows: Vec<(Table, Row)>,
    ) -> Result<Vec<Row>, StoreError> {
        let (sealed, scopes) = sealed_rows(tenant, &rows);
        let plain = self.unseal(tenant, opened, &sealed).await?;
        drop(sealed);
        let named = rows.into_iter().zip(plain).zip(scopes).map(|(((_, row), plain), scope)| {
            let plain = plain.ok_or_else(|| SealError::KeyGone { scope: scope.shown() })?;
            let (key, value) = named(row.key, plain).ok_or_else(|| SealError::Altered { scope: scope.shown() })?;
            Ok(Row { key, revision: row.revision, value })
        });
        named.collect()
    }

    /// Which of these rows nobody can read any more, for their keys are gone.
    pub(super) async fn unreadable(
        &self,
        tenant: &TenantId,
        opened: &Opened,
        rows: Vec<(Table, Row)>,
    ) -> Result<Vec<(Table, Row)>, StoreError> {
        let plain = self.unseal(tenant, opened, &sealed_rows(tenant, &rows).0).await?;
        Ok(rows.into_iter().zip(plain).filter_map(|(row, plain)| plain.is_none().then_some(row)).collect())
    }

    /// Opens the payloads of entries. One whose key is gone is given out as erased: an erasure takes the keys of payloads that it
    /// destroyed, and the entry's commitment holds the chain without it.
    pub(super) async fn open_entries(
        &self,
        tenant: &TenantId,
        opened: &Opened,
        page: Vec<(Entry, Option<Payload>)>,
    ) -> Result<Vec<(Entry, Option<Payload>)>, StoreError> {
        let sealed = page.iter().filter_map(|(entry, payload)| {
            let (about, scope) = (About::entry(tenant, entry), Scope::of_entry(&entry.subject));
            Some(Sealed { bytes: message::payload(&payload.as_ref()?.bytes), about, scope })
        });
        let sealed: Vec<Sealed<'_>> = sealed.collect();
        let mut plain = self.unseal(tenant, opened, &sealed).await?.into_iter();
        drop(sealed);
        let open = |(entry, payload): (Entry, Option<Payload>)| {
            let payload = match payload.and_then(|_| plain.next()).flatten() {
                None => None,
                Some(plain) => {
                    let altered = || SealError::Altered { scope: entry.subject.clone() };
                    let (salt, bytes) = plain.split_first_chunk::<16>().ok_or_else(altered)?;
                    Some(Payload { bytes: bytes.to_vec(), salt: *salt })
                }
            };
            Ok((entry, payload))
        };
        page.into_iter().map(open).collect()
    }
}

/// What rows are sealed to, and under what.
fn sealed_rows<'r>(tenant: &TenantId, rows: &'r [(Table, Row)]) -> (Vec<Sealed<'r>>, Vec<Scope>) {
    let sealed = rows.iter().map(|(table, row)| {
        let stored = RowKey::new(*table, row.key.clone());
        let (about, scope) = (About::row(tenant, &stored), Scope::of_row(&stored));
        (Sealed { bytes: message::row(&row.value), about, scope: scope.clone() }, scope)
    });
    sealed.unzip()
}

/// The key and value of a row, as they were put. `None`: no row was sealed so.
fn named(stored: Text, mut plain: Vec<u8>) -> Option<(Text, Vec<u8>)> {
    if plain.pop()? == 0 {
        return Some((stored, plain));
    }
    let (rest, length) = plain.split_last_chunk::<8>()?;
    let value = rest.len().checked_sub(usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
    let key = Text::new(std::str::from_utf8(&rest[value..]).ok()?);
    plain.truncate(value);
    Some((key, plain))
}
