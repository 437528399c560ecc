//! What few bases keep.

use std::ops::Deref;

use crate::base::{Answered, Origin};
use crate::value::Field;

/// What few bases keep beside what was seen and agreed: see [`Marked`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Marks {
    /// The origin of what we wrote there, if `seen` is our own writing.
    pub wrote: Option<Box<Origin>>,
    /// What our last write there displaced: restoring it is a reaction, and counts towards the oscillation breaker.
    pub displaced: Option<Box<Field>>,
    /// Where the mapping reads by other rates since: `seen` is then the least, and this the greatest, of what the same amount in
    /// the system is read as today. Until it is read again, nobody can tell which, and none of them is a move.
    pub reread: Option<Box<Field>>,
    /// What came of our last write there, while that is to be recognised: most systems answer with what was sent.
    pub answered: Option<Box<Answered>>,
}

/// [`Marks`] that cost one word where there are none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Marked(
    /// Never marks without anything in them: equal contents are equal.
    Option<Box<Marks>>,
);

static UNMARKED: Marks = Marks { wrote: None, displaced: None, reread: None, answered: None };

impl Marked {
    /// None.
    pub(crate) const NOT: Self = Self(None);

    /// What is kept, to be changed.
    pub(super) fn into_marks(self) -> Marks {
        self.0.map_or_else(Marks::default, |marks| *marks)
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Base;

    #[test]
    fn marks_cost_a_word_where_there_are_none() {
        let base = Base::accepted(Field::value("a"), Field::value("b"));
        assert_eq!(size_of::<Base>(), 48);
        assert_eq!(Marked::from(Marks::default()), Marked::NOT);
        let marked = base.clone().marked(|marks| marks.displaced = Some(Box::new(Field::Null)));
        assert_ne!(marked, base);
        assert_eq!(marked.marked(|marks| marks.displaced = None), base);
    }
}
