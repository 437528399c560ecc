//! The order in which payloads have their keys, remembered from one to the next.
//!
//! A system writes the keys of an object in the same order every time. Where the key that came here last time comes here
//! again, one comparison replaces finding its end and looking it up, for keys that are skipped as for those that are
//! mapped. What a key leads to does not depend on any of this, only how fast it is found.

use std::sync::Arc;

use super::scan::Scanner;

/// Tells tables apart: what one learnt means nothing to another.
#[derive(Debug, Clone, Default)]
pub(super) struct Identity(Arc<()>);

/// Tables whose orders are remembered at a time.
const TABLES: usize = 8;
/// Keys remembered of one object, and the longest of them: an object that is a map of data has no order worth keeping.
const KEYS: usize = 256;
const LONGEST: usize = 128;
/// How many keys may be missing between two that are there.
const AHEAD: usize = 3;

/// The remembered orders, by table and node. The table in use is the last one.
#[derive(Debug, Default)]
pub(super) struct Orders {
    tables: Vec<(Identity, Vec<Vec<Expected>>)>,
}

/// A key as it was written, from its quote to its colon, and the node that it leads to.
#[derive(Debug)]
struct Expected {
    written: Vec<u8>,
    child: Option<u32>,
}

impl Orders {
    /// Goes over to a table's orders.
    pub(super) fn turn_to(&mut self, table: &Identity) {
        let is_it = |(known, _): &(Identity, _)| Arc::ptr_eq(&known.0, &table.0);
        if self.tables.last().is_some_and(is_it) {
            return;
        }
        match self.tables.iter().position(is_it) {
            Some(index) => {
                let found = self.tables.remove(index);
                self.tables.push(found);
            }
            None => {
                if self.tables.len() == TABLES {
                    self.tables.remove(0);
                }
                self.tables.push((table.clone(), Vec::new()));
            }
        }
    }

    /// Steps over the key that stands here if it is one of the next expected ones, and says what it leads to.
    #[inline]
    pub(super) fn expected(&self, node: usize, position: &mut usize, scanner: &mut Scanner<'_>) -> Option<Option<u32>> {
        let (_, nodes) = self.tables.last()?;
        let ahead = nodes.get(node)?.get(*position..)?;
        for (missing, expected) in ahead.iter().take(AHEAD).enumerate() {
            if scanner.follows(&expected.written) {
                *position += missing + 1;
                return Some(expected.child);
            }
        }
        None
    }

    /// Expects this key here from now on.
    pub(super) fn learn(&mut self, node: usize, position: &mut usize, written: &[u8], child: Option<u32>) {
        let Some((_, nodes)) = self.tables.last_mut() else { return };
        if *position >= KEYS || written.len() > LONGEST {
            return;
        }
        if nodes.len() <= node {
            nodes.resize_with(node + 1, Vec::new);
        }
        let Some(keys) = nodes.get_mut(node) else { return };
        match keys.get_mut(*position) {
            Some(known) => {
                known.written.clear();
                known.written.extend_from_slice(written);
                known.child = child;
            }
            None => keys.push(Expected { written: written.to_vec(), child }),
        }
        *position += 1;
    }
}
