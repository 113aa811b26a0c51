//! A trial as one page that needs nothing beside it: tables, plots, and pictures before and after.

use std::fmt::{self, Display, Write as _};

use crate::evaluation::{
    html::{escaped, jpeg_address},
    svg::{Series, plot},
    trial::{
        Bin, Calibration, Curve, FoldNote, KindReport, MODEL, PictureKind, TrialReport, TrialRow,
        TrialSection,
    },
};
use crate::models::gains::model::Gate;

const STYLE: &str = include_str!("trial.css");

/// A picture to be shown.
pub struct Shown {
    /// Under which heading.
    pub group: &'static str,
    /// Index into the report's pictures.
    pub picture: usize,
    /// As it came, as the model left it, and the reference: small JPEGs.
    pub jpegs: [Vec<u8>; 3],
}

/// The page. Everything that comes from outside is escaped.
pub fn trial_html(report: &TrialReport, shown: &[Shown]) -> String {
    let mut page = String::new();
    // Writing to a string does not fail.
    let _ = write_page(&mut page, report, shown);
    page
}

fn write_page(page: &mut String, report: &TrialReport, shown: &[Shown]) -> fmt::Result {
    write!(
        page,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Trial of a model</title><style>{STYLE}</style></head><body>\
         <h1>Trial of a model</h1><p>{} pictures, {} folds: each picture was treated by what was learned from pictures of \
         other sources only. PSNR is capped at 50 dB; gains are over the untouched picture; harm is the share that loses \
         more than 0.05 dB; ΔE00 is the mean CIEDE2000, its change is better when negative; regret is the score that the \
         best candidate in hand has more.</p>",
        report.pictures.len(),
        report.folds.len()
    )?;
    for note in &report.notes {
        write!(page, "<p class=\"note\">{}</p>", escaped(note))?;
    }
    for kind in &report.kinds {
        write_kind(page, kind)?;
    }
    page.push_str("<h2>Every picture</h2><div class=\"plots\">");
    page.push_str(&scatter(&report.pictures));
    page.push_str("</div><h2>Is what is expected what comes?</h2><div class=\"plots\">");
    write_calibration(page, "what the model did", &report.calibration_of_decisions)?;
    write_calibration(page, "all its candidates on all pictures", &report.calibration_of_candidates)?;
    page.push_str("</div>");
    write_curves(page, &report.curves_post_hoc)?;
    write_folds(page, &report.folds)?;
    write_shown(page, report, shown)?;
    page.push_str("</body></html>\n");
    Ok(())
}

fn write_kind(page: &mut String, kind: &KindReport) -> fmt::Result {
    let name = match kind.kind {
        PictureKind::Damaged => "Damaged pictures",
        PictureKind::Undamaged => "Undamaged pictures",
    };
    write!(page, "<h2>{name} ({})</h2>", kind.mean_over_pictures.n)?;
    write_section(page, &kind.mean_over_sets)?;
    write_section(page, &kind.mean_over_pictures)?;
    for set in &kind.sets {
        page.push_str("<details><summary>");
        let model = &set.ways[MODEL];
        let harm = model.harm * 100.0;
        write!(page, "{}: model {:+.2} dB, {harm:.1} % harmed</summary>", named(&set.name), model.gain_db)?;
        write_section(page, set)?;
        page.push_str("</details>");
    }
    for damage in &kind.damages {
        write!(page, "<details><summary>damage {}</summary>", named(&damage.name))?;
        write_section(page, damage)?;
        page.push_str("</details>");
    }
    Ok(())
}

fn named(name: &str) -> String {
    if name.is_empty() { "(no set)".to_owned() } else { escaped(name) }
}

fn write_section(page: &mut String, section: &TrialSection) -> fmt::Result {
    let caption = format!("{}, {} pictures", named(&section.name), section.n);
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
    let rows = section.ways.iter().map(|w| {
        vec![
            escaped(&w.way),
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
    write_table(page, &caption, &header, rows)
}

/// Cells are HTML already.
fn write_table(
    page: &mut String,
    caption: &str,
    header: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
) -> fmt::Result {
    write!(page, "<table><caption>{caption}</caption><tr>")?;
    header.iter().try_for_each(|cell| write!(page, "<th>{cell}</th>"))?;
    page.push_str("</tr>");
    for row in rows {
        page.push_str("<tr>");
        row.iter().try_for_each(|cell| write!(page, "<td>{cell}</td>"))?;
        page.push_str("</tr>");
    }
    page.push_str("</table>");
    Ok(())
}

fn scatter(rows: &[TrialRow]) -> String {
    let of = |kind, name| {
        let points = rows
            .iter()
            .filter(|row| row.kind == kind)
            .map(|row| (row.ways[0].figures.psnr, row.gain_db(MODEL)));
        Series { name, points: points.collect(), joined: false }
    };
    let series = [of(PictureKind::Damaged, "damaged"), of(PictureKind::Undamaged, "undamaged")];
    figure(
        "gain over how damaged a picture is",
        &plot("PSNR as it came, dB", "gain of the model, dB", &series, false),
    )
}

fn figure(caption: impl Display, svg: &str) -> String {
    format!("<figure>{svg}<figcaption>{caption}</figcaption></figure>")
}

fn write_calibration(page: &mut String, of: &str, calibration: &Calibration) -> fmt::Result {
    let points = |bins: &[Bin]| {
        [Series {
            name: of,
            points: bins.iter().map(|bin| (bin.expected, bin.actual)).collect(),
            joined: true,
        }]
    };
    let edge = |edge: Option<f64>| edge.map_or("–".to_owned(), |v| format!("{v:+.2}"));
    for (what, bins) in [("gain in score", &calibration.score), ("share of harm", &calibration.harm)] {
        let svg = plot(&format!("expected {what}"), "actual", &points(bins), true);
        page.push_str(&figure(format_args!("{what} of {of}, by bins"), &svg));
        let rows = bins.iter().map(|bin| {
            vec![
                format!("{} to {}", edge(bin.from), edge(bin.to)),
                bin.n.to_string(),
                format!("{:+.4}", bin.expected),
                format!("{:+.4}", bin.actual),
            ]
        });
        write_table(
            page,
            &format!("{what} of {of}"),
            &["expected", "n", "mean expected", "mean actual"],
            rows,
        )?;
    }
    Ok(())
}

fn write_curves(page: &mut String, curves: &[Curve]) -> fmt::Result {
    page.push_str(
        "<h2>Gain and harm over the gate, post hoc</h2><p>The bound on expected harm was varied on the very pictures that \
         are reported: to be read, not to be chosen from.</p><div class=\"plots\">",
    );
    let series: Vec<Series> = curves
        .iter()
        .map(|c| Series {
            name: &c.way,
            points: c.points.iter().map(|p| (p.harm, p.gain_score)).collect(),
            joined: true,
        })
        .collect();
    page.push_str(&figure(
        "means over sets, damaged pictures",
        &plot("share harmed", "gain in score", &series, false),
    ));
    for curve in curves {
        let rows = curve.points.iter().map(|p| {
            vec![
                format!("{:.2}", p.harm_max),
                format!("{:+.4}", p.gain_score),
                format!("{:+.2}", p.gain_db),
                format!("{:.1} %", p.harm * 100.0),
                format!("{:.1} %", p.harm_undamaged * 100.0),
            ]
        });
        let header = ["bound", "gain score", "gain dB", "harm", "harm, undamaged"];
        write_table(page, &escaped(&curve.way), &header, rows)?;
    }
    page.push_str("</div>");
    Ok(())
}

fn write_folds(page: &mut String, folds: &[FoldNote]) -> fmt::Result {
    page.push_str("<h2>Folds</h2>");
    let gate = |gate: Option<Gate>| match gate {
        Some(Gate { margin, harm_max, score_low_min, harm_price }) => {
            format!(
                "gain &gt; {margin:.3}, harm &lt; {harm_max:.2}, low ≥ {score_low_min:.2}, price {harm_price:.2}"
            )
        }
        None => "closed".to_owned(),
    };
    let rows = folds.iter().map(|f| {
        vec![
            f.fold.to_string(),
            f.n_training.to_string(),
            f.n_tried.to_string(),
            escaped(&f.best_fixed),
            gate(f.color_gate),
            gate(f.detail_gate),
            gate(f.three_parameters_gate),
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
    write_table(page, "gates: expected gain in score and share of harm", &header, rows)
}

fn write_shown(page: &mut String, report: &TrialReport, shown: &[Shown]) -> fmt::Result {
    let mut group = "";
    for Shown { group: its, picture, jpegs } in shown {
        if group != *its {
            group = its;
            write!(page, "<h2>{}</h2>", escaped(group))?;
        }
        let row = &report.pictures[*picture];
        write!(page, "<div class=\"shown\"><p>{}: {}, ", escaped(&row.name), escaped(&row.ways[MODEL].done))?;
        write!(page, "{:+.4} score, {:+.2} dB", row.gain(MODEL), row.gain_db(MODEL))?;
        if let Some(forecast) = row.forecast {
            write!(page, ", expected {:+.4} score and {:.0} % harm", forecast.score, forecast.harm * 100.0)?;
        }
        page.push_str("</p>");
        for (jpeg, what) in jpegs.iter().zip(["before", "after", "reference"]) {
            let address = jpeg_address(jpeg);
            write!(
                page,
                "<figure><img alt=\"{what}\" src=\"{address}\"><figcaption>{what}</figcaption></figure>"
            )?;
        }
        page.push_str("</div>");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::trial::{sums::trial_report, tests::row, *};

    #[test]
    fn nothing_of_a_name_becomes_markup_and_nothing_is_fetched() {
        let evil = "<script>alert('x')</script>";
        let rows = vec![row(evil, evil, PictureKind::Damaged, [0.0, 1.0, -1.0, 0.0, 2.0, 4.0])];
        let report = trial_report(Trialled { rows, notes: vec![evil.to_owned()], ..Trialled::default() });
        let shown = [Shown { group: "best", picture: 0, jpegs: [vec![1], vec![2], vec![3]] }];
        let page = trial_html(&report, &shown);
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(&#39;x&#39;)"));
        assert!(page.contains("src=\"data:image/jpeg;base64,Ag==\""));
        assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("url("));
    }
}
