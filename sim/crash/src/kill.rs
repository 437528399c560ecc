//! Kills and failing calls, one run for each: what is left is judged every time.

use std::io;
use std::path::Path;
use std::process::Command;

use crate::day::{CLASSES, Place};
use crate::judge::{Acknowledged, judge};
use crate::report::Tally;
use crate::strace::{Call, OTHER_CALLS, Run, STORE_CALLS, calls};

/// How many calls opening a new store takes, and some more.
const FIRST: u32 = 80;

/// The number of the process that judges.
const JUDGE: u32 = 90;

/// Kills a day at every `step`-th of the calls that change files, in every class of create safety. One run in three is
/// killed again while it recovers.
///
/// # Errors
///
/// If a run cannot be set up.
pub fn everywhere(folder: &Path, rounds: u32, step: u32) -> io::Result<Tally> {
    let mut tally = Tally::new("kill points");
    for (class, safety) in CLASSES {
        for group in [STORE_CALLS, OTHER_CALLS] {
            for when in (1..).step_by(step as usize) {
                let place = Place::below(&fresh(folder)?, safety)?;
                let run = Run { place: &place, class, what: "day", process: 1, rounds };
                let ended = run.killed(group, when)?;
                if ended.success() {
                    break;
                }
                if when % 3 == 0 {
                    let again = Run { what: "rest", process: 2, ..run.clone() };
                    again.killed(STORE_CALLS, when * 7 % 60 + 1)?;
                }
                tally.judged(&format!("{class}, killed at {group} {when}"), settle(&run, &place));
            }
        }
        // Calls are counted by thread, and the one that opens a new store has the most at first: on a store that was
        // opened before, the kills fall on the first commits.
        for when in (1..=FIRST).step_by(step as usize) {
            let place = Place::below(&fresh(folder)?, safety)?;
            drop(place.open(0, false).map_err(io::Error::other)?);
            let run = Run { place: &place, class, what: "day", process: 1, rounds };
            run.killed(STORE_CALLS, when)?;
            tally.judged(&format!("{class}, killed at {STORE_CALLS} {when} of an opened store"), settle(&run, &place));
        }
    }
    Ok(tally)
}

/// Makes flushes, writes and reads of a day fail, once or from then on, one run for each.
///
/// # Errors
///
/// If a run cannot be set up.
pub fn failing(folder: &Path, rounds: u32, step: usize) -> io::Result<[Tally; 2]> {
    let (class, safety) = CLASSES[0];
    let place = Place::below(&fresh(folder)?, safety)?;
    let recording = folder.join("recording");
    Run { place: &place, class, what: "day", process: 1, rounds }.recorded(&recording, None)?;
    let all = calls(&recording)?;
    let flushes = all.iter().filter(|call| matches!(call, Call::Sync(_))).count();
    let writes = all.iter().filter(|call| matches!(call, Call::Write(_, Some(_), _))).count();
    let mut tallies = [Tally::new("input/output errors"), Tally::new("disk full, by call")];
    let kinds = [
        (0, "fsync", "EIO", "", flushes, step),
        (0, "fsync", "EIO", "+", flushes, step * 2),
        (0, "pwrite64", "EIO", "", writes, step * 10),
        (0, "pread64", "EIO", "", writes, step * 20),
        (1, "pwrite64", "ENOSPC", "", writes, step * 10),
        (1, "pwrite64", "ENOSPC", "+", writes, step * 10),
    ];
    for (of, call, error, onwards, most, step) in kinds {
        for when in (1..=most).step_by(step) {
            let place = Place::below(&fresh(folder)?, safety)?;
            let run = Run { place: &place, class, what: "day", process: 1, rounds };
            run.failing(call, error, &format!("{when}{onwards}"))?;
            tallies[of].judged(&format!("{error} from {call} {when}{onwards}"), settle(&run, &place));
        }
    }
    Ok(tallies)
}

/// Lets a day run on file systems that are too small for it, and judges it on one that is not.
///
/// # Errors
///
/// If a run cannot be set up; if no file system can be mounted, the tally says so.
pub fn full(folder: &Path, rounds: u32) -> io::Result<Tally> {
    let mut tally = Tally::new("disk full, small file systems");
    let (class, safety) = CLASSES[0];
    for kib in (64..).step_by(96) {
        let place = Place::below(&fresh(folder)?, safety)?;
        let ours = place.ours.to_string_lossy().into_owned();
        let mounted = |arguments: &[&str]| Command::new("mount").args(arguments).arg(&ours).status();
        let size = format!("size={kib}k");
        if !mounted(&["-t", "tmpfs", "-o", &size, "none"]).is_ok_and(|status| status.success()) {
            tally.skipped("no file system can be mounted here");
            return Ok(tally);
        }
        let run = Run { place: &place, class, what: "day", process: 1, rounds };
        let lived = run.failing("none", "EIO", "1").is_ok_and(|ended| ended.success());
        let remounted = mounted(&["-o", "remount,size=256m"])?.success();
        let settled = if remounted { settle(&run, &place) } else { Ok(()) };
        let unmounted = Command::new("umount").arg(&ours).status()?.success();
        if !(remounted && unmounted) {
            tally.skipped("a file system cannot be mounted again");
            return Ok(tally);
        }
        if lived {
            break;
        }
        tally.judged(&format!("{kib} KiB"), settled);
    }
    Ok(tally)
}

fn settle(run: &Run<'_>, place: &Place) -> Result<(), crate::judge::Fault> {
    let told = std::fs::read_to_string(run.told()).unwrap_or_default();
    judge(place, &Acknowledged::read(&told), JUDGE)
}

/// An empty folder below this one.
///
/// # Errors
///
/// If it cannot be emptied.
pub fn fresh(folder: &Path) -> io::Result<std::path::PathBuf> {
    let run = folder.join("run");
    match std::fs::remove_dir_all(&run) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::fs::create_dir_all(&run)?;
    Ok(run)
}
