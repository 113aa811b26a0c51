//! Tests the chain from a table's bytes to parameters: read, split, fit, evaluate, write, read back, predict.

use std::collections::BTreeSet;
use std::time::Instant;

use pentimento_core::models::classic::artifact::model_id;
use pentimento_core::models::classic::card::{FamilyReport, SearchedBounds};
use pentimento_core::models::classic::r2::few_rows_warning;
use pentimento_core::{
    digest::digest,
    learning::{FEATURE_NAMES, Groups, Table, TableRow, describe, split},
    models::{
        DatasetUse, Family,
        classic::{
            CheckedHyperparameters, Hyperparameters, ModelCard, ParameterRegressors, TargetR2,
            artifact::ModelArtifact, permutation_importance,
        },
    },
};

const DECODED_MAX: usize = 32 << 20;

/// Returns a table and groups like real ones. Each source has three damaged pictures with similar features. Parameters are
/// on the seed grid; they depend on two features and on noise.
fn table_and_groups(n: usize) -> (Vec<u8>, Vec<u8>) {
    let mut csv = format!(
        "filename,similarity_score,psnr,ssim,{},color_method,apply_color_correction,sharpen_sigma,sharpen_strength\n",
        FEATURE_NAMES.join(",")
    );
    let mut tsv = "set\tname\tgroup\tfold\n".to_owned();
    for picture in 0..n {
        let source = picture / 3;
        let features: Vec<f64> = (0..FEATURE_NAMES.len())
            .map(|column| fraction(source, column) + 0.2 * fraction(picture, 100 + column))
            .collect();
        let color = u8::from(features[12] > 0.5);
        let sigma = [0.5, 1.0, 1.5, 2.0][(3.9 * features[13] / 1.2) as usize];
        let strength = (features[0] * 3.0 + fraction(picture, 999)).round() / 4.0;
        let method = ["none", "white_balance"][usize::from(color)];
        let cells: Vec<String> = features.iter().map(f64::to_string).collect();
        csv += &format!(
            "set/p{picture}.png,0.5,inf,0.9,{},{method},{color},{sigma},{strength}\n",
            cells.join(",")
        );
        tsv += &format!("set\tp{picture}.png\tset/source {source}\t0\n");
    }
    (csv.into_bytes(), tsv.into_bytes())
}

/// Returns a number in [0, 1) for a picture and a purpose, from the first 52 bits of a hash.
fn fraction(picture: usize, purpose: usize) -> f64 {
    let hash = digest(format!("{picture} {purpose}").as_bytes());
    u64::from_str_radix(&hash[..13], 16).unwrap() as f64 / (1_u64 << 52) as f64
}

/// Trains both families and keeps the better one by R², as a training without pictures does.
fn train(table: &Table, groups: &Groups, hyperparameters: &CheckedHyperparameters) -> ModelArtifact {
    let filenames = table.filenames();
    let split = split::by_source(&filenames, groups, 0.2, hyperparameters.seed).unwrap();
    let (fit, held_out) = (table.select(&split.fit), table.select(&split.held_out));
    let mut tried: Vec<(FamilyReport, ParameterRegressors)> = Family::ALL
        .into_iter()
        .map(|family| {
            let regressors = ParameterRegressors::fit(&fit, family, hyperparameters).unwrap();
            let r2 = TargetR2::of(&regressors, &held_out).unwrap();
            (FamilyReport { family, r2, restoration: None }, regressors)
        })
        .collect();
    let families = tried.iter().map(|(report, _)| report.clone()).collect();
    tried.sort_by(|(a, _), (b, _)| b.r2.mean().unwrap().total_cmp(&a.r2.mean().unwrap()));
    let (kept, regressors) = tried.remove(0);

    let bounds = SearchedBounds {
        sigma_min: 0.5,
        sigma_max: 2.0,
        strength_min: 0.0,
        strength_max: 1.0,
        color_ever_on: true,
    };
    let mut card = ModelCard::new(kept.family, (**hyperparameters).clone(), bounds);
    let sources: BTreeSet<String> = fit.iter().map(|row| groups.source(&row.filename)).collect();
    card.datasets =
        vec![DatasetUse { name: "made".to_owned(), n_rows: filenames.len(), licence: "none".to_owned() }];
    (card.n_rows, card.n_fit, card.n_held_out) = (filenames.len(), fit.len(), held_out.len());
    card.fit_sources = sources.into_iter().collect();
    card.families = families;
    card.importances = Some(permutation_importance(&regressors, &held_out, 5, hyperparameters.seed).unwrap());
    card.warnings.extend(few_rows_warning(fit.len()));
    ModelArtifact { card, regressors }
}

#[test]
fn a_table_becomes_a_model_that_predicts_unseen_pictures() {
    let (csv, tsv) = table_and_groups(240);
    let (table, groups) = (Table::read_csv(&csv).unwrap(), Groups::read_tsv(&tsv).unwrap());
    assert_eq!(table.write_csv(), csv);
    assert_eq!(describe(&table).columns[1].infinite.len(), 240);

    let hyperparameters = CheckedHyperparameters::default();
    let artifact = train(&table, &groups, &hyperparameters);
    let bytes = artifact.to_bytes();
    let read = ModelArtifact::from_bytes(&bytes, DECODED_MAX).unwrap();
    assert_eq!(read, artifact);
    assert_eq!(read.model_id(), model_id(read.card.family, &bytes));

    let mut unseen = 0;
    let mut color_right = 0;
    for row in table.rows() {
        let raw = artifact.regressors.predict(&row.features).unwrap();
        let again = read.regressors.predict(&row.features).unwrap();
        assert_eq!(
            [raw.color, raw.sigma, raw.strength].map(f64::to_bits),
            [again.color, again.sigma, again.strength].map(f64::to_bits)
        );
        if !read.card.was_fitted_on(&groups.source(&row.filename)) {
            let predicted = read.predict(&row.features).unwrap();
            unseen += 1;
            color_right += usize::from(predicted.color == row.apply_color_correction);
            assert!((0.5..=2.0).contains(&predicted.sigma) && (0.0..=1.0).contains(&predicted.strength));
        }
    }
    // Exactly the held-out rows are unseen: had a source straddled the split, there would be fewer.
    assert_eq!(unseen, read.card.n_held_out);
    assert!((48..51).contains(&unseen), "{unseen} of 240 for a share of 0.2");
    assert!(color_right * 10 >= unseen * 9, "{color_right} of {unseen}");
}

#[test]
fn the_same_table_and_seed_give_the_same_file() {
    let (csv, tsv) = table_and_groups(60);
    let file = |seed| {
        let (table, groups) = (Table::read_csv(&csv).unwrap(), Groups::read_tsv(&tsv).unwrap());
        train(&table, &groups, &Hyperparameters { seed, ..Default::default() }.check().unwrap()).to_bytes()
    };
    assert_eq!(digest(&file(1)), digest(&file(1)));
    assert_ne!(digest(&file(1)), digest(&file(2)));
}

#[test]
fn the_card_says_what_a_reader_needs() {
    let (csv, tsv) = table_and_groups(60);
    let (table, groups) = (Table::read_csv(&csv).unwrap(), Groups::read_tsv(&tsv).unwrap());
    let text = train(&table, &groups, &CheckedHyperparameters::default()).card.to_markdown();
    for said in [
        "# Model card: ",
        "- pictures: 60 in all, 48 fitted on (16 sources), 12 held out",
        "- searched: sigma 0.5 to 2 px, strength 0 to 1, colour on and off",
        "| made | 60 | none |",
        "(kept)",
        "| sharpening_need |",
        "- fitted on 48 pictures, fewer than ten for each of the 14 features (140)",
    ] {
        assert!(text.contains(said), "{said:?} is missing from\n{text}");
    }
}

#[test]
fn a_model_of_the_default_size_is_small_and_quick() {
    let (csv, _) = table_and_groups(476);
    let mut rows = Table::read_csv(&csv).unwrap().rows().to_vec();
    // Targets that no feature explains make the largest trees.
    for (picture, row) in rows.iter_mut().enumerate() {
        row.apply_color_correction = fraction(picture, 200) < 0.5;
        row.sharpen_sigma = 0.5 + fraction(picture, 201);
        row.sharpen_strength = fraction(picture, 202);
    }
    let table = Table::from_rows(rows).unwrap();
    let rows: Vec<&TableRow> = table.rows().iter().collect();
    let hyperparameters = CheckedHyperparameters::default();
    for family in Family::ALL {
        let started = Instant::now();
        let regressors = ParameterRegressors::fit(&rows, family, &hyperparameters).unwrap();
        let fitted = started.elapsed();
        let bounds = SearchedBounds {
            sigma_min: 0.5,
            sigma_max: 2.0,
            strength_min: 0.0,
            strength_max: 1.0,
            color_ever_on: true,
        };
        let card = ModelCard::new(family, (*hyperparameters).clone(), bounds);
        let started = Instant::now();
        let bytes = ModelArtifact { card, regressors }.to_bytes();
        let written = started.elapsed();
        let started = Instant::now();
        let read = ModelArtifact::from_bytes(&bytes, DECODED_MAX).unwrap();
        let loaded = started.elapsed();
        let started = Instant::now();
        let color_on = rows.iter().filter(|row| read.predict(&row.features).unwrap().color).count();
        let predicted = started.elapsed() / rows.len() as u32;
        println!(
            "{family}: fit {fitted:?}, write {written:?}, {} bytes, load {loaded:?}, predict {predicted:?}, {color_on} on",
            bytes.len()
        );
        assert!(bytes.len() < 4_000_000, "{family}: {} bytes", bytes.len());
    }
}
