//! Figures of a proof: what a run of it found, kept in a file of its own, and all of them as one document.

use std::fmt::Write as _;
use std::path::Path;

/// What one proof found, and how to repeat it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// What was proved.
    pub title: String,
    /// The command that repeats it.
    pub command: String,
    /// On which day.
    pub date: String,
    /// Of which commit.
    pub commit: String,
    /// Figures, by name.
    pub figures: Vec<(String, String)>,
    /// What else there is to say: a table in Markdown, or a sentence.
    pub body: String,
}

impl Figures {
    /// Adds a figure.
    #[must_use]
    pub fn figure(mut self, name: &str, value: impl ToString) -> Self {
        self.figures.push((name.to_owned(), value.to_string()));
        self
    }

    /// The text of its file.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Self { title, command, date, commit, figures, body } = self;
        let mut text = format!("title: {title}\ncommand: {command}\ndate: {date}\ncommit: {commit}\n");
        for (name, value) in figures {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "figure: {name} = {value}");
        }
        if !body.is_empty() {
            let _ = write!(text, "\n{}\n", body.trim_end());
        }
        text
    }

    /// Reads the text of a file. `None`: something is missing.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let of = |name: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.map(str::to_owned)
        };
        let figures = head.lines().filter_map(|line| line.strip_prefix("figure: ")?.split_once(" = "));
        Some(Self {
            title: of("title")?,
            command: of("command")?,
            date: of("date")?,
            commit: of("commit")?,
            figures: figures.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: body.trim_end().to_owned(),
        })
    }
}

const HEAD: &str = "\
# Reliability

What was tried to break Accordant, how often, and how to try again. This file is generated from `reliability/` by

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
    let mut paths: Vec<_> = std::fs::read_dir(folder)?.filter_map(|file| Some(file.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    let mut text = HEAD.to_owned();
    for path in paths {
        let read = Figures::read(&std::fs::read_to_string(&path)?);
        let figures = read.ok_or_else(|| {
            std::io::Error::new(std::io::ErrorKind::InvalidData, format!("{} holds no figures", path.display()))
        })?;
        // Writing to a string cannot fail.
        let _ = write!(text, "\n## {}\n\n| | |\n|---|---|\n", figures.title);
        for (name, value) in &figures.figures {
            let _ = writeln!(text, "| {name} | {value} |");
        }
        let _ = writeln!(
            text,
            "\nMeasured on {} at `{}`. Repeat with `{}`.",
            figures.date, figures.commit, figures.command
        );
        if !figures.body.is_empty() {
            let _ = write!(text, "\n{}\n", figures.body);
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_they_were_written() {
        let figures = Figures {
            title: "Seeds".to_owned(),
            command: "cargo run".to_owned(),
            date: "2026-11-21".to_owned(),
            commit: "abc".to_owned(),
            body: "| a | b |\n|---|---|\n\nand more".to_owned(),
            ..Figures::default()
        };
        let figures = figures.figure("seeds", 7).figure("a = b", "c");
        let mut read = Figures::read(&figures.to_text()).expect("it was just written");
        assert_eq!(read.figures.remove(1), ("a".to_owned(), "b = c".to_owned()), "the first sign parts them");
        assert_eq!(read.body, figures.body);
        assert_eq!(Figures::read("title: x\n"), None);
    }
}
