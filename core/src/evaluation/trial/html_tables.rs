//! Tables of the trial's page.

use maud::{Markup, Render, html};

use super::{
    measurements::FoldNote,
    report::{Bin, GateCurve, TrialSection},
};
use crate::{html::OutsideText, models::gains::model::Gate};

/// Writes the name of a set or of a damage.
pub(in crate::evaluation) fn named(name: &str) -> Markup {
    html! { @if name.is_empty() { "(no set)" } @else { (OutsideText(name)) } }
}

/// Writes a table; its cells are escaped.
pub(in crate::evaluation) fn table<const N: usize>(
    caption: impl Render,
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Markup {
    html! {
        table {
            caption { (caption) }
            tr { @for cell in header { th { (cell) } } }
            @for row in rows {
                tr { @for cell in row { td { (cell) } } }
            }
        }
    }
}

/// Writes the means of all ways over one selection of pictures.
pub(super) fn section_table(section: &TrialSection) -> Markup {
    let caption = html! { (named(&section.name)) ", " (section.n) " pictures" };
    let header = [
        "way",
        "PSNR",
        "SSIM",
        "score",
        "ΔE00",
        "gain dB",
        "gain SSIM",
        "gain score",
        "change ΔE00",
        "harm",
        "changed",
        "captured",
        "regret",
    ];
    let rows = section.ways.values().map(|w| {
        [
            w.way.name().to_owned(),
            format!("{:.2}", w.psnr),
            format!("{:.4}", w.ssim),
            format!("{:.4}", w.score),
            format!("{:.2}", w.ciede2000),
            format!("{:+.2}", w.gain_db),
            format!("{:+.4}", w.gain_ssim),
            format!("{:+.4}", w.gain_score),
            format!("{:+.2}", w.change_ciede2000),
            format!("{:.1} %", w.harm * 100.0),
            format!("{:.1} %", w.changed * 100.0),
            w.captured.map_or("–".to_owned(), |share| format!("{:.0} %", share * 100.0)),
            format!("{:.4}", w.regret),
        ]
    });
    table(caption, header, rows)
}

/// Writes the bins of a calibration.
pub(in crate::evaluation) fn calibration_table(caption: &str, bins: &[Bin]) -> Markup {
    let edge = |edge: Option<f64>| edge.map_or("–".to_owned(), |v| format!("{v:+.2}"));
    let rows = bins.iter().map(|bin| {
        [
            format!("{} to {}", edge(bin.from), edge(bin.to)),
            bin.n.to_string(),
            format!("{:+.4}", bin.expected),
            format!("{:+.4}", bin.actual),
        ]
    });
    table(caption, ["expected", "n", "mean expected", "mean actual"], rows)
}

/// Writes gain and harm of one way, for each bound of its gate.
pub(super) fn curve_table(curve: &GateCurve) -> Markup {
    let rows = curve.points.iter().map(|p| {
        [
            format!("{:.2}", p.harm_max),
            format!("{:+.4}", p.gain_score),
            format!("{:+.2}", p.gain_db),
            format!("{:.1} %", p.harm * 100.0),
            format!("{:.1} %", p.harm_undamaged * 100.0),
        ]
    });
    table(curve.way.name(), ["bound", "gain score", "gain dB", "harm", "harm, undamaged"], rows)
}

/// Writes the notes on the fit of each fold.
pub(super) fn fold_table(folds: &[FoldNote]) -> Markup {
    let rows = folds.iter().map(|f| {
        [
            f.fold.to_string(),
            f.n_training.to_string(),
            f.n_held_out.to_string(),
            f.best_fixed.clone(),
            gate_text(f.color_gate),
            gate_text(f.detail_gate),
            gate_text(f.three_parameters_gate),
        ]
    });
    let header = [
        "fold",
        "training",
        "tried",
        "best fixed",
        "colour gate",
        "detail gate",
        "gate of the three parameters",
    ];
    table("gates: expected gain in score and share of harm", header, rows)
}

/// Describes the bounds of a gate.
fn gate_text(gate: Option<Gate>) -> String {
    match gate {
        Some(Gate { margin, margin_db, harm_max, undamaged_max, harm_price, .. }) => {
            format!(
                "gain > {margin:.3} and {margin_db:.1} dB, harm < {harm_max:.2}, undamaged < {undamaged_max:.2}, \
                 price {harm_price:.2}"
            )
        }
        None => "closed".to_owned(),
    }
}
