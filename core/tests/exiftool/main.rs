//! Metadata before and after a restoration, as exiftool reads them.
//!
//! Files of all formats get rich metadata, are restored with given parameters into every format, and are read again. Every tag
//! must be there with the same value, or a note of the receipt must say its loss. `tags.rs` lists what is not compared: how pixels are
//! coded, and where.

mod files;
mod tags;
mod tools;

use std::{
    fs,
    path::{Path, PathBuf},
};

use pentimento_core::{
    imaging::{
        ColorMethod,
        codec::{Format, Limits, MetadataPolicy, Note},
    },
    models::predictor::{Predictor, RequestedParameters},
    restoration::{RestoreRequest, Watch, restore},
};
use tags::{Tags, single};
use tools::Exiftool;

/// Returns the path of a file of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A restored file: its formats, the tags before and after, and the notes of its receipt.
struct Restored {
    from: Format,
    to: Format,
    before: Tags,
    after: Tags,
    notes: Vec<String>,
}

/// Restores one file of each format into each format.
fn restored(policy: MetadataPolicy) -> Vec<Restored> {
    let exiftool = Exiftool::installed();
    let name = format!("exiftool-{policy:?}-{}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    let files = files::rich_files(&folder, &exiftool);
    let parameters = RequestedParameters::new(None, Some(ColorMethod::WhiteBalance), Some(1.0), Some(1.0));
    let parameters = parameters.unwrap();
    let predictor = Predictor::classic();
    let (mut outputs, mut facts) = (Vec::new(), Vec::new());
    for (from, path) in &files {
        let bytes = fs::read(path).unwrap();
        for to in Format::ALL {
            let request = RestoreRequest {
                parameters,
                format: Some(to),
                metadata: policy,
                ..RestoreRequest::default()
            };
            let restored = restore(&bytes, &request, &predictor, &Limits::default(), &mut Watch::none());
            let restored = restored.unwrap_or_else(|error| panic!("{from} to {to}: {error}"));
            let output = folder.join(format!("{from}-{to}.{to}"));
            fs::write(&output, &restored.bytes).unwrap();
            outputs.push(output);
            facts.push((*from, to, restored.receipt.notes.iter().map(Note::to_string).collect()));
        }
    }
    let inputs: Vec<&Path> = files.iter().map(|(_, path)| path.as_path()).collect();
    let outputs: Vec<&Path> = outputs.iter().map(PathBuf::as_path).collect();
    let before = exiftool.read(&inputs);
    let after = exiftool.read(&outputs);
    let tags_of = |format: Format| {
        let at = files.iter().position(|file| file.0 == format).unwrap();
        Tags(before[at].0.clone())
    };
    fs::remove_dir_all(&folder).unwrap();
    let all = facts.into_iter().zip(after);
    all.map(|((from, to, notes), after)| Restored { from, to, before: tags_of(from), after, notes }).collect()
}

/// The words of a note that says the loss of a tag of this name.
fn words_of_loss(name: &str) -> Vec<String> {
    let (group, tag) = name.split_once(':').unwrap();
    let words: &[&str] = match group {
        "Canon" | "MakerNotes" => &["maker note", "EXIF block"],
        "IFD0" | "ExifIFD" | "GPS" | "InteropIFD" => &["EXIF block"],
        "IPTC" => &["IPTC records"],
        "Photoshop" => &["Photoshop resources"],
        "Ducky" => &["Ducky"],
        "File" => &["the JPEG comment"],
        group if group.starts_with("XMP") => &["XMP packet"],
        group if group.starts_with("ICC") => &["ICC profile"],
        "PNG" if tag == "ModifyDate" => &["tIME"],
        _ => &[],
    };
    let mut words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    if group == "IFD0" {
        words.push("the TIFF tag".to_owned());
    }
    if group == "PNG" {
        words.push(format!("the PNG text \"{}\"", if tag == "CreationTime" { "Creation Time" } else { tag }));
    }
    words
}

/// Whether a tag lies where exiftool does not read it: the profile of a JPEG XL is a part of its coded pixels. The tests of
/// `codec` read it.
fn is_unread(name: &str, to: Format) -> bool {
    to == Format::Jxl && name.starts_with("ICC")
}

/// Whether the meaning of a tag moves to another one between formats.
fn moves(name: &str) -> bool {
    name.starts_with("PNG:") || name == "File:Comment"
}

#[test]
fn every_tag_is_kept_or_its_loss_is_said() {
    let mut lost = Vec::new();
    let mut n_kept = 0;
    for Restored { from, to, before, after, notes } in restored(MetadataPolicy::Keep) {
        for (name, value) in before.described() {
            let is_kept = after.has(name, value) || (moves(name) && after.says(value)) || is_unread(name, to);
            let is_said =
                || words_of_loss(name).iter().any(|word| notes.iter().any(|note| note.contains(word)));
            if is_kept {
                n_kept += 1;
            } else if !is_said() {
                lost.push(format!("{from} to {to}: {name} {value:.60} -> {:?}", after.get(name)));
            }
        }
        if before.dots_per_inch() != after.dots_per_inch() {
            let resolutions = [before.dots_per_inch(), after.dots_per_inch()];
            lost.push(format!("{from} to {to}: the resolution {resolutions:?}"));
        }
        let says_thumbnail = notes.iter().any(|note| note.contains("thumbnail"));
        if after.has_thumbnail() || before.has_thumbnail() != says_thumbnail {
            lost.push(format!("{from} to {to}: the thumbnail: {notes:?}"));
        }
        if after.get("ExifTool:Warning") != before.get("ExifTool:Warning") {
            lost.push(format!("{from} to {to}: exiftool warns: {:?}", after.get("ExifTool:Warning")));
        }
    }
    assert!(lost.is_empty(), "{n_kept} kept, {} lost without a word:\n{}", lost.len(), lost.join("\n"));
    assert!(n_kept > 1000, "only {n_kept} tags were found again");
}

/// What `strip` keeps: rights and colours.
fn is_right_or_colour(name: &str) -> bool {
    const NAMES: [&str; 16] = [
        "IFD0:Artist",
        "IFD0:Copyright",
        "ExifIFD:ColorSpace",
        "ExifIFD:Gamma",
        "InteropIFD:InteropIndex",
        "IPTC:By-line",
        "IPTC:CopyrightNotice",
        "IPTC:CodedCharacterSet",
        "XMP-dc:Rights",
        "Photoshop:CopyrightFlag",
        "Photoshop:URL",
        "PNG:Author",
        "PNG:Gamma",
        "IFD0:WhitePoint",
        "IFD0:PrimaryChromaticities",
        "PNG:Copyright",
    ];
    NAMES.contains(&&*single(name)) || name.starts_with("ICC")
}

#[test]
fn stripping_keeps_rights_and_colours_and_nothing_else() {
    let mut wrong = Vec::new();
    for Restored { from, to, before, after, notes } in restored(MetadataPolicy::Strip) {
        for (name, value) in before.described().filter(|(name, _)| is_right_or_colour(name)) {
            let is_kept = after.has(name, value) || (moves(name) && after.says(value)) || is_unread(name, to);
            let is_said =
                || words_of_loss(name).iter().any(|word| notes.iter().any(|note| note.contains(word)));
            if !is_kept && !is_said() {
                wrong.push(format!("{from} to {to}: {name} {value:.60} -> {:?}", after.get(name)));
            }
        }
        let is_right =
            |value: &str| value.lines().all(|l| l.starts_with("Author: ") || l.starts_with("Copyright: "));
        for (name, value) in after.described().filter(|(name, _)| !is_right_or_colour(name)) {
            // Where EXIF says something else, a text moves into a comment.
            if name == "File:Comment" && is_right(value) {
                continue;
            }
            wrong.push(format!("{from} to {to}: {name} {value:.60} is still there"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
