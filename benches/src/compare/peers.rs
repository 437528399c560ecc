//! Programs that other people would write for the same job, with what they would take: found where an interpreter has it.

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use accordant_bench::beside::{median, micros, text_of};

use super::checksum;

/// Names a Python that has what the peers need; `python3` where it is not set.
const PYTHON: &str = "ACCORDANT_PEERS_PYTHON";
/// Names Node; `node` where it is not set.
const NODE: &str = "ACCORDANT_PEERS_NODE";

/// A program of the yardsticks.
struct Peer {
    name: &'static str,
    /// Which interpreter, and what it is called where nothing is said.
    interpreter: (&'static str, &'static str),
    /// What an interpreter that can run it does without complaint.
    needs: [&'static str; 2],
    script: &'static str,
    /// Behind the file.
    arguments: &'static [&'static str],
    /// How many times our processor time it is to take.
    goal: u64,
}

/// Final state only is what `DuckDB` computes; Pathway runs as one batch, which is its cheapest way. Both favours are theirs.
const PEERS: [Peer; 5] = [
    Peer {
        name: "DuckDB, batch SQL",
        interpreter: (PYTHON, "python3"),
        needs: ["-c", "import duckdb"],
        script: "duck.py",
        arguments: &["1"],
        goal: 3,
    },
    Peer {
        name: "Node",
        interpreter: (NODE, "node"),
        needs: ["-e", "0"],
        script: "node_map.js",
        arguments: &[],
        goal: 10,
    },
    Peer {
        name: "Python with orjson",
        interpreter: (PYTHON, "python3"),
        needs: ["-c", "import orjson"],
        script: "py_dict.py",
        arguments: &["orjson"],
        goal: 15,
    },
    Peer {
        name: "bytewax",
        interpreter: (PYTHON, "python3"),
        needs: ["-c", "import bytewax, orjson"],
        script: "bytewax_q.py",
        arguments: &[],
        goal: 35,
    },
    Peer {
        name: "Pathway",
        interpreter: (PYTHON, "python3"),
        needs: ["-c", "import pathway, orjson"],
        script: "pathway_q.py",
        arguments: &["static"],
        goal: 40,
    },
];

/// Those that can be run here, and what they took.
pub(super) struct Peers {
    folder: PathBuf,
    found: Vec<Found>,
}

struct Found {
    peer: &'static Peer,
    interpreter: String,
    taken: Vec<u64>,
    /// What it came to, each time.
    answers: Vec<String>,
}

/// What came of a peer.
pub(super) struct Ran {
    pub(super) name: &'static str,
    /// The median, in microseconds of processor time, with the start of the interpreter.
    pub(super) taken: u64,
    pub(super) goal: u64,
    /// Whether it came to what the yardstick came to.
    pub(super) agrees: bool,
}

impl Peers {
    /// Looks for each by what `named` says of its variable. Says which are not there.
    pub(super) fn find(
        yardsticks: &Path,
        named: impl Fn(&str) -> Option<String>,
        out: &mut impl Write,
    ) -> io::Result<Self> {
        let mut found = Vec::new();
        for peer in &PEERS {
            let (variable, standard) = peer.interpreter;
            let interpreter = named(variable).unwrap_or_else(|| standard.to_owned());
            let mut probe = Command::new(&interpreter);
            let probe = probe.args(peer.needs).env("PYTHONDONTWRITEBYTECODE", "1").stdout(Stdio::null());
            if probe.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
                found.push(Found { peer, interpreter, taken: Vec::new(), answers: Vec::new() });
            } else {
                writeln!(out, "skipped: {}: {interpreter} cannot run it ({variable})", peer.name)?;
            }
        }
        Ok(Self { folder: yardsticks.to_owned(), found })
    }

    /// How many are not there.
    pub(super) fn skipped(&self) -> usize {
        PEERS.len() - self.found.len()
    }

    /// Runs each once more.
    pub(super) fn run(&mut self, file: &Path) -> Result<(), Box<dyn Error>> {
        for Found { peer, interpreter, taken, answers } in &mut self.found {
            let mut command = Command::new(interpreter);
            command.arg(self.folder.join(peer.script)).arg(file).args(peer.arguments);
            let said = text_of(command.env("PYTHONDONTWRITEBYTECODE", "1"))?;
            taken.push(micros(&said, " cpu=")?);
            answers.push(checksum(&said)?);
        }
        Ok(())
    }

    /// What came of each, beside what the yardstick answered.
    pub(super) fn ran<'a>(&'a self, yardstick: &'a str) -> impl Iterator<Item = Ran> + 'a {
        self.found.iter().map(move |Found { peer, taken, answers, .. }| Ran {
            name: peer.name,
            taken: median(&mut taken.clone()),
            goal: peer.goal,
            agrees: answers.iter().all(|answer| answer == yardstick),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_can_be_run_is_run_and_what_is_absent_is_counted() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let python = folder.path().join("python");
        // It has everything but Pathway, and answers otherwise than the yardstick in bytewax.
        let script = r#"#!/bin/sh
case "$*" in
    *pathway*) exit 1 ;;
    -c*) exit 0 ;;
    *bytewax*) echo "bytewax n=3 wall=9.9 cpu=2.25 ev/cpu-s=1 chk=[3, 4]" ;;
    *) echo "peer n=3 wall=9.9 cpu=1.50 ev/cpu-s=1 chk=[1, 2]" ;;
esac
"#;
        fs::write(&python, script).expect("it can be written");
        fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).expect("it can be made a program");
        let named = |variable: &str| Some(if variable == NODE { "/nowhere/node" } else { python.to_str()? }.to_owned());
        let mut out = Vec::new();
        let mut peers = Peers::find(folder.path(), named, &mut out).expect("it can be told");
        peers.run(Path::new("workload")).expect("they run");
        peers.run(Path::new("workload")).expect("they run again");
        let ran: Vec<_> = peers.ran("[1, 2]").map(|ran| (ran.name, ran.taken, ran.agrees)).collect();
        let expected = [
            ("DuckDB, batch SQL", 1_500_000, true),
            ("Python with orjson", 1_500_000, true),
            ("bytewax", 2_250_000, false),
        ];
        assert_eq!(ran, expected);
        let out = String::from_utf8(out).expect("it is text");
        assert_eq!((peers.skipped(), out.lines().count()), (2, 2));
        assert!(out.starts_with("skipped: Node: /nowhere/node cannot run it"));
    }
}
