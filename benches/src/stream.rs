//! From bytes to resolved state: decode, fold, settle, in batches, through the library's public interface.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use accordant::decode::{Batch, DecodedRecord};
use accordant::stamp::Stamp;
use accordant::working_set::{RecordIndex, Source, WorkingSet};

use crate::customer::{OBJECT_OF_SOURCE, carries_whole_records};
use crate::delivery::{Block, Blocks, cut};
use crate::usage::{Clocks, Taken};
use crate::world::{Ground, customers_of, linked, sources};

/// How many deliveries are decoded, folded and settled together.
pub const BATCH: usize = 64;

/// How far deliveries are taken: each stage does what those before it do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Cut into surface and body.
    Cut,
    /// Decoded.
    Decode,
    /// Their records found.
    Find,
    /// Folded.
    Fold,
    /// Settled.
    Settle,
}

/// Every stage, with its name.
pub const STAGES: [(Stage, &str); 5] = [
    (Stage::Cut, "cut"),
    (Stage::Decode, "decode"),
    (Stage::Find, "find"),
    (Stage::Fold, "fold"),
    (Stage::Settle, "settle"),
];

/// What a stream came to.
#[derive(Debug)]
pub struct Streamed {
    /// Deliveries that were taken in.
    pub events: u64,
    /// Lines and bodies that were no deliveries.
    pub refused: u64,
    /// Facts that were decided.
    pub facts: u64,
    /// What taking in took, from the bytes in memory to settled entities.
    pub taken: Taken,
    /// What loading the crosswalk took, before the first delivery.
    pub loading: Taken,
    /// The state arrived at: one working set for each processor.
    pub sets: Vec<WorkingSet>,
}

/// Takes in every delivery of a file.
///
/// A first pass over the file finds the customers, so that the crosswalk is there before the clock starts; a second one
/// takes in. Only the second is `taken`, and only while bytes are in memory: reading the file is not.
///
/// # Errors
///
/// If the file cannot be read.
pub fn stream(file: &Path, until: Stage) -> io::Result<Streamed> {
    let ground = Ground::default();
    let clocks = Clocks::now();
    let set = linked(&ground, customers_in(&ground, File::open(file)?)?);
    let loading = clocks.taken();

    let mut intake = Intake::new(&ground, set, until);
    let mut taken = Taken::default();
    let mut blocks = Blocks::new(File::open(file)?);
    while let Some(block) = blocks.next_block()? {
        let clocks = Clocks::now();
        intake.take(block);
        taken += clocks.taken();
    }
    Ok(Streamed {
        events: intake.events,
        refused: intake.refused,
        facts: intake.decided,
        taken,
        loading,
        sets: vec![intake.set],
    })
}

/// The customers that a file tells of.
///
/// # Errors
///
/// If it cannot be read.
pub fn customers_in(ground: &Ground, file: impl Read) -> io::Result<BTreeSet<u64>> {
    let mut customers = BTreeSet::new();
    let mut blocks = Blocks::new(file);
    while let Some(block) = blocks.next_block()? {
        customers_of(ground, block, &mut customers);
    }
    Ok(customers)
}

/// The state of a stream between batches.
#[derive(Debug)]
pub struct Intake<'g> {
    ground: &'g Ground,
    until: Stage,
    set: WorkingSet,
    /// By object type: where its records are found.
    objects: [Source; 3],
    batch: Batch,
    sources: Vec<usize>,
    found: Vec<Option<RecordIndex>>,
    facts: Vec<accordant::fact::EntityFact>,
    /// The latest instant that any system named: the journaled instant of each step.
    as_of: i64,
    events: u64,
    refused: u64,
    decided: u64,
}

impl<'g> Intake<'g> {
    /// Begins with a working set.
    #[must_use]
    pub fn new(ground: &'g Ground, mut set: WorkingSet, until: Stage) -> Self {
        Self {
            objects: sources(ground, &mut set),
            ground,
            until,
            set,
            batch: Batch::new(),
            sources: Vec::with_capacity(BATCH),
            found: Vec::with_capacity(BATCH),
            facts: Vec::new(),
            as_of: 0,
            events: 0,
            refused: 0,
            decided: 0,
        }
    }

    /// Ends with the working set.
    #[must_use]
    pub fn finish(self) -> WorkingSet {
        self.set
    }

    /// Takes in the deliveries of a block of lines.
    pub fn take(&mut self, block: Block<'_>) {
        for (number, line) in (1..).zip(block.lines()) {
            self.decode(line);
            if number % BATCH == 0 {
                self.settle();
            }
        }
        self.settle();
    }

    fn decode(&mut self, line: &[u8]) {
        let Some(delivery) = cut(line) else {
            self.refused += 1;
            return;
        };
        if self.until == Stage::Cut {
            self.events += std::hint::black_box(1);
            return;
        }
        let full = carries_whole_records(delivery.source);
        match self.ground.tables[delivery.source].decode(delivery.body, full, &mut self.batch) {
            Ok(()) => self.sources.push(delivery.source),
            Err(_) => self.refused += 1,
        }
    }

    /// Folds and settles what was decoded.
    fn settle(&mut self) {
        let frame = self.ground.frame();
        if self.until == Stage::Decode {
            self.events += self.sources.len() as u64;
            self.sources.clear();
        }
        // All are found before any is folded, so that the processor can wait for many places in memory at once.
        let records = self.batch.records().zip(&self.sources);
        let find = |(decoded, source): (DecodedRecord<'_>, &usize)| {
            self.set.find_native(self.objects[usize::from(OBJECT_OF_SOURCE[*source])], decoded.id())
        };
        self.found.clear();
        self.found.extend(records.map(find));
        if self.until >= Stage::Fold {
            self.set.look_ahead(self.found.iter().flatten().copied());
        }
        for (decoded, found) in self.batch.records().zip(&self.found) {
            let (Some(index), Some(token)) = (*found, decoded.token()) else {
                self.refused += 1;
                continue;
            };
            self.as_of = self.as_of.max(token);
            self.events += 1;
            if self.until >= Stage::Fold {
                self.set.fold_decoded(&frame, index, &decoded, Stamp::new(token));
            }
        }
        if self.until >= Stage::Settle {
            self.set.settle(&frame, self.as_of, &mut self.facts);
        }
        self.decided += self.facts.len() as u64;
        self.facts.clear();
        self.batch.clear();
        self.sources.clear();
    }
}
