//! The yardsticks: data, a generator, and the scripts that run Splink on the same records.

use std::error::Error;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::told::Told;

/// A folder in which the scripts run: they write beside themselves.
pub(super) struct Yardsticks {
    folder: TempDir,
    python: String,
}

/// What a run of Splink came to.
pub(super) struct Theirs {
    pub(super) total: f64,
    pub(super) predicting: f64,
    pub(super) told: String,
}

impl Yardsticks {
    /// The yardsticks, if the environment names them; says so if it does not. `ACCORDANT_PYTHON` names the Python that has Splink.
    pub(super) fn find(out: &mut Told<'_>) -> Result<Option<Self>, Box<dyn Error>> {
        let Ok(named) = std::env::var("ACCORDANT_YARDSTICKS") else {
            out.skip("no yardsticks")?;
            return Ok(None);
        };
        let from = fs::canonicalize(Path::new(&named).join("er"))?;
        let folder = TempDir::new()?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            symlink(entry.path(), folder.path().join(entry.file_name()))?;
        }
        fs::create_dir_all(folder.path().join("work/data"))?;
        fs::create_dir_all(folder.path().join("work/out"))?;
        let python = std::env::var("ACCORDANT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        Ok(Some(Self { folder, python }))
    }

    pub(super) fn records(&self) -> &Path {
        self.folder.path()
    }

    /// Generates customers; gives the folder that they are in.
    pub(super) fn generate(&self, records: usize, seed: u64) -> Result<PathBuf, Box<dyn Error>> {
        let (records, seed) = (records.to_string(), seed.to_string());
        self.run(&["gen_customers.py", "--records", &records, "--seed", &seed, "--out", "work/data"])?;
        Ok(self.folder.path().join("work/data"))
    }

    /// Runs Splink on the same records, if it is installed; says so if it is not.
    pub(super) fn splink(&self, script: &[String], out: &mut Told<'_>) -> Result<Option<Theirs>, Box<dyn Error>> {
        if script.is_empty() || self.run(&["-c", "import splink, duckdb"]).is_err() {
            out.skip("no Splink")?;
            return Ok(None);
        }
        let words: Vec<&str> = script.iter().map(String::as_str).collect();
        if let ["splink_customers.py", records, ..] = words.as_slice() {
            let file = |kind: &str| format!("work/data/customers_{records}.{kind}");
            self.run(&["prep_customers.py", &file("csv"), &file("parquet")])?;
        }
        let told = self.run(&words)?;
        let line = told.lines().rev().find(|line| line.starts_with('{')).unwrap_or_default().to_owned();
        let figures: serde_json::Value = serde_json::from_str(&line)?;
        let cpu = |phase: &str| figures["cpu"][phase].as_f64().unwrap_or_default();
        Ok(Some(Theirs {
            total: figures["cpu_total"].as_f64().unwrap_or_default(),
            predicting: cpu("predict") + cpu("cluster"),
            told: line,
        }))
    }

    fn run(&self, words: &[&str]) -> Result<String, Box<dyn Error>> {
        let output = Command::new(&self.python).args(words).current_dir(self.folder.path()).output()?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{} failed: {}", words[0], said.lines().last().unwrap_or_default()).into())
    }
}
