//! strace: runs this program with faults at chosen system calls, and reads what it did.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::day::Place;

/// The calls that change what the store's files hold.
pub const STORE_CALLS: &str = "pwrite64,fdatasync,fsync,ftruncate,unlink";

/// The calls that change what is outside of the store: the systems' logs, and what is acknowledged.
pub const OTHER_CALLS: &str = "write";

/// What a traced run does.
#[derive(Debug, Clone)]
pub struct Run<'a> {
    /// Where.
    pub place: &'a Place,
    /// The name of its class of create safety.
    pub class: &'a str,
    /// What it does: `day`, or `rest`.
    pub what: &'a str,
    /// Its number.
    pub process: u32,
    /// How long the day is.
    pub rounds: u32,
}

impl Run<'_> {
    /// Where its acknowledgements go.
    #[must_use]
    pub fn told(&self) -> PathBuf {
        self.place.theirs.join("told")
    }

    fn command(&self, arguments: &[&str]) -> io::Result<Command> {
        let mut command = Command::new("strace");
        // Without `--seccomp-bpf`: what is injected would be left out.
        command.args(["-f", "-qq"]).args(arguments).arg(std::env::current_exe()?);
        command.args([self.what, self.class, &self.process.to_string(), &self.rounds.to_string()]);
        command.arg(self.place.ours.parent().unwrap_or(&self.place.ours));
        let told = File::options().append(true).create(true).open(self.told())?;
        command.stdin(Stdio::null()).stdout(told).stderr(Stdio::null());
        Ok(command)
    }

    /// Runs it, and kills it when a thread enters one of `calls` for the `when`-th time.
    ///
    /// # Errors
    ///
    /// If strace cannot be run.
    pub fn killed(&self, calls: &str, when: u32) -> io::Result<ExitStatus> {
        let (trace, inject) = (format!("trace={calls}"), format!("inject={calls}:signal=SIGKILL:when={when}"));
        self.command(&["-o", "/dev/null", "-e", &trace, "-e", &inject])?.status()
    }

    /// Runs it, and makes one of `calls` fail with `error` as `when` says: `7`, or `7+` for all from the seventh.
    ///
    /// # Errors
    ///
    /// If strace cannot be run.
    pub fn failing(&self, calls: &str, error: &str, when: &str) -> io::Result<ExitStatus> {
        let (trace, inject) = (format!("trace={calls}"), format!("inject={calls}:error={error}:when={when}"));
        self.command(&["-o", "/dev/null", "-e", &trace, "-e", &inject])?.status()
    }

    /// Runs it, and writes down every change of a file, whole. `fault` is injected, if there is one.
    ///
    /// # Errors
    ///
    /// If strace cannot be run.
    pub fn recorded(&self, to: &Path, fault: Option<&str>) -> io::Result<ExitStatus> {
        let to = to.to_string_lossy();
        let trace = "trace=openat,close,write,pwrite64,fdatasync,fsync,ftruncate,unlink,rename";
        let mut arguments = vec!["-o", &to, "-xx", "-s", "1000000", "-e", "signal=none", "-e", trace];
        arguments.extend(fault.into_iter().flat_map(|fault| ["-e", fault]));
        self.command(&arguments)?.status()
    }
}

/// A change of a file or folder, as it was traced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A file or folder was opened: under this number, and made if need be.
    Open {
        /// The number.
        fd: i32,
        /// The path.
        path: PathBuf,
        /// Whether it is made if it is not there.
        create: bool,
    },
    /// A number means nothing any more.
    Close(i32),
    /// Bytes were written at a place; `None`: at the end.
    Write(i32, Option<u64>, Vec<u8>),
    /// What was written is durable.
    Sync(i32),
    /// A file was cut to a length.
    Truncate(i32, u64),
    /// A name was taken away.
    Unlink(PathBuf),
    /// Something that this program does not know how to follow.
    Unknown(String),
}

/// Reads a recording: the calls that succeeded, in the order in which they ended.
///
/// # Errors
///
/// If the file cannot be read.
pub fn calls(recording: &Path) -> io::Result<Vec<Call>> {
    let text = std::fs::read_to_string(recording)?;
    let mut unfinished: Vec<(&str, &str)> = Vec::new();
    let mut calls = Vec::new();
    for line in text.lines() {
        let Some((pid, line)) = line.split_once(' ') else { continue };
        let line = line.trim_start();
        if let Some(begun) = line.strip_suffix(" <unfinished ...>") {
            unfinished.push((pid, begun));
        } else if let Some(resumed) = line.strip_prefix("<... ") {
            let begun = unfinished.iter().position(|(of, _)| *of == pid).map(|place| unfinished.remove(place).1);
            let rest = resumed.split_once(" resumed>").map_or("", |(_, rest)| rest);
            calls.extend(call(&format!("{}{rest}", begun.unwrap_or_default())));
        } else {
            calls.extend(call(line));
        }
    }
    Ok(calls)
}

fn call(line: &str) -> Option<Call> {
    let (call, result) = line.rsplit_once(" = ")?;
    let result: i64 = result.split(' ').next()?.parse().ok()?;
    if result < 0 {
        return None;
    }
    let (name, arguments) = call.trim_end().strip_suffix(')')?.split_once('(')?;
    let fd = || arguments.split(',').next()?.parse::<i32>().ok();
    let last = || arguments.rsplit(", ").next()?.parse::<u64>().ok();
    let first_text = || unescaped(arguments.split('"').nth(1)?);
    let path = || String::from_utf8(first_text()?).ok().map(PathBuf::from);
    let read = match name {
        "openat" => {
            Call::Open { fd: i32::try_from(result).ok()?, path: path()?, create: arguments.contains("O_CREAT") }
        }
        "close" => Call::Close(fd()?),
        "write" | "pwrite64" => {
            let mut bytes = first_text()?;
            // A write may be short.
            bytes.truncate(usize::try_from(result).ok()?);
            Call::Write(fd()?, if name == "write" { None } else { Some(last()?) }, bytes)
        }
        "fdatasync" | "fsync" => Call::Sync(fd()?),
        "ftruncate" => Call::Truncate(fd()?, last()?),
        "unlink" => Call::Unlink(path()?),
        _ => Call::Unknown(name.to_owned()),
    };
    Some(read)
}

/// Bytes written as `\x2f\x61`.
fn unescaped(text: &str) -> Option<Vec<u8>> {
    text.split("\\x").skip(1).map(|byte| u8::from_str_radix(byte, 16).ok()).collect()
}
