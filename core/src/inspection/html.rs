//! The findings as one page that needs no other file: inline styles, pictures as `data:` addresses, no scripts.
//!
//! Names of files come from outside. Every text is escaped, and the page's content security policy forbids scripts and
//! addresses of other files.

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    optima::OptimaSummary,
    report::{Inspection, Misaligned, Refused, SizeDifference},
};
use crate::html::{OutsideText, jpeg_address};

/// Pictures or lines that a section shows at most; the JSON report has all.
const SHOWN_MAX: usize = 60;

/// Pictures of one group that a section shows at most.
const GROUP_SHOWN_MAX: usize = 6;

const STYLE: &str = include_str!("inspection.css");

/// No scripts, no addresses but `data:` pictures.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// JPEG files of damaged picture and reference, by the pair's name.
pub type Thumbnails = BTreeMap<String, [Vec<u8>; 2]>;

/// Returns the names of the pairs whose pictures the page shows, sorted.
pub fn shown(inspection: &Inspection) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    names.extend(inspection.mismatched.iter().take(SHOWN_MAX).map(|pair| pair.name.as_str()));
    names.extend(inspection.misaligned.iter().take(SHOWN_MAX).map(|pair| pair.name.as_str()));
    names.extend(inspection.identical.iter().take(SHOWN_MAX).map(String::as_str));
    names.extend(inspection.different_sizes.iter().take(SHOWN_MAX).map(|pair| pair.name.as_str()));
    let similar =
        inspection.near_duplicates.iter().flat_map(|group| group.names.iter().take(GROUP_SHOWN_MAX));
    names.extend(similar.take(SHOWN_MAX).map(String::as_str));
    let apart = inspection.straddling.iter().flat_map(|found| found.members.iter().take(GROUP_SHOWN_MAX));
    names.extend(apart.take(SHOWN_MAX).map(|member| member.name.as_str()));
    names.sort_unstable();
    names.dedup();
    names
}

/// Returns the page. `title` names the dataset.
pub fn page(title: &str, inspection: &Inspection, thumbnails: &Thumbnails) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width";
                title { "Inspection of a dataset" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Inspection of " (OutsideText(title)) }
                (overview(inspection))
                (unusable_names(inspection))
                (InspectionPage { found: inspection, thumbnails }.pictures())
                @if let Some(optima) = &inspection.optima { (optima_tables(optima)) }
            }
        }
    };
    page.into_string() + "\n"
}

/// The counts of all findings; counts of faults are marked.
fn overview(found: &Inspection) -> Markup {
    let counts = [
        ("pairs looked at", found.n_pairs, false),
        ("aligned", found.n_aligned, false),
        ("misaligned", found.misaligned.len(), true),
        ("mismatched", found.mismatched.len(), true),
        ("unpaired", found.unpaired.len(), true),
        ("ambiguous", found.ambiguous.len(), true),
        ("unreadable", found.unreadable.len(), true),
        ("no pictures by their extension", found.n_ignored, false),
        ("of different sizes", found.different_sizes.len(), false),
        ("identical", found.identical.len(), true),
        ("groups of exact duplicates", found.exact_duplicates.len(), true),
        ("groups of references that look alike", found.near_duplicates.len(), false),
        ("across a split", found.straddling.len(), true),
        ("without a group", found.n_without_group, false),
    ];
    html! {
        table {
            @for (what, n, is_fault) in counts {
                tr {
                    td { (what) }
                    td class=(if is_fault && n > 0 { "n bad" } else { "n" }) { (n) }
                }
            }
        }
    }
}

/// Names that cannot be paired or read.
fn unusable_names(found: &Inspection) -> Markup {
    let refused = |refused: &[Refused]| -> Vec<String> {
        refused.iter().map(|r| format!("{}: {}", r.name, r.reason)).collect()
    };
    html! {
        (list("Unpaired", "Pictures without a mate of the same stem.", &found.unpaired))
        (list("Ambiguous", "Names that cannot be paired.", &refused(&found.ambiguous)))
        (list("Unreadable", "Pairs with a side that could not be read.", &refused(&found.unreadable)))
    }
}

/// A heading with its explanation.
fn heading(title: &str, note: &str, n: usize) -> Markup {
    html! {
        h2 { (title) ": " (n) }
        p class="note" { (note) }
    }
}

/// Writes a remark if a section shows only some of `n` findings.
fn remark_on_rest(n: usize) -> Markup {
    html! {
        @if n > SHOWN_MAX {
            p class="note" { "The first " (SHOWN_MAX) " are shown; the JSON report has all." }
        }
    }
}

/// A section of lines; empty without any.
fn list(title: &str, note: &str, lines: &[String]) -> Markup {
    html! {
        @if !lines.is_empty() {
            (heading(title, note, lines.len()))
            ul {
                @for line in lines.iter().take(SHOWN_MAX) { li { (OutsideText(line)) } }
            }
            (remark_on_rest(lines.len()))
        }
    }
}

/// The findings that are shown with pictures.
struct InspectionPage<'a> {
    found: &'a Inspection,
    thumbnails: &'a Thumbnails,
}

/// A pair that a section shows: its name and a caption.
type ShownPair<'a> = (&'a str, String);

impl<'a> InspectionPage<'a> {
    /// Writes all sections with pictures.
    fn pictures(&self) -> Markup {
        let found = self.found;
        let mismatched = found.mismatched.iter().map(|pair| (pair.name.as_str(), pair.reason.clone()));
        let misaligned = found.misaligned.iter().map(|pair| (pair.name.as_str(), displacement(pair)));
        let identical = found.identical.iter().map(|name| (name.as_str(), String::new()));
        let sizes = found.different_sizes.iter().map(|pair| (pair.name.as_str(), sizes(pair)));
        let exact: Vec<String> = found.exact_duplicates.iter().map(|names| names.join(" = ")).collect();
        html! {
            @let note = "No map was found that lays one picture on the other.";
            (self.cards(("Mismatched", note), found.mismatched.len(), mismatched))
            @let note = "Pairs that show one scene but do not lie on each other; the farthest first.";
            (self.cards(("Misaligned", note), found.misaligned.len(), misaligned))
            @let note = "The damaged picture has the pixels of the reference.";
            (self.cards(("Identical", note), found.identical.len(), identical))
            @let note = "Restored pictures are resized before they are compared.";
            (self.cards(("Of different sizes", note), found.different_sizes.len(), sizes))
            (list("Exact duplicates", "The same pixels in several files.", &exact))
            @let note = "Groups of references that look alike.";
            (self.cards(("Near-duplicate references", note), found.near_duplicates.len(), self.near_duplicates()))
            @let note = "Groups that make held-out figures too good.";
            (self.cards(("Across a split", note), found.straddling.len(), self.straddling()))
        }
    }

    fn near_duplicates(&self) -> impl Iterator<Item = ShownPair<'a>> {
        self.found.near_duplicates.iter().flat_map(|group| {
            let caption = format!("one of {} that look alike ({:.3})", group.names.len(), group.correlation);
            group.names.iter().take(GROUP_SHOWN_MAX).map(move |name| (name.as_str(), caption.clone()))
        })
    }

    fn straddling(&self) -> impl Iterator<Item = ShownPair<'a>> {
        self.found.straddling.iter().flat_map(|found| {
            found.members.iter().take(GROUP_SHOWN_MAX).map(|member| {
                let fold = member.fold.map_or("no fold".to_owned(), |fold| format!("fold {fold}"));
                (member.name.as_str(), format!("{}; source {}, {fold}", found.reason, member.source))
            })
        })
    }

    /// A section of pairs with their thumbnails; empty when `n`, the number of findings, is 0.
    fn cards<'b>(
        &self,
        (title, note): (&str, &str),
        n: usize,
        pairs: impl Iterator<Item = ShownPair<'b>>,
    ) -> Markup {
        html! {
            @if n > 0 {
                (heading(title, note, n))
                div class="cards" {
                    @for (name, caption) in pairs.take(SHOWN_MAX) { (self.card(name, &caption)) }
                }
                (remark_on_rest(n))
            }
        }
    }

    /// Both pictures of a pair, where they could be read, and its caption.
    fn card(&self, name: &str, caption: &str) -> Markup {
        let jpegs = self.thumbnails.get(name).into_iter().flatten();
        html! {
            figure {
                @for (side, jpeg) in ["damaged", "undamaged"].iter().zip(jpegs) {
                    img src=(jpeg_address(jpeg)) alt=(side);
                }
                figcaption { b { (OutsideText(name)) } br; (OutsideText(caption)) }
            }
        }
    }
}

fn displacement(pair: &Misaligned) -> String {
    let d = pair.displacement_px;
    format!(
        "{:.1} px off on average, {:.1} at most; gradients correlate by {:.2}, registered {:.2}; {} features agree",
        d.mean, d.max, pair.correlation_before, pair.correlation, pair.n_inliers
    )
}

fn sizes(pair: &SizeDifference) -> String {
    let ([w, h], [rw, rh]) = (pair.damaged, pair.undamaged);
    format!("damaged {w}×{h}, undamaged {rw}×{rh}")
}

/// One table per parameter, with a bar for each value.
fn optima_tables(optima: &OptimaSummary) -> Markup {
    let width = |n: usize| 20.0 * n as f64 / optima.n_rows.max(1) as f64;
    html! {
        @if optima.n_rows > 0 {
            (heading("Optima", "How often each value was best in the table.", optima.n_rows))
        }
        p { (format_args!("{:.1} % lie on the edge of the space.", optima.on_edge * 100.0)) }
        @for name in &optima.constant {
            p class="bad" { (name) " never varies: there is nothing to learn." }
        }
        @for choice in &optima.choices {
            table {
                tr { th colspan="3" { (choice.name) } }
                @for (value, n) in choice.counts.iter().take(SHOWN_MAX) {
                    tr {
                        td { (OutsideText(value)) }
                        td class="n" { (n) }
                        td { span class="bar" style=(format_args!("width:{:.2}rem", width(*n))) {} }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{inspection::inspect, learning::Groups};

    #[test]
    fn no_name_becomes_markup() {
        let mut inspection = inspect(&[], &Groups::by_stem());
        let evil = "<script>alert(1)</script>\" onload='x'&\u{202e}gpj.\n";
        inspection.unpaired.push(evil.to_owned());
        inspection.identical.push(evil.to_owned());
        let thumbnails = Thumbnails::from([(evil.to_owned(), [vec![1], vec![2]])]);
        let page = page(evil, &inspection, &thumbnails);
        assert!(!page.contains("<script") && !page.contains("\" onload") && !page.contains('\u{202e}'));
        let escaped = "&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload='x'&amp;\u{fffd}gpj.\u{fffd}";
        assert_eq!(page.matches(escaped).count(), 3);
        assert!(page.contains("data:image/jpeg;base64,AQ=="));
        assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("src=\"/"));
    }
}
