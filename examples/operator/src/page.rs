//! What a scene prints: plain lines, a heading first.

use std::fmt::Display;

/// The page of one scene.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// A page under a heading.
    #[must_use]
    pub fn titled(title: &str) -> Self {
        Self(format!("{title}\n{}\n", "=".repeat(title.chars().count())))
    }

    /// A sentence of the story, after an empty line.
    pub fn tell(&mut self, sentence: impl Display) {
        self.0.push_str(&format!("\n{sentence}\n"));
    }

    /// What the program answers: indented, line by line.
    pub fn show(&mut self, answer: impl Display) {
        for line in answer.to_string().lines() {
            self.0.push_str(format!("    {line}").trim_end());
            self.0.push('\n');
        }
    }

    /// The whole page.
    #[must_use]
    pub fn into_text(mut self) -> String {
        self.0.push('\n');
        self.0
    }
}
