//! The stream on several processors, beside the stream on one.

use std::env;
use std::error::Error;
use std::io::Write;
use std::process::Command;

use accordant_bench::beside::{after, median, micros, text_of, times};

/// What two processors are to do of what one does in the same time, in hundredths.
const GOAL_OF_TWO: u64 = 170;

/// `cores FILE [CORES [RUNS]]`: runs both in turn, so often.
pub(crate) fn run(arguments: &[&str], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let (file, cores, runs) = match *arguments {
        [file] => (file, 2, 5),
        [file, cores] => (file, cores.parse()?, 5),
        [file, cores, runs] => (file, cores.parse()?, runs.parse::<u64>()?),
        _ => return Err("accordant-bench cores FILE [CORES [RUNS]]".into()),
    };
    let own = env::current_exe()?;
    let cores: u64 = cores;
    let (mut wall, mut cpu, mut states) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()], Vec::new());
    for _ in 0..runs.max(1) {
        for (place, on) in [1, cores].into_iter().enumerate() {
            let mut stream = Command::new(&own);
            let said = text_of(stream.args(["stream", file, "--digest", "--cores", &on.to_string()]))?;
            wall[place].push(micros(&said, r#""wall_seconds":"#)?);
            cpu[place].push(micros(&said, r#""cpu_seconds":"#)?);
            // The facts, the answer and the digest of the state.
            let counts = after(&said, r#""facts":"#)?.split(',').next().unwrap_or_default();
            states.push(format!("{counts} {}", after(&said, r#""answer":"#)?.trim_end()));
        }
    }
    let [mut one, mut several] = wall;
    let [mut cpu_of_one, mut cpu_of_several] = cpu;
    let (one, several) = (median(&mut one), median(&mut several));
    let same = states.windows(2).all(|pair| pair[0] == pair[1]);
    writeln!(
        out,
        r#"{{"cores":{cores},"runs":{},"wall_micros_of_one":{one},"wall_micros":{several},"cpu_micros_of_one":{},"cpu_micros":{},"times_one":{},"goal_of_two":{},"same_state":{same}}}"#,
        runs.max(1),
        median(&mut cpu_of_one),
        median(&mut cpu_of_several),
        times(one, several),
        times(GOAL_OF_TWO, 100),
    )?;
    if same { Ok(()) } else { Err("several processors came to another state than one".into()) }
}
