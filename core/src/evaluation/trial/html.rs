//! The trial as one page that needs no other file: tables, plots, and pictures before and after.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    html_tables::{calibration_table, curve_table, fold_table, named, section_table},
    measurements::{PictureKind, TrialRow},
    page_pictures::PagePicture,
    report::{Bin, Calibration, GateCurve, KindReport, TrialReport},
    way::Way,
};
use crate::{
    evaluation::{
        photographs::{ShownPhotograph, photograph_sections},
        svg::{Series, plot},
    },
    html::{OutsideText, jpeg_address},
};

const STYLE: &str = include_str!("trial.css");

/// Returns the page. Every text from outside is escaped.
pub fn trial_html(
    report: &TrialReport,
    shown: &[PagePicture],
    shown_photographs: &[ShownPhotograph],
) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { "Trial of a model" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Trial of a model" }
                (introduction(report))
                @if let Some(photographs) = &report.photographs {
                    (photograph_sections(photographs, shown_photographs))
                }
                @for kind in &report.kinds { (kind_sections(kind)) }
                h2 { "Every picture" }
                div class="plots" { (scatter(&report.pictures)) }
                h2 { "Expected and actual gain and harm" }
                div class="plots" {
                    (calibration_plots("what the model did", &report.calibration_of_decisions))
                    (calibration_plots("all its candidates on all pictures", &report.calibration_of_candidates))
                }
                (curves(&report.curves_post_hoc))
                h2 { "Folds" }
                (fold_table(&report.folds))
                (pictures(report, shown))
            }
        }
    };
    page.into_string() + "\n"
}

fn introduction(report: &TrialReport) -> Markup {
    html! {
        p {
            (report.pictures.len()) " pictures, " (report.folds.len()) " folds: each picture was restored by what was \
            learned from pictures of other sources only. PSNR is capped at 50 dB. Gains are over the untouched picture. \
            Harm is the share that loses more than 0.05 dB. ΔE00 is the mean CIEDE2000; its change is better when \
            negative. best_in_hand is the best candidate of each picture, chosen with the reference known. Regret is its \
            gain in score minus the gain of the way."
        }
        @for note in &report.notes { p class="note" { (OutsideText(note)) } }
    }
}

fn kind_sections(kind: &KindReport) -> Markup {
    let name = match kind.kind {
        PictureKind::Damaged => "Damaged pictures",
        PictureKind::Undamaged => "Undamaged pictures",
    };
    html! {
        h2 { (name) " (" (kind.mean_over_pictures.n) ")" }
        (section_table(&kind.mean_over_sets))
        (section_table(&kind.mean_over_pictures))
        @for set in &kind.sets {
            @let model = &set.ways[Way::Model];
            details {
                summary {
                    (named(&set.name))
                    (format_args!(": model {:+.2} dB, {:.1} % harmed", model.gain_db, model.harm * 100.0))
                }
                (section_table(set))
            }
        }
        @for damage in &kind.damages {
            details {
                summary { "damage " (named(&damage.name)) }
                (section_table(damage))
            }
        }
    }
}

fn scatter(rows: &[TrialRow]) -> Markup {
    let series = |kind, name| {
        let points = rows
            .iter()
            .filter(|row| row.kind == kind)
            .map(|row| (row.ways[Way::Untouched].figures.psnr, row.gain_db(Way::Model)));
        Series { name, points: points.collect(), joined: false }
    };
    let series = [series(PictureKind::Damaged, "damaged"), series(PictureKind::Undamaged, "undamaged")];
    let axes = ["PSNR as it came, dB", "gain of the model, dB"];
    figure("gain over how damaged a picture is", plot(axes, &series, false))
}

pub(in crate::evaluation) fn figure(caption: &str, content: Markup) -> Markup {
    html! { figure { (content) figcaption { (caption) } } }
}

fn calibration_plots(of: &str, calibration: &Calibration) -> Markup {
    let series = |bins: &[Bin]| {
        let points = bins.iter().map(|bin| (bin.expected, bin.actual)).collect();
        [Series { name: of, points, joined: true }]
    };
    html! {
        @for (what, bins) in [("gain in score", &calibration.score), ("share of harm", &calibration.harm)] {
            @let svg = plot([&format!("expected {what}"), "actual"], &series(bins), true);
            (figure(&format!("{what} of {of}, by bins"), svg))
            (calibration_table(&format!("{what} of {of}"), bins))
        }
    }
}

fn curves(curves: &[GateCurve]) -> Markup {
    let series = |curve: &GateCurve| {
        let points = curve.points.iter().map(|p| (p.harm, p.gain_score)).collect();
        Series { name: curve.way.name(), points, joined: true }
    };
    let series: Vec<Series> = curves.iter().map(series).collect();
    html! {
        h2 { "Gain and harm over the gate, post hoc" }
        p {
            "The bound on expected harm was varied on the very pictures that are reported. Do not choose a bound from \
            these curves."
        }
        div class="plots" {
            (figure("means over sets, damaged pictures", plot(["share harmed", "gain in score"], &series, false)))
            @for curve in curves { (curve_table(curve)) }
        }
    }
}

/// The shown pictures, under their headings.
fn pictures(report: &TrialReport, shown: &[PagePicture]) -> Markup {
    html! {
        @for of_heading in shown.chunk_by(|a, b| a.choice.heading == b.choice.heading) {
            @for (i, picture) in of_heading.iter().enumerate() {
                @if i == 0 { h2 { (picture.choice.heading) } }
                (before_and_after(&report.pictures[picture.choice.picture], picture))
            }
        }
    }
}

fn before_and_after(row: &TrialRow, picture: &PagePicture) -> Markup {
    let gains = format!("{:+.4} score, {:+.2} dB", row.gain(Way::Model), row.gain_db(Way::Model));
    html! {
        div class="shown" {
            p {
                (OutsideText(&row.name)) ": " (row.ways[Way::Model].done) ", " (gains)
                @if let Some(forecast) = row.forecast {
                    @let harm = forecast.harm * 100.0;
                    (format_args!(", expected {:+.4} score and {harm:.0} % harm", forecast.score))
                }
            }
            @for (jpeg, what) in picture.jpegs.iter().zip(["before", "after", "reference"]) {
                (figure(what, html! { img alt=(what) src=(jpeg_address(jpeg)); }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::trial::{PageChoice, TrialMeasurements, sums::trial_report, tests::row};

    #[test]
    fn nothing_of_a_name_becomes_markup_and_nothing_is_fetched() {
        let evil = "<script>alert('x')</script>";
        let rows = vec![row(evil, evil, PictureKind::Damaged, [0.0, 1.0, -1.0, 0.0, 2.0, 4.0])];
        let report = trial_report(TrialMeasurements {
            rows,
            notes: vec![evil.to_owned()],
            ..TrialMeasurements::default()
        });
        let choice = PageChoice { heading: "best", picture: 0 };
        let shown = [PagePicture { choice, jpegs: [vec![1], vec![2], vec![3]] }];
        let page = trial_html(&report, &shown, &[]);
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert('x')"));
        // The note, the set in a summary and in a caption, and the set and the name of the shown picture.
        assert_eq!(page.matches("&lt;script&gt;").count(), 5);
        assert!(page.contains("src=\"data:image/jpeg;base64,Ag==\""));
        assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("url("));
    }
}
