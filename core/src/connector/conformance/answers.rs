//! Reads by id: an answer for each key, in its place; and what becomes of reads, pages and writes while the system is down.

use super::intents::create;
use super::passport::Promise;
use super::tester::Tester;
use super::told::{Told, broken, skipped};
use crate::connector::{Outcome, ReadAnswer};
use crate::id::ObjectType;
use crate::surface::Channel;
use crate::text::Text;

/// What is measured of an object type, and what the contract says of it.
pub(super) fn promises() -> [(Promise, String); 2] {
    [(Promise::Answers, "one per key, in order".to_owned()), (Promise::Errors, "errors".to_owned())]
}

/// Measures an object type.
pub(super) async fn measure(tester: &mut Tester<'_>, object: &ObjectType) {
    for (promise, declared) in promises() {
        let told = match promise {
            Promise::Answers => Box::pin(in_place(tester, object)).await,
            _ => Box::pin(errors(tester, object)).await,
        };
        tester.note(object.as_str(), promise, declared, told);
    }
}

async fn in_place(tester: &mut Tester<'_>, object: &ObjectType) -> Told {
    let crowd = tester.make_crowd(object).await?;
    let gone = tester.make(object).await?.0;
    tester.step().await;
    let deleted = tester.bench.delete(object, &gone).await.is_ok();
    // The one that is gone stands in the middle, and the others against the order in which they were made.
    let mut ids: Vec<Text> = crowd.iter().rev().map(|(id, _)| id.clone()).collect();
    if deleted {
        ids.insert(ids.len() / 2, gone.clone());
    }
    let answers = tester.read(object, &ids, false).await?;
    for (id, answer) in ids.iter().zip(answers) {
        match answer {
            ReadAnswer::Found(_) if deleted && *id == gone => return broken("a record that was deleted is found"),
            ReadAnswer::Found(item) if tester.answer_of(object, &item)?.id != *id => {
                return broken("an answer stands in the place of another key");
            }
            ReadAnswer::Gone if *id != gone => return broken("a record that lives is answered as gone"),
            ReadAnswer::Failed(error) => return broken(format!("a record cannot be read: {error}")),
            ReadAnswer::Found(_) | ReadAnswer::Gone => {}
        }
    }
    let gone = if deleted { "; what was deleted is gone" } else { "" };
    Ok(format!("{} answers in the places of their keys{gone}", ids.len()))
}

async fn errors(tester: &mut Tester<'_>, object: &ObjectType) -> Told {
    let (id, _) = tester.make(object).await?;
    tester.step().await;
    tester.bench.down(true).await?;
    let told = Box::pin(while_down(tester, object, &id)).await;
    tester.bench.down(false).await?;
    told
}

async fn while_down(tester: &mut Tester<'_>, object: &ObjectType, id: &Text) -> Told {
    let connector = tester.bench.connector();
    let mut asked = 0;
    for surface in tester.surfaces_of(object) {
        if matches!(surface.channel, Channel::Poll | Channel::Stream | Channel::Scan) {
            asked += 1;
            // An empty page would tell that nothing changed; an empty scan, that everything is gone.
            if connector.read_page(&surface.name, tester.position(&surface)).await.is_ok() {
                return broken(format!("while the system is down, {} has a page", surface.name));
            }
        }
    }
    let key = crate::connector::RecordKey { object: object.clone(), id: id.clone(), by_create_key: false };
    match connector.read_records(&[key]).await {
        Ok(answers) if !answers.iter().all(|answer| matches!(answer, ReadAnswer::Failed(_))) => {
            return broken("while the system is down, a read has an answer");
        }
        _ => asked += 1,
    }
    if tester.bench.written(object).is_ok() {
        let write = create(object, &tester.fresh(object)?);
        let told = connector.write_batch(vec![write]).await.unwrap_or_default();
        let claims = |outcome: &Outcome| !matches!(outcome, Outcome::Deferred { .. } | Outcome::Unknown);
        if told.iter().any(|receipt| claims(&receipt.outcome)) {
            return broken("while the system is down, a write has an outcome");
        }
        asked += 1;
    }
    if asked == 0 { skipped("nothing is asked") } else { Ok(format!("{asked} calls failed, and told nothing")) }
}
