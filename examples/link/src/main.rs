//! Links the records of one or two CSV files: `link LEFT.csv [RIGHT.csv] --out DIR`.
//!
//! The id is in the first column. What the other columns hold, and which of two files are one, is read off their names and values. Of
//! two files, each is taken to hold an entity once, unless `--many` says otherwise. Two records are one from a probability of 0.95 on.

mod report;
mod tables;

use std::error::Error;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use accordant_identity::blocking::Scope;
use accordant_identity::cluster::Rails;
use accordant_identity::csv_table::{self, Source};
use accordant_identity::decision::Decisions;
use accordant_identity::linkage::{self, Progress};
use indicatif::{ProgressBar, ProgressStyle};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "\
link FILE.csv --out DIR              finds records of the same entity within a file
link LEFT.csv RIGHT.csv --out DIR    finds records of the same entity across two files, each holding it once
    --many                           of two files, each may hold an entity several times

The id is in the first column. Columns of two files are compared if they have the same name, however it is written, or else if both hold
the same kind of thing: phone and Telephone, mail and E-Mail.

Written are
    pairs.csv      left,right,probability,weight: pairs of a probability of 0.01 or more
    clusters.csv   cluster,system,id: every record, with the number of its entity. A pair of 0.95 or more makes two records one, in one
                   file or two, unless something speaks against it; of one file, a weaker pair too if all between two entities is as sure
    refused.csv    left,right,weight,because: pairs that were strong enough and joined nothing, as something speaks against it: records
                   that hold different numbers of taxes, of social security or of an article are two, where such a number is reliable
    report.html    what columns were taken to be, how sure pairs are, what was refused, and why
    model.json     what was learned";

/// Pairs less probable than this are not written.
const LEAST: f64 = 0.01;

fn main() -> ExitCode {
    match arguments().and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut told = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                told = format!("{told}: {cause}");
                source = cause.source();
            }
            eprintln!("{told}");
            ExitCode::FAILURE
        }
    }
}

struct Arguments {
    files: Vec<PathBuf>,
    out: PathBuf,
    many: bool,
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let (mut files, mut out, mut many) = (Vec::new(), None, false);
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--out" => out = given.next().map(PathBuf::from),
            "--many" => many = true,
            flag if flag.starts_with("--") => return Err(format!("{flag} is not known\n\n{USAGE}").into()),
            file => files.push(PathBuf::from(file)),
        }
    }
    match (out, files.len()) {
        (Some(out), 1 | 2) => Ok(Arguments { files, out, many }),
        _ => Err(USAGE.into()),
    }
}

fn name(path: &Path) -> String {
    path.file_stem().map_or_else(|| path.display().to_string(), |stem| stem.to_string_lossy().into_owned())
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let bar = ProgressBar::new(100).with_style(ProgressStyle::with_template("{bar:40} {percent:>3} % {msg}")?);
    bar.set_message("reading");
    let mut sources = Vec::new();
    for (place, path) in arguments.files.iter().enumerate() {
        let bytes = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
        // Two files of one name are still two systems.
        let twin = place == 1 && name(path) == name(&arguments.files[0]);
        sources.push(Source { name: if twin { format!("{}-2", name(path)) } else { name(path) }, bytes });
    }
    let table = csv_table::read(sources, None)?;
    let two = arguments.files.len() == 2;
    let scope = if two { Scope::Across } else { Scope::Within };
    bar.set_message("comparing and learning");
    let linkage = linkage::train(&table, scope, &Decisions::default(), &mut |Progress { done, of }| {
        bar.set_position((90 * done / of.max(1)) as u64);
    })?;
    bar.set_message("clustering");
    let rails = Rails::default();
    let one_to_one = two && !arguments.many;
    let (clusters, pairs) = if one_to_one {
        let found = linkage.one_to_one(&table, &rails, LEAST);
        (tables::couples(&table, &found, &rails), found.pairs)
    } else {
        let clusters = linkage.clusters(&table, &rails);
        let pairs = linkage.pairs(&clusters, LEAST);
        (clusters, pairs)
    };
    bar.set_position(95);
    bar.set_message("writing");
    fs::create_dir_all(&arguments.out)?;
    tables::write_pairs(&arguments.out.join("pairs.csv"), &table, &pairs)?;
    tables::write_clusters(&arguments.out.join("clusters.csv"), &table, &clusters)?;
    tables::write_refused(&arguments.out.join("refused.csv"), &table, &clusters.refused)?;
    fs::write(arguments.out.join("model.json"), linkage.scorer.model().to_bytes())?;
    fs::write(arguments.out.join("report.html"), report::html(&table, &linkage, &clusters, &pairs, one_to_one))?;
    bar.finish_and_clear();
    let sure = pairs.iter().filter(|pair| pair.probability >= tables::SURE).count();
    let entities = clusters.groups().len();
    writeln!(
        std::io::stdout(),
        "{} records, {entities} entities, {sure} pairs of probability 0.95 or more; see {}",
        table.rows(),
        arguments.out.join("report.html").display()
    )?;
    Ok(())
}
