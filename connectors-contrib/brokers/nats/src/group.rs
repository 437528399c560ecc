//! A group, as the bucket has it: who lives, and who has which partition, up to where.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use accordant::bytes::Bytes;
use accordant::queue::{QueueError, Topic, assignment};
use accordant::text::Text;
use async_nats::jetstream::kv::{self, CreateErrorKind, UpdateErrorKind};
use futures::{StreamExt as _, TryStreamExt as _};

/// A partition's entry: who has it, and up to where it was acknowledged.
type Held = (Option<String>, u64);

/// A partition that this member has.
#[derive(Debug, Clone, Copy)]
struct Mine {
    revision: u64,
    acknowledged: u64,
}

/// One member of a group.
pub(crate) struct Group {
    bucket: kv::Store,
    prefix: String,
    me: Text,
    partitions: u32,
    lease: Duration,
    mine: BTreeMap<u32, Mine>,
    /// When it last said that it lives.
    said: Option<Instant>,
}

/// Milliseconds since the epoch.
#[expect(
    clippy::disallowed_methods,
    reason = "which members live is agreed on by their clocks; nothing that replays depends on it"
)]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl Group {
    pub(crate) fn new(bucket: kv::Store, topic: Topic, group: &str, partitions: u32, lease: Duration) -> Self {
        // A key holds few kinds of characters.
        let group: String = group.bytes().map(|byte| format!("{byte:02x}")).collect();
        let prefix = format!("{}.{group}", topic.name());
        Self {
            bucket,
            prefix,
            me: nuid::next().to_string().into(),
            partitions,
            lease,
            mine: BTreeMap::new(),
            said: None,
        }
    }

    pub(crate) const fn partitions(&self) -> u32 {
        self.partitions
    }

    /// Its partitions, each with the place up to which it was acknowledged.
    pub(crate) fn mine(&self) -> BTreeMap<u32, u64> {
        self.mine.iter().map(|(partition, mine)| (*partition, mine.acknowledged)).collect()
    }

    fn member_key(&self, member: &str) -> String {
        format!("{}.member.{member}", self.prefix)
    }

    fn partition_key(&self, partition: u32) -> String {
        format!("{}.partition.{partition}", self.prefix)
    }

    /// Says that it lives, and takes or gives up what it is due. Asked often, it does so a few times in a lease.
    pub(crate) async fn keep(&mut self) -> Result<(), QueueError> {
        if self.said.is_some_and(|said| said.elapsed() < self.lease / 6) {
            return Ok(());
        }
        if self.said.is_some_and(|said| said.elapsed() >= self.lease) {
            // The others hold it to be dead. What it had is looked up anew.
            self.mine.clear();
        }
        let doing = "share partitions";
        // By when it began: what it says of itself must not be later than what it does.
        #[expect(clippy::disallowed_methods, reason = "how long ago it said that it lives")]
        let began = Instant::now();
        let until = now().saturating_add(u64::try_from(self.lease.as_millis()).unwrap_or(u64::MAX));
        let put = self.bucket.put(self.member_key(&self.me), Bytes::from(until.to_string())).await;
        put.map_err(QueueError::broker(doing))?;
        let (living, held) = self.look().await?;
        let holders: BTreeMap<u32, Text> = held
            .iter()
            .filter_map(|(partition, (_, (member, _)))| Some((*partition, Text::from(member.as_deref()?))))
            .filter(|(_, member)| living.contains(member))
            .collect();
        // What the bucket no longer says of it, it no longer has.
        self.mine.retain(|partition, _| holders.get(partition) == Some(&self.me));
        for (partition, (revision, (_, acknowledged))) in &held {
            if holders.get(partition) == Some(&self.me) {
                self.mine.insert(*partition, Mine { revision: *revision, acknowledged: *acknowledged });
            }
        }
        let assignment::Balance { take, release } = assignment::balance(self.partitions, &holders, &living, &self.me);
        for partition in take {
            let acknowledged = held.get(&partition).map_or(0, |(_, (_, acknowledged))| *acknowledged);
            let before = held.get(&partition).map(|(revision, _)| *revision);
            if let Some(revision) = self.set(partition, before, Some(&self.me), acknowledged).await? {
                self.mine.insert(partition, Mine { revision, acknowledged });
            }
        }
        for partition in release {
            if let Some(Mine { revision, acknowledged }) = self.mine.remove(&partition) {
                self.set(partition, Some(revision), None, acknowledged).await?;
            }
        }
        self.said = Some(began);
        Ok(())
    }

    /// Who lives, and the partitions' entries with their revisions.
    async fn look(&self) -> Result<(BTreeSet<Text>, BTreeMap<u32, (u64, Held)>), QueueError> {
        let doing = "share partitions";
        let keys = self.bucket.keys().await.map_err(QueueError::broker(doing))?;
        let keys: Vec<String> = keys.try_collect().await.map_err(QueueError::broker(doing))?;
        let ours = keys.into_iter().filter(|key| key.starts_with(&format!("{}.", self.prefix)));
        let entries = futures::stream::iter(ours.map(|key| async move {
            let entry = self.bucket.entry(&key).await.map_err(QueueError::broker(doing))?;
            Ok::<_, QueueError>((key, entry))
        }));
        let entries: Vec<(String, Option<kv::Entry>)> = entries.buffer_unordered(16).try_collect().await?;
        let (mut living, mut held) = (BTreeSet::new(), BTreeMap::new());
        for (key, entry) in entries {
            let Some(entry) = entry.filter(|entry| entry.operation == kv::Operation::Put) else { continue };
            let Some((kind, name)) = key[self.prefix.len() + 1..].split_once('.') else { continue };
            match (kind, name.parse::<u32>()) {
                ("member", _) => {
                    let until = std::str::from_utf8(&entry.value).ok().and_then(|until| until.parse::<u64>().ok());
                    if until.is_some_and(|until| until > now()) {
                        living.insert(Text::from(name));
                    } else {
                        // It is dead: its entry is nobody's any more.
                        drop(self.bucket.delete_expect_revision(&key, Some(entry.revision)).await);
                    }
                }
                (_, Ok(partition)) => {
                    let value = serde_json::from_slice(&entry.value).unwrap_or_default();
                    held.insert(partition, (entry.revision, value));
                }
                _ => {}
            }
        }
        Ok((living, held))
    }

    /// Sets a partition's entry, if it is as it was; `None`: somebody else was faster.
    async fn set(
        &self,
        partition: u32,
        before: Option<u64>,
        member: Option<&Text>,
        acknowledged: u64,
    ) -> Result<Option<u64>, QueueError> {
        let doing = "share partitions";
        let value = serde_json::json!([member.map(Text::as_str), acknowledged]).to_string();
        let key = self.partition_key(partition);
        match before {
            Some(revision) => match self.bucket.update(key, value.into(), revision).await {
                Ok(revision) => Ok(Some(revision)),
                Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => Ok(None),
                Err(error) => Err(QueueError::broker(doing)(error)),
            },
            None => match self.bucket.create(key, value.into()).await {
                Ok(revision) => Ok(Some(revision)),
                Err(error) if error.kind() == CreateErrorKind::AlreadyExists => Ok(None),
                Err(error) => Err(QueueError::broker(doing)(error)),
            },
        }
    }

    /// Acknowledges a partition up to a place, if it still has it.
    pub(crate) async fn acknowledge(&mut self, partition: u32, place: u64) -> Result<(), QueueError> {
        let Some(mine) = self.mine.get(&partition).copied().filter(|mine| mine.acknowledged < place) else {
            return Ok(());
        };
        match self.set(partition, Some(mine.revision), Some(&self.me), place).await? {
            Some(revision) => drop(self.mine.insert(partition, Mine { revision, acknowledged: place })),
            None => {
                // Either somebody else has it, or an answer that was never heard changed it: which, the bucket tells.
                self.mine.remove(&partition);
                self.said = None;
            }
        }
        Ok(())
    }

    /// Gives up all that it has.
    pub(crate) async fn leave(mut self) -> Result<(), QueueError> {
        for (partition, Mine { revision, acknowledged }) in std::mem::take(&mut self.mine) {
            self.set(partition, Some(revision), None, acknowledged).await?;
        }
        let gone = self.bucket.delete(self.member_key(&self.me)).await;
        gone.map_err(QueueError::broker("leave a group"))
    }
}
