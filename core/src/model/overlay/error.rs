//! What is wrong with a file.

use std::fmt;

/// Everything that is wrong with a model's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverlayError {
    file: Option<String>,
    mistakes: Vec<OverlayMistake>,
}

impl OverlayError {
    pub(super) fn new(mut mistakes: Vec<OverlayMistake>) -> Self {
        mistakes.sort_by_key(|mistake| mistake.line);
        Self { file: None, mistakes }
    }

    /// Names the file in the message: only the caller knows where the text came from.
    #[must_use]
    pub fn in_file(mut self, name: &str) -> Self {
        self.file = Some(name.to_owned());
        self
    }

    /// The mistakes, in the order of lines.
    #[must_use]
    pub fn mistakes(&self) -> &[OverlayMistake] {
        &self.mistakes
    }
}

impl fmt::Display for OverlayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.mistakes.len() == 1 { "mistake" } else { "mistakes" };
        write!(f, "{} {plural} in {}", self.mistakes.len(), self.file.as_deref().unwrap_or("the model's file"))?;
        for mistake in &self.mistakes {
            write!(f, "\n  {mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for OverlayError {}

/// One thing that is wrong with a model's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverlayMistake {
    /// The line, from 1.
    pub line: usize,
    /// The key: `attribute.company.owner[0]`. Empty: the file as a whole.
    pub key: String,
    /// What was found and why it cannot be.
    pub problem: String,
    /// The names that could stand there, if there are any.
    pub known: Vec<String>,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

impl fmt::Display for OverlayMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.problem)?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, "; did you mean `{suggestion}`?")?;
        }
        if !self.known.is_empty() {
            write!(f, " (known: {})", self.known.join(", "))?;
        }
        Ok(())
    }
}
