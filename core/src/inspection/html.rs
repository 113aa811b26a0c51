//! The findings as one page that needs nothing else: styles within, pictures as `data:` addresses, no scripts.
//!
//! Names come from strangers: every text is escaped, and the page's own policy forbids whatever would still get through.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use super::{Inspection, Refused};

/// Pictures that a section shows at most; the rest is in the JSON.
const SHOWN_MAX: usize = 60;

/// JPEG files of damaged picture and reference, by the pair's name.
pub type Thumbnails = BTreeMap<String, [Vec<u8>; 2]>;

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>Inspection of a dataset</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; border-bottom: 1px solid #ccc; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .15rem 1rem .15rem 0; vertical-align: top; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
.cards { display: flex; flex-wrap: wrap; gap: .8rem; }
figure { margin: 0; padding: .4rem; border: 1px solid #ddd; border-radius: 4px; max-width: 19rem; }
figure img { height: 104px; max-width: 9rem; object-fit: contain; background: #eee; margin-right: .2rem; }
figcaption, .note { font-size: .82rem; color: #555; overflow-wrap: anywhere; }
.bar { display: inline-block; height: .7rem; background: #4a7ab5; vertical-align: middle; }
.bad { color: #a40000; }
</style>
</head>
<body>
"#;

/// The pairs whose pictures the page shows.
pub fn shown(inspection: &Inspection) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    names.extend(inspection.mismatched.iter().take(SHOWN_MAX).map(|pair| pair.name.as_str()));
    names.extend(inspection.misaligned.iter().take(SHOWN_MAX).map(|pair| pair.name.as_str()));
    names.extend(inspection.identical.iter().take(SHOWN_MAX).map(String::as_str));
    names.extend(inspection.different_sizes.iter().take(SHOWN_MAX).map(|pair| pair.name.as_str()));
    let alike = inspection.near_duplicates.iter().flat_map(|group| group.names.iter().take(GROUP_SHOWN_MAX));
    names.extend(alike.take(SHOWN_MAX).map(String::as_str));
    let apart = inspection.straddling.iter().flat_map(|found| found.members.iter().take(GROUP_SHOWN_MAX));
    names.extend(apart.take(SHOWN_MAX).map(|member| member.name.as_str()));
    names.sort_unstable();
    names.dedup();
    names
}

/// Pictures of one group of lookalikes at most.
const GROUP_SHOWN_MAX: usize = 6;

/// The whole page.
pub fn page(title: &str, inspection: &Inspection, thumbnails: &Thumbnails) -> String {
    let mut page = Page { out: HEAD.to_owned(), thumbnails };
    // Writing to a string does not fail.
    let _ = page.write(title, inspection);
    page.out
}

struct Page<'a> {
    out: String,
    thumbnails: &'a Thumbnails,
}

impl Page<'_> {
    fn write(&mut self, title: &str, found: &Inspection) -> fmt::Result {
        writeln!(self.out, "<h1>Inspection of {}</h1>", Escaped(title))?;
        self.overview(found)?;
        self.list(
            "Unpaired",
            "Pictures without a mate of the same stem.",
            &mut found.unpaired.iter().map(String::as_str),
        )?;
        self.refused("Ambiguous", "Names that cannot be paired.", &found.ambiguous)?;
        self.refused("Unreadable", "Pairs of which a side was refused.", &found.unreadable)?;
        let mismatched = found.mismatched.iter().map(|pair| (pair.name.as_str(), pair.reason.clone()));
        self.cards(
            "Mismatched",
            "No map was found that lays one on the other.",
            found.mismatched.len(),
            mismatched,
        )?;
        let misaligned = found.misaligned.iter().map(|pair| {
            let d = pair.displacement_px;
            let caption = format!(
                "{:.1} px off on average, {:.1} at most; gradients correlate by {:.2}, registered {:.2}; {} features agree",
                d.mean, d.max, pair.correlation_before, pair.correlation, pair.n_inliers
            );
            (pair.name.as_str(), caption)
        });
        self.cards(
            "Misaligned",
            "Of one scene, but not in place; the farthest first.",
            found.misaligned.len(),
            misaligned,
        )?;
        let identical = found.identical.iter().map(|name| (name.as_str(), String::new()));
        self.cards("Identical", "The damaged side is the reference.", found.identical.len(), identical)?;
        let sizes = found.different_sizes.iter().map(|pair| {
            let ([w, h], [rw, rh]) = (pair.damaged, pair.undamaged);
            (pair.name.as_str(), format!("damaged {w}×{h}, undamaged {rw}×{rh}"))
        });
        self.cards(
            "Of different sizes",
            "Restored pictures are resized before they are compared.",
            found.different_sizes.len(),
            sizes,
        )?;
        let exact: Vec<String> = found.exact_duplicates.iter().map(|names| names.join(" = ")).collect();
        self.list(
            "Exact duplicates",
            "The same pixels in several files.",
            &mut exact.iter().map(String::as_str),
        )?;
        let alike = found.near_duplicates.iter().flat_map(|group| {
            let caption = format!("one of {} that look alike ({:.3})", group.names.len(), group.correlation);
            group.names.iter().take(GROUP_SHOWN_MAX).map(move |name| (name.as_str(), caption.clone()))
        });
        self.cards(
            "References alike",
            "Groups of references that look alike.",
            found.near_duplicates.len(),
            alike,
        )?;
        let apart = found.straddling.iter().flat_map(|found| {
            found.members.iter().take(GROUP_SHOWN_MAX).map(|member| {
                let fold = member.fold.map_or("no fold".to_owned(), |fold| format!("fold {fold}"));
                (member.name.as_str(), format!("{}; source {}, {fold}", found.reason, member.source))
            })
        });
        self.cards(
            "Across a split",
            "What would make held-out figures too good.",
            found.straddling.len(),
            apart,
        )?;
        self.optima(found)?;
        self.out.push_str("</body>\n</html>\n");
        Ok(())
    }

    fn overview(&mut self, found: &Inspection) -> fmt::Result {
        self.out.push_str("<table>\n");
        for (what, n, is_bad) in [
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
        ] {
            let class = if is_bad && n > 0 { "n bad" } else { "n" };
            writeln!(self.out, "<tr><td>{what}</td><td class=\"{class}\">{n}</td></tr>")?;
        }
        self.out.push_str("</table>\n");
        Ok(())
    }

    /// A heading with what it means; `false` when there is nothing under it.
    fn heading(&mut self, title: &str, note: &str, n: usize) -> Result<bool, fmt::Error> {
        if n > 0 {
            writeln!(self.out, "<h2>{title}: {n}</h2>\n<p class=\"note\">{note}</p>")?;
        }
        Ok(n > 0)
    }

    fn list(&mut self, title: &str, note: &str, lines: &mut dyn Iterator<Item = &str>) -> fmt::Result {
        let lines: Vec<&str> = lines.collect();
        if self.heading(title, note, lines.len())? {
            self.out.push_str("<ul>\n");
            lines
                .iter()
                .take(SHOWN_MAX)
                .try_for_each(|line| writeln!(self.out, "<li>{}</li>", Escaped(line)))?;
            self.out.push_str("</ul>\n");
            self.rest(lines.len())?;
        }
        Ok(())
    }

    fn refused(&mut self, title: &str, note: &str, refused: &[Refused]) -> fmt::Result {
        let lines: Vec<String> = refused.iter().map(|r| format!("{}: {}", r.name, r.reason)).collect();
        self.list(title, note, &mut lines.iter().map(String::as_str))
    }

    fn cards<'b>(
        &mut self,
        title: &str,
        note: &str,
        n: usize,
        pairs: impl Iterator<Item = (&'b str, String)>,
    ) -> fmt::Result {
        if !self.heading(title, note, n)? {
            return Ok(());
        }
        self.out.push_str("<div class=\"cards\">\n");
        for (name, caption) in pairs.take(SHOWN_MAX) {
            self.out.push_str("<figure>");
            let sides = ["damaged", "undamaged"];
            for (side, jpeg) in sides.iter().zip(self.thumbnails.get(name).into_iter().flatten()) {
                let data = base64(jpeg);
                write!(self.out, "<img src=\"data:image/jpeg;base64,{data}\" alt=\"{side}\">")?;
            }
            let (name, caption) = (Escaped(name), Escaped(&caption));
            writeln!(self.out, "<figcaption><b>{name}</b><br>{caption}</figcaption></figure>")?;
        }
        self.out.push_str("</div>\n");
        self.rest(n)
    }

    fn rest(&mut self, n: usize) -> fmt::Result {
        if n > SHOWN_MAX {
            writeln!(
                self.out,
                "<p class=\"note\">The first {SHOWN_MAX} are shown; the JSON report has all.</p>"
            )?;
        }
        Ok(())
    }

    fn optima(&mut self, found: &Inspection) -> fmt::Result {
        let Some(optima) = &found.optima else { return Ok(()) };
        self.heading("Optima", "How often each value was best in the table.", optima.n_rows)?;
        writeln!(self.out, "<p>{:.1} % lie on the edge of the space.</p>", optima.on_edge * 100.0)?;
        for name in &optima.constant {
            writeln!(self.out, "<p class=\"bad\">{name} never varies: there is nothing to learn.</p>")?;
        }
        for choice in &optima.choices {
            writeln!(self.out, "<table><tr><th colspan=\"3\">{}</th></tr>", choice.name)?;
            for (value, n) in choice.counts.iter().take(SHOWN_MAX) {
                let width = 20.0 * *n as f64 / optima.n_rows.max(1) as f64;
                writeln!(
                    self.out,
                    "<tr><td>{}</td><td class=\"n\">{n}</td><td><span class=\"bar\" style=\"width:{width:.2}rem\"></span></td></tr>",
                    Escaped(value)
                )?;
            }
            self.out.push_str("</table>\n");
        }
        Ok(())
    }
}

/// A text that means nothing in HTML, in elements and in quoted attributes.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // Controls, and marks that turn the direction of what follows.
                c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                    f.write_char('\u{fffd}')?
                }
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, k| bits << 8 | u32::from(chunk.get(k).copied().unwrap_or(0)));
        for k in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * k)) as usize & 63];
            out.push(if k > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{inspection::inspect, learning::Groups};

    #[test]
    fn base64_is_that_of_the_standard() {
        let expected = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (n, expected) in expected.into_iter().enumerate() {
            assert_eq!(base64(&b"foobar"[..n]), expected);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
    }

    #[test]
    fn no_name_becomes_markup() {
        let mut inspection = inspect(&[], &Groups::by_stem());
        let evil = "<script>alert(1)</script>\" onload='x'&\u{202e}gpj.\n";
        inspection.unpaired.push(evil.to_owned());
        inspection.identical.push(evil.to_owned());
        let thumbnails = Thumbnails::from([(evil.to_owned(), [vec![1], vec![2]])]);
        let page = page(evil, &inspection, &thumbnails);
        assert!(!page.contains("<script") && !page.contains("' onload") && !page.contains('\u{202e}'));
        let escaped =
            "&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&#39;x&#39;&amp;\u{fffd}gpj.\u{fffd}";
        assert_eq!(page.matches(escaped).count(), 3);
        assert!(page.contains("data:image/jpeg;base64,AQ=="));
        assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("src=\"/"));
    }
}
