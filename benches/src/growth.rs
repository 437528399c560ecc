//! How cost grows: with systems, connections and customers. Each size is measured by a process of its own.

mod parts;
mod systems;

use std::env;
use std::error::Error;
use std::io::Write;
use std::process::Command;

use accordant_bench::beside::{text_of, times, whole};
use accordant_bench::usage::available_memory;

/// Ten times as much may take so many times as long.
const GOAL_OF_TEN: u64 = 14;

/// What grows, by the word that says how far; and what each size is told with, beside the time it takes.
const KINDS: [Kind; 4] = [
    Kind {
        name: "systems",
        sizes: "3,5,10,25",
        columns: &[("ns/event", "cpu_nanos_per_event"), ("bytes/customer", "bytes_per_customer")],
    },
    Kind {
        name: "connections",
        sizes: "10,100,1000",
        columns: &[
            ("ns/event", "cpu_nanos_per_event"),
            ("bytes each", "bytes_per_connection"),
            ("idle poll ns", "idle_poll_nanos_per_connection"),
            ("idle step ns", "idle_step_nanos_per_connection"),
            ("steps to all", "steps_until_every_other_was_read"),
            ("of the flood", "of_the_flood_by_then"),
        ],
    },
    Kind {
        name: "entities",
        sizes: "10000,100000,1000000,10000000",
        columns: &[
            ("ns/event", "cpu_nanos_per_event"),
            ("events/s", "events_per_second"),
            ("bytes each", "bytes_per_entity"),
        ],
    },
    Kind {
        name: "kept",
        sizes: "10000,100000",
        columns: &[
            ("ns/event", "cpu_nanos_per_event"),
            ("pulse ns each", "pulse_nanos_per_entity"),
            ("what-if ns each", "what_if_nanos_per_entity"),
            ("query ns each", "query_nanos_per_entity"),
            ("discrepancies", "open_discrepancies"),
        ],
    },
];

struct Kind {
    name: &'static str,
    /// Where nothing else is said; separated by commas.
    sizes: &'static str,
    /// What a column is called, and what it is called in the line.
    columns: &'static [(&'static str, &'static str)],
}

/// `growth [--systems N,...] [--connections N,...] [--entities N,...] [--kept N,...]`: with an empty list, none of a kind.
pub(crate) fn run(arguments: &[&str], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    match *arguments {
        ["part", "systems", size] => return parts::systems(size.parse()?, out),
        ["part", "connections", size] => return parts::connections(size.parse()?, out),
        ["part", "entities", size] => return parts::entities(size.parse()?, out),
        ["part", "kept", size] => return parts::kept(size.parse()?, out),
        _ => {}
    }
    for pair in arguments.chunks(2) {
        let known = |word: &str| KINDS.iter().any(|kind| word.strip_prefix("--") == Some(kind.name));
        if !matches!(*pair, [word, _] if known(word)) {
            return Err("growth [--systems N,...] [--connections N,...] [--entities N,...] [--kept N,...]".into());
        }
    }
    for kind in &KINDS {
        let said = arguments.chunks(2).find(|pair| pair[0].strip_prefix("--") == Some(kind.name));
        let sizes = said.and_then(|pair| pair.get(1)).copied().unwrap_or(kind.sizes);
        let sizes =
            sizes.split(',').filter(|size| !size.is_empty()).map(str::parse).collect::<Result<Vec<u64>, _>>()?;
        if !sizes.is_empty() {
            kind.table(&sizes, out)?;
        }
    }
    Ok(())
}

impl Kind {
    fn table(&self, sizes: &[u64], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        let own = env::current_exe()?;
        write!(out, "{:<12}{:>12}{:>10}", self.name, "CPU s", "x before")?;
        for (column, _) in self.columns {
            write!(out, "{column:>16}")?;
        }
        writeln!(out)?;
        let mut before: Option<(u64, u64)> = None;
        let (mut lines, mut bytes_each) = (Vec::new(), 0);
        for size in sizes {
            let (needs, has) = (size.saturating_mul(bytes_each), available_memory());
            if needs > has {
                writeln!(
                    out,
                    "{size:<12} not measured: it would take {} MB, and {} MB are there",
                    needs >> 20,
                    has >> 20
                )?;
                continue;
            }
            let said = text_of(Command::new(&own).args(["growth", "part", self.name, &size.to_string()]))?;
            let figure = |label: &str| whole(&said, &format!(r#""{label}":"#));
            let taken = figure("cpu_micros")?;
            let grown = before.map_or_else(|| "-".to_owned(), |(_, former)| times(taken, former));
            write!(out, "{size:<12}{:>12}{grown:>10}", format!("{}.{:03}", taken / 1_000_000, taken / 1_000 % 1_000))?;
            for (_, label) in self.columns {
                write!(out, "{:>16}", figure(label)?)?;
            }
            if let Some((of, former)) = before
                && *size == of * 10
                && taken > former * GOAL_OF_TEN
            {
                write!(out, "  more than {GOAL_OF_TEN} times as long for ten times as much")?;
            }
            writeln!(out)?;
            before = Some((*size, taken));
            bytes_each = if self.name == "entities" { figure("bytes_per_entity")? } else { 0 };
            lines.push(said);
        }
        for line in lines {
            out.write_all(line.as_bytes())?;
        }
        Ok(())
    }
}
