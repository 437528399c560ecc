//! The report: what columns were taken to be, how blocks turned out, what was found, and why, with charts.

use std::fmt::Write as _;

use accordant_identity::cluster::Clusters;
use accordant_identity::decision::Decisions;
use accordant_identity::explain;
use accordant_identity::linkage::Linkage;
use accordant_identity::resolution::Pair;
use accordant_identity::review;
use accordant_identity::table::{Row, Table};

/// The report as one page.
pub(crate) fn html(table: &Table, linkage: &Linkage, clusters: &Clusters, pairs: &[Pair], one_to_one: bool) -> String {
    let mut out = String::from(
        "<!doctype html><meta charset=\"utf-8\"><title>Linkage</title><style>body{font:14px sans-serif;max-width:1000px;margin:2em \
         auto}td,th{padding:2px 10px;text-align:left}td.n{text-align:right}h2{margin-top:2em}</style><h1>Linkage</h1>",
    );
    let sizes = sizes(clusters);
    let entities: usize = sizes.iter().map(|(_, many)| many).sum();
    let _ = write!(
        out,
        "<p>{} records, {entities} entities, {} pairs compared{}.</p>",
        table.rows(),
        linkage.candidates.pairs.len(),
        if one_to_one { ", each record linked once at most" } else { "" }
    );
    columns(&mut out, table, linkage);
    out.push_str("<h2>How sure pairs are</h2><p>Expected precision is the mean probability of the pairs at or above a threshold.</p>");
    thresholds(&mut out, pairs);
    out.push_str("<h3>Weights of the pairs compared, in bits</h3>");
    out.push_str(&histogram(&linkage.weights));
    out.push_str("<h2>Sizes of entities</h2>");
    out.push_str(&bars(&sizes.iter().map(|(size, many)| (size.to_string(), *many)).collect::<Vec<_>>()));
    blocks(&mut out, linkage);
    model(&mut out, linkage);
    refused(&mut out, table, linkage, clusters);
    weakest(&mut out, table, linkage, clusters);
    let model = linkage.scorer.model();
    let asked = review::questions(table, model, &linkage.candidates, &linkage.weights, clusters, &Decisions::default());
    let shown: Vec<(Row, Row)> = asked.iter().take(5).map(|question| (question.a, question.b)).collect();
    waterfalls(&mut out, table, linkage, "What to ask a person first", &shown);
    out
}

fn columns(out: &mut String, table: &Table, linkage: &Linkage) {
    out.push_str("<h2>Columns</h2><table><tr><th>column<th>taken to be");
    for attribute in &table.layout().schema.attributes {
        let _ = write!(out, "<tr><td>{}<td>{:?}", escaped(&attribute.name), attribute.kind);
    }
    out.push_str("</table><ul>");
    for of in linkage.scorer.model().identifiers().iter().filter(|of| of.is_reliable()) {
        let (name, other, all) = (escaped(&of.name), of.other, of.matches());
        let _ = write!(out, "<li>Records of another {name} are two: of {all:.0} matches {other:.0} hold two.");
    }
    out.push_str("</ul>");
}

fn thresholds(out: &mut String, pairs: &[Pair]) {
    out.push_str("<table><tr><th>probability at least<th>pairs<th>expected precision");
    for least in [0.5, 0.8, 0.9, 0.95, 0.99, 0.999] {
        let above: Vec<f64> =
            pairs.iter().map(|pair| pair.probability).filter(|probability| *probability >= least).collect();
        let mean = mean(&above);
        let _ = write!(out, "<tr><td class=n>{least}<td class=n>{}<td class=n>{mean:.4}", above.len());
    }
    out.push_str("</table>");
}

#[expect(clippy::float_arithmetic, reason = "a mean of probabilities")]
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn histogram(weights: &[f32]) -> String {
    let mut counts: std::collections::BTreeMap<i64, usize> = std::collections::BTreeMap::new();
    for weight in weights {
        *counts.entry((*weight as i64).clamp(-40, 40).div_euclid(4)).or_default() += 1;
    }
    bars(&counts.into_iter().map(|(bin, many)| (format!("{} to {}", bin * 4, bin * 4 + 4), many)).collect::<Vec<_>>())
}

fn sizes(clusters: &Clusters) -> Vec<(usize, usize)> {
    let mut counts: std::collections::BTreeMap<usize, usize> = std::collections::BTreeMap::new();
    clusters.groups().iter().for_each(|group| *counts.entry(group.len()).or_default() += 1);
    counts.into_iter().collect()
}

fn bars(rows: &[(String, usize)]) -> String {
    let most = rows.iter().map(|(_, many)| *many).max().unwrap_or(1).max(1);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"{}\" font-size=\"12\">",
        rows.len() * 20 + 4
    );
    for (place, (label, many)) in rows.iter().enumerate() {
        let (top, width) = (place * 20, 500 * many / most);
        let _ = write!(
            out,
            "<text x=\"90\" y=\"{}\" text-anchor=\"end\">{label}</text><rect x=\"100\" y=\"{}\" width=\"{}\" height=\"14\" \
             fill=\"#2980b9\"/><text x=\"{}\" y=\"{}\">{many}</text>",
            top + 14,
            top + 3,
            width.max(1),
            width + 108,
            top + 14
        );
    }
    out.push_str("</svg>");
    out
}

fn blocks(out: &mut String, linkage: &Linkage) {
    out.push_str(
        "<h2>Blocks</h2><p>Blocks that were too large were refined; records left out are in no block of the rule, but may be in \
         others.</p><table><tr><th>rule<th>records<th>blocks<th>pairs<th>largest<th>refined<th>left out",
    );
    for skew in &linkage.candidates.skew {
        if let Some(why) = skew.dropped {
            let _ =
                write!(out, "<tr><td>{}<td class=n>{}<td colspan=5>dropped: {why}", escaped(&skew.rule), skew.records);
            continue;
        }
        let _ = write!(out, "<tr><td>{}", escaped(&skew.rule));
        for number in [skew.records, skew.blocks, skew.pairs, skew.largest, skew.refined, skew.left_out] {
            let _ = write!(out, "<td class=n>{number}");
        }
    }
    out.push_str("</table>");
}

fn model(out: &mut String, linkage: &Linkage) {
    out.push_str("<h2>Why records look alike</h2><table><tr><th>class<th>one entity<th>share of all pairs");
    for class in &linkage.scorer.model().classes {
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td class=n>{:.3e}",
            class.name,
            if class.matches { "yes" } else { "no" },
            class.share
        );
    }
    out.push_str("</table><h2>What the model does not know</h2><ul>");
    for remark in linkage.scorer.model().remarks() {
        let _ = write!(out, "<li>{}", escaped(&remark));
    }
    out.push_str("</ul>");
}

fn refused(out: &mut String, table: &Table, linkage: &Linkage, clusters: &Clusters) {
    let _ = write!(out, "<h2>Cases</h2><p>{} pairs were strong enough and joined nothing.</p>", clusters.refused.len());
    for refused in clusters.refused.iter().take(3) {
        let _ = write!(out, "<p>{}</p>", refused.because);
        waterfall(out, table, linkage, refused.edge.a, refused.edge.b);
    }
}

/// The entities that hold least, and why each holds.
fn weakest(out: &mut String, table: &Table, linkage: &Linkage, clusters: &Clusters) {
    for (place, edge) in review::weakest_bridges(clusters).iter().take(3).enumerate() {
        if place == 0 {
            out.push_str(
                "<h2>The weakest bridges</h2><p>A lane for each pair that holds an entity together, the strongest first; in red the one \
                 where it would break first, and under it why that pair weighs what it weighs.</p>",
            );
        }
        let held = explain::cluster(&linkage.scorer, linkage.view(table), clusters, edge.a);
        out.push_str(&explain::cluster_svg(&held, table));
        waterfall(out, table, linkage, edge.a, edge.b);
    }
}

fn waterfalls(out: &mut String, table: &Table, linkage: &Linkage, title: &str, pairs: &[(Row, Row)]) {
    if !pairs.is_empty() {
        let _ = write!(out, "<h2>{title}</h2>");
        pairs.iter().for_each(|(a, b)| waterfall(out, table, linkage, *a, *b));
    }
}

fn waterfall(out: &mut String, table: &Table, linkage: &Linkage, a: Row, b: Row) {
    let explanation = explain::pair(&linkage.scorer, linkage.view(table), a, b);
    let _ = write!(out, "<p>{} and {}</p>{}", escaped(table.id(a)), escaped(table.id(b)), explain::svg(&explanation));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
