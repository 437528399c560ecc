//! Rows of a table, a column at a time.

use crate::check::CheckError;

/// Some rows, as columns. It borrows what it shows: a source fills its buffers, shows them, and fills them again.
#[derive(Debug, Clone, Default)]
pub struct Batch<'a> {
    rows: usize,
    columns: Vec<(&'a str, Column<'a>)>,
}

impl<'a> Batch<'a> {
    /// So many rows, without columns yet.
    #[must_use]
    pub const fn of(rows: usize) -> Self {
        Self { rows, columns: Vec::new() }
    }

    /// With this column.
    ///
    /// # Errors
    ///
    /// [`CheckError::Lengths`] where it is not as long as the batch, [`CheckError::TwiceNamed`] where there is one of its name.
    pub fn with(mut self, name: &'a str, column: Column<'a>) -> Result<Self, CheckError> {
        if column.len() != self.rows || !column.present.is_none_or(|bits| bits.reach(self.rows)) {
            return Err(CheckError::Lengths { column: name.to_owned() });
        }
        if self.column(name).is_some() {
            return Err(CheckError::TwiceNamed { name: name.to_owned() });
        }
        self.columns.push((name, column));
        Ok(self)
    }

    /// How many rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column<'a>> {
        self.columns.iter().find(|(held, _)| *held == name).map(|(_, column)| column)
    }
}

/// A column: its values, and which rows have one.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    pub(crate) values: Values<'a>,
    pub(crate) present: Option<Bits<'a>>,
}

/// The values of a column. Where a row has none, what is here in its place is not looked at.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Values<'a> {
    /// Texts, in UTF-8 or whatever a file held.
    Text(Texts<'a>),
    /// Whole numbers.
    Whole(&'a [i64]),
    /// Numbers.
    Real(&'a [f64]),
    /// Moments, in microseconds since 1970 in UTC.
    Moment(&'a [i64]),
}

/// Texts, one behind the other.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'a> {
    bytes: &'a [u8],
    ends: &'a [i32],
}

impl<'a> Texts<'a> {
    /// The texts between these places: one fewer than there are places.
    ///
    /// Nothing where the places fall, or are outside the bytes.
    #[must_use]
    pub fn between(bytes: &'a [u8], places: &'a [i32]) -> Option<Self> {
        let rise = places.windows(2).all(|pair| pair[0] <= pair[1]);
        let inside = *places.first()? >= 0 && usize::try_from(*places.last()?).ok()? <= bytes.len();
        (rise && inside).then_some(Self { bytes, ends: places })
    }

    /// How many.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len() - 1
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them. Empty behind the last.
    #[must_use]
    #[expect(clippy::cast_sign_loss, reason = "places are not below zero")]
    pub fn at(&self, row: usize) -> &'a [u8] {
        match self.ends.get(row..).and_then(|ends| ends.first_chunk()) {
            Some(&[from, to]) => &self.bytes[from as usize..to as usize],
            None => &[],
        }
    }
}

/// Which rows have a value: a bit each, the lowest of a byte first.
#[derive(Debug, Clone, Copy)]
pub struct Bits<'a> {
    bytes: &'a [u8],
    from: usize,
}

impl<'a> Bits<'a> {
    /// The bits from one on.
    #[must_use]
    pub const fn from(bytes: &'a [u8], from: usize) -> Self {
        Self { bytes, from }
    }

    const fn reach(self, rows: usize) -> bool {
        self.from.saturating_add(rows) <= self.bytes.len().saturating_mul(8)
    }

    pub(crate) fn at(self, row: usize) -> bool {
        let place = self.from + row;
        self.bytes.get(place / 8).is_some_and(|byte| byte >> (place % 8) & 1 == 1)
    }
}

impl<'a> Column<'a> {
    /// A column whose rows all have a value.
    #[must_use]
    pub const fn full(values: Values<'a>) -> Self {
        Self { values, present: None }
    }

    /// A column that has values in these rows only.
    #[must_use]
    pub const fn partial(values: Values<'a>, present: Bits<'a>) -> Self {
        Self { values, present: Some(present) }
    }

    fn len(&self) -> usize {
        match self.values {
            Values::Text(texts) => texts.len(),
            Values::Whole(values) | Values::Moment(values) => values.len(),
            Values::Real(values) => values.len(),
        }
    }

    /// Whether the row has a value.
    pub(crate) fn has(&self, row: usize) -> bool {
        self.present.is_none_or(|bits| bits.at(row))
    }
}
