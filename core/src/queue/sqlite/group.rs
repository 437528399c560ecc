//! Groups: who has which partition of a topic, and how far each was acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::super::{Delivered, Message, assignment};
use super::schema;
use crate::id::TenantId;
use crate::text::Text;

/// How long a message is kept after everybody acknowledged it, in milliseconds.
const KEPT: i64 = 10 * 60 * 1000;

/// How long a message is kept that nobody joined to hear, in milliseconds.
const KEPT_UNHEARD: i64 = 7 * 24 * 60 * 60 * 1000;

/// How many messages one acknowledgement forgets at most.
const FORGETS: u32 = 1000;

/// A group of a topic.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) topic: &'static str,
    pub(super) name: Text,
}

/// A member of a group.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) group: Group,
    pub(super) id: Text,
    /// How long it keeps its partitions if it says nothing, in milliseconds.
    pub(super) lease: i64,
}

fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// Sees to it that the group has a position in every partition. Says how many there are.
pub(super) fn join(connection: &mut Connection, group: &Group) -> rusqlite::Result<u32> {
    let transaction = begin(connection)?;
    let partitions = schema::partitions(&transaction)?;
    for partition in 0..partitions {
        transaction.execute(
            "INSERT INTO position (topic, team, partition, acknowledged) VALUES (?1, ?2, ?3, 0) ON CONFLICT DO NOTHING",
            params![group.topic, group.name.as_str(), partition],
        )?;
    }
    transaction.commit()?;
    Ok(partitions)
}

/// Says that a member lives, and gives it its due. How many partitions there are, and which it has now, each with the place up to
/// which it was acknowledged.
pub(super) fn balance(
    connection: &mut Connection,
    member: &Member,
    now: i64,
) -> rusqlite::Result<(u32, BTreeMap<u32, u64>)> {
    let (topic, team, me) = (member.group.topic, member.group.name.as_str(), member.id.as_str());
    let transaction = begin(connection)?;
    transaction
        .execute("DELETE FROM member WHERE topic = ?1 AND team = ?2 AND until <= ?3", params![topic, team, now])?;
    transaction.execute(
        "INSERT INTO member (topic, team, member, until) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET until = excluded.until",
        params![topic, team, me, now.saturating_add(member.lease)],
    )?;
    let (living, positions) = standing(&transaction, topic, team)?;
    let held: BTreeMap<u32, Text> = positions
        .iter()
        .filter_map(|(partition, member, _)| Some((*partition, Text::from(member.clone()?))))
        .filter(|(_, member)| living.contains(member))
        .collect();
    let partitions = schema::partitions(&transaction)?;
    let assignment::Balance { take, release } = assignment::balance(partitions, &held, &living, &member.id);
    let mut set = transaction
        .prepare_cached("UPDATE position SET member = ?4 WHERE topic = ?1 AND team = ?2 AND partition = ?3")?;
    for (partitions, holder) in [(&take, Some(me)), (&release, None)] {
        for partition in partitions {
            set.execute(params![topic, team, partition, holder])?;
        }
    }
    drop(set);
    let mine = |partition: &u32| {
        take.contains(partition) || (held.get(partition) == Some(&member.id) && !release.contains(partition))
    };
    let place = |acknowledged: i64| u64::try_from(acknowledged).unwrap_or(0);
    let mine =
        positions.iter().filter(|(partition, ..)| mine(partition)).map(|(partition, _, at)| (*partition, place(*at)));
    let mine = mine.collect();
    transaction.commit()?;
    Ok((partitions, mine))
}

/// A partition, who has it, and up to where it was acknowledged.
type Position = (u32, Option<String>, i64);

/// The members of a group, and its positions.
fn standing(
    transaction: &Transaction<'_>,
    topic: &str,
    team: &str,
) -> rusqlite::Result<(BTreeSet<Text>, Vec<Position>)> {
    let mut members = transaction.prepare_cached("SELECT member FROM member WHERE topic = ?1 AND team = ?2")?;
    let members = members.query_map(params![topic, team], |row| Ok(Text::from(row.get::<_, String>(0)?)))?;
    let members = members.collect::<rusqlite::Result<_>>()?;
    let mut positions = transaction
        .prepare_cached("SELECT partition, member, acknowledged FROM position WHERE topic = ?1 AND team = ?2")?;
    let positions = positions.query_map(params![topic, team], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok((members, positions.collect::<rusqlite::Result<_>>()?))
}

/// What lies behind these places, at most `limit`, from every partition in turn.
pub(super) fn read(
    connection: &mut Connection,
    topic: &'static str,
    behind: &BTreeMap<u32, u64>,
    limit: usize,
) -> rusqlite::Result<Vec<Delivered>> {
    let transaction = connection.transaction()?;
    let mut page = transaction.prepare_cached(
        "SELECT place, tenant, key, id, body FROM message WHERE topic = ?1 AND partition = ?2 AND place > ?3 ORDER BY place LIMIT ?4",
    )?;
    let mut delivered: Vec<Delivered> = Vec::new();
    // The shortest share first would starve nobody, and so does this: what is left over comes with the next call.
    let each = (limit / behind.len().max(1)).max(1);
    for (partition, place) in behind {
        let most = each.min(limit.saturating_sub(delivered.len()));
        let rows = page.query_map(params![topic, partition, *place as i64, most as i64], |row| {
            Ok(Delivered {
                partition: *partition,
                offset: u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0),
                message: Message {
                    tenant: TenantId::new(&row.get::<_, String>(1)?),
                    key: row.get::<_, String>(2)?.into(),
                    id: row.get::<_, String>(3)?.into(),
                    body: Bytes::from(row.get::<_, Vec<u8>>(4)?),
                },
            })
        })?;
        for row in rows {
            delivered.push(row?);
        }
    }
    Ok(delivered)
}

/// Moves the places of those partitions that the member still has, and forgets what everybody has acknowledged for long.
pub(super) fn acknowledge(
    connection: &mut Connection,
    member: &Member,
    last: &BTreeMap<u32, u64>,
    now: i64,
) -> rusqlite::Result<()> {
    let (topic, team, me) = (member.group.topic, member.group.name.as_str(), member.id.as_str());
    let transaction = begin(connection)?;
    for (partition, place) in last {
        // Whoever was held to be dead has it no longer, even if nobody has taken it yet.
        transaction.execute(
            "UPDATE position SET acknowledged = max(acknowledged, ?4)
             WHERE topic = ?1 AND team = ?2 AND partition = ?3 AND member = ?5
               AND EXISTS (SELECT 1 FROM member m WHERE m.topic = ?1 AND m.team = ?2 AND m.member = ?5 AND m.until > ?6)",
            params![topic, team, partition, *place as i64, me, now],
        )?;
    }
    for partition in last.keys() {
        transaction.execute(
            "DELETE FROM message WHERE rowid IN (
                SELECT rowid FROM message WHERE topic = ?1 AND partition = ?2 AND at < ?3 AND place <=
                    (SELECT min(acknowledged) FROM position WHERE topic = ?1 AND partition = ?2)
                ORDER BY place LIMIT ?4)",
            params![topic, partition, now.saturating_sub(KEPT), FORGETS],
        )?;
    }
    transaction.commit()
}

/// How many messages of a topic are there that not every group has acknowledged; all, if none joined.
pub(super) fn waiting(transaction: &Transaction<'_>, topic: &str) -> rusqlite::Result<u64> {
    let waiting: i64 = transaction.query_row(
        "SELECT coalesce(sum(last - max(
            coalesce((SELECT min(acknowledged) FROM position p WHERE p.topic = t.topic AND p.partition = t.partition), 0),
            coalesce((SELECT min(place) - 1 FROM message m WHERE m.topic = t.topic AND m.partition = t.partition), last)
         )), 0) FROM topic_partition t WHERE topic = ?1",
        params![topic],
        |row| row.get(0),
    )?;
    Ok(u64::try_from(waiting).unwrap_or(0))
}

/// Forgets what nobody joined to hear for long.
pub(super) fn forget_unheard(transaction: &Transaction<'_>, topic: &str, now: i64) -> rusqlite::Result<()> {
    transaction.execute(
        "DELETE FROM message WHERE rowid IN (
            SELECT rowid FROM message WHERE topic = ?1 AND at < ?2
                AND NOT EXISTS (SELECT 1 FROM position WHERE topic = ?1) LIMIT ?3)",
        params![topic, now.saturating_sub(KEPT_UNHEARD), FORGETS],
    )?;
    Ok(())
}

/// Gives up all that a member has.
pub(super) fn leave(connection: &mut Connection, member: &Member) -> rusqlite::Result<()> {
    let (topic, team, me) = (member.group.topic, member.group.name.as_str(), member.id.as_str());
    let transaction = begin(connection)?;
    transaction.execute(
        "UPDATE position SET member = NULL WHERE topic = ?1 AND team = ?2 AND member = ?3",
        params![topic, team, me],
    )?;
    transaction
        .execute("DELETE FROM member WHERE topic = ?1 AND team = ?2 AND member = ?3", params![topic, team, me])?;
    transaction.commit()
}
