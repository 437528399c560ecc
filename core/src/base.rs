//! Bases: per link and unit, the common ancestor of what a system holds and what golden holds.

use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::RecordRef;
use crate::stamp::Stamp;
use crate::value::Field;

/// Where and when a value was first said.
///
/// A cell that equals what we wrote there inherits the origin of what we wrote: our own echo is no witness.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The record that said it first.
    pub record: Arc<RecordRef>,
    /// The stamp since which it says so.
    pub stamp: Stamp,
}

/// What a system last held and had accepted, and the golden value it was accepted against.
///
/// Both sides of the pair answer one question each. Has the system moved? Its value is not the same as `seen`. Is a
/// write owed? Golden is not the same as `agreed`, or the value lost; and the system does not hold golden.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Base {
    /// The system's last accepted value.
    pub seen: Field,
    /// The golden value against which it was accepted; for a value that lost a resolution, that of the value before it.
    pub agreed: Field,
    /// Whether `seen` was heard and lost: golden was never accepted against it, so a write is owed even where golden did
    /// not move.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
    /// What is kept of our writes there, and of other readings. Behind one word, as few have any: there are more bases than anything
    /// else.
    #[serde(flatten)]
    pub marks: Marked,
}

/// What few bases keep beside what was seen and agreed: see [`Marked`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Marks {
    /// The origin of what we wrote there, if `seen` is our own writing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrote: Option<Box<Origin>>,
    /// What our last write there displaced: restoring it is a reaction, and counts towards the oscillation breaker.
    #[serde(default, deserialize_with = "some", skip_serializing_if = "Option::is_none")]
    pub displaced: Option<Box<Field>>,
    /// Where the mapping reads by other rates since: `seen` is then the least, and this the greatest, of what the same amount in
    /// the system is read as today. Until it is read again, nobody can tell which, and none of them is a move.
    #[serde(default, deserialize_with = "some", skip_serializing_if = "Option::is_none")]
    pub reread: Option<Box<Field>>,
    /// What came of our last write there, while that is to be recognised: most systems answer with what was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Box<Answered>>,
}

/// [`Marks`] that cost one word where there are none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(from = "Marks")]
pub struct Marked(
    /// Never marks without anything in them: equal contents are equal.
    Option<Box<Marks>>,
);

static UNMARKED: Marks = Marks { wrote: None, displaced: None, reread: None, answered: None };

impl Marked {
    /// None.
    pub(crate) const NOT: Self = Self(None);
}

impl Deref for Marked {
    type Target = Marks;

    fn deref(&self) -> &Marks {
        self.0.as_deref().unwrap_or(&UNMARKED)
    }
}

impl From<Marks> for Marked {
    fn from(marks: Marks) -> Self {
        Self((marks != UNMARKED).then(|| Box::new(marks)))
    }
}

impl Serialize for Marked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Marks::serialize(self, serializer)
    }
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
        let mut marks = self.marks.0.take().map_or_else(Marks::default, |marks| *marks);
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

#[cfg(test)]
mod tests {
    use super::{Base, Marked, Marks};
    use crate::value::Field;

    #[test]
    fn marks_are_spelled_beside_what_was_seen_and_cost_a_word_where_there_are_none() {
        let base = Base::accepted(Field::value("a"), Field::value("b"));
        assert_eq!(size_of::<Base>(), 48);
        assert_eq!(Marked::from(Marks::default()), Marked::NOT);
        let marked = base.clone().marked(|marks| marks.displaced = Some(Box::new(Field::Null)));
        assert_eq!(marked.clone().marked(|marks| marks.displaced = None), base);
        for (base, json) in
            [(base, r#"{"seen":"a","agreed":"b"}"#), (marked, r#"{"seen":"a","agreed":"b","displaced":null}"#)]
        {
            assert_eq!(serde_json::to_string(&base).expect("a base can be written"), json);
            assert_eq!(serde_json::from_str::<Base>(json).expect("it can be read"), base);
        }
    }
}
