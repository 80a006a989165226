//! Curves with axes: latencies by percentile, values by size, values over time.

use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Axes;
use super::axis::Axis;
use super::style::{FAINT, GRID, GROUND, INK, WIDTH, bold, colour, font, tick};
use crate::latency::Latency;
use crate::results::{PERCENTILES, Point, Track};
use crate::stats::{median, spread};

const HEIGHT: u32 = 470;
const TITLE: u32 = 48;
const LEGEND_ROW: u32 = 24;
const LEGEND_LEFT: i32 = 84;
const SWATCH: i32 = 13;
/// About how wide a letter is.
const LETTER: i32 = 7;
/// Where an axis of sizes or latencies ends beyond what it shows, as a factor.
const ROOM: f64 = 1.25;

struct Curve<'a> {
    name: &'a str,
    points: Vec<(f64, f64)>,
    /// For each point the least and the greatest, if there were several rounds.
    whiskers: Vec<(f64, f64, f64)>,
    /// Whether each point is marked.
    dotted: bool,
}

/// Latencies, both axes so that the slowest can be seen: percentiles by how few are slower, and
/// milliseconds by a logarithm.
pub(super) fn percentiles(
    title: &str,
    latencies: &[(&str, &Latency)],
) -> anyhow::Result<Option<String>> {
    // The hundredth percentile has no place on this axis: nothing is slower.
    let shown = &PERCENTILES[..PERCENTILES.len() - 1];
    let curves = latencies.iter().map(|(name, latency)| {
        // Of a hundred samples none is one in a thousand.
        let rarest = (latency.count() as f64).log10();
        let fine = (0..=400).map(|at| f64::from(at) / 100.0);
        let fine = fine.filter(|at| *at >= RARE_FROM && *at <= rarest);
        let at = |rare: f64| (rare, latency.quantile_ms(1.0 - 10_f64.powf(-rare)).max(0.001));
        Curve { name, points: fine.map(at).collect(), whiskers: Vec::new(), dotted: false }
    });
    let curves: Vec<_> = curves.filter(|curve| !curve.points.is_empty()).collect();
    let label = move |rare: &f64| {
        let text = shown.iter().find(|(_, percent)| (rarity(*percent) - rare).abs() < 0.01);
        text.map_or_else(String::new, |(text, _)| format!("p{text}"))
    };
    let axes = Axes { across: "percentile", up: "ms" };
    let marks = shown.iter().map(|(_, percent)| rarity(*percent)).collect();
    let Some((_, up)) = bounds(&curves) else { return Ok(None) };
    let plot = Plot { title, axes: &axes, curves: &curves };
    let across = Axis::marked(RARE_FROM, 4.0, marks);
    plot.draw(across, logarithmic(&up), &label, &|ms| tick(*ms)).map(Some)
}

fn logarithmic(range: &std::ops::Range<f64>) -> Axis {
    Axis::logarithmic(range.start, range.end)
}

/// The first percentile that is shown: p50.
const RARE_FROM: f64 = 0.301;

/// How rare a percentile is: 1 for one in ten, 2 for one in a hundred.
fn rarity(percent: f64) -> f64 {
    -(1.0 - percent / 100.0).log10()
}

/// Medians by size, with whiskers from the least to the greatest.
pub(super) fn sizes(
    title: &str,
    axes: &Axes,
    lines: &[(&str, &Vec<Point>)],
) -> anyhow::Result<Option<String>> {
    let curves = lines.iter().map(|(name, points)| {
        let shown = points.iter().filter(|point| median(&point.samples) > 0.0);
        let whisker = |point: &&Point| {
            let (low, high) = spread(&point.samples);
            (point.at, low, high)
        };
        let several = points.iter().filter(|point| {
            // A logarithmic axis has no place for nothing.
            point.samples.len() > 1 && point.at > 0.0 && spread(&point.samples).0 > 0.0
        });
        Curve {
            name,
            points: shown.map(|point| (point.at, median(&point.samples))).collect(),
            whiskers: several.map(|point| whisker(&point)).collect(),
            dotted: true,
        }
    });
    let curves: Vec<_> = curves.filter(|curve| !curve.points.is_empty()).collect();
    let Some((across, up)) = bounds(&curves) else { return Ok(None) };
    let plot = Plot { title, axes, curves: &curves };
    plot.draw(logarithmic(&across), logarithmic(&up), &|x| tick(*x), &|y| tick(*y)).map(Some)
}

/// Values over time from nothing upwards, so that a slope is no steeper than it is.
pub(super) fn time(
    title: &str,
    axes: &Axes,
    lines: &[(&str, &Vec<Track>)],
) -> anyhow::Result<Option<String>> {
    let curves = lines.iter().flat_map(|(name, tracks)| {
        tracks.iter().map(|track| Curve {
            name,
            points: track.clone(),
            whiskers: Vec::new(),
            dotted: false,
        })
    });
    let curves: Vec<_> = curves.filter(|curve| !curve.points.is_empty()).collect();
    let all = || curves.iter().flat_map(|curve| &curve.points);
    let (last, most) =
        all().fold((0.0_f64, 0.0_f64), |(x, y), point| (x.max(point.0), y.max(point.1)));
    if last <= 0.0 || most <= 0.0 {
        return Ok(None);
    }
    let plot = Plot { title, axes, curves: &curves };
    plot.draw(0.0..last, 0.0..most * ROOM, &|x| tick(*x), &|y| tick(*y)).map(Some)
}

/// What both axes must hold, with some room.
fn bounds(curves: &[Curve<'_>]) -> Option<(std::ops::Range<f64>, std::ops::Range<f64>)> {
    let points = curves.iter().flat_map(|curve| {
        let ends = curve.whiskers.iter().flat_map(|(x, low, high)| [(*x, *low), (*x, *high)]);
        curve.points.iter().copied().chain(ends)
    });
    let (across, up): (Vec<f64>, Vec<f64>) = points.unzip();
    if across.is_empty() {
        return None;
    }
    let room = |values: &[f64]| {
        let (low, high) = spread(values);
        low / ROOM..high * ROOM
    };
    Some((room(&across), room(&up)))
}

struct Plot<'a> {
    title: &'a str,
    axes: &'a Axes,
    curves: &'a [Curve<'a>],
}

impl Plot<'_> {
    fn draw<X, Y>(
        &self,
        across: impl AsRangedCoord<CoordDescType = X, Value = f64>,
        up: impl AsRangedCoord<CoordDescType = Y, Value = f64>,
        across_label: &dyn Fn(&f64) -> String,
        up_label: &dyn Fn(&f64) -> String,
    ) -> anyhow::Result<String>
    where
        X: Ranged<ValueType = f64> + ValueFormatter<f64>,
        Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
            area.fill(&GROUND)?;
            area.draw(&Text::new(self.title.to_owned(), (24, 16), bold(19).color(&INK)))?;
            let legend_rows = self.legend(&area)?;
            let below = area.margin(TITLE + legend_rows * LEGEND_ROW, 12, 12, 28);
            let mut chart = ChartBuilder::on(&below)
                .x_label_area_size(50)
                .y_label_area_size(72)
                .build_cartesian_2d(across, up)?;
            chart
                .configure_mesh()
                .x_desc(self.axes.across)
                .y_desc(self.axes.up)
                .x_label_formatter(&across_label)
                .y_label_formatter(&up_label)
                .axis_desc_style(font(15).color(&FAINT))
                .label_style(font(14).color(&INK))
                .axis_style(FAINT.stroke_width(1))
                .bold_line_style(GRID.stroke_width(1))
                .light_line_style(GROUND.mix(0.0))
                .draw()?;
            let names = self.names();
            for curve in self.curves {
                let place = names.iter().position(|name| *name == curve.name).unwrap_or(0);
                let shade = colour(curve.name, place);
                let whiskers = curve.whiskers.iter().map(|(x, low, high)| {
                    PathElement::new(vec![(*x, *low), (*x, *high)], shade.mix(0.45).stroke_width(3))
                });
                chart.draw_series(whiskers)?;
                let points = curve.points.iter().copied();
                chart.draw_series(LineSeries::new(points, shade.stroke_width(3)))?;
                if curve.dotted {
                    let dots = curve.points.iter();
                    chart.draw_series(dots.map(|at| Circle::new(*at, 5, shade.filled())))?;
                }
            }
            below.present()?;
        }
        Ok(svg)
    }

    /// What the curves are called, each once.
    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for curve in self.curves {
            if !names.contains(&curve.name) {
                names.push(curve.name);
            }
        }
        names
    }

    /// Draws what the colours mean under the title, and says in how many rows.
    fn legend(&self, area: &DrawingArea<SVGBackend<'_>, Shift>) -> anyhow::Result<u32> {
        let (mut x, mut row) = (LEGEND_LEFT, 0);
        for (place, name) in self.names().into_iter().enumerate() {
            let width = SWATCH + 8 + i32::try_from(name.chars().count())? * LETTER;
            if x > LEGEND_LEFT && x + width > i32::try_from(WIDTH)? - 12 {
                (x, row) = (LEGEND_LEFT, row + 1);
            }
            let y = i32::try_from(TITLE + row * LEGEND_ROW)?;
            let shade = colour(name, place);
            area.draw(&Rectangle::new([(x, y), (x + SWATCH, y + SWATCH)], shade.filled()))?;
            let at = (x + SWATCH + 8, y + SWATCH / 2);
            let style = font(14).color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
            area.draw(&Text::new(name.to_owned(), at, style))?;
            x += width + 22;
        }
        Ok(row + 1)
    }
}
