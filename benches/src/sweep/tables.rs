//! Two tables that are much alike, from a seed: of a million rows 7 154 are changed in the second, in one attribute each, 924 are
//! missing there, and 1 000 more stand at its end. Of other sizes as many in proportion.

use std::io::{self, Write};

use crate::workload::Random;

/// Writes both, in the order of their ids, without a line of names.
pub(super) fn write(rows: u64, seed: u64, one: &mut impl Write, other: &mut impl Write) -> io::Result<()> {
    let share = |of_a_million: u64| rows * of_a_million / 1_000_000;
    let (mut changed, mut missing) = (share(7_154), share(924));
    let mut random = Random::new(seed);
    for id in 0..rows {
        let mut values = Values::of(&mut random);
        values.write(id, one)?;
        // Each row that is left is chosen as likely as any other, until as many are as there shall be.
        let drawn = random.below(rows - id);
        if drawn < missing {
            missing -= 1;
            continue;
        }
        if drawn < missing + changed {
            changed -= 1;
            values.change(&mut random);
        }
        values.write(id, other)?;
    }
    for id in rows..rows + rows / 1_000 {
        Values::of(&mut random).write(id, other)?;
    }
    Ok(())
}

/// The attributes of a row, as numbers.
struct Values([u64; 9]);

impl Values {
    fn of(random: &mut Random) -> Self {
        const LIMITS: [u64; 9] = [1_000_000, 400, 3_000, 7_000_000_000, 20_000, 300, 5, 10_000_000, 28];
        Self(LIMITS.map(|limit| random.below(limit)))
    }

    /// Another value in one of them.
    fn change(&mut self, random: &mut Random) {
        let at = usize::try_from(random.below(8)).unwrap_or_default();
        self.0[at] += 1 + random.below(4);
    }

    fn write(&self, id: u64, out: &mut impl Write) -> io::Result<()> {
        let Self([mailbox, first, last, phone, company, city, status, cents, day]) = self;
        writeln!(
            out,
            "{id},mailbox{mailbox}.{id}@department{}.example.com,Given{first},Family{last},+1{:010},Company {company} Limited,\
             Town{city},status-{status},{}.{:02},2026-01-{:02} 12:00:00",
            mailbox % 50,
            2_000_000_000 + phone,
            cents / 100,
            cents % 100,
            day + 1,
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::write;

    #[test]
    fn as_many_rows_differ_as_is_said() {
        let (mut one, mut other) = (Vec::new(), Vec::new());
        write(10_000, 7, &mut one, &mut other).expect("memory takes it");
        let table = |bytes: &[u8]| -> BTreeMap<u64, String> {
            let text = std::str::from_utf8(bytes).expect("it is text");
            let row = |line: &str| Some((line.split_once(',')?.0.parse().ok()?, line.to_owned()));
            text.lines().filter_map(row).collect()
        };
        let (one, other) = (table(&one), table(&other));
        let missing = one.keys().filter(|id| !other.contains_key(id)).count();
        let extra = other.keys().filter(|id| !one.contains_key(id)).count();
        let changed = one.iter().filter(|(id, row)| other.get(id).is_some_and(|held| held != *row)).count();
        assert_eq!((one.len(), changed, missing, extra), (10_000, 71, 9, 10));
    }
}
