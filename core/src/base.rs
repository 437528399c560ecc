//! Bases: per link and unit, the common ancestor of what a system holds and what golden holds.

mod marks;
mod origin;
pub(crate) mod stored;

use serde::{Deserialize, Deserializer, Serialize};

use crate::value::Field;

pub use marks::{Marked, Marks};
pub use origin::Origin;

use stored::StoredBase;

/// What a system last held and had accepted, and the golden value it was accepted against.
///
/// Both sides of the pair answer one question each. Has the system moved? Its value is not the same as `seen`. Is a
/// write owed? Golden is not the same as `agreed`, or the value lost; and the system does not hold golden.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "StoredBase", into = "StoredBase")]
pub struct Base {
    /// The system's last accepted value.
    pub seen: Field,
    /// The golden value against which it was accepted; for a value that lost a resolution, that of the value before it.
    pub agreed: Field,
    /// Whether `seen` was heard and lost: golden was never accepted against it, so a write is owed even where golden did
    /// not move.
    pub lost: bool,
    /// What is kept of our writes there, and of other readings. Behind one word, as few have any: there are more bases than anything
    /// else.
    pub marks: Marked,
}

/// What a write was answered with: how a system's own form of a value is told from somebody's edit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Answered {
    /// What we sent.
    pub sent: Field,
    /// The version that the write returned without the record: what is seen at it is read back. `None`: it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// The other form in which the system was last seen to keep it, by the write's own answer or at its version.
    #[serde(default, deserialize_with = "some", skip_serializing_if = "Option::is_none")]
    pub kept: Option<Field>,
    /// Whether that is the system's own doing: nobody else can have done it, or the same value met the same form twice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub certain: bool,
}

impl Answered {
    /// After a write of `sent`. That the same value met another form before is remembered.
    #[must_use]
    pub fn new(sent: Field, version: Option<i64>, before: Option<&Self>) -> Self {
        let kept = before.filter(|before| before.sent == sent).and_then(|before| before.kept.clone());
        Self { sent, version, kept, certain: false }
    }

    /// After the write's own answer, or its version, was seen to hold another form. `proof`: nobody else can have done it.
    #[must_use]
    pub fn read_back(&self, seen: &Field, proof: bool, same: impl Fn(&Field, &Field) -> bool) -> Self {
        let again = self.kept.as_ref().is_some_and(|kept| same(seen, kept));
        Self { sent: self.sent.clone(), version: None, kept: Some(seen.clone()), certain: proof || again }
    }
}

/// What was sent to a system and is not answered yet: until it is, the system may show it or not. Once it does, that is our
/// writing, and no word of the system's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sent {
    /// What was sent.
    pub value: Field,
    /// Where it was first said.
    pub origin: Origin,
    /// What it was to displace.
    pub displaces: Field,
    /// The first attempt that sent it: only an answer to that one says that it never arrives. 0: sent before attempts were noted.
    #[serde(default)]
    pub attempt: u64,
}

/// A field that is there: JSON spells Null as `null`, and that is not nothing.
pub(crate) fn some<'de, D: Deserializer<'de>, F: Deserialize<'de>>(deserializer: D) -> Result<Option<F>, D::Error> {
    F::deserialize(deserializer).map(Some)
}

impl Base {
    /// A base for a value that was accepted into golden as it stands.
    #[must_use]
    pub fn accepted(seen: Field, golden: Field) -> Self {
        Self { seen, agreed: golden, lost: false, marks: Marked::NOT }
    }

    /// The same with other marks.
    #[must_use]
    pub fn marked(mut self, change: impl FnOnce(&mut Marks)) -> Self {
        let mut marks = std::mem::take(&mut self.marks).into_marks();
        change(&mut marks);
        self.marks = marks.into();
        self
    }

    /// A base for our own writing, where it is seen.
    #[must_use]
    pub fn written(seen: Field, sent: Sent) -> Self {
        let Sent { value, origin, displaces, attempt: _ } = sent;
        Self::accepted(seen, value).marked(|marks| {
            marks.wrote = Some(Box::new(origin));
            marks.displaced = Some(Box::new(displaces));
        })
    }

    /// A base for a value that lost a resolution, after what was accepted before: a write of golden is owed. What the
    /// system last agreed with stays known; the value itself never was golden, and is no evidence for anybody.
    #[must_use]
    pub fn lost(seen: Field, before: &Self) -> Self {
        let lost = !planted!(LoserOwedNothing);
        Self { lost, ..Self::accepted(seen, before.agreed.clone()) }
    }

    /// Whether the system was sent this value and keeps what it shows instead: to send it again would change nothing.
    #[must_use]
    pub fn keeps_instead(&self, shown: &Field, sent: &Field, same: impl Fn(&Field, &Field) -> bool) -> bool {
        self.marks.answered.as_deref().is_some_and(|answered| {
            answered.certain
                && same(&answered.sent, sent)
                && answered.kept.as_ref().is_some_and(|kept| same(shown, kept))
        })
    }

    /// Whether the system has not accepted golden: a write is owed, unless it holds golden. `same` is the unit's
    /// equivalence.
    #[must_use]
    pub fn is_behind(&self, golden: &Field, same: impl Fn(&Field, &Field) -> bool) -> bool {
        self.lost || !same(&self.agreed, golden)
    }
}
