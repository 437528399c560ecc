//! The trace of a run: a hash over everything that happened, and its lines where someone wants to read them.

/// Collects what happens.
#[derive(Debug, Default)]
pub struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

const OFFSET: u64 = 0xCBF2_9CE4_8422_2325;
const PRIME: u64 = 0x0100_0000_01B3;

impl Trace {
    /// A trace that keeps its lines, or only their hash.
    #[must_use]
    pub fn new(lines: bool) -> Self {
        Self { hash: OFFSET, lines: lines.then(Vec::new) }
    }

    /// Mixes numbers into the hash.
    pub fn mix(&mut self, numbers: &[i64]) {
        for number in numbers {
            for byte in number.to_le_bytes() {
                self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(PRIME);
            }
        }
    }

    /// Keeps a line, if lines are kept.
    pub fn say(&mut self, at: i64, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{} {}", clock(at), line()));
        }
    }

    /// The hash so far.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    /// The lines, if they were kept.
    #[must_use]
    pub fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}

/// The instant at which every world begins: any would do.
pub const EPOCH: i64 = 1_750_000_000_000;

/// An instant as a day and a time of day.
#[must_use]
pub fn clock(at: i64) -> String {
    let since = at - EPOCH;
    let (days, rest) = (since.div_euclid(86_400_000), since.rem_euclid(86_400_000));
    let (hours, minutes) = (rest / 3_600_000, rest / 60_000 % 60);
    format!("day {} {hours:02}:{minutes:02}:{:02}.{:03}", days + 1, rest / 1000 % 60, rest % 1000)
}
