//! Rows of one key, side by side: which attributes are not the same. Pure.

use std::borrow::Cow;

use accordant::equivalence::Equivalence;
use accordant::value::Field;

use crate::difference::Changed;
use crate::snapshot::{Cell, Wanted};

/// An attribute that is compared, and when its values are the same.
#[derive(Debug, Clone)]
pub struct Attribute {
    pub(crate) name: String,
    pub(crate) equivalence: Equivalence,
    /// Whether null and the empty text are two values.
    pub(crate) apart: bool,
}

/// What a cell says; nothing if it is no UTF-8.
fn field(cell: Option<&[u8]>) -> Option<Field> {
    match cell {
        None => Some(Field::Null),
        Some([]) => Some(Field::Empty),
        Some(text) => std::str::from_utf8(text).ok().map(Field::value),
    }
}

impl Attribute {
    /// Values are the same where they are by this equivalence. Null and the empty text are the same, as everywhere.
    #[must_use]
    pub fn new(name: impl Into<String>, equivalence: Equivalence) -> Self {
        Self { name: name.into(), equivalence, apart: false }
    }

    /// Null and the empty text are two values.
    #[must_use]
    pub const fn telling_null_from_empty(mut self) -> Self {
        self.apart = true;
        self
    }

    /// Whether a value is the same as the reference: the value of the first snapshot that has one.
    fn same(&self, value: &Field, reference: &Field) -> bool {
        let (value, reference) = (self.plain(value), self.plain(reference));
        let absent = matches!((&*value, &*reference), (Field::Null, Field::Empty) | (Field::Empty, Field::Null));
        if absent { !self.apart } else { self.equivalence.same(&value, &reference) }
    }

    /// What has an empty normal form is empty.
    fn plain<'f>(&self, field: &'f Field) -> Cow<'f, Field> {
        match (&self.equivalence, field) {
            (Equivalence::Normalized(normalizer), Field::Value(text)) if normalizer.normalize(text).is_empty() => {
                Cow::Owned(Field::Empty)
            }
            _ => Cow::Borrowed(field),
        }
    }
}

/// A cell that has to be shown, and is no UTF-8: of which side, and which of what is wanted there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotText {
    pub(crate) side: usize,
    pub(crate) place: usize,
}

fn shown(side: usize, place: usize, cell: &Cell<'_>) -> Result<Field, NotText> {
    field(cell.as_deref()).ok_or(NotText { side, place })
}

/// The attributes that are not the same, and how many values are not as the first. A side without cells does not have the key.
pub(crate) fn changed(
    attributes: &[Attribute],
    wanted: &[Wanted],
    cells: &[Vec<Cell<'_>>],
) -> Result<(Vec<Changed>, u64), NotText> {
    let (mut changed, mut others) = (Vec::new(), 0);
    for (place, attribute) in attributes.iter().enumerate() {
        let holds = |side: usize| wanted[side].columns[place].is_some();
        let cell = |side: usize| cells[side].get(place).filter(|_| holds(side));
        let mut held = (0..cells.len()).filter_map(|side| Some((side, cell(side)?)));
        let Some((first, reference)) = held.next() else { continue };
        let mut unlike = held.filter(|(_, cell)| *cell != reference).peekable();
        if unlike.peek().is_none() {
            continue;
        }
        let reference = shown(first, place, reference)?;
        let mut differ = 0;
        for (side, cell) in unlike {
            differ += u64::from(!attribute.same(&shown(side, place, cell)?, &reference));
        }
        if differ > 0 {
            let value = |side: usize| cell(side).map(|cell| shown(side, place, cell)).transpose();
            let values = (0..cells.len()).map(value).collect::<Result<_, _>>()?;
            changed.push(Changed { attribute: attribute.name.clone(), values });
            others += differ;
        }
    }
    Ok((changed, others))
}

/// The native id of each side that has the key: what stands behind its attributes, or the key where that is the id.
pub(crate) fn ids(
    key: &str,
    attributes: usize,
    wanted: &[Wanted],
    cells: &[Vec<Cell<'_>>],
) -> Result<Vec<Option<String>>, NotText> {
    let id = |(side, cells): (usize, &Vec<Cell<'_>>)| match cells.get(attributes) {
        None => Ok(None),
        Some(cell) if wanted[side].columns[attributes].is_some() => {
            Ok(shown(side, attributes, cell)?.as_value().map(str::to_owned))
        }
        Some(_) => Ok(Some(key.to_owned())),
    };
    cells.iter().enumerate().map(id).collect()
}
