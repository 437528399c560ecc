//! How far a record may be believed about each slot: what was asked for, and what may be read.

use super::DecodeTable;
use crate::model::Path;

/// How far a record may be believed about one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Reach {
    /// It was asked for, and may be read: what a full record lacks is Null.
    #[default]
    Covered,
    /// It was not asked for: what the record carries counts, and what it lacks stays unobserved.
    Carried,
    /// It may not be read. What the record carries there is not believed.
    Denied,
}

impl DecodeTable {
    /// How far a record may be believed, slot by slot, of which `covers` was asked for (`None`: everything) and `denied`
    /// may not be read: documented paths, each with all below it.
    ///
    /// A slot is covered if all its paths are. It is denied if one of them is, or anything below one: a value without one
    /// of its parts is another value.
    #[must_use]
    pub fn reach(&self, covers: Option<&[Path]>, denied: &[Path]) -> Vec<Reach> {
        let below = |path: &Path, prefix: &Path| path.keys().starts_with(prefix.keys());
        let reach = |reads: &Vec<Path>| {
            let denies = |path: &Path| denied.iter().any(|denied| below(path, denied) || below(denied, path));
            let covered = |path: &Path| covers.is_none_or(|covers| covers.iter().any(|cover| below(path, cover)));
            if reads.iter().any(denies) {
                Reach::Denied
            } else if reads.iter().all(covered) {
                Reach::Covered
            } else {
                Reach::Carried
            }
        };
        self.documented.iter().map(reach).collect()
    }
}
