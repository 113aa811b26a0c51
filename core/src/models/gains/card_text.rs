//! The card of a model of gains as Markdown.

use super::card::GainCard;
use crate::models::provenance::DatasetUse;

impl GainCard {
    /// Returns the card as Markdown.
    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "# Model card: gains\n\n- fitted by pentimento {}\n- features: {} ({} numbers)\n- pictures: {} damaged, {} undamaged, \
             {} synthesised from undamaged ones; {} sources\n- trees: {} per forest, seed {}\n- table: SHA-256 {}\n\n## Made \
             from\n\n| dataset | damaged pictures | licence |\n|---|---:|---|\n",
            self.program_version,
            self.feature_schema,
            self.feature_names.len(),
            self.n_damaged,
            self.n_undamaged,
            self.n_synthetic,
            self.fit_sources.len(),
            self.hyperparameters.n_trees,
            self.hyperparameters.seed,
            self.table_sha256,
        );
        for DatasetUse { name, n_rows, licence } in &self.datasets {
            text += &format!("| {name} | {n_rows} | {licence} |\n");
        }
        text += "\n## Trial\n\nEvery picture was restored by a model that was fitted in the same way, without pictures of its source.\n\n\
                 | set | pictures | gain in score | gain in dB | harmed % | changed % |\n|---|---:|---:|---:|---:|---:|\n";
        for trial in &self.trial {
            text += &format!(
                "| {} | {} | {:+.4} | {:+.2} | {:.1} | {:.1} |\n",
                trial.set,
                trial.n,
                trial.score,
                trial.psnr_db,
                trial.harm * 100.0,
                trial.changed * 100.0
            );
        }
        for warning in &self.warnings {
            text += &format!("\n- {warning}\n");
        }
        text
    }
}
