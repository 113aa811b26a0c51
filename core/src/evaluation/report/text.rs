//! The report as text, for a terminal.

use std::fmt;

use super::data::{Block, Report, Section};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "model {}; space {}; best fixed parameters {}",
            self.model, self.space, self.best_fixed.candidate
        )?;
        writeln!(
            f,
            "PSNR capped at 50 dB; gain in score and dB over the untouched picture; harm: share losing more than 0.05 dB"
        )?;
        // Pictures that the model was trained on prove nothing. They are shown only when there are no others.
        let shown = self.blocks.iter().filter(|block| block.pictures != "seen" || self.blocks.len() == 1);
        shown.into_iter().try_for_each(|block| write!(f, "\n{block}"))?;
        let n = self.blocks[0].mean_over_pictures.n;
        writeln!(
            f,
            "\nThe first system's promises, on {} ({n}), mean over pictures:",
            self.blocks[0].description()
        )?;
        for promise in &self.promises {
            let verdict = if promise.met { "met" } else { "NOT met" };
            let measured = promise.measured.map_or("no value".to_owned(), |v| format!("{v:.3}"));
            writeln!(f, "  {:<50} {measured:>9}  {verdict}", promise.promise)?;
        }
        Ok(())
    }
}

impl Block {
    /// Describes the selection of pictures.
    fn description(&self) -> &'static str {
        match self.pictures {
            "unseen" => "pictures whose sources the model was not trained on",
            "seen" => "pictures whose sources the model was trained on (no evidence of anything)",
            _ => "all pictures",
        }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "== {} ({})", self.description(), self.mean_over_pictures.n)?;
        writeln!(
            f,
            "{:<22} {:<13} {:>7} {:>7} {:>7} {:>8} {:>7} {:>6}",
            "", "", "psnr", "ssim", "score", "gain", "dB", "harm"
        )?;
        for section in self.sets.iter().chain([&self.mean_over_sets, &self.mean_over_pictures]) {
            write!(f, "{section}")?;
        }
        let names = ["color", "sigma", "strength"];
        let r2 = names.iter().zip(&self.r2).map(|(name, r2)| match r2.value() {
            Some(value) => format!("{name} {value:.3}"),
            None => format!("{name} constant"),
        });
        writeln!(f, "R² of the parameters: {}", r2.collect::<Vec<_>>().join(", "))?;
        Ok(())
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ways = [
            ("untouched", &self.untouched),
            ("best fixed", &self.best_fixed),
            ("model", &self.model),
            ("best of grid", &self.best_of_grid),
        ];
        let name = if self.name.is_empty() { "(no set)" } else { &self.name };
        for (i, (way, s)) in ways.into_iter().enumerate() {
            let label = match i {
                0 => name.to_owned(),
                1 => format!("  {} pictures", self.n),
                2 => self
                    .share_of_reachable_gain
                    .map_or(String::new(), |s| format!("  {:.0} % of reachable", s * 100.0)),
                _ => String::new(),
            };
            writeln!(
                f,
                "{label:<22} {way:<13} {:>7.3} {:>7.4} {:>7.4} {:>+8.4} {:>+7.2} {:>5.0}%",
                s.psnr,
                s.ssim,
                s.score,
                s.gain,
                s.gain_db,
                s.harm * 100.0
            )?;
        }
        Ok(())
    }
}
