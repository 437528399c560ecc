//! Candidates for tests, one line each: `says("a", "x").at(10).owner(0)`.

use std::cmp::Ordering;

use crate::equivalence::Equivalence;
use crate::id::{RecordRef, SystemName};
use crate::ownership::Authority;
use crate::policy::{Answer, Candidate, Policy, RawCandidates, erase};
use crate::stamp::{Stamp, TimeKind, TimeScale};
use crate::value::{Additive, Field, Hints, Kind, Leaf, Malformed, Native, Ordered, Value};

/// One system's voice, owned.
#[derive(Debug, Clone)]
pub(crate) struct Voice {
    pub(crate) system: SystemName,
    pub(crate) id: String,
    pub(crate) field: Field,
    pub(crate) authority: Authority,
    pub(crate) rank: u16,
    pub(crate) moved: bool,
    pub(crate) origin: Option<(SystemName, u16)>,
    pub(crate) token: i64,
    pub(crate) scale: Option<TimeScale>,
    pub(crate) not_before: Option<i64>,
}

/// A co-owner that says `text` at instant 0, by an exact clock of field times.
pub(crate) fn says(system: &str, text: &str) -> Voice {
    Voice {
        system: system.into(),
        id: "1".to_owned(),
        field: Field::value(text),
        authority: Authority::CoOwner,
        rank: u16::MAX,
        moved: false,
        origin: None,
        token: 0,
        scale: Some(TimeScale { kind: TimeKind::FieldModified, precision_ms: 0, skew_ms: 0 }),
        not_before: None,
    }
}

/// A co-owner without a value.
pub(crate) fn clears(system: &str) -> Voice {
    Voice { field: Field::Null, ..says(system, "") }
}

impl Voice {
    pub(crate) fn id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }
    pub(crate) fn owner(mut self, rank: u16) -> Self {
        (self.authority, self.rank) = (Authority::Owner, rank);
        self
    }
    pub(crate) fn observer(mut self) -> Self {
        self.authority = Authority::Observer;
        self
    }
    pub(crate) fn moved(mut self) -> Self {
        self.moved = true;
        self
    }
    pub(crate) fn origin(mut self, origin: u16) -> Self {
        self.origin = Some((self.system.clone(), origin));
        self
    }
    pub(crate) fn copy_of(mut self, system: &str, origin: u16) -> Self {
        self.origin = Some((system.into(), origin));
        self
    }
    pub(crate) fn at(mut self, token: i64) -> Self {
        self.token = token;
        self
    }
    pub(crate) fn scale(mut self, precision_ms: u32, skew_ms: u32) -> Self {
        self.scale = Some(TimeScale { kind: TimeKind::FieldModified, precision_ms, skew_ms });
        self
    }
    pub(crate) fn kind(mut self, kind: TimeKind) -> Self {
        self.scale = Some(TimeScale { kind, precision_ms: 0, skew_ms: 0 });
        self
    }
    pub(crate) fn record_time(mut self, not_before: i64) -> Self {
        self.not_before = Some(not_before);
        self.kind(TimeKind::RecordModified)
    }
    pub(crate) fn version(mut self) -> Self {
        self.scale = None;
        self
    }
}

/// Everything a policy may know, owned.
#[derive(Debug, Clone)]
pub(crate) struct World {
    voices: Vec<(Voice, RecordRef, SystemName, u16)>,
    golden: Option<Field>,
    equivalence: Equivalence,
    as_of: Option<i64>,
}

impl World {
    /// Voices without a stated origin each have one of their own.
    pub(crate) fn of(voices: &[Voice]) -> Self {
        let own = |(index, voice): (usize, &Voice)| {
            let (system, origin) = voice
                .origin
                .clone()
                .unwrap_or_else(|| (voice.system.clone(), 1000 + u16::try_from(index).unwrap_or(u16::MAX)));
            (voice.clone(), RecordRef::new(voice.system.as_str(), "thing", &voice.id), system, origin)
        };
        Self {
            voices: voices.iter().enumerate().map(own).collect(),
            golden: None,
            equivalence: Equivalence::Exact,
            as_of: None,
        }
    }
    pub(crate) fn golden(mut self, text: &str) -> Self {
        self.golden = Some(Field::value(text));
        self
    }
    pub(crate) fn equivalence(mut self, equivalence: Equivalence) -> Self {
        self.equivalence = equivalence;
        self
    }
    pub(crate) fn with_as_of(mut self, as_of: i64) -> Self {
        self.as_of = Some(as_of);
        self
    }
    /// The same world, its voices in another order: `order` holds sort keys.
    pub(crate) fn reordered(&self, order: &[u32]) -> Self {
        let mut keyed: Vec<_> =
            self.voices.iter().cloned().zip(order.iter().copied().chain(std::iter::repeat(0))).collect();
        keyed.sort_by_key(|(_, key)| *key);
        Self { voices: keyed.into_iter().map(|(voice, _)| voice).collect(), ..self.clone() }
    }
    pub(crate) fn authority(&self, index: usize) -> Authority {
        self.voices[index].0.authority
    }
    pub(crate) fn len(&self) -> usize {
        self.voices.len()
    }

    /// The policy's answer, through the erasure that the engine uses.
    pub(crate) fn answer<T: Value, P: Policy<T> + Clone>(&self, policy: &P) -> Answer<Field> {
        self.answer_of(&*erase::<T, P>(policy.clone()))
    }

    pub(crate) fn answer_of(&self, policy: &dyn crate::policy::AnyPolicy) -> Answer<Field> {
        let all: Vec<Candidate<'_>> = self
            .voices
            .iter()
            .map(|(voice, record, origin_system, origin)| Candidate {
                system: &voice.system,
                record,
                field: &voice.field,
                authority: voice.authority,
                rank: voice.rank,
                moved: voice.moved,
                origin: *origin,
                origin_system,
                stamp: Stamp::new(voice.token),
                scale: voice.scale,
                not_before: voice.not_before,
            })
            .collect();
        policy.resolve(&RawCandidates {
            all: &all,
            golden: self.golden.as_ref(),
            equivalence: &self.equivalence,
            as_of: self.as_of,
        })
    }

    /// The answer as text: `x`, `~x` provisional, `= x` computed, `? why` inconclusive, `! why` parked.
    pub(crate) fn ask<T: Value, P: Policy<T> + Clone>(&self, policy: &P) -> String {
        self.show(self.answer::<T, P>(policy))
    }

    pub(crate) fn show(&self, answer: Answer<Field>) -> String {
        let field =
            |index: usize| self.voices.get(index).map_or("out of range".to_owned(), |it| it.0.field.to_string());
        match answer {
            Answer::Winner(index) => field(index),
            Answer::Provisional(index) => format!("~{}", field(index)),
            Answer::Computed(value) => format!("= {value}"),
            Answer::Inconclusive(reason) => format!("? {reason}"),
            Answer::Park(reason) => format!("! {reason}"),
        }
    }
}

/// Asks a policy about each case, forwards and backwards.
pub(crate) fn table<T: Value, P: Policy<T> + Clone>(policy: &P, cases: &[(&str, &[Voice], &str)]) {
    for (name, voices, expected) in cases {
        assert_eq!(World::of(voices).ask::<T, P>(policy), *expected, "{}: {name}", policy.name());
        let backwards: Vec<Voice> = voices.iter().rev().cloned().collect();
        assert_eq!(World::of(&backwards).ask::<T, P>(policy), *expected, "{} backwards: {name}", policy.name());
    }
}

/// A whole number with an optional unit: `9`, `9 kg`. Stands for every ordered and additive type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Number(i64, String);

impl Value for Number {
    const KIND: Kind = Kind { name: "test-number", version: 1 };
    fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
        Self::from_canonical(leaf.as_text().unwrap_or(""))
    }
    fn canonical(&self, out: &mut String) {
        out.push_str(&self.0.to_string());
        if !self.1.is_empty() {
            out.push(' ');
            out.push_str(&self.1);
        }
    }
    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
        Ok(Self(number.parse().map_err(|_| Malformed::new("not a number"))?, unit.to_owned()))
    }
    fn native(&self, _: &Hints) -> Native {
        Native::Number(self.0.to_string().into())
    }
}

impl Ordered for Number {
    fn compare(&self, other: &Self) -> Option<Ordering> {
        (self.1 == other.1).then(|| self.0.cmp(&other.0))
    }
}

impl Additive for Number {
    fn add(&self, other: &Self) -> Option<Self> {
        (self.1 == other.1).then_some(())?;
        Some(Self(self.0.checked_add(other.0)?, self.1.clone()))
    }
}
