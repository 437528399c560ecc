//! Explanations as pictures: of a pair the waterfall, bars in bits from the first step to the weight; of a cluster its records and the
//! pairs that hold it together.

use std::fmt::Write as _;

use super::{ClusterExplanation, Explanation, Hold};
use crate::table::{Row, Table};

const ROW: f64 = 22.0;
const LEFT: f64 = 380.0;
const WIDE: f64 = 460.0;

/// An explanation as an SVG chart.
#[must_use]
pub fn svg(explanation: &Explanation) -> String {
    let mut ends = vec![0.0];
    for step in &explanation.steps {
        ends.push(ends.last().copied().unwrap_or_default() + step.bits);
    }
    let low = ends.iter().copied().fold(0.0, f64::min);
    let high = ends.iter().copied().fold(0.0, f64::max);
    let scale = WIDE / (high - low).max(1.0);
    let at = |bits: f64| LEFT + (bits - low) * scale;
    let height = ROW * (explanation.steps.len() as f64 + 3.0);
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\
         <line x1=\"{zero:.1}\" x2=\"{zero:.1}\" y1=\"0\" y2=\"{height}\" stroke=\"#999\"/>",
        LEFT + WIDE + 60.0,
        zero = at(0.0)
    );
    for (place, (step, span)) in explanation.steps.iter().zip(ends.windows(2)).enumerate() {
        let (from, to) = (at(span[0]), at(span[1]));
        let colour = if step.bits < 0.0 { "#c0392b" } else { "#27ae60" };
        let seen = step.seen.map_or_else(String::new, |seen| format!("<title>{seen}</title>"));
        let label = format!("{}: {}", step.of, step.says);
        bar(&mut out, place, (&label, &seen), (from, to), colour, step.bits);
    }
    let total = format!("weight, probability {:.4}", explanation.probability);
    let end = at(explanation.weight.clamp(low, high));
    bar(&mut out, explanation.steps.len(), (&total, ""), (at(0.0), end), "#2c3e50", explanation.weight);
    let _ = write!(
        out,
        "<text x=\"8\" y=\"{:.1}\" fill=\"#666\">{}</text></svg>",
        height - 8.0,
        escaped(&explanation.why_compared())
    );
    out
}

/// A bar with its label, and what is told of it where one points at it.
fn bar(out: &mut String, place: usize, (label, seen): (&str, &str), (from, to): (f64, f64), colour: &str, bits: f64) {
    let top = ROW * place as f64 + 4.0;
    let _ = write!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
         <rect x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\">{seen}</rect>\
         <text x=\"{:.1}\" y=\"{:.1}\">{bits:+.1}</text>",
        LEFT - 8.0,
        top + 13.0,
        escaped(label),
        from.min(to),
        (to - from).abs().max(1.0),
        ROW - 6.0,
        from.max(to) + 4.0,
        top + 13.0
    );
}

/// The width of a pair's lane.
const LANE: f64 = 56.0;
/// Names are shown up to so many letters.
const NAME: usize = 48;

/// A pair that holds a cluster together, as it is drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lane {
    /// The places of its records.
    pub(crate) ends: (usize, usize),
    /// What it joins with, in bits.
    pub(crate) bits: f64,
    /// How probable it is that its sides are one entity.
    pub(crate) probability: f64,
    /// Why it holds.
    pub(crate) hold: Hold,
}

/// Why a cluster holds, as an SVG chart: a line for each record, and a lane for each pair that holds it together, the strongest first and
/// the weakest, where it would break first, in red; over a lane its bits, and under it its probability.
#[must_use]
pub fn cluster_svg(cluster: &ClusterExplanation, table: &Table) -> String {
    let names: Vec<String> = cluster.rows.iter().map(|row| name(table, *row)).collect();
    let place_of = |row: Row| cluster.rows.iter().position(|other| *other == row).unwrap_or_default();
    let drawn = cluster.bridges.iter().map(|bridge| Lane {
        ends: (place_of(bridge.a), place_of(bridge.b)),
        bits: f64::from(bridge.weight),
        probability: bridge.probability,
        hold: bridge.hold,
    });
    lanes(&names, &drawn.collect::<Vec<_>>())
}

/// Records by name, and what holds them together.
pub(crate) fn lanes(names: &[String], drawn: &[Lane]) -> String {
    let (width, height) = (LEFT + LANE * (drawn.len() as f64 + 1.0), ROW * (names.len() as f64 + 2.0));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">"
    );
    let top = |place: usize| ROW * (place as f64 + 1.5);
    for (place, name) in names.iter().enumerate() {
        let (name, y) = (escaped(&name.chars().take(NAME).collect::<String>()), top(place));
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>\
             <line x1=\"{LEFT}\" x2=\"{width}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>",
            LEFT - 8.0,
            y + 4.0
        );
    }
    for (place, lane) in drawn.iter().enumerate() {
        let (x, from, to) = (LEFT + LANE * (place as f64 + 0.5), top(lane.ends.0), top(lane.ends.1));
        let is_weakest = place + 1 == drawn.len();
        let colour = if is_weakest { "#c0392b" } else { "#27ae60" };
        let over = match lane.hold {
            Hold::Weighed => format!("{:+.1}", lane.bits),
            Hold::Said => "said".to_owned(),
            Hold::Given => "given".to_owned(),
        };
        let _ = write!(
            out,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{from:.1}\" y2=\"{to:.1}\" stroke=\"{colour}\" stroke-width=\"3\"/>\
             <circle cx=\"{x:.1}\" cy=\"{from:.1}\" r=\"4\" fill=\"{colour}\"/>\
             <circle cx=\"{x:.1}\" cy=\"{to:.1}\" r=\"4\" fill=\"{colour}\"/>\
             <text x=\"{x:.1}\" y=\"14\" text-anchor=\"middle\">{over}</text>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{:.4}</text>",
            height - 8.0,
            lane.probability
        );
    }
    out.push_str("</svg>");
    out
}

/// A record as people know it: with its system, where there are several.
fn name(table: &Table, row: Row) -> String {
    let of = table.systems().get(table.system_of(row)).filter(|of| !of.is_empty() && table.systems().len() > 1);
    of.map_or_else(|| table.id(row).to_owned(), |of| format!("{of} {}", table.id(row)))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
