//! The keys that a table looks for, as a tree laid out in one vector.

use crate::model::Path;
use crate::text::Text;

/// The keys of one node: an open-addressed table with a seed under which its keys rarely or never collide.
///
/// Most keys of a payload are not mapped. They miss on an empty place, or on a length, without a comparison of text.
#[derive(Debug, Clone, Default)]
pub(super) struct KeySet {
    keys: Vec<(Text, u32)>,
    places: Vec<u16>,
    seed: u32,
}

const EMPTY: u16 = u16::MAX;

fn hash(key: &[u8], seed: u32) -> u32 {
    let byte = |at: usize| u32::from(key.get(at).copied().unwrap_or_default());
    let last = key.len().wrapping_sub(1);
    let length = u32::try_from(key.len()).unwrap_or(u32::MAX);
    (length ^ byte(0) << 8 ^ byte(last) << 16 ^ byte(key.len() / 2) << 24).wrapping_mul(seed) >> 16
}

impl KeySet {
    /// A set of keys, each with its answer. At most 2^15 keys; the rest are not found.
    pub(super) fn new(mut keys: Vec<(Text, u32)>) -> Self {
        keys.truncate(1 << 15);
        if keys.is_empty() {
            return Self::default();
        }
        let size = (keys.len() * 4).next_power_of_two().min(1 << 16);
        let seeds = (0..64u32).map(|n| 0x9E37_79B1_u32.wrapping_add(n.wrapping_mul(0x85EB_CA6A)) | 1);
        let collisions = |seed: u32| {
            let mut taken: Vec<usize> =
                keys.iter().map(|(key, _)| hash(key.as_bytes(), seed) as usize % size).collect();
            taken.sort_unstable();
            taken.windows(2).filter(|pair| pair[0] == pair[1]).count()
        };
        let seed = seeds.min_by_key(|seed| collisions(*seed)).unwrap_or(1);
        let mut places = vec![EMPTY; size];
        for (index, (key, _)) in (0u16..).zip(&keys) {
            let mut place = hash(key.as_bytes(), seed) as usize % size;
            while places[place] != EMPTY {
                place = (place + 1) % size;
            }
            places[place] = index;
        }
        Self { keys, places, seed }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The answer for `key`.
    #[inline]
    pub(super) fn get(&self, key: &[u8]) -> Option<u32> {
        let mask = self.places.len().checked_sub(1)?;
        let mut place = hash(key, self.seed) as usize & mask;
        loop {
            let (known, answer) = self.keys.get(usize::from(*self.places.get(place)?))?;
            if known.as_bytes() == key {
                return Some(*answer);
            }
            place = (place + 1) & mask;
        }
    }
}

/// A tree of keys. Nodes stand in depth-first order, so what is below a node is the range behind it.
#[derive(Debug, Clone, Default)]
pub(super) struct Trie {
    pub(super) nodes: Vec<Node>,
}

/// One place in a payload that is looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// The keys below, with their nodes.
    pub(super) keys: KeySet,
    /// One behind the last node below.
    pub(super) end: u32,
    /// What is looked for in each element, if an array is expected here.
    pub(super) each: Option<Box<Trie>>,
}

/// A tree of keys while paths are still added.
#[derive(Debug, Default)]
pub(super) struct Branch {
    below: Vec<(Text, Branch)>,
    each: Option<Box<Branch>>,
}

impl Branch {
    /// The branch at `path`, grown if need be.
    pub(super) fn at(&mut self, path: &Path) -> &mut Self {
        path.keys().iter().fold(self, |branch, key| {
            let index = branch.below.iter().position(|(known, _)| known == key).unwrap_or_else(|| {
                branch.below.push((key.clone(), Branch::default()));
                branch.below.len() - 1
            });
            &mut branch.below[index].1
        })
    }

    /// What is looked for in each element of the array here.
    pub(super) fn each(&mut self) -> &mut Self {
        self.each.get_or_insert_default()
    }

    pub(super) fn freeze(self) -> Trie {
        let mut trie = Trie::default();
        self.lay_out(&mut trie);
        trie
    }

    fn lay_out(self, trie: &mut Trie) -> u32 {
        let here = trie.nodes.len();
        trie.nodes.push(Node { each: self.each.map(|each| Box::new(each.freeze())), ..Node::default() });
        let keys = self.below.into_iter().map(|(key, branch)| (key, branch.lay_out(trie))).collect();
        let end = number(trie.nodes.len());
        let node = &mut trie.nodes[here];
        node.keys = KeySet::new(keys);
        node.end = end;
        number(here)
    }
}

impl Trie {
    /// The node at `path`.
    pub(super) fn find(&self, path: &Path) -> Option<u32> {
        path.keys().iter().try_fold(0, |node, key| self.nodes.get(node as usize)?.keys.get(key.as_bytes()))
    }
}

/// A table of 2^32 nodes does not exist.
pub(super) fn number(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
