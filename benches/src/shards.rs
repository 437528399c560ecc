//! The stream on several processors: each decodes a part of the lines, and folds and settles the customers that are its own.
//!
//! Each customer is of one shard, with all its records, so that nothing is locked. Lines are decoded wherever they are, in
//! rounds; then every shard takes, out of what all have decoded, what is about its customers, in the order of the lines. It
//! settles where the stream on one processor does, and as of the same instant: the state comes to be the same, to the last byte.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Barrier, PoisonError, RwLock};
use std::thread;

use accordant::decode::Batch;
use accordant::fact::EntityFact;
use accordant::stamp::Stamp;
use accordant::working_set::{RecordIndex, WorkingSet};
use hashbrown::HashMap;

use crate::customer::{OBJECT_OF_SOURCE, carries_whole_records};
use crate::delivery::{Block, Blocks, cut};
use crate::stream::{BATCH, Streamed, customers_in};
use crate::usage::{Clocks, Taken};
use crate::world::{Ground, linked};

/// How many lines a processor decodes in a round: as many batches as leave what was decoded in its cache.
const ROUND: usize = 16 * BATCH;

/// Takes in every delivery of a file on so many processors, as [`stream`](crate::stream::stream) does on one.
///
/// # Errors
///
/// If the file cannot be read.
pub fn stream(file: &Path, shards: usize) -> io::Result<Streamed> {
    let ground = Ground::default();
    let clocks = Clocks::now();
    let customers = customers_in(&ground, File::open(file)?)?;
    let of_shard = |shard: usize| customers.iter().copied().skip(shard).step_by(shards.max(1));
    let mut owned: Vec<Shard> = (0..shards.max(1)).map(|shard| Shard::new(linked(&ground, of_shard(shard)))).collect();
    let crosswalk = Crosswalk::of(&owned);
    let loading = clocks.taken();

    let mut taken = Taken::default();
    let (mut events, mut refused) = (0, 0);
    let mut blocks = Blocks::new(File::open(file)?);
    let rounds = Rounds::new(owned.len());
    while let Some(block) = blocks.next_block()? {
        let clocks = Clocks::now();
        thread::scope(|scope| {
            for (number, shard) in owned.iter_mut().enumerate() {
                let (ground, crosswalk, rounds) = (&ground, &crosswalk, &rounds);
                scope.spawn(move || shard.take(number, ground, crosswalk, rounds, block));
            }
        });
        taken += clocks.taken();
    }
    for shard in &owned {
        events += shard.events;
        refused += shard.refused;
    }
    let facts = owned.iter().map(|shard| shard.decided).sum();
    Ok(Streamed { events, refused, facts, taken, loading, sets: owned.into_iter().map(|shard| shard.set).collect() })
}

/// The shard and the place of each record: by object type, and native id.
struct Crosswalk([HashMap<Box<str>, (usize, RecordIndex)>; 3]);

impl Crosswalk {
    fn of(shards: &[Shard]) -> Self {
        let mut places: [HashMap<Box<str>, (usize, RecordIndex)>; 3] = Default::default();
        for (shard, owned) in shards.iter().enumerate() {
            for (place, state) in (0..).zip(owned.set.records()) {
                places[usize::from(state.object)].insert(state.record.id.as_str().into(), (shard, place));
            }
        }
        Self(places)
    }
}

/// What one processor decoded in a round.
#[derive(Default)]
struct Part {
    batch: Batch,
    /// The surface of each record.
    sources: Vec<usize>,
    /// Where each belongs; none: nowhere.
    found: Vec<Option<(usize, RecordIndex)>>,
    /// How many records each batch of lines has, and the latest instant that they name.
    ends: Vec<(usize, i64)>,
}

impl Part {
    fn decode(&mut self, ground: &Ground, crosswalk: &Crosswalk, lines: Block<'_>) -> u64 {
        let Self { batch, sources, found, ends } = self;
        batch.clear();
        sources.clear();
        found.clear();
        ends.clear();
        let mut refused = 0;
        for from in (0..lines.len()).step_by(BATCH) {
            for line in lines.part(from, BATCH).lines() {
                let decoded = cut(line).is_some_and(|delivery| {
                    let full = carries_whole_records(delivery.source);
                    let decoded = ground.tables[delivery.source].decode(delivery.body, full, batch);
                    sources.extend(decoded.is_ok().then_some(delivery.source));
                    decoded.is_ok()
                });
                refused += u64::from(!decoded);
            }
            ends.push((batch.len(), i64::MIN));
        }
        let mut numbered = batch.records().zip(&*sources);
        for (end, latest) in ends {
            while found.len() < *end
                && let Some((record, source)) = numbered.next()
            {
                let place = crosswalk.0[usize::from(OBJECT_OF_SOURCE[*source])].get(record.id()).copied();
                let place = place.filter(|_| record.token().is_some());
                if let (Some(_), Some(token)) = (place, record.token()) {
                    *latest = token.max(*latest);
                }
                refused += u64::from(place.is_none());
                found.push(place);
            }
        }
        refused
    }
}

/// What is decoded in two rounds: of one, while of the other it is still folded.
struct Rounds {
    parts: [Vec<RwLock<Part>>; 2],
    decoded: Barrier,
}

impl Rounds {
    fn new(shards: usize) -> Self {
        let parts = || (0..shards).map(|_| RwLock::default()).collect();
        Self { parts: [parts(), parts()], decoded: Barrier::new(shards) }
    }
}

/// A share of the customers.
struct Shard {
    set: WorkingSet,
    facts: Vec<EntityFact>,
    /// The latest instant that any system named, of any customer.
    as_of: i64,
    events: u64,
    refused: u64,
    decided: u64,
}

impl Shard {
    fn new(set: WorkingSet) -> Self {
        Self { set, facts: Vec::new(), as_of: 0, events: 0, refused: 0, decided: 0 }
    }

    /// Takes in what a block tells of its customers, beside all other shards.
    fn take(&mut self, number: usize, ground: &Ground, crosswalk: &Crosswalk, rounds: &Rounds, block: Block<'_>) {
        let shards = rounds.parts[0].len();
        for (round, from) in (0..block.len()).step_by(ROUND * shards).enumerate() {
            let parts = &rounds.parts[round % 2];
            let lines = block.part(from + number * ROUND, ROUND);
            let mut own = parts[number].write().unwrap_or_else(PoisonError::into_inner);
            self.refused += own.decode(ground, crosswalk, lines);
            drop(own);
            // Nobody is more than a round ahead: what is decoded next goes where all have done with what was there.
            rounds.decoded.wait();
            for part in parts {
                self.fold(number, ground, &part.read().unwrap_or_else(PoisonError::into_inner));
            }
        }
    }

    fn fold(&mut self, number: usize, ground: &Ground, part: &Part) {
        let frame = ground.frame();
        let mut records = part.batch.records().zip(&part.found);
        let mut done = 0;
        for (end, latest) in &part.ends {
            for (decoded, found) in records.by_ref().take(end - done) {
                if let (Some((shard, place)), Some(token)) = (*found, decoded.token())
                    && shard == number
                {
                    self.events += 1;
                    self.set.fold_decoded(&frame, place, &decoded, Stamp::new(token));
                }
            }
            done = *end;
            self.as_of = self.as_of.max(*latest);
            self.set.settle(&frame, self.as_of, &mut self.facts);
            self.decided += self.facts.len() as u64;
            self.facts.clear();
        }
    }
}
