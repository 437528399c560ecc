//! A log in a file that has room ahead, as zeros: an entry that fits changes no metadata, and is durable the sooner.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::{Durable, LogError};

/// So many bytes of room are made at once.
const AHEAD: usize = 1 << 20;

/// A file that [`Logged`](super::Logged) writes. It holds whole lines, and zeros behind them.
#[derive(Debug)]
pub struct LogFile {
    file: File,
    /// Where the last whole line ends.
    end: u64,
    /// How long the file is.
    length: u64,
    /// Whether an entry could not be written: what stands behind the end is not known.
    failed: bool,
}

impl LogFile {
    /// Opens a log, or makes one: gives what was written, for [`Logged::open`](super::Logged::open), and the file that goes on behind it.
    /// The room that is left, and an entry that was cut off, are taken away first.
    ///
    /// # Errors
    ///
    /// [`LogError::Medium`] if the file cannot be read or changed; [`LogError::Damaged`] if zeros stand elsewhere than at its end.
    pub fn open(path: &Path) -> Result<(impl BufRead + use<>, Self), LogError> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let end = end_of(BufReader::new(&file))?;
        if file.metadata()?.len() != end {
            // Otherwise what was cut off could stand behind a shorter entry one day.
            file.set_len(end)?;
            file.sync_all()?;
        }
        let written = BufReader::new(File::open(path)?).take(end);
        Ok((written, Self { file, end, length: end, failed: false }))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        let end = self.end + bytes.len() as u64;
        if end <= self.length {
            self.file.write_all(bytes)?;
        } else {
            let mut with_room = bytes.to_vec();
            with_room.resize(bytes.len() + AHEAD, 0);
            self.file.write_all(&with_room)?;
            self.length = end + AHEAD as u64;
        }
        self.file.sync_data()?;
        self.end = end;
        Ok(())
    }
}

impl Durable for LogFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.failed {
            return Err(io::Error::other("an entry could not be written before: open the log anew"));
        }
        let written = self.write(bytes);
        self.failed = written.is_err();
        written
    }
}

/// Where the last whole line ends. An entry is durable before the next is written: only one can have been cut off, whichever of its
/// pages the medium has.
fn end_of(mut written: impl BufRead) -> Result<u64, LogError> {
    let (mut end, mut line, mut number) = (0, Vec::new(), 0);
    loop {
        line.clear();
        let read = written.read_until(b'\n', &mut line)?;
        number += 1;
        if read == 0 || !line.ends_with(b"\n") {
            return Ok(end);
        }
        if line.contains(&0) {
            break;
        }
        end += read as u64;
    }
    // The last page of what was cut off is there, and an earlier one is not.
    loop {
        let rest = written.fill_buf()?;
        if rest.is_empty() {
            return Ok(end);
        }
        if rest.iter().any(|byte| *byte != 0) {
            return Err(LogError::Damaged { line: number });
        }
        let read = rest.len();
        written.consume(read);
    }
}
