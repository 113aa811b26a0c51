//! The card of a classic model as Markdown.

use std::fmt::{self, Write};

use super::card::{ModelCard, RestorationScores};
use super::importance::normalised;
use crate::learning::table::FEATURE_NAMES;

impl fmt::Display for ModelCard {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        self.write_origin(out)?;
        self.write_r2(out)?;
        self.write_restoration(out)?;
        self.write_importances(out)?;
        if !self.warnings.is_empty() {
            writeln!(out, "\n## Warnings\n")?;
        }
        self.warnings.iter().try_for_each(|warning| writeln!(out, "- {warning}"))
    }
}

impl ModelCard {
    /// Returns the card as Markdown.
    pub fn to_markdown(&self) -> String {
        self.to_string()
    }

    fn write_origin(&self, out: &mut impl Write) -> fmt::Result {
        let bounds = &self.bounds;
        writeln!(out, "# Model card: {}\n", self.family)?;
        writeln!(
            out,
            "- fitted by pentimento {} with smartcore {}",
            self.program_version, self.smartcore_version
        )?;
        writeln!(out, "- features: {} ({})", self.feature_schema, self.feature_names.join(", "))?;
        writeln!(
            out,
            "- pictures: {} in all, {} fitted on ({} sources), {} held out",
            self.n_rows,
            self.n_fit,
            self.fit_sources.len(),
            self.n_held_out
        )?;
        writeln!(out, "- seed: {}", self.hyperparameters.seed)?;
        let color = if bounds.color_ever_on { "on and off" } else { "never on" };
        writeln!(
            out,
            "- searched: sigma {} to {} px, strength {} to {}, colour {color}",
            bounds.sigma_min, bounds.sigma_max, bounds.strength_min, bounds.strength_max
        )?;
        if self.datasets.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n## Made from\n\n| dataset | pictures | licence |\n|---|---:|---|")?;
        self.datasets.iter().try_for_each(|dataset| {
            writeln!(out, "| {} | {} | {} |", dataset.name, dataset.n_rows, dataset.licence)
        })
    }

    fn write_r2(&self, out: &mut impl Write) -> fmt::Result {
        if self.families.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "\n## R² on held-out pictures\n\n| family | colour | sigma | strength | mean |\n|---|---|---|---|---|"
        )?;
        self.families.iter().try_for_each(|report| {
            let r2 = &report.r2;
            let mean = r2.mean().map_or_else(|| "–".to_owned(), |mean| format!("{mean:.3}"));
            let kept = if report.family == self.family { " (kept)" } else { "" };
            writeln!(
                out,
                "| {}{kept} | {} | {} | {} | {mean} |",
                report.family, r2.color, r2.sigma, r2.strength
            )
        })
    }

    fn write_restoration(&self, out: &mut impl Write) -> fmt::Result {
        let mut lines: Vec<(String, &RestorationScores)> = Vec::new();
        lines.extend(self.untouched.iter().map(|scores| ("untouched".to_owned(), scores)));
        lines.extend(self.best_fixed.iter().map(|fixed| {
            let parameters = &fixed.parameters;
            let color = if parameters.color { "on" } else { "off" };
            let name = format!(
                "always colour {color}, sigma {}, strength {}",
                parameters.sigma, parameters.strength
            );
            (name, &fixed.scores)
        }));
        lines.extend(
            self.families
                .iter()
                .filter_map(|report| Some((report.family.to_string(), report.restoration.as_ref()?))),
        );
        if lines.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "\n## Restored held-out pictures\n\n| by | PSNR dB | SSIM | score | gain | harmed % | pictures |\n\
             |---|---:|---:|---:|---:|---:|---:|"
        )?;
        lines.iter().try_for_each(|(name, scores)| {
            writeln!(
                out,
                "| {name} | {:.2} | {:.4} | {:.4} | {:+.4} | {:.1} | {} |",
                scores.mean_psnr,
                scores.mean_ssim,
                scores.mean_score,
                scores.mean_gain,
                100.0 * scores.harm_share,
                scores.n
            )
        })
    }

    fn write_importances(&self, out: &mut impl Write) -> fmt::Result {
        let Some(importances) = &self.importances else { return Ok(()) };
        let targets = [&importances.color, &importances.sigma, &importances.strength];
        let shares = targets.map(|target| target.as_ref().and_then(normalised));
        writeln!(
            out,
            "\n## Importance of features, % of the loss of R² when shuffled\n\n\
             | feature | colour | sigma | strength |\n|---|---:|---:|---:|"
        )?;
        FEATURE_NAMES.iter().enumerate().try_for_each(|(column, name)| {
            let cell = |shares: &Option<[f64; 14]>| match shares {
                Some(shares) => format!("{:.1}", 100.0 * shares[column]),
                None => "–".to_owned(),
            };
            let [color, sigma, strength] = shares.each_ref().map(cell);
            writeln!(out, "| {name} | {color} | {sigma} | {strength} |")
        })
    }
}
