//! Power-loss images of a recorded day: each is written out and judged.

use std::io;
use std::path::Path;

use crate::day::{CLASSES, Place};
use crate::judge::{Acknowledged, Fault, judge};
use crate::kill::fresh;
use crate::power::{Choice, Disk, Image};
use crate::report::Tally;
use crate::strace::{Call, Run, calls};

/// The number of the process that judges.
const JUDGE: u32 = 91;

/// Judges `images` images of days in every class of create safety, spread over all moments of them.
///
/// # Errors
///
/// If a run or an image cannot be set up.
pub fn spread(folder: &Path, rounds: u32, images: usize) -> io::Result<Tally> {
    let mut tally = Tally::new("power-loss images");
    let mut choice = Choice(1);
    for (class, safety) in CLASSES {
        let (place, all) = record(folder, class, safety, rounds, None)?;
        let disk = Disk::of(&place.ours, &place.theirs);
        let wanted = images.div_ceil(CLASSES.len());
        walk(disk, &all, wanted, &mut choice, |image, told, moment| {
            tally.judged(&format!("{class}, power lost after call {moment}"), settle(&place, image, told));
            Ok(())
        })?;
    }
    Ok(tally)
}

/// Judges images of days in which a flush fails: what was written before is never sure after that.
///
/// # Errors
///
/// If a run or an image cannot be set up.
pub fn after_failed_flush(folder: &Path, rounds: u32, images: usize) -> io::Result<Tally> {
    let mut tally = Tally::new("images after a failed flush");
    let mut choice = Choice(2);
    let (class, safety) = CLASSES[0];
    for when in [3, 17, 40, 77, 120] {
        let fault = format!("inject=fsync:error=EIO:when={when}");
        let (place, all) = record(folder, class, safety, rounds, Some(&fault))?;
        let disk = Disk::of(&place.ours, &place.theirs);
        walk(disk, &all, images.div_ceil(5), &mut choice, |image, told, moment| {
            tally.judged(&format!("flush {when} failed, power lost after call {moment}"), settle(&place, image, told));
            Ok(())
        })?;
    }
    Ok(tally)
}

/// Counts images of a disk that only claims to flush the log, in which something acknowledged is lost: were there none,
/// the others would prove nothing.
///
/// # Errors
///
/// If a run or an image cannot be set up.
pub fn on_a_lying_disk(folder: &Path, rounds: u32, images: usize) -> io::Result<(usize, usize)> {
    let mut choice = Choice(3);
    let (class, safety) = CLASSES[0];
    let (place, all) = record(folder, class, safety, rounds, None)?;
    let disk = Disk::of(&place.ours, &place.theirs).lying_about("-wal");
    let (mut judged, mut found) = (0, 0);
    walk(disk, &all, images, &mut choice, |image, told, _| {
        judged += 1;
        found += usize::from(settle(&place, image, told).is_err());
        Ok(())
    })?;
    Ok((judged, found))
}

fn record(
    folder: &Path,
    class: &str,
    safety: accordant::connector::CreateSafety,
    rounds: u32,
    fault: Option<&str>,
) -> io::Result<(Place, Vec<Call>)> {
    let place = Place::below(&fresh(folder)?, safety)?;
    let recording = folder.join("recording");
    Run { place: &place, class, what: "day", process: 1, rounds }.recorded(&recording, fault)?;
    Ok((place, calls(&recording)?))
}

fn walk(
    mut disk: Disk,
    all: &[Call],
    images: usize,
    choice: &mut Choice,
    mut look: impl FnMut(Image, &str, usize) -> io::Result<()>,
) -> io::Result<()> {
    let mut counted = disk.clone();
    let moments = all.iter().filter(|call| counted.carry_out(call)).count().max(1);
    let mut owed = 0;
    let mut moment = 0;
    for call in all {
        if !disk.carry_out(call) {
            continue;
        }
        moment += 1;
        // Spread evenly, however many moments there are.
        owed += images;
        while owed >= moments {
            owed -= moments;
            look(disk.image(choice), &disk.told(), moment)?;
        }
    }
    Ok(())
}

fn settle(place: &Place, image: Image, told: &str) -> Result<(), Fault> {
    let out = || -> io::Result<()> {
        for (folder, files) in [(&place.ours, image.ours), (&place.theirs, image.theirs)] {
            std::fs::remove_dir_all(folder)?;
            std::fs::create_dir_all(folder)?;
            for (name, bytes) in files {
                std::fs::write(folder.join(name), bytes)?;
            }
        }
        Ok(())
    };
    out().map_err(|error| Fault::Unusable(format!("the image cannot be written: {error}")))?;
    judge(place, &Acknowledged::read(told), JUDGE)
}
