//! Blocks that records come to and leave: the same blocks as those of a batch run, at any time.

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::blocking::{self, Blocking, KeyPart, MadeBy, Rule};
use crate::hash;
use crate::table::{Row, Table};

/// The end of a chain.
const END: u32 = u32::MAX;

/// The blocks of all rules. A block that is too large keeps its members, and they are in refined blocks besides.
#[derive(Debug)]
pub(super) struct LiveBlocks {
    rules: Vec<Rule>,
    refinements: Vec<KeyPart>,
    most: u32,
    blocks: HashMap<u64, Chain>,
    /// A member, and the place of the next.
    links: Vec<(Row, u32)>,
    /// Places that are free again.
    free: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Chain {
    first: u32,
    members: u32,
}

/// A record's way through the blocks of one key: the block, and after each that is too large a refined one.
type Way = SmallVec<[u64; 2]>;

impl LiveBlocks {
    pub(super) fn new(blocking: &Blocking) -> Self {
        Self {
            rules: blocking.rules.clone(),
            refinements: blocking.refinements.clone(),
            most: blocking.limits.block,
            blocks: HashMap::new(),
            links: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Adds a row, and gives the members of every block that became too large by it, the row left out.
    pub(super) fn add(&mut self, table: &Table, row: Row) -> Vec<Vec<Row>> {
        let mut crowded = Vec::new();
        for (rule, key) in self.keys(table, row) {
            let mut level = 0;
            let mut block = key;
            loop {
                self.insert(block, row);
                let members = self.len(block);
                if members <= self.most {
                    break;
                }
                if members == self.most + 1 {
                    let all: Vec<Row> = self.members(block).collect();
                    for member in all.iter().filter(|member| **member != row) {
                        self.refine(table, rule, level, block, *member);
                    }
                    crowded.push(all.into_iter().filter(|member| *member != row).collect());
                }
                let Some(next) = self.refined(table, rule, level, block, row) else { break };
                block = next;
                level += 1;
            }
        }
        if let Some(block) = equal(table, row) {
            self.insert(block, row);
            // Who stood side by side in the chain has the row between them now.
            if let (Some(before), Some(after)) = self.beside(table, row) {
                crowded.push(vec![before, after]);
            }
        }
        crowded
    }

    /// Adds a row without telling what became too large.
    pub(super) fn put(&mut self, table: &Table, row: Row) {
        drop(self.add(table, row));
    }

    /// Takes a row out, and gives the members of every block that is small enough again.
    pub(super) fn take(&mut self, table: &Table, row: Row) -> Vec<Vec<Row>> {
        let mut thinned = Vec::new();
        for (rule, key) in self.keys(table, row) {
            let way = self.way(table, rule, key, row);
            for (level, block) in way.iter().enumerate().rev() {
                self.unlink(*block, row);
                if self.len(*block) == self.most {
                    let members: Vec<Row> = self.members(*block).collect();
                    for member in &members {
                        self.coarsen(table, rule, level, *block, *member);
                    }
                    thinned.push(members);
                }
            }
        }
        if let Some(block) = equal(table, row) {
            if let (Some(before), Some(after)) = self.beside(table, row) {
                thinned.push(vec![before, after]);
            }
            self.unlink(block, row);
        }
        thinned
    }

    /// The rows before and after a row in the chain of those that say the same.
    fn beside(&self, table: &Table, row: Row) -> (Option<Row>, Option<Row>) {
        let Some(block) = equal(table, row).filter(|block| self.len(*block) > 1) else { return (None, None) };
        let own = blocking::in_chain(table, row);
        let placed = || self.members(block).map(|member| blocking::in_chain(table, member));
        let before = placed().filter(|place| *place < own).max();
        let after = placed().filter(|place| *place > own).min();
        (before.map(|(_, row)| row), after.map(|(_, row)| row))
    }

    /// The rules by which a row makes no pair, as too many records share what it says there and nothing tells them apart.
    pub(super) fn left_out(&self, table: &Table, row: Row) -> impl Iterator<Item = &str> {
        let too_large = move |(rule, key): &(usize, u64)| {
            self.way(table, *rule, *key, row).last().is_some_and(|block| self.len(*block) > self.most)
        };
        self.keys(table, row).into_iter().filter(too_large).map(|(rule, _)| self.rules[rule].name.as_str())
    }

    /// The rows that share a block with a row, ascending.
    pub(super) fn partners(&self, table: &Table, row: Row) -> SmallVec<[Row; 32]> {
        let mut found: SmallVec<[Row; 32]> = SmallVec::new();
        for block in self.last_blocks(table, row) {
            found.extend(self.members(block).filter(|member| *member != row));
        }
        let (before, after) = self.beside(table, row);
        found.extend(before.into_iter().chain(after));
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether two rows share a block.
    pub(super) fn share(&self, table: &Table, a: Row, b: Row) -> bool {
        let of_b = self.last_blocks(table, b);
        let chained = || {
            let (before, after) = self.beside(table, a);
            before == Some(b) || after == Some(b)
        };
        self.last_blocks(table, a).iter().any(|block| of_b.contains(block)) || chained()
    }

    /// The rules by which two rows share a block, in their order, as [`Blocking::made_by`] tells them of a table. `is_pair` says that they
    /// are known to make a pair.
    pub(super) fn made_by(&self, table: &Table, a: Row, b: Row, is_pair: bool) -> Vec<MadeBy> {
        let of_b = self.keys(table, b);
        let mut made: Vec<MadeBy> = Vec::new();
        let mut last = None;
        for (rule, key) in self.keys(table, a).into_iter().filter(|key| of_b.contains(key)) {
            let (way, other) = (self.way(table, rule, key, a), self.way(table, rule, key, b));
            let small = way == other && way.last().is_some_and(|block| self.len(*block) <= self.most);
            // A rule of words makes a pair by several of them.
            if small && last != Some(rule) {
                made.push(MadeBy::of(table, &self.rules[rule], &self.refinements[..way.len() - 1]));
                last = Some(rule);
            }
        }
        // What no rule made the chain did: who is beside whom is not looked up there, as the chain may be of thousands.
        let in_chain = is_pair && made.is_empty() || {
            let (before, after) = self.beside(table, a);
            before == Some(b) || after == Some(b)
        };
        made.extend(in_chain.then(MadeBy::saying_the_same));
        made
    }

    /// The blocks that a row is in and that are small enough.
    fn last_blocks(&self, table: &Table, row: Row) -> SmallVec<[u64; 24]> {
        let of =
            |(rule, key)| self.way(table, rule, key, row).last().copied().filter(|block| self.len(*block) <= self.most);
        self.keys(table, row).into_iter().filter_map(of).collect()
    }

    fn keys(&self, table: &Table, row: Row) -> SmallVec<[(usize, u64); 24]> {
        let mut keys = SmallVec::new();
        for (place, rule) in self.rules.iter().enumerate() {
            keys.extend(rule.keys(table, row).into_iter().map(|key| (place, hash::mix(place as u64 + 1, key))));
        }
        keys
    }

    fn way(&self, table: &Table, rule: usize, key: u64, row: Row) -> Way {
        let mut way = Way::from_iter([key]);
        while let Some(block) = way.last().copied().filter(|block| self.len(*block) > self.most) {
            let Some(next) = self.refined(table, rule, way.len() - 1, block, row) else { break };
            way.push(next);
        }
        way
    }

    /// The refined block that a member of a block too large is in.
    fn refined(&self, table: &Table, rule: usize, level: usize, block: u64, row: Row) -> Option<u64> {
        if self.rules[rule].words().is_some() {
            return None;
        }
        let part = self.refinements.get(level)?.of(table, row);
        (part != 0).then(|| hash::mix(block, part))
    }

    /// Puts a member of a block that became too large into the refined one.
    fn refine(&mut self, table: &Table, rule: usize, level: usize, block: u64, row: Row) {
        if let Some(next) = self.refined(table, rule, level, block, row) {
            self.insert(next, row);
            match self.len(next) {
                few if few <= self.most => {}
                just if just == self.most + 1 => {
                    let all: Vec<Row> = self.members(next).collect();
                    all.iter().for_each(|member| self.refine(table, rule, level + 1, next, *member));
                }
                _ => self.refine(table, rule, level + 1, next, row),
            }
        }
    }

    /// Takes a member of a block that is small again out of the refined ones.
    fn coarsen(&mut self, table: &Table, rule: usize, level: usize, block: u64, row: Row) {
        let mut level = level;
        let mut block = block;
        while let Some(next) = self.refined(table, rule, level, block, row) {
            if !self.unlink(next, row) {
                break;
            }
            block = next;
            level += 1;
        }
    }

    fn len(&self, block: u64) -> u32 {
        self.blocks.get(&block).map_or(0, |chain| chain.members)
    }

    fn members(&self, block: u64) -> impl Iterator<Item = Row> {
        let first = self.blocks.get(&block).map_or(END, |chain| chain.first);
        let mut at = first;
        std::iter::from_fn(move || {
            let (row, next) = *self.links.get(at as usize)?;
            at = next;
            Some(row)
        })
    }

    fn insert(&mut self, block: u64, row: Row) {
        let chain = self.blocks.entry(block).or_insert(Chain { first: END, members: 0 });
        let link = (row, chain.first);
        chain.members += 1;
        chain.first = match self.free.pop() {
            Some(place) => {
                self.links[place as usize] = link;
                place
            }
            None => {
                self.links.push(link);
                (self.links.len() - 1) as u32
            }
        };
    }

    /// Takes a member out of a block: whether it was in.
    fn unlink(&mut self, block: u64, row: Row) -> bool {
        let Some(chain) = self.blocks.get_mut(&block) else { return false };
        let (mut before, mut at) = (END, chain.first);
        while let Some((member, next)) = self.links.get(at as usize).copied() {
            if member == row {
                match self.links.get_mut(before as usize) {
                    Some(link) => link.1 = next,
                    None => chain.first = next,
                }
                chain.members -= 1;
                if chain.members == 0 {
                    self.blocks.remove(&block);
                }
                self.free.push(at);
                return true;
            }
            (before, at) = (at, next);
        }
        false
    }
}

/// The block of all that say the same as a row, if it says anything.
fn equal(table: &Table, row: Row) -> Option<u64> {
    let says = blocking::all_it_says(table, row);
    // No rule has this number.
    (says != 0).then(|| hash::mix(u64::MAX, says))
}
