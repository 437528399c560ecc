//! The passport of files.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;

use accordant::connector::Connector;
use accordant::connector::conformance::{Bench, Cannot, Measured, Promise, Values, measure};
use accordant::id::ObjectType;
use accordant::model::Path;
use accordant::surface::TokenFormat;
use accordant::text::Text;
use accordant_files::{File, Files};
use async_trait::async_trait;
use futures::executor::block_on;
use tempfile::TempDir;

#[derive(Clone, Copy, PartialEq)]
enum Format {
    Csv,
    JsonLines,
}

/// A program that writes its customers to a file whenever one changes.
struct Exporter {
    folder: TempDir,
    format: Format,
    connector: Files,
    customers: Mutex<BTreeMap<u32, (u32, [String; 2])>>,
}

impl Exporter {
    fn new(format: Format) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let connector = Self::connect(&folder, format);
        let exporter = Self { folder, format, connector, customers: Mutex::default() };
        exporter.write();
        exporter
    }

    fn connect(folder: &TempDir, format: Format) -> Files {
        let path = folder.path().join("customers");
        let file = match format {
            Format::Csv => File::csv(path),
            Format::JsonLines => File::json_lines(path),
        };
        let file = file.ordered_by("version", TokenFormat::Integer).may_be_empty().page(3);
        Files::new("export").file("customers", file)
    }

    /// Beside, and renamed, as a careful program does.
    fn write(&self) {
        let mut text = if self.format == Format::Csv { "id,version,email,name\n".to_owned() } else { String::new() };
        for (id, (version, [email, name])) in &*self.customers.lock().unwrap() {
            text.push_str(&match self.format {
                Format::Csv => format!("{id},{version},{email},\"{name}\"\n"),
                Format::JsonLines => {
                    format!("{{\"id\":{id},\"version\":{version},\"email\":\"{email}\",\"name\":\"{name}\"}}\n")
                }
            });
        }
        fs::write(self.folder.path().join("beside"), text).unwrap();
        fs::rename(self.folder.path().join("beside"), self.folder.path().join("customers")).unwrap();
    }

    fn put(&self, id: u32, values: &Values) {
        let mut customers = self.customers.lock().unwrap();
        let (version, held) = customers.entry(id).or_default();
        *version += 1;
        for (path, text) in values {
            held[usize::from(path == &Path::new("name"))] = text.to_string();
        }
        drop(customers);
        self.write();
    }
}

#[async_trait]
impl Bench for Exporter {
    fn connector(&self) -> &dyn Connector {
        &self.connector
    }

    fn values(&self, _: &ObjectType, number: u32) -> Result<Values, Cannot> {
        let email = (Path::new("email"), Text::from(format!("n{number}@acme.test")));
        Ok(vec![email, (Path::new("name"), format!("Ana, of {number}").into())])
    }

    async fn make(&self, _: &ObjectType, values: &Values) -> Result<Text, Cannot> {
        let id = self.customers.lock().unwrap().keys().last().map_or(1, |last| last + 1);
        self.put(id, values);
        Ok(id.to_string().into())
    }

    async fn edit(&self, _: &ObjectType, id: &str, values: &Values) -> Result<(), Cannot> {
        self.put(id.parse().unwrap(), values);
        Ok(())
    }

    async fn delete(&self, _: &ObjectType, id: &str) -> Result<(), Cannot> {
        self.customers.lock().unwrap().remove(&id.parse().unwrap());
        self.write();
        Ok(())
    }

    async fn down(&self, down: bool) -> Result<(), Cannot> {
        let (path, away) = (self.folder.path().join("customers"), self.folder.path().join("away"));
        if down {
            fs::rename(path, away).unwrap()
        } else {
            fs::rename(away, path).unwrap()
        }
        Ok(())
    }

    fn restarted(&self) -> Result<Box<dyn Connector>, Cannot> {
        Ok(Box::new(Self::connect(&self.folder, self.format)))
    }

    fn written(&self, _: &ObjectType) -> Result<(), Cannot> {
        Err(Cannot::new("files are only read"))
    }
}

#[test]
fn files_keep_what_they_promise() {
    for format in [Format::Csv, Format::JsonLines] {
        let passport = block_on(measure(&Exporter::new(format)));
        println!("{passport}");
        passport.require();
        for entry in passport.skipped() {
            let Measured::Skipped(why) = &entry.measured else { continue };
            let known = [
                "files are only read",
                "nothing is promised",
                "nothing is pushed",
                "the bench does not count what is over the limits",
                "its reads never wait",
            ];
            assert!(known.contains(&why.as_str()), "{entry:?}\n{passport}");
            assert!(entry.promise != Promise::Delivery, "{entry:?}\n{passport}");
        }
    }
}
