//! Figures of a proof: what a run of it found, kept in a file of its own, and all of them as one document.

use std::fmt::Write as _;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// One figure: its name, and what it says, each part as TOML spells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    name: String,
    parts: Vec<(&'static str, String)>,
}

impl Figure {
    /// A figure without parts.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), parts: Vec::new() }
    }

    /// Adds a number.
    #[must_use]
    pub fn count(mut self, part: &'static str, count: impl ToString) -> Self {
        self.parts.push((part, count.to_string()));
        self
    }

    /// Adds words.
    #[must_use]
    pub fn says(mut self, part: &'static str, words: &str) -> Self {
        self.parts.push((part, quoted(words)));
        self
    }
}

/// What one proof found, and how to repeat it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// The proof.
    pub source: String,
    /// The command that repeats it.
    pub command: String,
    /// On which day.
    pub date: String,
    /// Of which commit.
    pub commit: String,
    /// What it found.
    pub figures: Vec<Figure>,
}

impl Figures {
    /// Adds a figure.
    #[must_use]
    pub fn figure(mut self, figure: Figure) -> Self {
        self.figures.push(figure);
        self
    }

    /// The text of its file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        let head =
            [("source", &self.source), ("date", &self.date), ("commit", &self.commit), ("command", &self.command)];
        // Writing to a string cannot fail.
        for (name, value) in head {
            let _ = writeln!(text, "{name} = {}", quoted(value));
        }
        for Figure { name, parts } in &self.figures {
            let _ = writeln!(text, "\n[[figure]]\nname = {}", quoted(name));
            for (part, value) in parts {
                let _ = writeln!(text, "{part} = {value}");
            }
        }
        text
    }
}

fn quoted(words: &str) -> String {
    format!("\"{}\"", words.replace('\\', "\\\\").replace('"', "\\\""))
}

const HEAD: &str = "\
# Reliability

What was tried to break Accordant, how often, and how to try again. This file is generated from the figures in `sim/proofs/` by

```
cargo run --release -p accordant-sim -- --report
```

Every figure has the day and the commit it was measured at. N runs without a violation bound the rate of failures by 3/N, for
what these worlds can do; a figure that is not here was not measured.
";

/// All figures of a folder, in the order of file names, as one document.
///
/// # Errors
///
/// If the folder or a file in it cannot be read, or a file is none of figures.
pub fn document(folder: &Path) -> std::io::Result<String> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?.filter_map(|file| Some(file.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let mut text = HEAD.to_owned();
    for path in paths {
        let wrong = |why: &str| Error::new(ErrorKind::InvalidData, format!("{}: {why}", path.display()));
        let table: Table = std::fs::read_to_string(&path)?.parse().map_err(|_| wrong("it is no TOML"))?;
        section(&table, &mut text).ok_or_else(|| wrong("it holds no figures"))?;
    }
    Ok(text)
}

/// Adds what one file says. `None`: something is missing in it.
fn section(table: &Table, text: &mut String) -> Option<()> {
    let of = |name: &str| table.get(name).and_then(Value::as_str);
    let (source, date, commit, command) = (of("source")?, of("date")?, of("commit")?, of("command")?);
    let mut title: String = source.chars().take(1).flat_map(char::to_uppercase).collect();
    title.extend(source.chars().skip(1));
    // Writing to a string cannot fail.
    let _ = write!(text, "\n## {title}\n\nMeasured on {date} at {commit}. Repeat with:\n\n```\n{command}\n```\n\n");
    text.push_str("| | |\n|---|---|\n");
    for figure in table.get("figure")?.as_array()? {
        let figure = figure.as_table()?;
        let parts =
            figure.iter().filter(|(part, _)| *part != "name").map(|(part, value)| match (part.as_str(), value) {
                ("count", value) => spelled(value),
                (part, value) => format!("{part} {}", spelled(value)),
            });
        let parts: Vec<String> = parts.collect();
        let _ = writeln!(text, "| {} | {} |", figure.get("name")?.as_str()?, parts.join(", "));
    }
    Some(())
}

fn spelled(value: &Value) -> String {
    match value {
        Value::String(words) => words.replace('|', "/"),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(answer) => answer.to_string(),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_told() {
        let figures = Figures {
            source: "seeds".to_owned(),
            command: "cargo run".to_owned(),
            date: "2026-11-21".to_owned(),
            commit: "abc".to_owned(),
            figures: vec![Figure::new("worlds").count("count", 7).says("least", "a \"b\" \\ c")],
        };
        let table: Table = figures.to_toml().parse().expect("it is TOML");
        let mut text = String::new();
        section(&table, &mut text).expect("nothing is missing");
        assert!(text.contains("## Seeds"), "{text}");
        assert!(text.contains("| worlds | 7, least a \"b\" \\ c |"), "{text}");
        assert_eq!(section(&Table::new(), &mut text), None);
    }
}
