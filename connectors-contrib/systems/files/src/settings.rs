//! What is known of a file.

use std::path::{Path, PathBuf};

use accordant::surface::TokenFormat;

/// A file as an object type.
#[derive(Debug, Clone)]
pub struct File {
    pub(crate) path: PathBuf,
    pub(crate) format: Format,
    pub(crate) id: accordant::model::Path,
    pub(crate) token: Option<Token>,
    pub(crate) unterminated: bool,
    pub(crate) empty: bool,
    pub(crate) marker: Option<PathBuf>,
    pub(crate) page: usize,
    pub(crate) longest: usize,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Csv {
        delimiter: u8,
    },
    JsonLines,
    #[cfg(feature = "parquet")]
    Parquet,
}

/// What orders the states of a row.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) at: accordant::model::Path,
    pub(crate) format: TokenFormat,
}

/// A row of more bytes is an error: a quote that is not closed would else take in the rest of the file. 16 MiB.
const LONGEST: usize = 16 << 20;

impl File {
    fn new(path: impl AsRef<Path>, format: Format) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            format,
            id: "id".into(),
            token: None,
            unterminated: false,
            empty: false,
            marker: None,
            page: 1_000,
            longest: LONGEST,
        }
    }

    /// Comma-separated values in UTF-8 (RFC 4180), with a first line of names. Quoted cells may hold line breaks.
    #[must_use]
    pub fn csv(path: impl AsRef<Path>) -> Self {
        Self::new(path, Format::Csv { delimiter: b',' })
    }

    /// One JSON object a line, in UTF-8.
    #[must_use]
    pub fn json_lines(path: impl AsRef<Path>) -> Self {
        Self::new(path, Format::JsonLines)
    }

    /// Parquet. Instants are read as RFC 3339, dates as ISO 8601, decimals to the last digit.
    #[cfg(feature = "parquet")]
    #[must_use]
    pub fn parquet(path: impl AsRef<Path>) -> Self {
        Self::new(path, Format::Parquet)
    }

    /// What stands between the cells of a CSV file: a comma unless said otherwise.
    #[must_use]
    pub const fn delimiter(mut self, delimiter: u8) -> Self {
        if let Format::Csv { delimiter: held } = &mut self.format {
            *held = delimiter;
        }
        self
    }

    /// Where in a record its id is; `id` unless said otherwise. In CSV, the name of a column.
    #[must_use]
    pub fn id(mut self, path: impl Into<accordant::model::Path>) -> Self {
        self.id = path.into();
        self
    }

    /// Where in a record it says when it changed, and how that is written. It orders what is said of the record; without it,
    /// what was read last is believed. [`TokenFormat::Integer`] is a version.
    #[must_use]
    pub fn ordered_by(mut self, path: impl Into<accordant::model::Path>, format: TokenFormat) -> Self {
        self.token = Some(Token { at: path.into(), format });
        self
    }

    /// The last line may be without a line break. Then nobody can tell a file that was cut off in its last cell.
    #[must_use]
    pub const fn may_end_without_line_break(mut self) -> Self {
        self.unterminated = true;
        self
    }

    /// A file without rows says that there are none. Without this it is an error, since it would say that all are gone.
    #[must_use]
    pub const fn may_be_empty(mut self) -> Self {
        self.empty = true;
        self
    }

    /// The file is whole when this one exists: a marker that its writer makes last.
    #[must_use]
    pub fn ready_when(mut self, marker: impl AsRef<Path>) -> Self {
        self.marker = Some(marker.as_ref().to_owned());
        self
    }

    /// Rows of a page: 1 000 unless said otherwise, and at least one.
    #[must_use]
    pub fn page(mut self, rows: usize) -> Self {
        self.page = rows.max(1);
        self
    }

    /// A row of more bytes is an error: 16 MiB unless said otherwise.
    #[must_use]
    pub const fn longest_row(mut self, bytes: usize) -> Self {
        self.longest = bytes;
        self
    }
}
