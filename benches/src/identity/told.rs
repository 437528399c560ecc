//! What is told, and how much of it was skipped: a proof that did not run is no proof, and is counted.

use std::io::{self, Write};

/// Where it is told.
pub(super) struct Told<'a> {
    out: &'a mut dyn Write,
    skipped: usize,
}

impl<'a> Told<'a> {
    pub(super) fn to(out: &'a mut dyn Write) -> Self {
        Self { out, skipped: 0 }
    }

    /// Says that something was skipped, and counts it.
    pub(super) fn skip(&mut self, why: &str) -> io::Result<()> {
        self.skipped += 1;
        writeln!(self.out, "skipped: {why}")
    }

    /// Says how much was skipped, if anything was.
    pub(super) fn end(self) -> io::Result<()> {
        if self.skipped > 0 {
            writeln!(self.out, "{} skipped", self.skipped)?;
        }
        Ok(())
    }
}

impl Write for Told<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_skipped_is_counted() {
        for (skips, end) in [(0, "line\n"), (1, "line\nskipped: no yardsticks\n1 skipped\n")] {
            let mut text = Vec::new();
            let mut told = Told::to(&mut text);
            writeln!(told, "line").expect("memory does not fail");
            (0..skips).for_each(|_| told.skip("no yardsticks").expect("memory does not fail"));
            told.end().expect("memory does not fail");
            assert_eq!(String::from_utf8_lossy(&text), end);
        }
    }
}
