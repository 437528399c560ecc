//! Histories of one record: fold gives one representation in any order, however often a part of it is repeated.

use accordant::id::RecordRef;
use accordant::model::Shape;
use accordant::observation::{Coverage, DeathEvidence, Observation, Said, Sighting};
use accordant::representation::Representation;
use accordant::stamp::Stamp;
use accordant::value::Field;
use arbitrary::{Arbitrary as _, Result, Unstructured};

const SHAPES: [Shape; 4] = [Shape::One, Shape::One, Shape::Set, Shape::Keyed];

fn stamp(bytes: &mut Unstructured<'_>) -> Result<Stamp> {
    // Few tokens, so that they collide; and those at the edge.
    let token = match bytes.int_in_range(0..=9)? {
        8 => i64::MIN,
        9 => i64::MAX,
        small => small,
    };
    let read = if bytes.ratio(1, 16)? { u64::MAX } else { bytes.int_in_range(0..=3)? };
    Ok(Stamp { token, read })
}

fn field(bytes: &mut Unstructured<'_>) -> Result<Field> {
    Ok(match bytes.int_in_range(0..=3)? {
        0 => Field::Null,
        1 => Field::Empty,
        2 => Field::value("a"),
        _ => Field::value("b"),
    })
}

fn cells(bytes: &mut Unstructured<'_>) -> Result<Vec<Said>> {
    let mut cells = Vec::new();
    for slot in 0..4_u16 {
        if !bool::arbitrary(bytes)? {
            continue;
        }
        if slot < 2 {
            cells.push(Said { slot, element: None, field: field(bytes)? });
            continue;
        }
        let mut any = false;
        for key in ["x", "y"] {
            if bool::arbitrary(bytes)? {
                any = true;
                let said = if slot == 2 { Field::value(key) } else { field(bytes)? };
                cells.push(Said { slot, element: Some(key.into()), field: said });
            }
        }
        if !any {
            cells.push(Said { slot, element: None, field: Field::Null });
        }
    }
    Ok(cells)
}

fn observation(bytes: &mut Unstructured<'_>) -> Result<Observation> {
    let record = RecordRef::new("crm", "contacts", "1");
    let stamp = stamp(bytes)?;
    let quiet = |sighting| Observation {
        record: record.clone(),
        stamp,
        sighting,
        coverage: Coverage::Carried,
        cells: Vec::new(),
        denied: Vec::new(),
    };
    Ok(match bytes.int_in_range(0..=7)? {
        0 => quiet(Sighting::Dead(DeathEvidence::Deleted)),
        1 => quiet(Sighting::Dead(DeathEvidence::Archived)),
        2 => quiet(Sighting::Dead(DeathEvidence::Gone)),
        3 => quiet(Sighting::Absent { scan: bytes.int_in_range(0..=3)? }),
        4 | 5 => Observation { cells: cells(bytes)?, ..quiet(Sighting::Live { full: false }) },
        _ => {
            let hidden: Vec<u16> = (0..4).filter(|_| bytes.ratio(1, 5).unwrap_or(false)).collect();
            let denied: Vec<u16> = (0..4).filter(|_| bytes.ratio(1, 8).unwrap_or(false)).collect();
            let mut said = cells(bytes)?;
            said.retain(|said| !hidden.contains(&said.slot) && !denied.contains(&said.slot));
            let coverage = Coverage::AllBut(hidden);
            Observation { coverage, cells: said, denied, ..quiet(Sighting::Live { full: true }) }
        }
    })
}

fn folded<'a>(history: impl IntoIterator<Item = &'a Observation>) -> Representation {
    let mut representation = Representation::new();
    for observation in history {
        representation.fold(observation, &SHAPES);
    }
    representation
}

fn check(data: &[u8]) -> Result<()> {
    let mut bytes = Unstructured::new(data);
    let mut history = Vec::new();
    while history.len() < 12 && !bytes.is_empty() {
        history.push(observation(&mut bytes)?);
    }
    let told = folded(&history);
    assert_eq!(folded(history.iter().rev()), told, "backwards");
    assert_eq!(folded(history.iter().chain(&history)), told, "twice");
    let mut turned = history.clone();
    turned.rotate_left(history.len() / 2);
    assert_eq!(folded(turned.iter().chain(history.first())), told, "from the middle");
    let mut compacted = told.clone();
    compacted.compact(4);
    assert_eq!(compacted.existence().life(), told.existence().life(), "compaction keeps life");
    for slot in 0..2 {
        let field = |of: &Representation| of.cell(slot).map(|cell| cell.field().clone());
        assert_eq!(field(&compacted), field(&told), "compaction keeps answers");
    }
    Ok(())
}

/// Any order and repetition gives the same.
pub fn run(data: &[u8]) {
    // Bytes that end too early make no history.
    let _ends_early = check(data);
}
