//! The records of one object type in one system, as the rows of a table.

use accordant::model::{CompiledEntity, CompiledObject, UnitShape};
use accordant::text::Text;
use accordant::value::split_member;
use accordant::view::{EntityView, Shows};

use super::tallies::is_there;
use crate::check::{Batch, Bits, Check, CheckError, Checker, Column, Outcome, Rule, Settings, Texts, Values};

/// An attribute of one value that an object type holds.
#[derive(Debug)]
struct Cell {
    attribute: String,
    unit: Text,
    arity: usize,
    member: u16,
}

/// A table that is filled and checked page by page.
#[derive(Debug)]
pub(super) struct Rows {
    cells: Vec<Cell>,
    /// None where nothing is asked.
    checker: Option<Checker>,
    filled: Vec<Filled>,
    rows: usize,
    /// How many values there were of each attribute.
    shown: Vec<u64>,
}

/// The cells of a column since the last batch.
#[derive(Debug)]
struct Filled {
    bytes: Vec<u8>,
    places: Vec<i32>,
    present: Vec<u8>,
}

impl Default for Filled {
    fn default() -> Self {
        Self { bytes: Vec::new(), places: vec![0], present: Vec::new() }
    }
}

/// How many bytes of a column are held at most before they are checked.
const MOST_BYTES: usize = 1 << 20;

impl Filled {
    fn push(&mut self, row: usize, value: Option<&str>) {
        if row.is_multiple_of(8) {
            self.present.push(0);
        }
        if let (Some(value), Some(byte)) = (value, self.present.last_mut()) {
            self.bytes.extend_from_slice(value.as_bytes());
            *byte |= 1 << (row % 8);
        }
        // Batches are checked long before two thousand million bytes.
        self.places.push(i32::try_from(self.bytes.len()).unwrap_or(i32::MAX));
    }

    fn column(&self) -> Option<Column<'_>> {
        let texts = Texts::between(&self.bytes, &self.places)?;
        Some(Column::partial(Values::Text(texts), Bits::from(&self.present, 0)))
    }
}

impl Rows {
    /// Of this object type: what the model requires, at this least share, and what is asked of attributes that it holds.
    pub(super) fn of(
        model: &CompiledEntity,
        object: &CompiledObject,
        asked: &[&Check],
        at_least: f64,
        settings: &Settings,
    ) -> Result<Self, CheckError> {
        let mut cells: Vec<Cell> = Vec::new();
        let mut checks = Vec::new();
        for slot in object.slots.iter().filter(|slot| !slot.mapping.read.is_empty()) {
            let Some(attribute) = model.attributes.get(usize::from(slot.attribute)) else { continue };
            let id = attribute.id.as_str();
            let Some((unit, member)) = model.unit_of(id) else { continue };
            let Some(unit) = model.units.get(usize::from(unit)) else { continue };
            let one = matches!(unit.shape, UnitShape::One | UnitShape::Group);
            if !one || cells.iter().any(|cell| cell.attribute == id) {
                continue;
            }
            let (attribute_id, arity) = (id.to_owned(), unit.members.len());
            // What a summand says is not shown by itself.
            if attribute.required && !unit.summed {
                let rule = Rule::Present { column: attribute_id.clone() };
                checks.push(Check { name: is_there(id), rule, at_least });
            }
            cells.push(Cell { attribute: attribute_id, unit: unit.id.clone(), arity, member });
        }
        let held = |name: &&str| cells.iter().any(|cell| cell.attribute == **name);
        checks.extend(asked.iter().filter(|check| check.rule.columns().iter().all(held)).map(|check| (*check).clone()));
        let checker = (!checks.is_empty()).then(|| Checker::new(checks, settings.clone())).transpose()?;
        let (filled, shown) = (cells.iter().map(|_| Filled::default()).collect(), vec![0; cells.len()]);
        Ok(Self { cells, checker, filled, rows: 0, shown })
    }

    /// Takes what the record at this place among the links of an entity shows.
    pub(super) fn push(&mut self, view: &EntityView, place: usize) -> Result<(), CheckError> {
        for ((cell, filled), shown) in self.cells.iter().zip(&mut self.filled).zip(&mut self.shown) {
            let link = view.unit(&cell.unit).and_then(|unit| unit.links.iter().find(|link| link.link == place));
            let field = match link.map(|link| &link.shows) {
                Some(Shows::Value(field)) => split_member(field, cell.arity, cell.member),
                Some(Shows::Hidden(_)) | None => None,
            };
            let value = field.as_ref().and_then(|field| field.as_value());
            *shown += u64::from(value.is_some());
            filled.push(self.rows, value);
        }
        self.rows += 1;
        if self.filled.iter().any(|filled| filled.bytes.len() > MOST_BYTES) {
            self.check()?;
        }
        Ok(())
    }

    /// Checks what was taken since the last time, and forgets it.
    pub(super) fn check(&mut self) -> Result<(), CheckError> {
        let rows = std::mem::take(&mut self.rows);
        let filled: Vec<Filled> = self.filled.iter_mut().map(std::mem::take).collect();
        if let Some(checker) = self.checker.as_mut().filter(|_| rows > 0) {
            let mut batch = Batch::of(rows);
            for (cell, filled) in self.cells.iter().zip(&filled) {
                let none = || CheckError::Lengths { column: cell.attribute.clone() };
                batch = batch.with(&cell.attribute, filled.column().ok_or_else(none)?)?;
            }
            checker.take(&batch)?;
        }
        Ok(())
    }

    /// What its checks came to.
    pub(super) fn outcomes(&self) -> Result<Vec<Outcome>, CheckError> {
        self.checker.as_ref().map_or_else(|| Ok(Vec::new()), |checker| checker.outcomes())
    }

    /// How many values there were of each attribute.
    pub(super) fn shown(&self) -> impl Iterator<Item = (&str, u64)> {
        self.cells.iter().zip(&self.shown).map(|(cell, shown)| (cell.attribute.as_str(), *shown))
    }
}
