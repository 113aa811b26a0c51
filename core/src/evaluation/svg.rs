//! Small scatter and line plots as inline SVG. Colours and fonts come from the page's style sheet.

use maud::{Markup, html};

/// Size of the drawing, in its own units.
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 280.0;
/// Margins around the plotted area; the left and the lower one hold the labels of the axes.
const LEFT: f64 = 58.0;
const BOTTOM: f64 = 40.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 12.0;

/// Points of one colour. The first series has the page's class `s0`, the second `s1`, and so on.
pub(super) struct Series<'a> {
    /// Name in the legend, which is drawn when there are several series.
    pub name: &'a str,
    /// x and y of each point.
    pub points: Vec<(f64, f64)>,
    /// Whether a line joins the points.
    pub joined: bool,
}

/// Draws a plot; `axes` are the names of x and y, and `diagonal` adds the line y = x. Points that are not finite are
/// left out.
pub(super) fn plot(axes: [&str; 2], series: &[Series], diagonal: bool) -> Markup {
    let Some(frame) = PlotFrame::around(series, diagonal) else {
        return html! { p { "nothing to plot" } };
    };
    let (middle_x, middle_y) = ((LEFT + WIDTH - RIGHT) / 2.0, (TOP + HEIGHT - BOTTOM) / 2.0);
    // Elements without content still need their end tag: maud's short form is for HTML's void elements only.
    html! {
        svg viewBox=(format_args!("0 0 {WIDTH} {HEIGHT}")) role="img" {
            @for step in 0..=4 { (frame.grid_lines(f64::from(step) / 4.0)) }
            @if diagonal { (frame.diagonal()) }
            @for (which, series_shown) in series.iter().enumerate() {
                (frame.points(which, series_shown))
                @if series.len() > 1 { (legend(which, series_shown.name)) }
            }
            text x=(middle_x) y=(HEIGHT - 8.0) class="mid" { (axes[0]) }
            text transform=(format_args!("translate(12 {middle_y}) rotate(-90)")) class="mid" { (axes[1]) }
        }
    }
}

/// The ranges of values that the plotted area shows.
struct PlotFrame {
    /// Least and largest x.
    x: (f64, f64),
    /// Least and largest y.
    y: (f64, f64),
}

impl PlotFrame {
    /// Returns the ranges of all finite points, or `None` without any. A plot with a diagonal has one range for both
    /// axes.
    fn around(series: &[Series], diagonal: bool) -> Option<Self> {
        let all: Vec<(f64, f64)> =
            series.iter().flat_map(|s| s.points.iter().copied()).filter(is_finite).collect();
        if all.is_empty() {
            return None;
        }
        let (mut x, mut y) = (span(all.iter().map(|p| p.0)), span(all.iter().map(|p| p.1)));
        if diagonal {
            let both = (x.0.min(y.0), x.1.max(y.1));
            (x, y) = (both, both);
        }
        Some(Self { x, y })
    }

    /// Horizontal position of a value.
    fn at_x(&self, value: f64) -> f64 {
        LEFT + (value - self.x.0) / (self.x.1 - self.x.0) * (WIDTH - LEFT - RIGHT)
    }

    /// Vertical position of a value; SVG counts downwards.
    fn at_y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - (value - self.y.0) / (self.y.1 - self.y.0) * (HEIGHT - BOTTOM - TOP)
    }

    /// Draws one line across and one upwards at the share `part`, 0–1, of both ranges, with their values.
    fn grid_lines(&self, part: f64) -> Markup {
        let value = |(low, high): (f64, f64)| low + (high - low) * part;
        let (x, y) = (value(self.x), value(self.y));
        let (px, py) = (coordinate(self.at_x(x)), coordinate(self.at_y(y)));
        let (right, floor) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        html! {
            line class="grid" x1=(LEFT) x2=(right) y1=(py) y2=(py) {}
            line class="grid" x1=(px) x2=(px) y1=(TOP) y2=(floor) {}
            text x=(coordinate(LEFT - 4.0)) y=(coordinate(self.at_y(y) + 3.0)) class="end" { (format_args!("{y:.3}")) }
            text x=(px) y=(coordinate(floor + 13.0)) class="mid" { (format_args!("{x:.3}")) }
        }
    }

    fn diagonal(&self) -> Markup {
        let [x1, x2] = [self.x.0, self.x.1].map(|v| coordinate(self.at_x(v)));
        let [y1, y2] = [self.y.0, self.y.1].map(|v| coordinate(self.at_y(v)));
        html! { line class="diagonal" x1=(x1) y1=(y1) x2=(x2) y2=(y2) {} }
    }

    /// Draws the points of series number `which`, and the line that joins them.
    fn points(&self, which: usize, series: &Series) -> Markup {
        let finite = series.points.iter().copied().filter(is_finite);
        let places: Vec<[String; 2]> =
            finite.map(|p| [coordinate(self.at_x(p.0)), coordinate(self.at_y(p.1))]).collect();
        let path: Vec<String> = places.iter().map(|place| place.join(",")).collect();
        html! {
            @if series.joined {
                polyline class=(format_args!("line s{which}")) points=(path.join(" ")) {}
            }
            @for [x, y] in &places {
                circle class=(format_args!("dot s{which}")) cx=(x) cy=(y) r="2.6" {}
            }
        }
    }
}

/// Draws the line of the legend for series number `which`.
fn legend(which: usize, name: &str) -> Markup {
    let (x, y) = (LEFT + 8.0, TOP + 12.0 + 13.0 * which as f64);
    html! {
        circle class=(format_args!("dot s{which}")) cx=(x) cy=(y) r="3" {}
        text x=(x + 8.0) y=(y + 4.0) { (name) }
    }
}

/// Writes a coordinate with one decimal.
fn coordinate(value: f64) -> String {
    format!("{value:.1}")
}

fn is_finite(point: &(f64, f64)) -> bool {
    point.0.is_finite() && point.1.is_finite()
}

/// Returns the least and the largest value, each moved outwards by 5 % of their difference and at least by 0.001.
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
        let series = |name| Series { name, points: points.clone(), joined: false };
        let svg = plot(["<x>", "y"], &[series("a")], true).into_string();
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains("&lt;x&gt;") && !svg.contains("<x>") && !svg.contains("NaN"));
        // 5 % of room at either end of 350 × 228 px.
        assert!(svg.contains("cx=\"73.9\" cy=\"229.6\""), "{svg}");
        assert!(plot(["x", "y"], &[], false).into_string().contains("nothing"));
        let svg = plot(["x", "y"], &[series("<script>"), series("b")], false).into_string();
        assert!(svg.contains(">&lt;script&gt;</text>") && !svg.contains("<script"));
    }
}
