//! The keys that a table looks for, as a tree laid out in one vector.

use super::scan::same;
use crate::model::Path;
use crate::text::Text;

/// Keys, each with its answer, ordered by length: most keys of a payload are not mapped, and most of those have another
/// length than the ones that are.
#[derive(Debug, Clone, Default)]
pub(super) struct KeySet {
    keys: Vec<(Box<[u8]>, u32)>,
}

impl KeySet {
    pub(super) fn new(keys: impl IntoIterator<Item = (Text, u32)>) -> Self {
        let mut keys: Vec<(Box<[u8]>, u32)> =
            keys.into_iter().map(|(key, answer)| (key.as_bytes().into(), answer)).collect();
        keys.sort_by_key(|(key, _)| key.len());
        Self { keys }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The answer for `key`.
    #[inline]
    pub(super) fn get(&self, key: &[u8]) -> Option<u32> {
        let first = self.keys.partition_point(|(known, _)| known.len() < key.len());
        let alike = self.keys.get(first..)?.iter().take_while(|(known, _)| known.len() == key.len());
        alike.into_iter().find(|(known, _)| same(known, key)).map(|(_, answer)| *answer)
    }
}

/// A tree of keys. Nodes stand in depth-first order, so what is below a node is the range behind it.
#[derive(Debug, Clone, Default)]
pub(super) struct Trie {
    pub(super) nodes: Vec<Node>,
    /// Tells the nodes of a table's several tries apart: the number of the first one's among all of them.
    pub(super) first: u32,
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

    /// Lays the tree out, and says how many nodes it and the trees of its elements have.
    pub(super) fn freeze(self) -> (Trie, u32) {
        self.freeze_from(0)
    }

    fn freeze_from(self, first: u32) -> (Trie, u32) {
        let mut trie = Trie { nodes: Vec::new(), first };
        let mut arrays = Vec::new();
        self.lay_out(&mut trie, &mut arrays);
        let mut next = first.saturating_add(number(trie.nodes.len()));
        for (node, each) in arrays {
            let (each, end) = each.freeze_from(next);
            trie.nodes[node].each = Some(Box::new(each));
            next = end;
        }
        (trie, next)
    }

    fn lay_out(self, trie: &mut Trie, arrays: &mut Vec<(usize, Self)>) -> u32 {
        let here = trie.nodes.len();
        trie.nodes.push(Node::default());
        arrays.extend(self.each.map(|each| (here, *each)));
        let keys: Vec<(Text, u32)> =
            self.below.into_iter().map(|(key, branch)| (key, branch.lay_out(trie, arrays))).collect();
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
