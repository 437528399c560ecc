//! What a run took: processor time, wall time, memory.

use std::fmt;
use std::fs;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Two clocks, read at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Clocks {
    cpu: Nanos,
    wall: Nanos,
}

/// A length of time. Whole nanoseconds: medians and ratios are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Nanos(pub u128);

impl fmt::Display for Nanos {
    /// Seconds with six digits behind the point.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0 / 1_000;
        f.pad(&format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000))
    }
}

impl std::ops::AddAssign for Nanos {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

/// Time taken, on both clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Taken {
    /// Processor time of the whole process.
    pub cpu: Nanos,
    /// Time that passed.
    pub wall: Nanos,
}

impl std::ops::AddAssign for Taken {
    fn add_assign(&mut self, other: Self) {
        self.cpu += other.cpu;
        self.wall += other.wall;
    }
}

impl Clocks {
    /// Reads both.
    #[must_use]
    pub fn now() -> Self {
        Self { cpu: nanos(clock_gettime(ClockId::ProcessCPUTime)), wall: nanos(clock_gettime(ClockId::Monotonic)) }
    }

    /// What was taken since.
    #[must_use]
    pub fn taken(&self) -> Taken {
        let now = Self::now();
        Taken { cpu: Nanos(now.cpu.0 - self.cpu.0), wall: Nanos(now.wall.0 - self.wall.0) }
    }
}

/// The processor time that the process took since it began.
#[must_use]
pub fn processor_time() -> Nanos {
    nanos(clock_gettime(ClockId::ProcessCPUTime))
}

fn nanos(time: Timespec) -> Nanos {
    let part = |part: i64| u128::try_from(part).unwrap_or_default();
    Nanos(part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec))
}

/// The processor time that a process and its children took until now, those that have ended included; nothing where the
/// system does not say.
#[must_use]
pub fn cpu_of_family(pid: u32) -> Nanos {
    let stat = |pid: u32| -> Option<(u32, u128, u128)> {
        // Behind the name, which may hold anything: state, parent, and ten more before the four times.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let time = |place: usize| fields.get(place)?.parse::<u128>().ok();
        Some((fields.get(1)?.parse().ok()?, time(11)? + time(12)?, time(13)? + time(14)?))
    };
    let Some((_, own, ended)) = stat(pid) else { return Nanos(0) };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = processes.filter_map(|entry| stat(entry.file_name().to_str()?.parse().ok()?));
    let living: u128 = processes.filter(|(parent, ..)| *parent == pid).map(|(_, own, _)| own).sum();
    let ticks = u128::from(rustix::param::clock_ticks_per_second()).max(1);
    Nanos((own + ended + living) * 1_000_000_000 / ticks)
}

/// The most memory that the process ever held, in bytes; 0 where the system does not say.
#[must_use]
pub fn peak_memory() -> u64 {
    status_bytes("VmHWM:")
}

/// The memory of its own that the process holds now, without what it maps of files, in bytes; 0 where the system does not say.
#[must_use]
pub fn held_memory() -> u64 {
    status_bytes("RssAnon:")
}

fn status_bytes(label: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    kibibytes(&status, label) * 1024
}

/// How much memory the machine can still give away, in bytes; 0 where the system does not say.
#[must_use]
pub fn available_memory() -> u64 {
    kibibytes(&fs::read_to_string("/proc/meminfo").unwrap_or_default(), "MemAvailable:") * 1024
}

fn kibibytes(text: &str, label: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(label));
    let number = line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse().ok());
    number.unwrap_or_default()
}
