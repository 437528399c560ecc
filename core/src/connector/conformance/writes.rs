//! Writes: what was expected, what was named, what was answered, and how often it happened.

use futures::future::join;

use super::bench::Values;
use super::cut::cut;
use super::heard::Heard;
use super::intents::{archive, create, key_of, update};
use super::passport::Promise;
use super::tester::Tester;
use super::told::{Told, broken, skipped};
use super::words;
use crate::connector::{CreateSafety, Outcome, Write, WriteAction, WriteReceipt};
use crate::id::ObjectType;
use crate::surface::Channel;
use crate::text::Text;

/// How many waits of one write are tried to be the last.
const CUTS: usize = 8;

/// What is measured of an object type, and what the contract or the connector says of it.
pub(super) fn promises(safety: CreateSafety) -> [(Promise, String); 4] {
    [
        (Promise::Expectation, "stale is not written".to_owned()),
        (Promise::UnnamedValues, "stay".to_owned()),
        (Promise::Receipts, "one per write, in order".to_owned()),
        (Promise::CreateSafety, words::create_safety(safety)),
    ]
}

/// Measures an object type.
pub(super) async fn measure(tester: &mut Tester<'_>, object: &ObjectType) {
    let safety = tester.bench.connector().create_safety();
    if let Err(cannot) = tester.bench.written(object) {
        return tester.note_all(object.as_str(), promises(safety), &cannot.into());
    }
    for (promise, declared) in promises(safety) {
        let told = match promise {
            Promise::Expectation => Box::pin(expectation(tester, object)).await,
            Promise::UnnamedValues => Box::pin(unnamed(tester, object)).await,
            Promise::Receipts => Box::pin(receipts(tester, object)).await,
            _ => Box::pin(created_once(tester, object, safety)).await,
        };
        tester.note(object.as_str(), promise, declared, told);
    }
}

/// The record, as a read finds it now.
async fn held(tester: &Tester<'_>, object: &ObjectType, id: &Text) -> Told<Heard> {
    match tester.look(object, id, false).await? {
        Some(heard) => Ok(heard),
        None => broken("a record that was written is not found"),
    }
}

fn last_of(values: &Values) -> Values {
    values.last().cloned().into_iter().collect()
}

async fn expectation(tester: &mut Tester<'_>, object: &ObjectType) -> Told {
    let (id, made) = tester.make(object).await?;
    tester.step().await;
    let before = held(tester, object, &id).await?;
    let edited = tester.fresh_last(object)?;
    tester.bench.edit(object, &id, &edited).await?;
    tester.step().await;
    let wish = tester.fresh_last(object)?;
    let stale = update(object, &id, &wish, &last_of(&made), before.token);
    // No values are expected of an archive: where there are versions, they alone say that nobody came in between.
    let archive = |at| archive(object, &id, at);
    for write in [Some(stale), before.token.map(|_| archive(before.token))].into_iter().flatten() {
        let receipt = tester.write_one(write).await?;
        if receipt.outcome != Outcome::Stale {
            return broken(format!("a write of a record that was changed meanwhile ended as {:?}", receipt.outcome));
        }
    }
    let after = held(tester, object, &id).await?;
    if after.last() != edited.last().map(|(_, text)| text.as_str()) {
        return broken("a write that was stale has written");
    }
    let fresh = update(object, &id, &wish, &edited, after.token);
    let receipt = tester.write_one(fresh).await?;
    if !matches!(receipt.outcome, Outcome::Applied { .. }) {
        return broken(format!("a write of a record that is as expected ended as {:?}", receipt.outcome));
    }
    if held(tester, object, &id).await?.last() != wish.last().map(|(_, text)| text.as_str()) {
        return broken("a write that was applied is not there");
    }
    if before.token.is_none() {
        return Ok("a changed record is not written; one that is as expected is".into());
    }
    let now = held(tester, object, &id).await?.token;
    let receipt = tester.write_one(archive(now)).await?;
    // Some records are kept for ever, and the system says so.
    if !matches!(receipt.outcome, Outcome::Applied { .. } | Outcome::Refused { .. }) {
        return broken(format!("an archive of a record that is as expected ended as {:?}", receipt.outcome));
    }
    Ok("a changed record is neither written nor archived; one that is as expected is written".into())
}

async fn unnamed(tester: &mut Tester<'_>, object: &ObjectType) -> Told {
    let (id, made) = tester.make(object).await?;
    if made.len() < 2 {
        return skipped("the bench has one value alone");
    }
    tester.step().await;
    let before = held(tester, object, &id).await?;
    let wish = tester.fresh_last(object)?;
    let write = update(object, &id, &wish, &last_of(&made), before.token);
    is_so(tester, &write, &wish, &tester.write_one(write.clone()).await?).await?;
    let after = held(tester, object, &id).await?;
    let others = |heard: &Heard| heard.values.split_last().map(|(_, others)| others.to_vec());
    if others(&after) == others(&before) {
        Ok(format!("{} values that were not named stayed", made.len() - 1))
    } else {
        broken("a value that was not named has changed")
    }
}

/// Whether what a receipt says of a write that was applied is so.
async fn is_so(tester: &Tester<'_>, write: &Write, wanted: &Values, receipt: &WriteReceipt) -> Told<Text> {
    let id = match &receipt.outcome {
        Outcome::Applied { id } => id.clone(),
        other => return broken(format!("a write that nothing speaks against ended as {other:?}")),
    };
    if let WriteAction::Update { id: asked } = &write.action
        && *asked != id
    {
        return broken("a receipt names another record than its write");
    }
    let found = held(tester, &write.object, &id).await?;
    let values = |heard: &Heard| {
        let shown: Vec<&str> = heard.values.iter().rev().take(wanted.len()).filter_map(Option::as_deref).collect();
        shown.iter().rev().copied().eq(wanted.iter().map(|(_, text)| text.as_str()))
    };
    if !values(&found) {
        return broken("what a receipt says was applied is not there");
    }
    if receipt.token.is_some_and(|token| found.token.is_some_and(|found| found != token)) {
        return broken("a receipt has another token than the record");
    }
    if let Some(item) = &receipt.record {
        let shown = tester.answer_of(&write.object, item)?;
        if shown.id != id || !values(&shown) {
            return broken("the record of a receipt is not the one that was written");
        }
    }
    Ok(id)
}

async fn receipts(tester: &mut Tester<'_>, object: &ObjectType) -> Told {
    let (id, made) = tester.make(object).await?;
    let gone = tester.make(object).await?.0;
    tester.step().await;
    let token = held(tester, object, &id).await?.token;
    let deleted = tester.bench.delete(object, &gone).await.is_ok();
    tester.step().await;
    let wish = tester.fresh_last(object)?;
    let mut writes = vec![(update(object, &id, &wish, &last_of(&made), token), wish.clone())];
    if deleted {
        writes.push((update(object, &gone, &wish, &Vec::new(), None), wish));
    }
    for _ in 0..super::tester::CROWD {
        let values = tester.fresh(object)?;
        writes.push((create(object, &values), values));
    }
    let sent = writes.iter().map(|(write, _)| write.clone()).collect();
    let receipts = tester.write(sent).await?;
    for ((write, wanted), receipt) in writes.iter().zip(&receipts) {
        if deleted && matches!(&write.action, WriteAction::Update { id } if *id == gone) {
            if matches!(receipt.outcome, Outcome::Applied { .. }) {
                return broken("a write of a record that is gone is said to be applied");
            }
            continue;
        }
        is_so(tester, write, wanted, receipt).await?;
    }
    let lost = Box::pin(lost_answers(tester, object)).await;
    match lost {
        Ok(()) => Ok(format!("{} receipts are so; a lost answer is said to be unknown", receipts.len())),
        Err(super::told::End::Skipped(_)) => Ok(format!("{} receipts are so", receipts.len())),
        Err(end) => Err(end),
    }
}

/// A write whose answer is lost has happened: nothing may be said of it that lets it be sent again unseen.
async fn lost_answers(tester: &mut Tester<'_>, object: &ObjectType) -> Told<()> {
    let values = tester.fresh(object)?;
    let write = create(object, &values);
    tester.bench.lose_answers(true).await?;
    let told = tester.bench.connector().write_batch(vec![write.clone()]).await;
    tester.bench.lose_answers(false).await?;
    match told.map(|mut told| told.pop()) {
        Ok(Some(receipt)) => match &receipt.outcome {
            Outcome::Unknown => Ok(()),
            Outcome::Applied { .. } => is_so(tester, &write, &values, &receipt).await.map(drop),
            other => broken(format!("a write whose answer was lost ended as {other:?}")),
        },
        Ok(None) => broken("no receipt for a write"),
        Err(_) => broken("a write whose answer was lost is said not to have been sent"),
    }
}

async fn created_once(tester: &mut Tester<'_>, object: &ObjectType, safety: CreateSafety) -> Told {
    let drain = match safety {
        CreateSafety::RemoteKey => None,
        CreateSafety::DrainThenConsistentLookup { drain_seconds } => Some(drain_seconds),
        CreateSafety::DetectAndMerge => return skipped("nothing is promised"),
    };
    let values = tester.fresh(object)?;
    let write = create(object, &values);
    let id = is_so(tester, &write, &values, &tester.write_one(write.clone()).await?).await?;
    if let Some(drain) = drain {
        tester.bench.pass(chrono::TimeDelta::seconds(i64::from(drain))).await?;
    }
    match tester.look(object, &key_of(&write), true).await? {
        Some(found) if found.id == id => {}
        Some(_) => return broken("the key of a create leads to another record"),
        None => return broken("the key of a create leads nowhere"),
    }
    let other = create(object, &tester.fresh(object)?);
    if tester.look(object, &key_of(&other), true).await?.is_some() {
        return broken("a key that nothing was created under leads to a record");
    }
    if drain.is_some() {
        return Ok("after the drain, the key of a create leads to its record".into());
    }
    // Again, by the same intent.
    let again = tester.write_one(write.clone()).await?;
    if again.outcome != (Outcome::Applied { id: id.clone() }) {
        return broken(format!("a create under a key that was used ended as {:?}", again.outcome));
    }
    let mut made = vec![(id, values)];
    made.push(Box::pin(at_once(tester, object)).await?);
    made.extend(Box::pin(dropped(tester, object)).await?);
    Box::pin(none_twice(tester, object, &made)).await
}

/// Two creates under one key that are sent at once.
async fn at_once(tester: &mut Tester<'_>, object: &ObjectType) -> Told<(Text, Values)> {
    let values = tester.fresh(object)?;
    let write = create(object, &values);
    let (one, other) = join(tester.write_one(write.clone()), tester.write_one(write.clone())).await;
    for receipt in [one?, other?] {
        if !matches!(receipt.outcome, Outcome::Applied { .. } | Outcome::Unknown) {
            return broken(format!("of two creates under one key at once, one ended as {:?}", receipt.outcome));
        }
    }
    let settled = tester.write_one(write.clone()).await?;
    Ok((is_so(tester, &write, &values, &settled).await?, values))
}

/// Creates that are dropped wherever they wait, and then sent again.
async fn dropped(tester: &mut Tester<'_>, object: &ObjectType) -> Told<Vec<(Text, Values)>> {
    let mut made = Vec::new();
    for waits in 0..CUTS {
        let values = tester.fresh(object)?;
        let write = create(object, &values);
        let done = cut(tester.bench.connector().write_batch(vec![write.clone()]), waits).await.is_some();
        let settled = tester.write_one(write.clone()).await?;
        made.push((is_so(tester, &write, &values, &settled).await?, values));
        if done {
            break;
        }
    }
    Ok(made)
}

/// Looks through a scan, if there is one, for a second record of any of these.
async fn none_twice(tester: &mut Tester<'_>, object: &ObjectType, made: &[(Text, Values)]) -> Told {
    let surfaces = tester.surfaces_of(object);
    let Some(scan) = surfaces.iter().find(|surface| surface.channel == Channel::Scan) else {
        return Ok(format!("{} creates that were repeated led to their records", made.len()));
    };
    tester.step().await;
    let heard = tester.hear(scan, &[]).await?;
    for (id, values) in made {
        let first = values.first().map(|(_, text)| text.as_str());
        let like = heard.iter().filter(|heard| {
            heard.is_live(&heard.id) && heard.values.first().is_some_and(|value| value.as_deref() == first)
        });
        if like.filter(|heard| heard.id != *id).count() > 0 {
            return broken("a create that was repeated has made two records");
        }
    }
    Ok(format!("{} creates that were repeated, at once or dropped made one record each", made.len()))
}
