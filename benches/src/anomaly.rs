//! What detectors find of incidents in synthetic series, and how often they find what is none.

use std::error::Error;
use std::io::Write;

use accordant_bench::usage::Clocks;
use accordant_quality::Settings;
use accordant_quality::testing::{DAYS, JUDGED_FROM, Shape, Trial, WITHIN};

/// `anomaly [SERIES [SEED]]`. The settings were chosen by other seeds than the one that is used where none is given.
pub(crate) fn run(series: &str, seed: &str, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let (series, seed): (u64, u64) = (series.parse()?, seed.parse()?);
    let clocks = Clocks::now();
    let trial = Trial::of(series, seed, Settings::default());
    let taken = clocks.taken();
    let (before, after) = trial.false_alerts_before_and_after();
    let all = trial.false_alerts_a_month();
    writeln!(
        out,
        r#"{{"series":{series},"seed":{seed},"days":{DAYS},"judged_from":{JUDGED_FROM},"within_days":{WITHIN},"spikes_found":{:.3},"shifts_found":{:.3},"ramps_found":{:.3},"mean_delay_days":{:.2},"false_alerts_per_series_month":{all:.3},"before_the_incident":{before:.3},"a_week_and_more_after":{after:.3},"cpu_seconds":{}}}"#,
        trial.share(Shape::Spike),
        trial.share(Shape::Shift),
        trial.share(Shape::Ramp),
        trial.mean_delay(),
        taken.cpu,
    )?;
    Ok(())
}
