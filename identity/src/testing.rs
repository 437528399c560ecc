//! Generated customers of three systems, with their truth: who is whom is known, so that what is found can be judged.
//!
//! Companies have several contacts, persons live in households, brands have namesakes, offices are shared; values are missing,
//! mistyped, shortened, moved. The rates are chosen, not measured: use it to compare and to see what grows, not as a proof of how
//! well real records are linked.

mod entity;
mod record;
mod slips;

use entity::Entity;

/// The columns, the id left out.
pub const COLUMNS: [&str; 11] = [
    "system",
    "company",
    "first_name",
    "last_name",
    "email",
    "phone",
    "domain",
    "street",
    "city",
    "postcode",
    "country",
];

/// A generated record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// Its id.
    pub id: String,
    /// The number of the customer that it is of.
    pub entity: u64,
    /// Its values, in the order of [`COLUMNS`].
    pub values: [String; 11],
}

/// Numbers drawn from a seed.
#[derive(Debug, Clone)]
pub struct Draw(u64);

impl Draw {
    /// Numbers of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        crate::hash::mix(self.0, 0x2545_f491_4f6c_dd1d)
    }

    /// A number below `most`.
    pub fn below(&mut self, most: usize) -> usize {
        (((self.number() >> 32) * most as u64) >> 32) as usize
    }

    /// Whether something of a probability happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        ((self.number() >> 11) as f64) < probability * (1_u64 << 53) as f64
    }

    /// One of several.
    pub fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    /// A small number more often than a large one, below `most`.
    pub fn few(&mut self, most: usize) -> usize {
        let share = (self.number() >> 11) as f64 / (1_u64 << 53) as f64;
        ((most as f64) * share * share) as usize
    }
}

/// Generates `records` records of a seed, shuffled.
#[must_use]
pub fn customers(records: usize, seed: u64) -> Vec<Generated> {
    let mut draw = Draw::new(seed);
    let mut made: Vec<Generated> = Vec::with_capacity(records + 8);
    let mut recent: Vec<Entity> = Vec::new();
    let mut number = 0;
    while made.len() < records {
        number += 1;
        let neighbour = (!recent.is_empty() && draw.happens(0.6)).then(|| draw.below(recent.len()));
        let entity = Entity::draw(&mut draw, neighbour.map(|place| &recent[place]), number);
        for (system, present, twice) in [("crm", 0.8, 0.08), ("shop", 0.55, 0.12), ("erp", 0.5, 0.02)] {
            let again = usize::from(draw.happens(twice));
            let times = if draw.happens(present) { 1 + again } else { 0 };
            for _ in 0..times {
                let id = format!("{}{:07}", &system[..1], made.len());
                made.push(Generated { id, entity: number, values: record::of(&mut draw, &entity, system) });
            }
        }
        recent.push(entity);
        if recent.len() > 300 {
            recent.remove(0);
        }
    }
    made.truncate(records);
    for place in (1..made.len()).rev() {
        made.swap(place, draw.below(place + 1));
    }
    made
}
