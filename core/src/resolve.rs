//! Resolution: asks a unit's policy chain what is true, and says how the answer came about.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::base::Origin;
use crate::caught::caught;
use crate::classify::LinkState;
use crate::entity::{Entity, HUB_OBJECT};
use crate::equivalence::Equivalence;
use crate::golden::{Resolution, Voice};
use crate::hub;
use crate::id::SystemName;
use crate::model::{Cardinality, Reduce, Unit, UnitKey, UnitShape};
use crate::ownership::{Authority, OnClear};
use crate::policy::{Answer, Candidate, RawCandidates};
use crate::sight::{Ground, Shown};
use crate::text::Text;
use crate::value::Field;

/// What the chain answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// Nobody has a say: golden stands.
    Keep,
    /// A value.
    Decided(Proposal),
    /// No policy could tell, or one asked for a person.
    Parked {
        /// Why.
        reason: Text,
        /// What everyone said.
        resolution: Arc<Resolution>,
    },
}

/// A value that would become golden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The value.
    pub field: Field,
    /// Where it was first said.
    pub origin: Option<Origin>,
    /// How it was chosen.
    pub resolution: Arc<Resolution>,
    /// Whether it is a fallback's, shown but never written.
    pub provisional: bool,
    /// The links that had a say, by place in what was shown.
    pub heard: SmallVec<[usize; 4]>,
}

/// One candidate, before it is lent to policies.
struct Speaker<'a> {
    /// Its place in what was shown.
    place: usize,
    /// What it says: what it shows, or golden, if it is hidden and held that last.
    field: &'a Field,
    origin: Origin,
    not_before: Option<i64>,
    rank: u16,
}

/// Resolves one unit.
#[expect(clippy::too_many_arguments, reason = "one unit, and what classification said of its links")]
pub fn resolve(
    ground: &Ground<'_>,
    entity: &Entity,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
    states: &[LinkState],
    contemporaries: &[usize],
    blocked: &[usize],
) -> Resolved {
    let cell = entity.golden.get(key);
    let golden = cell.map(|cell| &cell.field);
    let (speakers, silent) = speakers(ground, entity, unit, key, shown, states, contemporaries, blocked);
    if speakers.is_empty() {
        return Resolved::Keep;
    }
    // Whoever a reducer silences was heard by it, and lost.
    let heard: SmallVec<[usize; 4]> = speakers.iter().map(|speaker| speaker.place).chain(silent).collect();
    let nobody_moved = speakers.iter().all(|speaker| states[speaker.place] != LinkState::Moved);
    if let Some(cell) = cell
        && cell.field.is_value()
        && nobody_moved
        && unit.chain.is_empty()
        && unit.owners.is_empty()
    {
        let (field, origin, resolution) = (cell.field.clone(), cell.origin.clone(), cell.resolution.clone());
        return Resolved::Decided(Proposal { field, origin, resolution, provisional: false, heard });
    }
    let distinct = distinct_origins(&speakers);
    let mut candidates: SmallVec<[Candidate<'_>; 4]> = SmallVec::new();
    for (speaker, distinct) in speakers.iter().zip(distinct) {
        let shown = &shown[speaker.place];
        let link = &entity.links[shown.link];
        let field = speaker.field;
        let system = system_of(ground, entity, shown.link);
        let origin_system = if speaker.origin.record == link.record {
            system
        } else {
            entity.link_of(&speaker.origin.record).map_or(system, |link| system_of(ground, entity, link))
        };
        candidates.push(Candidate {
            system,
            record: &link.record,
            field,
            authority: shown.authority,
            rank: speaker.rank,
            moved: states[speaker.place] == LinkState::Moved || contemporaries.contains(&speaker.place),
            origin: distinct,
            origin_system,
            stamp: speaker.origin.stamp,
            scale: (ground.domain)(&speaker.origin.record).scale(),
            not_before: speaker.not_before,
        });
    }
    // The joined text of several members is compared whole: no member's own equivalence fits it.
    let equivalence = match unit.equivalences.as_slice() {
        [one] => one,
        _ => &Equivalence::Exact,
    };
    let raw = RawCandidates { all: &candidates, golden, equivalence, as_of: Some(ground.as_of) };
    // Observers come last: policies that may not hear them are shown the part before.
    let permitted =
        candidates.iter().take_while(|candidate| unit.owners.is_empty() || candidate.authority.decides()).count();
    let mut resolution = Resolution::default();
    if ground.keep_voices {
        resolution.candidates = voices(&speakers);
    }
    let supports = |place: usize| {
        let speaker = &speakers[place];
        supports(entity, shown, &shown[speaker.place], speaker)
    };
    let Asked { answer, heard_observers, policy } = ask(unit, &raw, permitted, &supports, &mut resolution);
    if let Answer::Winner(index) | Answer::Provisional(index) = answer {
        if let Some(voice) = resolution.candidates.get_mut(index) {
            voice.won = true;
        }
        resolution.candidates.sort_by_key(|voice| !voice.won);
    }
    let resolution = match policy.and_then(|place| unit.plain.get(place)) {
        Some(plain) if resolution.passed.is_empty() && resolution.candidates.is_empty() => Arc::clone(plain),
        Some(plain) => Arc::new(Resolution { policy: plain.policy.clone(), ..resolution }),
        None => Arc::new(resolution),
    };
    match answer {
        Answer::Winner(index) | Answer::Provisional(index) if index < candidates.len() => {
            // Whatever a policy says, an observer's value is a fallback at most.
            let provisional = matches!(answer, Answer::Provisional(_)) || index >= permitted;
            let field = candidates[index].field.clone();
            let origin = Some(speakers[index].origin.clone());
            Resolved::Decided(Proposal { field, origin, resolution, provisional, heard })
        }
        Answer::Computed(field) => {
            // What was computed from observers is a fallback too.
            Resolved::Decided(Proposal { field, origin: None, resolution, provisional: heard_observers, heard })
        }
        Answer::Park(reason) | Answer::Inconclusive(reason) => Resolved::Parked { reason: reason.into(), resolution },
        Answer::Winner(_) | Answer::Provisional(_) => {
            Resolved::Parked { reason: "the policy named a candidate that does not exist".into(), resolution }
        }
    }
}

/// What the chain said.
struct Asked {
    answer: Answer<Field>,
    /// Whether the policy that answered heard observers.
    heard_observers: bool,
    /// Its place in the chain.
    policy: Option<usize>,
}

/// Asks the chain. Without a chain: the owner if there is one,
/// else three-way merge, then a person. Never latest by silence.
fn ask(
    unit: &Unit,
    raw: &RawCandidates<'_>,
    permitted: usize,
    supports: &dyn Fn(usize) -> bool,
    resolution: &mut Resolution,
) -> Asked {
    let authorities = RawCandidates { all: &raw.all[..permitted], ..*raw };
    let mut last = "no owner can be read";
    for (place, policy) in unit.chain.iter().enumerate() {
        let heard = if policy.hears_observers() { raw } else { &authorities };
        if heard.all.is_empty() {
            continue;
        }
        match caught(|| policy.resolve(heard)).unwrap_or(Answer::Park("the policy panicked")) {
            Answer::Inconclusive(reason) => {
                let name = unit.plain.get(place).map(|plain| plain.policy.clone());
                resolution.passed.push((name.unwrap_or_default(), reason.into()));
                last = reason;
            }
            answer => {
                return Asked { answer, heard_observers: heard.all.len() > permitted, policy: Some(place) };
            }
        }
    }
    if !unit.chain.is_empty() {
        return Asked { answer: Answer::Park(last), heard_observers: false, policy: None };
    }
    let answer = if unit.owners.is_empty() {
        resolution.policy = "three-way".into();
        three_way(unit, raw, supports)
    } else {
        resolution.policy = "owner".into();
        let owners = raw.all.iter().enumerate().filter(|(_, candidate)| candidate.authority == Authority::Owner);
        match owners.min_by_key(|(_, candidate)| (candidate.rank, std::cmp::Reverse(candidate.moved), candidate.record))
        {
            Some((index, _)) => Answer::Winner(index),
            None => Answer::Inconclusive("no owner can be read"),
        }
    };
    Asked { answer, heard_observers: false, policy: None }
}

/// The default for co-owned units: what moved wins if all that moved agree. An element leaves with its last support.
fn three_way(unit: &Unit, raw: &RawCandidates<'_>, supports: &dyn Fn(usize) -> bool) -> Answer<Field> {
    let moved = |candidate: &&(usize, &Candidate<'_>)| candidate.1.moved;
    let all: SmallVec<[(usize, &Candidate<'_>); 4]> = raw.all.iter().enumerate().collect();
    let movers: SmallVec<[(usize, &Candidate<'_>); 4]> = all.iter().filter(moved).copied().collect();
    let voices = if movers.is_empty() { &all } else { &movers };
    let Some((first, candidate)) = voices.first() else { return Answer::Inconclusive("nobody has a value") };
    if voices.iter().all(|(_, other)| unit.alike(other.field, candidate.field, raw.golden)) {
        let leaves = is_collection(unit) && !candidate.field.is_value();
        match (0..raw.all.len()).find(|place| leaves && supports(*place)) {
            Some(supporter) => Answer::Winner(supporter),
            None => Answer::Winner(*first),
        }
    } else if movers.is_empty() {
        Answer::Park("systems differ, and none of them is known to have moved")
    } else if planted!(ConflictSettledInSilence) {
        Answer::Winner(voices.last().map_or(*first, |(last, _)| *last))
    } else {
        Answer::Park("several systems moved apart")
    }
}

/// Whether a link supports the element that it shows: it said it itself, or whoever said it cannot be seen, and a
/// hidden system withdraws nothing.
fn supports(entity: &Entity, all: &[Shown<'_>], shown: &Shown<'_>, speaker: &Speaker<'_>) -> bool {
    let said_here = *speaker.origin.record == *entity.links[shown.link].record;
    let origin_seen = || {
        all.iter().any(|other| *entity.links[other.link].record == *speaker.origin.record && other.field().is_some())
    };
    shown.field().is_some_and(Field::is_value) && (said_here || !origin_seen())
}

/// Whether the unit is an element: present or absent, each link for itself.
#[must_use]
pub(crate) fn is_collection(unit: &Unit) -> bool {
    matches!(unit.shape, UnitShape::Set | UnitShape::Keyed)
}

/// Whether what a link shows takes part: a value does, and a clear that golden follows.
#[must_use]
pub(crate) fn has_say(unit: &Unit, shown: &Shown<'_>) -> bool {
    shown.field().is_some_and(|field| {
        field.is_value() || is_collection(unit) || unit.on_clear(shown.authority) == OnClear::Propagate
    })
}

/// Whether observers may stand in: the chain has a fallback, and no owner can be read. One that holds nothing can be.
#[must_use]
pub(crate) fn needs_fallback(unit: &Unit, shown: &[Shown<'_>]) -> bool {
    let owner_seen = || shown.iter().any(|shown| shown.authority == Authority::Owner && shown.field().is_some());
    !unit.owners.is_empty() && !owner_seen() && unit.chain.iter().any(|policy| policy.hears_observers())
}

/// Who has a say: links that decide, are seen, and either have a value or cleared one that golden follows. And whom a
/// reducer silenced.
#[expect(clippy::too_many_arguments, reason = "one unit, and what classification said of its links")]
fn speakers<'a>(
    ground: &Ground<'_>,
    entity: &'a Entity,
    unit: &Unit,
    key: &UnitKey,
    shown: &'a [Shown<'_>],
    states: &[LinkState],
    contemporaries: &[usize],
    blocked: &[usize],
) -> (SmallVec<[Speaker<'a>; 4]>, SmallVec<[usize; 4]>) {
    let stands_in = needs_fallback(unit, shown);
    let mut speakers: SmallVec<[Speaker<'a>; 4]> = SmallVec::new();
    for (place, shown) in shown.iter().enumerate() {
        // A hidden link says nothing; but golden is not forgotten because nobody who holds it can be seen.
        let hidden = shown.field().is_none();
        let golden = entity.golden.get(key).filter(|_| hidden && contemporaries.contains(&place));
        let Some(field) = shown.field().or(golden.map(|cell| &cell.field)) else { continue };
        let fallback = !unit.owners.is_empty() && shown.authority == Authority::Observer;
        // Whom a person let differ speaks for itself only.
        let apart = entity.links[shown.link].divergences.contains_key(key);
        if apart || blocked.contains(&place) || (fallback && !stands_in) {
            continue;
        }
        // A clear takes part when it happens, and only if golden follows it.
        let cleared = states[place] == LinkState::Moved && has_say(unit, shown);
        if !field.is_value() && !cleared {
            continue;
        }
        speakers.push(Speaker {
            place,
            field,
            origin: golden.and_then(|cell| cell.origin.clone()).unwrap_or_else(|| origin_of(entity, unit, key, shown)),
            not_before: shown.not_before().map(|stamp| stamp.token),
            rank: rank(unit, system_of(ground, entity, shown.link)),
        });
    }
    speakers.retain(|speaker| !is_spent(entity, unit, key, shown, contemporaries, blocked, speaker));
    let silent = reduce(ground, entity, shown, &mut speakers);
    if !unit.owners.is_empty() {
        speakers.sort_by_key(|speaker| !shown[speaker.place].authority.decides());
    }
    (speakers, silent)
}

/// Whether what a link shows is a copy of which nobody stands behind any more: our own writing of what its author has since
/// replaced by another word, or of what golden alone ever held. Such a copy is no witness. Policies that compare values (the
/// greatest, the longest, the sum) would otherwise let what we wrote outvote whoever it was copied from.
///
/// An author that cannot be seen, speaks for itself only, or has cleared without a say, withdraws nothing. Nor does golden
/// lose its voice where somebody moved without knowing of it (`contemporaries`).
fn is_spent(
    entity: &Entity,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
    contemporaries: &[usize],
    blocked: &[usize],
    speaker: &Speaker<'_>,
) -> bool {
    let said_by = |place: usize| &entity.links[shown[place].link].record;
    if speaker.origin.record == *said_by(speaker.place) {
        return false;
    }
    let Some(author) = (0..shown.len()).find(|place| *said_by(*place) == speaker.origin.record) else {
        let of_golden = speaker.origin.record.connection.as_str() == hub::SYSTEM;
        return of_golden && !is_collection(unit) && !contemporaries.contains(&speaker.place);
    };
    let apart = entity.links[shown[author].link].divergences.contains_key(key);
    !apart
        && !blocked.contains(&author)
        && has_say(unit, &shown[author])
        && origin_of(entity, unit, key, &shown[author]) != speaker.origin
}

/// Where a system holds several records of one entity, its reducer says which of them speak.
fn reduce(
    ground: &Ground<'_>,
    entity: &Entity,
    shown: &[Shown<'_>],
    speakers: &mut SmallVec<[Speaker<'_>; 4]>,
) -> SmallVec<[usize; 4]> {
    let many = |speaker: &Speaker<'_>| {
        let link = &entity.links[shown[speaker.place].link];
        let object = ground.model.objects.get(usize::from(link.object));
        object.is_some_and(|object| matches!(object.declared.cardinality, Cardinality::Many { .. }))
    };
    if !speakers.iter().any(many) {
        return SmallVec::new();
    }
    let silent: SmallVec<[usize; 4]> = speakers
        .iter()
        .filter(|speaker| {
            let link = &entity.links[shown[speaker.place].link];
            let declared = ground.model.objects.get(usize::from(link.object)).map(|object| object.declared.cardinality);
            let Some(Cardinality::Many { reduce, .. }) = declared else { return false };
            speakers.iter().any(|other| {
                let rival = &entity.links[shown[other.place].link];
                let same_place = rival.object == link.object && rival.record.connection == link.record.connection;
                let primary = (rival.order, &rival.record.id) < (link.order, &link.record.id);
                same_place
                    && match reduce {
                        Reduce::All => false,
                        Reduce::Primary => primary,
                        Reduce::Latest => match other.origin.stamp.cmp(&speaker.origin.stamp) {
                            std::cmp::Ordering::Greater => true,
                            std::cmp::Ordering::Equal => primary,
                            std::cmp::Ordering::Less => false,
                        },
                    }
            })
        })
        .map(|speaker| speaker.place)
        .collect();
    speakers.retain(|speaker| !silent.contains(&speaker.place));
    silent
}

/// Where a link's value was first said: where what we wrote there came from, if it is our echo; else there.
#[must_use]
pub fn origin_of(entity: &Entity, unit: &Unit, key: &UnitKey, shown: &Shown<'_>) -> Origin {
    let link = &entity.links[shown.link];
    let echo = link.bases.get(key).and_then(|base| {
        let wrote = base.marks.wrote.as_deref()?;
        unit.same(shown.field()?, &base.seen).then_some(wrote)
    });
    match echo {
        Some(origin) if !planted!(EchoIsWitness) => origin.clone(),
        _ => Origin { record: Arc::clone(&link.record), stamp: shown.since() },
    }
}

fn distinct_origins(speakers: &[Speaker<'_>]) -> SmallVec<[u16; 4]> {
    let mut distinct: SmallVec<[&Origin; 4]> = SmallVec::new();
    speakers
        .iter()
        .map(|speaker| {
            // Records are compared last: the text of two differing ones is long, and often alike.
            let is_it =
                |origin: &&Origin| origin.stamp == speaker.origin.stamp && origin.record == speaker.origin.record;
            let known = distinct.iter().position(is_it);
            let place = known.unwrap_or_else(|| {
                distinct.push(&speaker.origin);
                distinct.len() - 1
            });
            u16::try_from(place).unwrap_or(u16::MAX)
        })
        .collect()
}

fn rank(unit: &Unit, system: &SystemName) -> u16 {
    unit.owners.iter().position(|owner| owner == system).and_then(|rank| u16::try_from(rank).ok()).unwrap_or(u16::MAX)
}

fn system_of<'a>(ground: &Ground<'a>, entity: &Entity, link: usize) -> &'a SystemName {
    let object = entity.links[link].object;
    if object == HUB_OBJECT {
        return hub::system();
    }
    &ground.model.objects[usize::from(object)].declared.system
}

fn voices(speakers: &[Speaker<'_>]) -> Vec<Voice> {
    speakers
        .iter()
        .map(|speaker| Voice { field: speaker.field.clone(), origin: speaker.origin.clone(), won: false })
        .collect()
}
