//! Single events over HTTP at a steady rate, each durable before it is answered: beside the prototype, under the same load.

mod door;
mod load;

use std::env;
use std::error::Error;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use accordant_bench::beside::{limit, times, yardsticks};
use accordant_bench::usage::cpu_of_family;
use accordant_bench::workload;

use load::{Answered, Asked};

/// Customers whom the workload is about. The prototype knows so many, and no more.
const CUSTOMERS: u64 = 100_000;
/// Both percentiles may be so many times the prototype's, in hundredths.
const GOAL_TIMES: u64 = 150;
/// Of batches, so many nanoseconds of processor time are to do for each event.
const GOAL_OF_BATCHES: u128 = 10_000;
/// How often a door that was opened is looked for, and how long between.
const LOOKS: (usize, Duration) = (200, Duration::from_millis(50));

const USAGE: &str = "latency --rate N [--seconds N] [--connections N] [--batch N]";

/// `latency --rate N [--seconds N] [--connections N] [--batch N]`.
pub(crate) fn run(arguments: &[&str], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    if let ["serve", port, database] = *arguments {
        return door::serve(port.parse()?, Path::new(database));
    }
    let mut asked = Asked { rate: 0, seconds: 5, connections: 64, batch: 1 };
    for pair in arguments.chunks(2) {
        match *pair {
            ["--rate", number] => asked.rate = number.parse()?,
            ["--seconds", number] => asked.seconds = number.parse()?,
            ["--connections", number] => asked.connections = number.parse()?,
            ["--batch", number] => asked.batch = number.parse()?,
            _ => return Err(USAGE.into()),
        }
    }
    if [asked.rate, asked.seconds, asked.batch].contains(&0) || asked.connections == 0 {
        return Err(USAGE.into());
    }
    let mut lines = Vec::new();
    workload::write(asked.rate * asked.seconds, CUSTOMERS, 42, &mut lines)?;
    let folder = tempfile::tempdir()?;
    let mut ours = Command::new(env::current_exe()?);
    let port = free_port()?;
    ours.args(["latency", "serve", &port.to_string()]).arg(folder.path().join("ours.db"));
    let own = Served::by(&mut ours, port)?.measure(&asked, &lines)?;
    tell("accordant", &asked, &own, out)?;
    if asked.batch > 1 {
        let each = own.cpu.0 / u128::from(own.events.max(1));
        writeln!(out, r#"{{"cpu_nanos_per_event":{each},"goal":{GOAL_OF_BATCHES}}}"#)?;
        return Ok(());
    }
    let Some(yardsticks) = yardsticks(out)? else { return Ok(()) };
    let port = free_port()?;
    let mut prototype = Command::new(limit(&yardsticks, "server")?);
    prototype.arg(folder.path().join("prototype.db")).args([&port.to_string(), "full"]);
    let theirs = Served::by(&mut prototype, port)?.measure(&asked, &lines)?;
    tell("prototype", &asked, &theirs, out)?;
    let beside = |permille| times(own.at(permille), theirs.at(permille));
    writeln!(
        out,
        r#"{{"p50_times_prototype":{},"p99_times_prototype":{},"goal":{},"refused":{}}}"#,
        beside(500),
        beside(990),
        times(GOAL_TIMES, 100),
        own.refused,
    )?;
    Ok(())
}

fn tell(server: &str, asked: &Asked, answered: &Answered, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let Asked { rate, connections, batch, .. } = asked;
    let Answered { events, refused, took, cpu, .. } = answered;
    writeln!(
        out,
        r#"{{"latency":"{server}","store":"sqlite, synchronous full","rate":{rate},"connections":{connections},"batch":{batch},"events":{events},"refused":{refused},"achieved_per_second":{},"p50_micros":{},"p90_micros":{},"p99_micros":{},"p999_micros":{},"most_micros":{},"server_cpu_nanos_per_event":{}}}"#,
        u128::from(*events) * 1_000_000_000 / took.0.max(1),
        answered.at(500),
        answered.at(900),
        answered.at(990),
        answered.at(999),
        answered.at(1_000),
        cpu.0 / u128::from((*events).max(1)),
    )?;
    Ok(())
}

/// A port that nobody listens on. It may be taken until somebody does.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A server in a process of its own. Dropped, it is ended.
struct Served {
    process: Child,
    port: u16,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Served {
    /// Waits until it listens.
    fn by(command: &mut Command, port: u16) -> Result<Self, Box<dyn Error>> {
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut served = Self { process, port };
        for _ in 0..LOOKS.0 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(served);
            }
            if let Some(status) = served.process.try_wait()? {
                return Err(format!("the server ended before it listened: {status}").into());
            }
            thread::sleep(LOOKS.1);
        }
        Err("the server does not listen".into())
    }

    fn measure(&self, asked: &Asked, lines: &[u8]) -> Result<Answered, Box<dyn Error>> {
        let before = cpu_of_family(self.process.id());
        let mut answered = load::run(self.port, asked, lines)?;
        answered.cpu.0 = cpu_of_family(self.process.id()).0.saturating_sub(before.0);
        Ok(answered)
    }
}
