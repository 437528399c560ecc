//! What the quickstart prints: sections, aligned tables, a progress bar. Plain text unless a terminal is there.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use unicode_width::UnicodeWidthStr;

/// The standard output, and whether a person sits before it.
#[derive(Debug)]
pub struct Screen {
    terminal: bool,
}

/// How a piece of text is meant. Colour says it on a terminal; elsewhere the words must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    Plain,
    /// A heading.
    Strong,
    /// Of less weight.
    Quiet,
    /// All is well.
    Good,
    /// Somebody should look.
    Bad,
}

impl Screen {
    /// The standard output. `NO_COLOR` makes a terminal plain.
    #[must_use]
    pub fn stdout() -> Self {
        Self { terminal: io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
    }

    /// Whether a person looks on.
    #[must_use]
    pub const fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// A screen that is no terminal.
    #[must_use]
    pub const fn plain() -> Self {
        Self { terminal: false }
    }

    /// Text in a tone.
    #[must_use]
    pub fn tone(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Strong => "1",
            Tone::Quiet => "2",
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Plain => return text.to_owned(),
        };
        if self.terminal { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Prints a heading over an empty line.
    pub fn section(&self, title: &str) {
        self.line(format_args!("\n{}", self.tone(Tone::Strong, title)));
    }

    /// Prints a line.
    pub fn line(&self, line: impl Display) {
        // A reader who closed the pipe has seen enough.
        let _closed = writeln!(io::stdout().lock(), "{line}");
    }

    /// Prints a table, indented under its section.
    pub fn table(&self, table: &Table) {
        for line in table.lines(self) {
            self.line(&line);
        }
    }

    /// Begins a task of `total` steps: a bar on a terminal, one line at the end elsewhere.
    #[must_use]
    pub fn progress(&self, task: &str, total: usize) -> Progress {
        let target = if self.terminal { ProgressDrawTarget::stdout() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total as u64), target);
        if let Ok(style) = ProgressStyle::with_template("  {msg:28} [{bar:32}] {pos:>5}/{len}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(task.to_owned());
        Progress { bar, task: task.to_owned(), terminal: self.terminal, done: 0 }
    }
}

/// A task that goes on.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    task: String,
    terminal: bool,
    done: usize,
}

impl Progress {
    /// One step is done.
    pub fn step(&mut self) {
        self.done += 1;
        self.bar.inc(1);
    }

    /// All is done: the bar stays, or the line is printed.
    pub fn finish(self, outcome: impl Display) {
        if self.terminal {
            self.bar.finish();
        }
        Screen { terminal: self.terminal }.line(format_args!("  {}: {} ({outcome})", self.task, self.done));
    }
}

/// Rows under a head, in columns as wide as they need to be.
#[derive(Debug, Clone, Default)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<(String, Tone)>>,
    right: Vec<usize>,
}

impl Table {
    /// An empty table. A head without words is not printed.
    #[must_use]
    pub fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|title| (*title).to_owned()).collect(), ..Self::default() }
    }

    /// Aligns a column to the right: for numbers.
    #[must_use]
    pub fn right(mut self, column: usize) -> Self {
        self.right.push(column);
        self
    }

    /// Adds a row.
    pub fn row<C: Display>(&mut self, cells: impl IntoIterator<Item = C>) -> &mut Self {
        self.toned(cells.into_iter().map(|cell| (cell, Tone::Plain)))
    }

    /// Adds a row whose cells have tones.
    pub fn toned<C: Display>(&mut self, cells: impl IntoIterator<Item = (C, Tone)>) -> &mut Self {
        self.rows.push(cells.into_iter().map(|(cell, tone)| (cell.to_string(), tone)).collect());
        self
    }

    /// The lines, without what trails.
    #[must_use]
    pub fn lines(&self, screen: &Screen) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).chain([self.head.len()]).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|(cell, _)| cell.width());
                cells.chain(self.head.get(column).map(|title| title.width())).max().unwrap_or_default()
            })
            .collect();
        let head: Vec<(String, Tone)> = self.head.iter().map(|title| (title.clone(), Tone::Quiet)).collect();
        let headed = self.head.iter().any(|title| !title.is_empty());
        let all = headed.then_some(&head).into_iter().chain(&self.rows);
        all.map(|row| self.render(row, &widths, screen)).collect()
    }

    fn render(&self, row: &[(String, Tone)], widths: &[usize], screen: &Screen) -> String {
        let mut line = String::from(" ");
        let last = row.iter().rposition(|(cell, _)| !cell.is_empty());
        for (column, (cell, tone)) in row.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
            let padding = " ".repeat(widths[column].saturating_sub(cell.width()));
            let cell = screen.tone(*tone, cell);
            line.push(' ');
            match (self.right.contains(&column), Some(column) == last) {
                (true, _) => line.extend([padding.as_str(), cell.as_str()]),
                (false, true) => line.push_str(&cell),
                (false, false) => line.extend([cell.as_str(), padding.as_str()]),
            }
            line.push(' ');
        }
        line.trim_end().to_owned()
    }
}

/// A number of things: `1 customer`, `2 customers`.
#[must_use]
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
