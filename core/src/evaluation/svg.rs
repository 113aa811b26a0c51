//! Small scatter and line plots as inline SVG. Colours and fonts are the page's.

use std::fmt::Write as _;

use super::html::escaped;

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 280.0;
/// Room for the labels of the axes.
const LEFT: f64 = 58.0;
const BOTTOM: f64 = 40.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 12.0;

/// Points that belong together, drawn in one of the page's classes `s0`, `s1` …
pub struct Series<'a> {
    /// What they are.
    pub name: &'a str,
    /// x and y.
    pub points: Vec<(f64, f64)>,
    /// Whether a line joins them.
    pub joined: bool,
}

/// A plot with the names of its axes; `diagonal` draws y = x. Points that are not finite are left out.
pub fn plot(x_name: &str, y_name: &str, series: &[Series], diagonal: bool) -> String {
    let finite = |p: &(f64, f64)| p.0.is_finite() && p.1.is_finite();
    let all: Vec<(f64, f64)> = series.iter().flat_map(|s| s.points.iter().copied()).filter(finite).collect();
    if all.is_empty() {
        return "<p>nothing to plot</p>".to_owned();
    }
    let (mut x, mut y) = (span(all.iter().map(|p| p.0)), span(all.iter().map(|p| p.1)));
    if diagonal {
        let both = (x.0.min(y.0), x.1.max(y.1));
        (x, y) = (both, both);
    }
    let at_x = |v: f64| LEFT + (v - x.0) / (x.1 - x.0) * (WIDTH - LEFT - RIGHT);
    let at_y = |v: f64| HEIGHT - BOTTOM - (v - y.0) / (y.1 - y.0) * (HEIGHT - BOTTOM - TOP);
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">");
    let mut draw = |text: std::fmt::Arguments| {
        let _ = svg.write_fmt(text);
    };
    for step in 0..=4 {
        let of = |(low, high): (f64, f64)| low + (high - low) * f64::from(step) / 4.0;
        let (px, py) = (at_x(of(x)), at_y(of(y)));
        let (right, floor) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        draw(format_args!(
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{py:.1}\" y2=\"{py:.1}\"/>"
        ));
        draw(format_args!(
            "<line class=\"grid\" x1=\"{px:.1}\" x2=\"{px:.1}\" y1=\"{TOP}\" y2=\"{floor}\"/>"
        ));
        draw(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" class=\"end\">{:.3}</text>",
            LEFT - 4.0,
            py + 3.0,
            of(y)
        ));
        draw(format_args!("<text x=\"{px:.1}\" y=\"{:.1}\" class=\"mid\">{:.3}</text>", floor + 13.0, of(x)));
    }
    if diagonal {
        let (x1, y1, x2, y2) = (at_x(x.0), at_y(y.0), at_x(x.1), at_y(y.1));
        draw(format_args!(
            "<line class=\"diagonal\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }
    for (which, s) in series.iter().enumerate() {
        let points: Vec<(f64, f64)> =
            s.points.iter().copied().filter(finite).map(|p| (at_x(p.0), at_y(p.1))).collect();
        if s.joined {
            let path: Vec<String> = points.iter().map(|p| format!("{:.1},{:.1}", p.0, p.1)).collect();
            draw(format_args!("<polyline class=\"line s{which}\" points=\"{}\"/>", path.join(" ")));
        }
        for p in &points {
            draw(format_args!(
                "<circle class=\"dot s{which}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.6\"/>",
                p.0, p.1
            ));
        }
        if series.len() > 1 {
            let (px, py) = (LEFT + 8.0, TOP + 12.0 + 13.0 * which as f64);
            draw(format_args!("<circle class=\"dot s{which}\" cx=\"{px}\" cy=\"{py}\" r=\"3\"/>"));
            draw(format_args!("<text x=\"{}\" y=\"{}\">{}</text>", px + 8.0, py + 4.0, escaped(s.name)));
        }
    }
    let (middle_x, middle_y) = ((LEFT + WIDTH - RIGHT) / 2.0, (TOP + HEIGHT - BOTTOM) / 2.0);
    draw(format_args!(
        "<text x=\"{middle_x}\" y=\"{}\" class=\"mid\">{}</text>",
        HEIGHT - 8.0,
        escaped(x_name)
    ));
    draw(format_args!(
        "<text transform=\"translate(12 {middle_y}) rotate(-90)\" class=\"mid\">{}</text>",
        escaped(y_name)
    ));
    svg + "</svg>"
}

/// Least and largest, a little apart.
fn span(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
    let room = ((high - low) * 0.05).max(1e-3);
    (low - room, high + room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_stand_where_they_belong_and_names_are_escaped() {
        let points = vec![(0.0, 0.0), (1.0, 1.0), (f64::NAN, 0.0)];
        let svg = plot("<x>", "y", &[Series { name: "a", points, joined: false }], true);
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains("&lt;x&gt;") && !svg.contains("<x>") && !svg.contains("NaN"));
        // 5 % of room at either end of 350 × 228 px.
        assert!(svg.contains("cx=\"73.9\" cy=\"229.6\""), "{svg}");
        assert!(plot("x", "y", &[], false).contains("nothing"));
    }
}
