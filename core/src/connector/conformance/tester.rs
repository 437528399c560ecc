//! Who measures: makes records, keeps the passport.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::bench::{Bench, Values};
use super::heard::decoders;
use super::passport::{Entry, Measured, Passport, Promise};
use super::told::{End, Told};
use crate::connector::{Cursor, Item};
use crate::decode::DecodeTable;
use crate::id::{ObjectType, SurfaceName};
use crate::surface::Surface;
use crate::text::Text;

/// How many records fill several pages and batches of a bench.
pub(super) const CROWD: usize = 12;

/// Who measures.
pub(super) struct Tester<'b> {
    pub(super) bench: &'b dyn Bench,
    pub(super) surfaces: Vec<Surface>,
    pub(super) tables: BTreeMap<SurfaceName, DecodeTable>,
    pub(super) positions: BTreeMap<SurfaceName, Cursor>,
    /// What was pushed and nobody has asked for yet.
    pub(super) mail: Vec<Item>,
    numbers: u32,
    /// Surfaces that turned out to tell of deletions and of nothing else.
    pub(super) of_deletions: BTreeSet<SurfaceName>,
    passport: Passport,
}

impl<'b> Tester<'b> {
    pub(super) fn new(bench: &'b dyn Bench) -> Self {
        let passport = Passport { system: bench.connector().system().to_owned(), entries: Vec::new() };
        Self {
            bench,
            surfaces: bench.connector().surfaces().to_vec(),
            tables: BTreeMap::new(),
            positions: BTreeMap::new(),
            mail: Vec::new(),
            numbers: 0,
            of_deletions: BTreeSet::new(),
            passport,
        }
    }

    pub(super) fn finish(self) -> Passport {
        self.passport
    }

    /// Puts a line into the passport.
    pub(super) fn note(&mut self, place: &str, promise: Promise, declared: impl Into<String>, told: Told) {
        let measured = match told {
            Ok(seen) => Measured::Kept(seen),
            Err(End::Broken(told)) => Measured::Broken(told),
            Err(End::Skipped(why)) => Measured::Skipped(why),
        };
        let entry = Entry { place: place.to_owned(), promise, declared: declared.into(), measured };
        self.passport.entries.push(entry);
    }

    /// Puts a line for each of these into the passport: none of them could be measured.
    pub(super) fn note_all(&mut self, place: &str, promises: impl IntoIterator<Item = (Promise, String)>, end: &End) {
        for (promise, declared) in promises {
            self.note(place, promise, declared, Err(end.clone()));
        }
    }

    /// The object types that surfaces tell of, in their order.
    pub(super) fn objects(&self) -> Vec<ObjectType> {
        let mut objects: Vec<ObjectType> = Vec::new();
        for surface in &self.surfaces {
            if !objects.contains(&surface.object) {
                objects.push(surface.object.clone());
            }
        }
        objects
    }

    /// The surfaces of an object type.
    pub(super) fn surfaces_of(&self, object: &ObjectType) -> Vec<Surface> {
        self.surfaces.iter().filter(|surface| surface.object == *object).cloned().collect()
    }

    /// Compiles decoders of the bench's values, for every surface of an object type.
    pub(super) fn prepare(&mut self, object: &ObjectType) -> Told<()> {
        let values = self.bench.values(object, 0)?;
        let surfaces = self.surfaces.iter().filter(|surface| surface.object == *object);
        self.tables.extend(decoders(&self.passport.system, object, &values, surfaces)?);
        Ok(())
    }

    /// Values that no record had before.
    pub(super) fn fresh(&mut self, object: &ObjectType) -> Told<Values> {
        self.numbers += 1;
        Ok(self.bench.values(object, self.numbers)?)
    }

    /// Another last value, alone.
    pub(super) fn fresh_last(&mut self, object: &ObjectType) -> Told<Values> {
        Ok(self.fresh(object)?.pop().into_iter().collect())
    }

    /// Somebody makes a record of fresh values.
    pub(super) async fn make(&mut self, object: &ObjectType) -> Told<(Text, Values)> {
        let values = self.fresh(object)?;
        let id = self.bench.make(object, &values).await?;
        Ok((id, values))
    }

    /// Somebody makes several.
    pub(super) async fn make_crowd(&mut self, object: &ObjectType) -> Told<Vec<(Text, Values)>> {
        let mut crowd = Vec::with_capacity(CROWD);
        for _ in 0..CROWD {
            crowd.push(self.make(object).await?);
        }
        Ok(crowd)
    }

    /// Lets as much time pass as tells two states apart, if the bench can.
    pub(super) async fn step(&self) -> bool {
        self.bench.pass(TimeDelta::seconds(2)).await.is_ok()
    }
}
