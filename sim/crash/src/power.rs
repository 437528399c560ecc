//! Loss of power: what may be on the disk at any moment, by what was flushed and what was not.
//!
//! What was written and then flushed is there. Of what was not flushed yet, each write may be there, may be missing, or
//! may be there in part, cut at sectors; lengths likewise. A new name, or the end of one, is only sure once its folder
//! was flushed. The systems are machines of their own: what they logged stays.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::strace::Call;

/// What a disk writes at once.
const SECTOR: usize = 512;

/// One change of a file that was not flushed yet.
#[derive(Debug, Clone)]
enum Pending {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

#[derive(Debug, Clone, Default)]
struct Content {
    durable: Vec<u8>,
    pending: Vec<Pending>,
}

/// A change of a folder that was not flushed yet: a name, and the file that it leads to.
type Renamed = (PathBuf, Option<usize>);

/// The files of a run, as far as they are followed: those of the store, the logs of the systems, what was told.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    ours: PathBuf,
    theirs: PathBuf,
    files: Vec<Content>,
    durable_names: BTreeMap<PathBuf, usize>,
    names: BTreeMap<PathBuf, usize>,
    pending_names: Vec<Renamed>,
    open: BTreeMap<i32, Opened>,
    /// What stands in the files of others, and what was told.
    sure: BTreeMap<PathBuf, Vec<u8>>,
    told: Vec<u8>,
    /// Flushes of this file are ignored: a disk that lies.
    lies_about: Option<String>,
}

#[derive(Debug, Clone)]
enum Opened {
    Ours(usize),
    Folder,
    Theirs(PathBuf),
}

/// A random choice that a seed repeats (splitmix64).
#[derive(Debug, Clone)]
pub struct Choice(pub u64);

impl Choice {
    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }
}

impl Disk {
    /// Follows files below these two folders.
    #[must_use]
    pub fn of(ours: &Path, theirs: &Path) -> Self {
        Self { ours: ours.to_owned(), theirs: theirs.to_owned(), ..Self::default() }
    }

    /// Ignores flushes of files whose name ends with this: what such a disk loses shows that images are judged at all.
    #[must_use]
    pub fn lying_about(mut self, name: &str) -> Self {
        self.lies_about = Some(name.to_owned());
        self
    }

    /// Carries out one call. Says whether it changed anything that is followed.
    pub fn carry_out(&mut self, call: &Call) -> bool {
        match call {
            Call::Open { fd, path, create } => {
                let folder = path == &self.ours;
                let opened = if folder {
                    Opened::Folder
                } else if path.starts_with(&self.ours) {
                    let known = self.names.get(path).copied();
                    let file = known.unwrap_or_else(|| {
                        self.files.push(Content::default());
                        self.files.len() - 1
                    });
                    if known.is_none() && *create {
                        self.names.insert(path.clone(), file);
                        self.pending_names.push((path.clone(), Some(file)));
                    }
                    Opened::Ours(file)
                } else if path.starts_with(&self.theirs) {
                    Opened::Theirs(path.clone())
                } else {
                    self.open.remove(fd);
                    return false;
                };
                self.open.insert(*fd, opened);
                false
            }
            Call::Close(fd) => {
                self.open.remove(fd);
                false
            }
            Call::Write(fd, place, bytes) => self.write(*fd, *place, bytes),
            Call::Truncate(fd, length) => match self.open.get(fd) {
                Some(Opened::Ours(file)) => {
                    let length = usize::try_from(*length).unwrap_or(usize::MAX);
                    self.files[*file].pending.push(Pending::Truncate(length));
                    true
                }
                _ => false,
            },
            Call::Sync(fd) => self.sync(*fd),
            Call::Unlink(path) => {
                let ours = self.names.remove(path).is_some();
                if ours {
                    self.pending_names.push((path.clone(), None));
                }
                ours
            }
            Call::Unknown(_) => false,
        }
    }

    fn write(&mut self, fd: i32, place: Option<u64>, bytes: &[u8]) -> bool {
        match (self.open.get(&fd), place) {
            (Some(Opened::Ours(file)), Some(place)) => {
                let place = usize::try_from(place).unwrap_or(usize::MAX);
                self.files[*file].pending.push(Pending::Write(place, bytes.to_vec()));
            }
            (Some(Opened::Theirs(path)), None) => self.sure.entry(path.clone()).or_default().extend(bytes),
            (None, None) if fd == 1 => self.told.extend(bytes),
            _ => return false,
        }
        true
    }

    fn sync(&mut self, fd: i32) -> bool {
        match self.open.get(&fd) {
            Some(Opened::Ours(file)) => {
                let name = self.names.iter().find(|(_, of)| *of == file).map(|(name, _)| name.to_string_lossy());
                if let (Some(name), Some(lies)) = (name, &self.lies_about)
                    && name.ends_with(lies)
                {
                    return false;
                }
                let content = &mut self.files[*file];
                for change in std::mem::take(&mut content.pending) {
                    apply(&mut content.durable, &change, |_| true);
                }
            }
            Some(Opened::Folder) => {
                for (name, file) in std::mem::take(&mut self.pending_names) {
                    rename(&mut self.durable_names, name, file);
                }
            }
            _ => return false,
        }
        true
    }

    /// What was told so far.
    #[must_use]
    pub fn told(&self) -> String {
        String::from_utf8_lossy(&self.told).into_owned()
    }

    /// What the disk may hold if the power fails now: by name below its folder, ours and theirs.
    #[must_use]
    pub fn image(&self, choice: &mut Choice) -> Image {
        let mut names = self.durable_names.clone();
        for (name, file) in &self.pending_names {
            if choice.below(2) == 0 {
                rename(&mut names, name.clone(), *file);
            }
        }
        let below = |path: &Path, folder: &Path| path.strip_prefix(folder).map(Path::to_owned).unwrap_or_default();
        let mut image = Image::default();
        for (name, file) in names {
            // Shared memory does not outlive the machine.
            if name.to_string_lossy().ends_with("-shm") {
                continue;
            }
            let content = &self.files[file];
            let mut bytes = content.durable.clone();
            // Half of the images lose everything that was not flushed, or nothing of it: the ordinary cases.
            let fate = choice.below(4);
            for change in &content.pending {
                match (fate, choice.below(3)) {
                    (0, _) => {}
                    (1, _) | (_, 0) => apply(&mut bytes, change, |_| true),
                    (_, 1) => {}
                    _ => apply(&mut bytes, change, |_| choice.below(2) == 0),
                }
            }
            image.ours.push((below(&name, &self.ours), bytes));
        }
        image.theirs = self.sure.iter().map(|(name, bytes)| (below(name, &self.theirs), bytes.clone())).collect();
        image
    }
}

/// The files of one image.
#[derive(Debug, Clone, Default)]
pub struct Image {
    /// Of the store.
    pub ours: Vec<(PathBuf, Vec<u8>)>,
    /// Of the systems.
    pub theirs: Vec<(PathBuf, Vec<u8>)>,
}

fn rename(names: &mut BTreeMap<PathBuf, usize>, name: PathBuf, file: Option<usize>) {
    match file {
        Some(file) => drop(names.insert(name, file)),
        None => drop(names.remove(&name)),
    }
}

/// Carries out a change, as far as `keep` says of each sector of a write; a length changes whole.
fn apply(bytes: &mut Vec<u8>, change: &Pending, mut keep: impl FnMut(usize) -> bool) {
    match change {
        Pending::Truncate(length) => {
            if keep(0) {
                bytes.resize(*length, 0);
            }
        }
        Pending::Write(place, written) => {
            let mut at = *place;
            let end = place + written.len();
            while at < end {
                let next = ((at / SECTOR + 1) * SECTOR).min(end);
                if keep(at / SECTOR) {
                    if bytes.len() < next {
                        bytes.resize(next, 0);
                    }
                    bytes[at..next].copy_from_slice(&written[at - place..next - place]);
                }
                at = next;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(fd: i32, path: &str) -> Call {
        Call::Open { fd, path: path.into(), create: true }
    }

    #[test]
    fn what_was_flushed_is_in_every_image_and_what_was_not_in_some() {
        let mut disk = Disk::of(Path::new("/o"), Path::new("/t"));
        let flushed = vec![7_u8; 1024];
        for call in [
            opened(3, "/o/store.db"),
            Call::Write(3, Some(0), flushed.clone()),
            Call::Sync(3),
            opened(4, "/o"),
            Call::Sync(4),
            Call::Write(3, Some(1024), vec![9; 1024]),
        ] {
            disk.carry_out(&call);
        }
        let mut choice = Choice(1);
        let mut lengths = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let image = disk.image(&mut choice);
            let [(name, bytes)] = &image.ours[..] else { panic!("{image:?}") };
            assert_eq!(name, Path::new("store.db"));
            assert!(bytes.starts_with(&flushed));
            lengths.insert(bytes.len());
        }
        assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [1024, 1536, 2048], "nothing, a sector, or all of it");
    }

    #[test]
    fn a_name_is_sure_once_its_folder_was_flushed() {
        let mut disk = Disk::of(Path::new("/o"), Path::new("/t"));
        disk.carry_out(&opened(3, "/o/store.db"));
        disk.carry_out(&Call::Sync(3));
        let mut choice = Choice(1);
        let there = (0..100).filter(|_| !disk.image(&mut choice).ours.is_empty()).count();
        assert!((1..100).contains(&there), "in some images: {there}");
        disk.carry_out(&opened(4, "/o"));
        disk.carry_out(&Call::Sync(4));
        assert!((0..100).all(|_| !disk.image(&mut choice).ours.is_empty()));
        disk.carry_out(&Call::Unlink("/o/store.db".into()));
        let there = (0..100).filter(|_| !disk.image(&mut choice).ours.is_empty()).count();
        assert!((1..100).contains(&there), "gone in some images: {there}");
    }
}
