//! What one walk captured, as slots read it.

use super::walk::{Captured, Kind};
use crate::value::Leaf;

/// What was found at one place.
pub(super) enum Found<'a> {
    Absent,
    Leaf(Leaf<'a>),
    /// The first element's place, and how many.
    Array(u32, u32),
    Wrong(&'static str),
    /// The surface said that it changed, and not to what.
    Withheld,
}

const OBJECT: &str = "expected a value, found an object";
const ARRAY: &str = "expected a value, found an array";

/// What one walk captured.
#[derive(Clone, Copy)]
pub(super) struct Captures<'a> {
    pub(super) body: &'a str,
    pub(super) text: &'a str,
    pub(super) places: &'a [Captured],
}

impl<'a> Captures<'a> {
    pub(super) fn kind(&self, place: u32) -> Kind {
        self.places.get(place as usize).map_or(Kind::Absent, |captured| captured.kind)
    }

    #[inline(always)]
    pub(super) fn find(&self, place: u32) -> Found<'a> {
        let Some(captured) = self.places.get(place as usize) else { return Found::Absent };
        let slice = |text: &'a str| {
            let at = captured.at as usize;
            text.get(at..at + captured.len as usize).unwrap_or_default()
        };
        match captured.kind {
            Kind::Absent => Found::Absent,
            Kind::Null => Found::Leaf(Leaf::Null),
            Kind::True => Found::Leaf(Leaf::Bool(true)),
            Kind::False => Found::Leaf(Leaf::Bool(false)),
            Kind::Text => Found::Leaf(Leaf::Text(slice(self.body))),
            Kind::Unescaped => Found::Leaf(Leaf::Text(slice(self.text))),
            Kind::Number => Found::Leaf(Leaf::Number(slice(self.body))),
            Kind::Object => Found::Wrong(OBJECT),
            Kind::Array => Found::Array(captured.at, captured.len),
            Kind::BrokenText => Found::Wrong("expected text, found half a surrogate pair"),
            Kind::NoObject => Found::Wrong("expected an object on the way, found something else"),
            Kind::TooMany => Found::Wrong("more elements than are read"),
            Kind::Withheld => Found::Withheld,
        }
    }

    /// The single value at a place; `Ok(None)` if nothing is there.
    #[inline]
    pub(super) fn leaf(&self, place: u32) -> Result<Option<Leaf<'a>>, Gap> {
        match self.find(place) {
            Found::Absent => Ok(None),
            Found::Leaf(leaf) => Ok(Some(leaf)),
            Found::Array(..) => Err(Gap::Shape(ARRAY)),
            Found::Wrong(reason) => Err(Gap::Shape(reason)),
            Found::Withheld => Err(Gap::Incomplete),
        }
    }
}

/// Why a slot gives no cells.
pub(super) enum Gap {
    Malformed(&'static str),
    Shape(&'static str),
    Incomplete,
    NotCarried,
    /// Nothing was said of it.
    Silent,
}
