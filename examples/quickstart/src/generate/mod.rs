//! The seeded generator: three systems in the morning, and the script of a day. Same seed, same bytes.
//!
//! The feed is written when the quickstart starts rather than checked in: it takes milliseconds, and a test holds its
//! bytes to a digest. `quickstart generate DIR` writes it for whoever wants to look.

mod day;
mod opening;
mod people;
mod random;

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use serde_json::Value;

pub use day::MORNING;
pub use opening::{Records, first_id};
pub use people::CAST;
pub use random::SplitMix64;

use crate::world::Step;

/// The seed of the story as the README tells it.
pub const SEED: u64 = 42;

/// The files of a world.
#[derive(Debug)]
pub struct Feed {
    /// Native records by system and object type.
    pub records: Records,
    /// The script of the day.
    pub steps: Vec<Step>,
}

impl Feed {
    /// The feed of a seed.
    ///
    /// # Errors
    ///
    /// If the script does not fit the opening: a mistake in the generator.
    pub fn of(seed: u64) -> io::Result<Self> {
        let mut random = SplitMix64::new(seed);
        let companies = people::companies(&mut random);
        let people = people::people(&mut random, &companies);
        let month = 30 * 86_400_000;
        let records = opening::records(&mut random, &people, &companies, MORNING - 2 * month, MORNING - month / 10);
        let steps = day::steps(&mut random, &people, companies[0].revenue, &records)?;
        Ok(Self { records, steps })
    }

    /// The files: path below the feed's directory, and bytes.
    ///
    /// # Errors
    ///
    /// If a record cannot be written as JSON.
    pub fn files(&self) -> io::Result<Vec<(String, String)>> {
        let lines = |records: &[Value]| {
            records.iter().fold(String::new(), |mut text, record| {
                // Writing to a string cannot fail.
                let _infallible = writeln!(text, "{record}");
                text
            })
        };
        let mut files: Vec<(String, String)> = self
            .records
            .iter()
            .map(|((system, object), records)| (format!("{system}/{object}.jsonl"), lines(records)))
            .collect();
        let steps: Vec<Value> = self.steps.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
        files.push(("day.jsonl".to_owned(), lines(&steps)));
        Ok(files)
    }

    /// Writes the files into `directory/feed`, unless they are there.
    ///
    /// # Errors
    ///
    /// If the disk refuses.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        let feed = directory.join("feed");
        // The script comes last: with it, the feed is whole.
        if feed.join("day.jsonl").exists() {
            return Ok(());
        }
        for (path, text) in self.files()? {
            let path = feed.join(path);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            let draft = path.with_extension("draft");
            std::fs::write(&draft, text)?;
            std::fs::rename(draft, path)?;
        }
        Ok(())
    }
}
