//! A figure as it grows, drawn: hand-made SVG, one line, its points labelled.

use std::fmt::Write;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 320.0;
const MARGIN: f64 = 56.0;

/// A line through points whose first coordinate grows by multiples: `title` over it, the unit of each axis beside it.
#[must_use]
pub fn plot(title: &str, across: &str, points: &[(f64, f64)]) -> String {
    let highest = points.iter().map(|(_, y)| *y).fold(1.0, f64::max);
    let (first, last) = (points.first().map_or(1.0, |p| p.0), points.last().map_or(10.0, |p| p.0));
    let span = (last / first).ln().max(f64::MIN_POSITIVE);
    let place = |(x, y): &(f64, f64)| {
        let right = (x / first).ln() / span;
        (MARGIN + right * (WIDTH - 2.0 * MARGIN), HEIGHT - MARGIN - y / highest * (HEIGHT - 2.0 * MARGIN))
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n\
         <text x=\"{MARGIN}\" y=\"24\" font-size=\"14\">{title}</text>\n\
         <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{across}</text>\n",
        WIDTH - MARGIN,
        HEIGHT - 12.0
    );
    let line: Vec<String> = points.iter().map(place).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let line = line.join(" ");
    // Writing to a string can't fail.
    _ = writeln!(svg, "<polyline points=\"{line}\" fill=\"none\" stroke=\"#1f6feb\" stroke-width=\"2\"/>");
    for point in points {
        let ((x, y), below) = (place(point), HEIGHT - MARGIN + 18.0);
        _ = writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"#1f6feb\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
             <text x=\"{x:.1}\" y=\"{below}\" text-anchor=\"middle\" fill=\"#57606a\">{}</text>",
            y - 8.0,
            round(point.1),
            round(point.0)
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn round(figure: f64) -> String {
    match figure {
        1e6.. => format!("{}M", figure / 1e6),
        1e4.. => format!("{:.0}k", figure / 1e3),
        100.0.. => format!("{figure:.0}"),
        _ => format!("{figure:.1}"),
    }
}
