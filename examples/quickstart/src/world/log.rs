//! An append-only file of JSON lines. What was appended survives `kill -9`.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A log, open for appending.
#[derive(Debug)]
pub struct Log {
    file: File,
}

impl Log {
    /// Opens a log, makes it if need be, and gives the lines that it holds.
    ///
    /// A last line without an end is what a killed process left: it was never acknowledged, and is cut off.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or holds a line that no version of this example wrote.
    pub fn open<T: DeserializeOwned>(path: &Path) -> io::Result<(Self, Vec<T>)> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if whole < bytes.len() {
            file.set_len(u64::try_from(whole).map_err(io::Error::other)?)?;
        }
        let lines = bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let lines = lines.map(serde_json::from_slice).collect::<Result<_, _>>()?;
        Ok((Self { file }, lines))
    }

    /// Appends a line in one write: a killed process leaves all of it or a torn tail.
    ///
    /// # Errors
    ///
    /// If the disk refuses.
    pub fn append<T: Serialize>(&mut self, line: &T) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.file.write_all(&text)
    }
}
