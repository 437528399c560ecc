//! Pages: nothing is lost between them, a cursor leads on as often as it is followed, and a dropped call leaves nothing.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::bench::Values;
use super::calls::{Steps, Walked};
use super::cut::cut;
use super::heard::{Heard, Kind};
use super::passport::Promise;
use super::tester::Tester;
use super::told::{Told, broken, skipped};
use super::words;
use crate::connector::{Connector, Cursor};
use crate::id::ObjectType;
use crate::surface::{Channel, Guarantee, Surface};
use crate::text::Text;

/// How many waits of one call are tried to be the last.
const CUTS: usize = 8;

/// What is measured of a surface, and what it declares.
pub(super) fn promises(Surface { channel, semantics, .. }: &Surface) -> Vec<(Promise, String)> {
    let delivery = (Promise::Delivery, words::delivery(semantics.delivery));
    let lag = (Promise::Lag, words::time(semantics.lag));
    let paged = [(Promise::Cursors, "go on".to_owned()), (Promise::CancelSafety, "dropped".to_owned())];
    match channel {
        Channel::Read => Vec::new(),
        Channel::Webhook => vec![delivery],
        Channel::Scan => [delivery].into_iter().chain(paged).collect(),
        Channel::Poll | Channel::Stream => [delivery, lag].into_iter().chain(paged).collect(),
    }
}

/// Measures the surfaces of an object type.
pub(super) async fn measure(tester: &mut Tester<'_>, object: &ObjectType) {
    for surface in tester.surfaces_of(object) {
        for (promise, declared) in promises(&surface) {
            let told = match (promise, surface.channel) {
                (Promise::Delivery, Channel::Webhook) => Box::pin(pushed(tester, &surface)).await,
                (Promise::Delivery, Channel::Scan) => Box::pin(scanned(tester, &surface)).await,
                (Promise::Delivery, _) => Box::pin(polled(tester, &surface)).await,
                (Promise::Lag, _) => Box::pin(late(tester, &surface)).await,
                (Promise::Cursors, _) => Box::pin(cursors(tester, &surface)).await,
                _ => Box::pin(cancelled(tester, &surface)).await,
            };
            tester.note(surface.name.as_str(), promise, declared, told);
        }
    }
}

/// Makes a crowd, and where a surface tells of deletions alone, deletes it.
async fn crowd_of(tester: &mut Tester<'_>, surface: &Surface) -> Told<Vec<(Text, Values)>> {
    let crowd = tester.make_crowd(&surface.object).await?;
    if tester.of_deletions.contains(&surface.name) {
        tester.step().await;
        for (id, _) in &crowd {
            tester.bench.delete(&surface.object, id).await?;
        }
    }
    Ok(crowd)
}

/// The first of these that nothing was heard of.
fn unheard<'c>(crowd: &'c [(Text, Values)], heard: &[Heard]) -> Option<&'c Text> {
    let known: BTreeSet<&str> = heard.iter().map(|heard| heard.id.as_str()).collect();
    crowd.iter().map(|(id, _)| id).find(|id| !known.contains(id.as_str()))
}

/// What was not told of a crowd, or not to its last state.
fn untold(crowd: &[(Text, Values)], heard: &[Heard], of_deletions: bool) -> Option<&'static str> {
    crowd.iter().find_map(|(id, values)| {
        let mut of = heard.iter().rev().filter(|heard| heard.id == *id).peekable();
        if of.peek().is_none() {
            return Some("a record that was made is not told of");
        }
        if of_deletions {
            return (!of.any(|heard| heard.kind == Kind::Deleted)).then_some("a deletion is not told of");
        }
        let last = values.last().map(|(_, text)| text.as_str());
        let told = of.find_map(|heard| heard.last());
        (told.is_some() && told != last).then_some("the last change of a record is not told of")
    })
}

async fn pushed(tester: &mut Tester<'_>, surface: &Surface) -> Told {
    if surface.semantics.delivery == Guarantee::AtMostOnce {
        return skipped("nothing is promised");
    }
    let crowd = crowd_of(tester, surface).await?;
    let heard = tester.hear_until(surface, &[], |heard| unheard(&crowd, heard).is_none()).await?;
    match unheard(&crowd, &heard) {
        None => Ok(format!("{} records are told of", crowd.len())),
        Some(_) => broken("a record that was made is not told of"),
    }
}

/// Reads one page after the other, and lets people work behind the first that carries something.
async fn disturbed(
    tester: &mut Tester<'_>,
    surface: &Surface,
    mut after: Option<Cursor>,
    crowd: &mut Vec<(Text, Values)>,
) -> Told<Walked> {
    let connector = tester.bench.connector();
    let (mut steps, mut heard) = (Steps::default(), Vec::new());
    let mut quiet = true;
    loop {
        let page = tester.page(connector, surface, after.clone()).await?;
        tester.decode_all(surface, &page.items, &mut heard)?;
        let more = steps.goes_on(after.as_ref(), &page)?;
        after = page.next.or(after);
        if !more {
            return Ok(Walked { heard, end: after, pages: steps.pages });
        }
        if quiet && !page.items.is_empty() && !tester.of_deletions.contains(&surface.name) {
            quiet = false;
            tester.step().await;
            // One that was perhaps read already, one that was perhaps not, and one more.
            for place in [0, crowd.len() - 1] {
                let values = tester.fresh_last(&surface.object)?;
                if let Some((id, known)) = crowd.get_mut(place) {
                    match tester.bench.edit(&surface.object, id, &values).await {
                        Ok(()) => drop(known.splice(known.len() - 1.., values)),
                        Err(_) => break,
                    }
                }
            }
            crowd.push(tester.make(&surface.object).await?);
        }
    }
}

async fn polled(tester: &mut Tester<'_>, surface: &Surface) -> Told {
    drop(tester.hear(surface, &[]).await?);
    tester.step().await;
    let mut crowd = crowd_of(tester, surface).await?;
    tester.step().await;
    let after = tester.position(surface);
    let walked = Box::pin(disturbed(tester, surface, after, &mut crowd)).await?;
    tester.moved(surface, walked.end);
    let mut heard = walked.heard;
    let of_deletions = tester.of_deletions.contains(&surface.name);
    let told = |heard: &[Heard]| untold(&crowd, heard, of_deletions).is_none();
    if !told(&heard) {
        heard.extend(tester.hear(surface, &[]).await?);
    }
    if !told(&heard) && tester.bench.pass(surface.semantics.lag + TimeDelta::seconds(1)).await.is_ok() {
        heard.extend(tester.hear(surface, &[]).await?);
    }
    match untold(&crowd, &heard, of_deletions) {
        None => Ok(format!("{} records in {}, some changed meanwhile", crowd.len(), pages(walked.pages))),
        Some(what) => broken(what),
    }
}

async fn scanned(tester: &mut Tester<'_>, surface: &Surface) -> Told {
    let mut crowd = tester.make_crowd(&surface.object).await?;
    tester.step().await;
    let count = crowd.len();
    let walked = Box::pin(disturbed(tester, surface, None, &mut crowd)).await?;
    let live: Vec<Heard> = walked.heard.into_iter().filter(|heard| heard.kind == Kind::Live).collect();
    match unheard(crowd.get(..count).unwrap_or_default(), &live) {
        None => Ok(format!("{count} records in {}, some changed meanwhile", pages(walked.pages))),
        Some(_) => broken("a record that lived all the while was not met"),
    }
}

fn pages(count: usize) -> String {
    if count == 1 { "one page".into() } else { format!("{count} pages") }
}

async fn late(tester: &mut Tester<'_>, surface: &Surface) -> Told {
    let lag = surface.semantics.lag;
    if lag <= TimeDelta::zero() {
        return skipped("nothing shows late");
    }
    drop(tester.hear(surface, &[]).await?);
    tester.step().await;
    tester.bench.show_late(lag).await?;
    let shown = Box::pin(show_late(tester, surface, lag)).await;
    tester.bench.show_late(TimeDelta::zero()).await?;
    shown
}

async fn show_late(tester: &mut Tester<'_>, surface: &Surface, lag: TimeDelta) -> Told {
    let (id, _) = tester.make(&surface.object).await?;
    if tester.of_deletions.contains(&surface.name) {
        tester.step().await;
        tester.bench.delete(&surface.object, &id).await?;
    }
    let mut heard = Vec::new();
    // The cursor moves on while nothing shows.
    for wait in [TimeDelta::seconds(1), lag / 2, lag / 2 - TimeDelta::seconds(2)] {
        tester.bench.pass(wait.max(TimeDelta::milliseconds(1))).await?;
        heard.extend(tester.hear(surface, &[]).await?);
    }
    let early = heard.iter().any(|heard| heard.id == id);
    tester.bench.pass(TimeDelta::seconds(3)).await?;
    heard.extend(tester.hear(surface, &[]).await?);
    match heard.iter().any(|heard| heard.id == id) {
        true if early => Ok("what showed late was heard".into()),
        true => Ok("what showed at the last moment was heard".into()),
        false => broken("what showed within the lag was never heard"),
    }
}

/// A cursor in the middle of a walk: behind the first page that carries something, or else behind the first.
async fn middle(tester: &Tester<'_>, connector: &dyn Connector, surface: &Surface) -> Told<Option<Cursor>> {
    let (mut steps, mut after, mut first) = (Steps::default(), None, None);
    loop {
        let page = tester.page(connector, surface, after.clone()).await?;
        if !steps.goes_on(after.as_ref(), &page)? {
            return Ok(first);
        }
        after = page.next;
        first = first.or_else(|| after.clone());
        if !page.items.is_empty() {
            return Ok(after);
        }
    }
}

/// What a walk met: ids, states and tokens.
fn met(walked: &Walked) -> BTreeMap<(String, bool), Option<i64>> {
    walked.heard.iter().map(|heard| ((heard.id.to_string(), heard.kind == Kind::Live), heard.token)).collect()
}

async fn cursors(tester: &mut Tester<'_>, surface: &Surface) -> Told {
    let connector = tester.bench.connector();
    let Some(cursor) = middle(tester, connector, surface).await? else {
        return skipped("everything fits one page: let the bench's pages be smaller");
    };
    let once = met(&tester.walk(connector, surface, Some(cursor.clone())).await?);
    if once != met(&tester.walk(connector, surface, Some(cursor.clone())).await?) {
        return broken("a cursor that is followed twice leads to other records");
    }
    let Ok(restarted) = tester.bench.restarted() else { return Ok("followed twice, it leads to the same".into()) };
    // What was asked before a restart counts against the system's limits, and nobody remembers it.
    drop(tester.bench.pass(TimeDelta::minutes(1)).await);
    let again = met(&tester.walk(&*restarted, surface, Some(cursor)).await?);
    drop(tester.bench.pass(TimeDelta::minutes(1)).await);
    if once != again {
        return broken("after a restart a cursor leads to other records");
    }
    Ok("followed twice, and after a restart, it leads to the same".into())
}

async fn cancelled(tester: &mut Tester<'_>, surface: &Surface) -> Told {
    let connector = tester.bench.connector();
    let reference = met(&tester.walk(connector, surface, None).await?);
    let behind = middle(tester, connector, surface).await?;
    let mut dropped = 0;
    for after in [None, behind] {
        for waits in 0..CUTS {
            if cut(connector.read_page(&surface.name, after.clone()), waits).await.is_some() {
                break;
            }
            dropped += 1;
            if reference != met(&tester.walk(connector, surface, None).await?) {
                return broken("after a read was dropped, other records are met");
            }
        }
    }
    if dropped == 0 { skipped("its reads never wait") } else { Ok(format!("{dropped} dropped reads changed nothing")) }
}
