//! One check over one batch.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::io::Write as _;

use super::batch::{Batch, Column, Values};
use super::keys::Keys;
use super::lags::Lags;
use super::state::{Held, State};
use super::tally::{Taking, shown};
use super::{Bound, Check, CheckError, Reference, Relation, Rule, Settings, moment};

/// A check that is ready for rows.
#[derive(Debug)]
pub(crate) struct Judge {
    pub(crate) check: Check,
    /// The values that [`Rule::OneOf`] allows.
    allowed: Option<Reference>,
}

impl Judge {
    pub(crate) fn new(check: Check) -> Result<Self, CheckError> {
        check.validate()?;
        let allowed = match &check.rule {
            Rule::OneOf { values, .. } => {
                Some(Reference::texts(values).ok_or_else(|| CheckError::Bounds { check: check.name.clone() })?)
            }
            _ => None,
        };
        Ok(Self { check, allowed })
    }

    /// Whether the batch has what is looked at.
    pub(crate) fn fits(&self, batch: &Batch<'_>) -> Result<(), CheckError> {
        let rule = &self.check.rule;
        let mut kinds = Vec::new();
        for name in rule.columns() {
            let values = self.column(batch, name)?.values;
            let fits = match rule {
                Rule::Matches { .. } | Rule::OneOf { .. } => matches!(values, Values::Text(_)),
                #[cfg(feature = "validators")]
                Rule::Valid { .. } => matches!(values, Values::Text(_)),
                Rule::Between { .. } => !matches!(values, Values::Moment(_)),
                Rule::Fresh { .. } => matches!(values, Values::Text(_) | Values::Moment(_)),
                Rule::Refers { .. } => matches!(values, Values::Text(_) | Values::Whole(_)),
                Rule::Related { .. } => {
                    kinds.push(std::mem::discriminant(&values));
                    kinds[0] == kinds[kinds.len() - 1]
                }
                // Of the two columns, only the one that is compared must be of texts.
                Rule::PresentWhen { when, equals, .. } => {
                    equals.is_none() || name != when || matches!(values, Values::Text(_))
                }
                Rule::Rows { .. } | Rule::Present { .. } | Rule::Unique { .. } => true,
            };
            if !fits {
                return Err(CheckError::Kind { check: self.check.name.clone(), column: name.to_owned() });
            }
        }
        Ok(())
    }

    fn column<'b, 'a>(&self, batch: &'b Batch<'a>, name: &str) -> Result<&'b Column<'a>, CheckError> {
        let none = || CheckError::NoColumn { check: self.check.name.clone(), column: name.to_owned() };
        batch.column(name).ok_or_else(none)
    }

    /// Takes the batch into the state.
    pub(crate) fn take(&self, state: &mut State, batch: &Batch<'_>, settings: &Settings) -> Result<(), CheckError> {
        let (before, examples) = (state.rows, settings.examples);
        state.rows += batch.rows() as u64;
        match &mut state.held {
            Held::Rows => Ok(()),
            Held::Tally(tally) => self.judge(Taking { tally, before, examples }, batch, settings),
            Held::Ages(tally, lags) => {
                self.judge(Taking { tally, before, examples }, batch, settings)?;
                self.take_ages(lags, batch)
            }
            Held::Keys(keys) => self.take_keys(keys, before, batch, settings),
        }
    }

    fn take_keys(
        &self,
        keys: &mut Keys,
        before: u64,
        batch: &Batch<'_>,
        settings: &Settings,
    ) -> Result<(), CheckError> {
        let columns = self.check.rule.columns();
        let columns = columns.iter().map(|name| self.column(batch, name).copied()).collect::<Result<Vec<_>, _>>()?;
        let mut buffer = Vec::new();
        for row in 0..batch.rows() {
            if let Some(key) = key(&columns, row, &mut buffer) {
                keys.take(key, before + row as u64, 1, settings)?;
            }
        }
        Ok(())
    }

    /// Counts the ages of all that are not in the future.
    fn take_ages(&self, lags: &mut Lags, batch: &Batch<'_>) -> Result<(), CheckError> {
        let Rule::Fresh { column, now, .. } = &self.check.rule else { return Ok(()) };
        let column = self.column(batch, column)?;
        let at = |row: usize| if column.has(row) { moment_at(column, row) } else { None };
        lags.take((0..batch.rows()).filter_map(at).filter(|at| at <= now).map(|at| now.abs_diff(at)));
        Ok(())
    }

    /// Judges each row.
    fn judge(&self, taking: Taking<'_>, batch: &Batch<'_>, settings: &Settings) -> Result<(), CheckError> {
        let rows = batch.rows();
        let rule = &self.check.rule;
        let names = rule.columns();
        let column = match names.first() {
            Some(name) => *self.column(batch, name)?,
            None => return Ok(()),
        };
        let present = |row: usize| column.has(row);
        let value = |row: usize| settings.show.then(|| read(&column, row));
        match rule {
            Rule::Rows { .. } | Rule::Unique { .. } => {}
            Rule::Present { .. } => taking.judge(rows, |_| true, present, |_| None),
            Rule::PresentWhen { when, equals, .. } => {
                let when = *self.column(batch, when)?;
                let expected = |row: usize| {
                    let is = |equals: &String| match when.values {
                        Values::Text(texts) => texts.at(row) == equals.as_bytes(),
                        Values::Whole(_) | Values::Real(_) | Values::Moment(_) => false,
                    };
                    when.has(row) && equals.as_ref().is_none_or(is)
                };
                taking.judge(rows, expected, present, |_| None);
            }
            Rule::Matches { pattern, .. } => {
                if let Values::Text(texts) = column.values {
                    let mut matched = Vec::with_capacity(rows + 3);
                    for row in (0..rows).step_by(4) {
                        // Behind the last there are empty ones, and nobody asks for them.
                        matched.extend(pattern.matches_four([0, 1, 2, 3].map(|place| texts.at(row + place))));
                    }
                    taking.judge(rows, present, |row| matched[row], value);
                }
            }
            Rule::OneOf { .. } => {
                if let (Values::Text(texts), Some(allowed)) = (column.values, &self.allowed) {
                    taking.judge(rows, present, |row| allowed.text(texts.at(row)), value);
                }
            }
            #[cfg(feature = "validators")]
            Rule::Valid { validator, .. } => {
                if let Values::Text(texts) = column.values {
                    let valid =
                        |row| std::str::from_utf8(texts.at(row)).is_ok_and(|text| validator.check(text).is_ok());
                    taking.judge(rows, present, valid, value);
                }
            }
            Rule::Between { least, most, .. } => match column.values {
                Values::Whole(values) => {
                    taking.judge(rows, present, |row| within_whole(values[row], *least, *most), value);
                }
                Values::Real(values) => {
                    taking.judge(rows, present, |row| within_real(values[row], *least, *most), value);
                }
                Values::Text(texts) => {
                    taking.judge(rows, present, |row| within_text(texts.at(row), *least, *most), value);
                }
                Values::Moment(_) => {}
            },
            Rule::Fresh { now, within, .. } => {
                let fresh = |at: i64| at <= *now && i128::from(*now) - i128::from(at) <= i128::from(*within);
                match column.values {
                    Values::Moment(values) => taking.judge(rows, present, |row| fresh(values[row]), value),
                    Values::Text(texts) => {
                        taking.judge(rows, present, |row| moment(texts.at(row)).is_some_and(fresh), value);
                    }
                    Values::Whole(_) | Values::Real(_) => {}
                }
            }
            Rule::Refers { to, .. } => match column.values {
                Values::Whole(values) => taking.judge(rows, present, |row| to.whole(values[row]), value),
                Values::Text(texts) => taking.judge(rows, present, |row| to.text(texts.at(row)), value),
                Values::Real(_) | Values::Moment(_) => {}
            },
            Rule::Related { relation, right, .. } => {
                let other = *self.column(batch, right)?;
                let present = |row: usize| column.has(row) && other.has(row);
                let value = |row: usize| settings.show.then(|| format!("{} {}", read(&column, row), read(&other, row)));
                match (column.values, other.values) {
                    (Values::Whole(left), Values::Whole(right)) | (Values::Moment(left), Values::Moment(right)) => {
                        taking.judge(rows, present, |row| relation.holds(left[row].cmp(&right[row])), value);
                    }
                    (Values::Real(left), Values::Real(right)) => {
                        let holds =
                            |row: usize| left[row].partial_cmp(&right[row]).is_some_and(|order| relation.holds(order));
                        taking.judge(rows, present, holds, value);
                    }
                    (Values::Text(left), Values::Text(right)) if *relation == Relation::Equal => {
                        taking.judge(rows, present, |row| left.at(row) == right.at(row), value);
                    }
                    (Values::Text(left), Values::Text(right)) => {
                        let holds = |row: usize| {
                            order_of(left.at(row), right.at(row)).is_some_and(|order| relation.holds(order))
                        };
                        taking.judge(rows, present, holds, value);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

fn moment_at(column: &Column<'_>, row: usize) -> Option<i64> {
    match column.values {
        Values::Moment(values) => Some(values[row]),
        Values::Text(texts) => moment(texts.at(row)),
        Values::Whole(_) | Values::Real(_) => None,
    }
}

fn within_whole(value: i64, least: Option<Bound>, most: Option<Bound>) -> bool {
    let above = least.is_none_or(|least| least.of_whole(value).is_some_and(|order| order.is_ge()));
    above && most.is_none_or(|most| most.of_whole(value).is_some_and(|order| order.is_le()))
}

fn within_real(value: f64, least: Option<Bound>, most: Option<Bound>) -> bool {
    let above = least.is_none_or(|least| least.of_real(value).is_some_and(|order| order.is_ge()));
    above && most.is_none_or(|most| most.of_real(value).is_some_and(|order| order.is_le()))
}

/// A text as the number that it is; a whole one without rounding.
fn within_text(text: &[u8], least: Option<Bound>, most: Option<Bound>) -> bool {
    match number(text) {
        Some(Bound::Whole(whole)) => within_whole(whole, least, most),
        Some(Bound::Real(real)) => within_real(real, least, most),
        None => false,
    }
}

/// The number that a text is.
fn number(text: &[u8]) -> Option<Bound> {
    let text = std::str::from_utf8(text).ok()?;
    let real = || text.parse().ok().filter(|real: &f64| real.is_finite()).map(Bound::Real);
    text.parse().ok().map(Bound::Whole).or_else(real)
}

/// How two moments stand to each other, or two numbers.
fn order_of(left: &[u8], right: &[u8]) -> Option<Ordering> {
    if let Some((left, right)) = moment(left).zip(moment(right)) {
        return Some(left.cmp(&right));
    }
    match (number(left)?, number(right)?) {
        (Bound::Whole(left), right) => right.of_whole(left),
        (Bound::Real(left), right) => right.of_real(left),
    }
}

/// The value of a row as text; a moment as its microseconds.
fn read(column: &Column<'_>, row: usize) -> String {
    match column.values {
        Values::Text(texts) => shown(texts.at(row)),
        Values::Whole(values) | Values::Moment(values) => values[row].to_string(),
        Values::Real(values) => values[row].to_string(),
    }
}

/// The key of a row; nothing if one of its values is missing. Numbers are their text, so that the same key from a file of texts
/// is the same; several values stand with their lengths, so that no two rows share a key by chance.
fn key<'k>(columns: &[Column<'k>], row: usize, buffer: &'k mut Vec<u8>) -> Option<&'k [u8]> {
    if !columns.iter().all(|column| column.has(row)) {
        return None;
    }
    if let [Column { values: Values::Text(texts), .. }] = columns {
        return Some(texts.at(row));
    }
    buffer.clear();
    let mut part = String::new();
    for column in columns {
        part.clear();
        let bytes = match column.values {
            Values::Text(texts) => texts.at(row),
            Values::Whole(values) | Values::Moment(values) => {
                // Writing to a string does not fail.
                let _never = write!(part, "{}", values[row]);
                part.as_bytes()
            }
            Values::Real(values) => {
                // Zero is one number, and has two signs.
                let _never = write!(part, "{}", if values[row] == 0.0 { 0.0 } else { values[row] });
                part.as_bytes()
            }
        };
        if columns.len() > 1 {
            let _never = write!(buffer, "{}:", bytes.len());
        }
        buffer.extend_from_slice(bytes);
    }
    Some(buffer)
}
