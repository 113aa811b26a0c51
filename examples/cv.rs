use pentimento::{candidates::Choices, imaging::codec::Limits, jobs::{cross_validate::cross_validate, gain_pictures::*, index_dataset::{Source, index}}, learning::{Groups, gain_fit::*}};
use std::{collections::BTreeMap, time::Instant};
fn main() -> anyhow::Result<()> {
    let root = std::env::args().nth(1).unwrap();
    let t = Instant::now();
    let dataset = index(&Source::Root(format!("{root}/pairs").into()))?;
    let groups = Groups::read_tsv(&std::fs::read(format!("{root}/splits.tsv"))?)?;
    let limits = Limits::default();
    let recipes = Recipes::embedded(7);
    let choices = Choices::full();
    let m = Measuring { recipes: &recipes, choices: &choices, limits: &limits, threads: 0, done: &|| {} };
    let pictures = training_pictures(&dataset, &groups);
    eprintln!("{} pictures", pictures.len());
    let (pictures, measured, failed) = m.measure_all(pictures)?;
    eprintln!("measured {} failed {:?} {:.0?}", measured.len(), failed, t.elapsed());
    let hyper = GainHyperparameters::default();
    let (models, trials) = cross_validate(&pictures, &measured, &|p| groups.fold_of(&p.name).unwrap_or(0) as usize, &m, &hyper)?;
    eprintln!("done {:.0?}", t.elapsed());
    for model in &models { eprintln!("{:?} {:?} detail {:?}", model.color_gate, model.detail_gate, model.detail.candidates); }
    eprintln!("size {}", postcard::to_stdvec(models.last().unwrap())?.len());
    let mut sets: BTreeMap<(String, String), Vec<(f32, f32, bool)>> = BTreeMap::new();
    for t in &trials {
        let p = &pictures[t.picture];
        sets.entry((format!("{:?}", p.kind), p.set.clone())).or_default().push((t.gain.score, t.gain.psnr_db, !t.decision.parameters.is_identity()));
        if std::env::var("V").is_ok() { println!("{:?}\t{}\t{:.4}\t{:.2}\t{:?}", p.kind, p.name, t.gain.score, t.gain.psnr_db, t.decision.parameters); }
    }
    let mut macro_ = BTreeMap::<String, (f32, f32, f32, f32)>::new();
    for ((kind, set), v) in &sets {
        let n = v.len() as f32;
        let (s, d) = (v.iter().map(|x| x.0).sum::<f32>() / n, v.iter().map(|x| x.1).sum::<f32>() / n);
        let (h, c) = (v.iter().filter(|x| x.1 < -0.05).count() as f32 / n, v.iter().filter(|x| x.2).count() as f32 / n);
        println!("{kind} {set}: n {n} score {s:+.4} dB {d:+.2} harm {h:.3} changed {c:.2}");
        let m = macro_.entry(kind.clone()).or_default(); m.0 += s; m.1 += d; m.2 += h; m.3 += 1.0;
    }
    for (k, m) in macro_ { println!("{k} MACRO score {:+.4} dB {:+.2} harm {:.3}", m.0 / m.3, m.1 / m.3, m.2 / m.3); }
    Ok(())
}
