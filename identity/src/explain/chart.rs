//! The waterfall as a picture: bars in bits, from the first step to the weight.

use std::fmt::Write as _;

use super::Explanation;

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
    let height = ROW * (explanation.steps.len() as f64 + 2.0);
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
        bar(&mut out, place, &format!("{}: {}", step.of, step.says), (from, to), colour, step.bits);
    }
    let total = format!("weight, probability {:.4}", explanation.probability);
    let end = at(explanation.weight.clamp(low, high));
    bar(&mut out, explanation.steps.len(), &total, (at(0.0), end), "#2c3e50", explanation.weight);
    out.push_str("</svg>");
    out
}

fn bar(out: &mut String, place: usize, label: &str, (from, to): (f64, f64), colour: &str, bits: f64) {
    let top = ROW * place as f64 + 4.0;
    let _ = write!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
         <rect x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\"/>\
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

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
