//! The life of records, as every surface tells it: made, edited, merged, deleted.

use super::heard::{Heard, Kind};
use super::passport::Promise;
use super::tester::Tester;
use super::told::{Told, broken, skipped};
use super::words;
use crate::id::ObjectType;
use crate::stamp::Domain;
use crate::surface::{Channel, Completeness, Deletes, Merges, Surface};
use crate::text::Text;

/// What one surface told, chapter by chapter.
struct Voice {
    surface: Surface,
    made: Told<Vec<Heard>>,
    edited: Told<Vec<Heard>>,
    /// Later, without anything having happened to it.
    again: Told<Vec<Heard>>,
    merged: Told<Vec<Heard>>,
    deleted: Told<Vec<Heard>>,
}

/// Whom the story is about.
struct Cast {
    edited: Text,
    first: Vec<Text>,
    /// The last value after the edit.
    last: Told<Text>,
    /// Whether time passed between two states.
    timed: bool,
    merged: Told<(Text, Text)>,
    deleted: Told<Text>,
}

/// What is measured of a surface, and what it declares.
pub(super) fn promises(Surface { semantics, .. }: &Surface) -> [(Promise, String); 4] {
    [
        (Promise::Order, words::order(semantics.order)),
        (Promise::Completeness, words::completeness(semantics.completeness).to_owned()),
        (Promise::Deletes, words::deletes(&semantics.deletes)),
        (Promise::Merges, words::merges(semantics.merges).to_owned()),
    ]
}

/// Lives it, and notes what each surface made of it.
pub(super) async fn measure(tester: &mut Tester<'_>, object: &ObjectType) {
    let (cast, voices) = match Box::pin(live(tester, object)).await {
        Ok(lived) => lived,
        Err(end) => {
            for surface in tester.surfaces_of(object) {
                tester.note_all(surface.name.as_str(), promises(&surface), &end);
            }
            return;
        }
    };
    let mut tokens: Vec<(Domain, String, i64)> = Vec::new();
    for voice in voices {
        let told = [
            order(&voice, &cast, &mut tokens),
            completeness(&voice, &cast),
            deletes(&voice, &cast),
            merges(&voice, &cast),
        ];
        let name = &voice.surface.name;
        if is_of_deletions(&voice, &cast) {
            tester.of_deletions.insert(name.clone());
        }
        for ((promise, declared), told) in promises(&voice.surface).into_iter().zip(told) {
            tester.note(name.as_str(), promise, declared, told);
        }
    }
}

async fn live(tester: &mut Tester<'_>, object: &ObjectType) -> Told<(Cast, Vec<Voice>)> {
    let surfaces = tester.surfaces_of(object);
    // What was there before is none of ours.
    for surface in &surfaces {
        if !matches!(surface.channel, Channel::Scan | Channel::Read) {
            drop(tester.hear(surface, &[]).await);
        }
    }
    let (id, first) = tester.make(object).await?;
    // Those that end are known before they do: whoever remembers them may not go on telling of them.
    let (survivor, loser, ending) =
        (tester.make(object).await?.0, tester.make(object).await?.0, tester.make(object).await?.0);
    let mut timed = tester.step().await;
    let ids = [id.clone(), survivor.clone(), loser.clone(), ending.clone()];
    let mut voices = Vec::new();
    for surface in surfaces {
        let made = tester.hear_until(&surface, &ids, |heard| heard.iter().any(|heard| heard.id == id)).await;
        let none = || skipped("nothing of it was played");
        voices.push(Voice { surface, made, edited: none(), again: none(), merged: none(), deleted: none() });
    }
    let last = edit(tester, object, &id).await;
    timed &= tester.step().await;
    for voice in &mut voices {
        voice.edited = match &last {
            Ok(last) => {
                let tells = |heard: &Heard| heard.id == id && heard.last().is_none_or(|value| value == last.as_str());
                tester.hear_until(&voice.surface, &ids, |heard| heard.iter().any(tells)).await
            }
            Err(end) => Err(end.clone()),
        };
    }
    timed &= tester.step().await;
    for voice in voices.iter_mut().filter(|voice| matches!(voice.surface.channel, Channel::Scan | Channel::Read)) {
        voice.again = tester.hear(&voice.surface, &ids).await;
    }
    let survivor = tester.bench.merge(object, &survivor, &loser).await;
    let merged: Told<(Text, Text)> = survivor.map(|survivor| (survivor, loser)).map_err(Into::into);
    tester.step().await;
    for voice in &mut voices {
        voice.merged = match &merged {
            Ok((_, loser)) => {
                let tells = |heard: &Heard| heard.kind == Kind::Merged || heard.losers.contains(loser);
                let asked = [loser.clone()];
                tester.hear_until(&voice.surface, &asked, |heard| heard.iter().any(tells)).await
            }
            Err(end) => Err(end.clone()),
        };
    }
    let deleted: Told<Text> = tester.bench.delete(object, &ending).await.map(|()| ending).map_err(Into::into);
    tester.step().await;
    for voice in &mut voices {
        voice.deleted = match &deleted {
            Ok(deleted) => {
                let tells = |heard: &Heard| heard.id == *deleted && heard.kind != Kind::Live;
                tester.hear_until(&voice.surface, std::slice::from_ref(deleted), |heard| heard.iter().any(tells)).await
            }
            Err(end) => Err(end.clone()),
        };
    }
    let first = first.into_iter().map(|(_, text)| text).collect();
    Ok((Cast { edited: id, first, last, timed, merged, deleted }, voices))
}

async fn edit(tester: &mut Tester<'_>, object: &ObjectType, id: &Text) -> Told<Text> {
    let values = tester.fresh_last(object)?;
    tester.bench.edit(object, id, &values).await?;
    Ok(values.into_iter().map(|(_, text)| text).next_back().unwrap_or_default())
}

fn order(voice: &Voice, cast: &Cast, tokens: &mut Vec<(Domain, String, i64)>) -> Told {
    let Some(domain) = voice.surface.orders_by() else { return skipped("nothing is promised") };
    let last = cast.last.clone()?;
    let state = |heard: &Told<Vec<Heard>>, value: Option<&Text>, which: &str| -> Told<i64> {
        let heard = heard.clone()?;
        let of = |heard: &&Heard| heard.is_live(&cast.edited) && heard.last() == value.map(Text::as_str);
        match heard.iter().rev().find(of) {
            Some(heard) => heard.token.ok_or_else(|| super::told::End::Broken("a record has no token".into())),
            None => broken(format!("{which} is not told of")),
        }
    };
    let before = state(&voice.made, cast.first.last(), "a record that was made")?;
    let after = state(&voice.edited, Some(&last), "a record that was edited")?;
    if after < before || (cast.timed && after == before) {
        return broken("the token of a later state is not greater");
    }
    if matches!(voice.surface.channel, Channel::Scan | Channel::Read) {
        let again = state(&voice.again, Some(&last), "a record that nobody changed")?;
        if again != after {
            return broken("a record that nobody changed has another token");
        }
    }
    if let Some((_, of, token)) = tokens.iter().find(|(of, ..)| *of == domain)
        && *token != after
    {
        return broken(format!("of one state, {of} tells another token"));
    }
    tokens.push((domain, voice.surface.name.to_string(), after));
    Ok("a later state has a greater token, and one state has one".into())
}

fn completeness(voice: &Voice, cast: &Cast) -> Told {
    match voice.surface.semantics.completeness {
        Completeness::Full => {
            let made = voice.made.clone()?;
            let Some(heard) = made.iter().find(|heard| heard.is_live(&cast.edited)) else {
                return broken("a record that was made is not told of");
            };
            let missing = heard.values.iter().zip(&cast.first).position(|(value, text)| value.as_deref() != Some(text));
            match missing.or((heard.values.len() != cast.first.len()).then_some(heard.values.len())) {
                None => Ok(format!("all {} values are carried", cast.first.len())),
                Some(place) => broken(format!("value {place} of the bench is not carried, or another one")),
            }
        }
        Completeness::ChangedFields | Completeness::SingleField => {
            let last = cast.last.clone()?;
            let tells = |heard: &Heard| heard.id == cast.edited && heard.last() == Some(&*last);
            if voice.edited.clone()?.iter().any(tells) {
                Ok("what changed is carried".into())
            } else {
                broken("what changed is not carried")
            }
        }
        Completeness::IdOnly | Completeness::Gap => {
            if is_of_deletions(voice, cast) {
                return Ok("the id is told, of deletions alone".into());
            }
            if voice.made.clone()?.iter().any(|heard| heard.id == cast.edited) {
                return Ok("the id is told".into());
            }
            broken("nothing is told of a record that was made")
        }
    }
}

/// Whether a surface tells of deletions and of nothing else.
fn is_of_deletions(voice: &Voice, cast: &Cast) -> bool {
    let told = |heard: &Told<Vec<Heard>>, id: &Text| {
        heard.as_ref().is_ok_and(|heard| heard.iter().any(|heard| heard.id == *id))
    };
    voice.surface.semantics.deletes == Deletes::Explicit
        && voice.made.is_ok()
        && !told(&voice.made, &cast.edited)
        && !told(&voice.edited, &cast.edited)
        && cast.deleted.as_ref().is_ok_and(|deleted| told(&voice.deleted, deleted))
}

fn deletes(voice: &Voice, cast: &Cast) -> Told {
    let declared = &voice.surface.semantics.deletes;
    if *declared == Deletes::NeverTold {
        return skipped("nothing is promised");
    }
    let (deleted, heard) = (cast.deleted.clone()?, voice.deleted.clone()?);
    let kind = heard.iter().rev().find(|heard| heard.id == deleted).map(|heard| heard.kind);
    match (declared, voice.surface.channel, kind) {
        (Deletes::Explicit, _, Some(Kind::Deleted | Kind::Archived)) => Ok("a deletion is told of".into()),
        (Deletes::Explicit, ..) => broken("a deletion is not told of"),
        (Deletes::SoftFlag { .. }, _, Some(Kind::Archived)) => Ok("a deleted record has the flag".into()),
        (Deletes::SoftFlag { .. }, ..) => broken("a deleted record does not show the flag"),
        (Deletes::Absence, Channel::Scan | Channel::Read, Some(_)) => broken("a deleted record is still there"),
        (Deletes::Absence, Channel::Scan, None) if !heard.iter().any(|heard| heard.is_live(&cast.edited)) => {
            broken("a record that lives is absent as well")
        }
        (Deletes::Absence, Channel::Scan | Channel::Read, None) => Ok("a deleted record is absent".into()),
        (Deletes::Absence | Deletes::NeverTold, ..) => skipped("absence shows in scans and reads alone"),
    }
}

fn merges(voice: &Voice, cast: &Cast) -> Told {
    match voice.surface.semantics.merges {
        Merges::NeverTold => skipped("nothing is promised"),
        Merges::Explicit => {
            let ((survivor, loser), heard) = (cast.merged.clone()?, voice.merged.clone()?);
            let tells = |heard: &Heard| heard.id == survivor && heard.losers.contains(&loser);
            if heard.iter().any(tells) {
                Ok("a merge is told of, with survivor and loser".into())
            } else {
                broken("a merge is not told of")
            }
        }
        Merges::ChangedId if voice.surface.channel != Channel::Read => skipped("another id is answered by reads alone"),
        Merges::ChangedId => {
            let ((survivor, _), heard) = (cast.merged.clone()?, voice.merged.clone()?);
            if heard.iter().any(|heard| heard.is_live(&survivor)) {
                Ok("a read by the id of the loser leads to the survivor".into())
            } else {
                broken("a read by the id of the loser does not lead to the survivor")
            }
        }
    }
}
