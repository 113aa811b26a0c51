//! The trial as text for a terminal: means in all ways, the model's means by set and damage, calibration, curves.

use std::fmt;

use super::{
    measurements::PictureKind,
    report::{Bin, GateCurve, KindReport, TrialReport, TrialSection, WaySummary},
    way::Way,
};

impl fmt::Display for TrialReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Cross-validated on source pictures: {} folds, {} pictures",
            self.folds.len(),
            self.pictures.len()
        )?;
        writeln!(
            f,
            "PSNR capped at 50 dB; gains over the untouched picture; harm: share losing more than 0.05 dB"
        )?;
        for kind in &self.kinds {
            write!(f, "\n{kind}")?;
        }
        writeln!(f, "\nCalibration, gain in score of what the model did: expected → actual (n)")?;
        bins(f, &self.calibration_of_decisions.score)?;
        writeln!(f, "Calibration, share of harm of what the model did: expected → actual (n)")?;
        bins(f, &self.calibration_of_decisions.harm)?;
        self.curves_post_hoc.iter().try_for_each(|curve| write_curve(f, curve))?;
        writeln!(f)?;
        self.notes.iter().try_for_each(|note| writeln!(f, "note: {note}"))?;
        self.photographs.iter().try_for_each(|photographs| write!(f, "{photographs}"))
    }
}

fn write_curve(f: &mut fmt::Formatter<'_>, curve: &GateCurve) -> fmt::Result {
    let way = curve.way.name();
    writeln!(f, "\n{way} over the bound on expected harm, POST HOC on these very pictures")?;
    writeln!(f, "{:>8} {:>9} {:>7} {:>6} {:>16}", "harm max", "score", "dB", "harm", "undamaged harmed")?;
    curve.points.iter().try_for_each(|p| {
        writeln!(
            f,
            "{:>8.2} {:>+9.4} {:>+7.2} {:>5.1}% {:>15.1}%",
            p.harm_max,
            p.gain_score,
            p.gain_db,
            p.harm * 100.0,
            p.harm_undamaged * 100.0
        )
    })
}

fn bins(f: &mut fmt::Formatter<'_>, bins: &[Bin]) -> fmt::Result {
    for bin in bins {
        writeln!(f, "  {:>+8.4} → {:>+8.4} ({})", bin.expected, bin.actual, bin.n)?;
    }
    Ok(())
}

impl fmt::Display for KindReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            PictureKind::Damaged => "Damaged pictures",
            PictureKind::Undamaged => "Undamaged pictures",
        };
        writeln!(f, "== {what} ({}), {} sets", self.mean_over_pictures.n, self.sets.len())?;
        for section in [&self.mean_over_sets, &self.mean_over_pictures] {
            header(f, &section.name)?;
            section.ways.values().try_for_each(|means| line(f, means.way.name(), means))?;
        }
        header(f, "model, by set")?;
        by_model(f, &self.sets)?;
        if !self.damages.is_empty() {
            header(f, "model, by damage")?;
            by_model(f, &self.damages)?;
        }
        Ok(())
    }
}

fn by_model(f: &mut fmt::Formatter<'_>, sections: &[TrialSection]) -> fmt::Result {
    sections.iter().try_for_each(|s| {
        let name = if s.name.is_empty() { "(no set)" } else { &s.name };
        line(f, &format!("{name} ({})", s.n), &s.ways[Way::Model])
    })
}

fn header(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    writeln!(
        f,
        "{name:<26} {:>7} {:>8} {:>8} {:>7} {:>6} {:>8} {:>8} {:>8}",
        "dB", "SSIM", "score", "ΔE00", "harm", "changed", "captured", "regret"
    )
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, way: &WaySummary) -> fmt::Result {
    let captured = way.captured.map_or("–".to_owned(), |share| format!("{:.0}%", share * 100.0));
    writeln!(
        f,
        "{name:<26} {:>+7.2} {:>+8.4} {:>+8.4} {:>+7.2} {:>5.1}% {:>7.1}% {captured:>8} {:>8.4}",
        way.gain_db,
        way.gain_ssim,
        way.gain_score,
        way.change_ciede2000,
        way.harm * 100.0,
        way.changed * 100.0,
        way.regret
    )
}
