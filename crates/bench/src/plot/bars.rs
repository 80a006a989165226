//! Horizontal bars: a panel for each metric, a bar for each server, with the median in figures and the
//! least and the greatest as a whisker.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::style::{FAINT, GRID, GROUND, INK, WIDTH, bold, colour, font};
use crate::stats::{median, spread};
use crate::table::{Metric, Table, number};

const LEFT: i32 = 170;
const RIGHT: i32 = 230;
const TITLE: i32 = 44;
const PANEL_HEAD: i32 = 30;
const ROW: i32 = 34;
const THICKNESS: i32 = 18;
const FOOT: i32 = 14;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

struct Bar<'a> {
    server: &'a str,
    at: usize,
    samples: Vec<f64>,
}

/// Draws the metrics of a table that were measured of any server.
pub(super) fn draw(title: &str, table: &Table, metrics: &[&str]) -> anyhow::Result<Option<String>> {
    let panels: Vec<_> = metrics
        .iter()
        .filter_map(|name| Some((table.metric(name)?, bars(table, name))))
        .filter(|(_, bars)| !bars.is_empty())
        .collect();
    if panels.is_empty() {
        return Ok(None);
    }
    let rows = panels.iter().map(|(_, bars)| bars.len() as i32 * ROW + PANEL_HEAD + FOOT);
    let height = TITLE + rows.sum::<i32>();
    let mut svg = String::new();
    {
        let size = (WIDTH, u32::try_from(height).expect("a height is positive"));
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&GROUND)?;
        area.draw(&Text::new(title.to_owned(), (24, 16), bold(19).color(&INK)))?;
        let mut top = TITLE;
        for (metric, bars) in &panels {
            panel(&area, *metric, bars, top)?;
            top += bars.len() as i32 * ROW + PANEL_HEAD + FOOT;
        }
        area.present()?;
    }
    Ok(Some(svg))
}

fn bars<'a>(table: &'a Table, metric: &str) -> Vec<Bar<'a>> {
    let servers = table.servers().into_iter().enumerate();
    let bars = servers.map(|(at, server)| {
        let samples = table.samples(server, metric);
        Bar { server, at, samples: samples.into_iter().filter(|it| it.is_finite()).collect() }
    });
    bars.filter(|bar| !bar.samples.is_empty()).collect()
}

fn panel(area: &Area<'_>, metric: Metric, bars: &[Bar<'_>], top: i32) -> anyhow::Result<()> {
    let width = i32::try_from(WIDTH)? - LEFT - RIGHT;
    let most = bars.iter().map(|bar| spread(&bar.samples).1).fold(0.0, f64::max).max(1e-12);
    let across = |value: f64| LEFT + (value.max(0.0) / most * f64::from(width)) as i32;
    let end = |vertical| Pos::new(HPos::Right, vertical);
    let text = |x, y, what: String, style: TextStyle<'_>| {
        area.draw(&Text::new(what, (x, y), style)).map_err(anyhow::Error::from)
    };
    text(LEFT, top + 4, metric.name().to_owned(), font(14).color(&FAINT))?;
    let (from, to) = (top + PANEL_HEAD, top + PANEL_HEAD + bars.len() as i32 * ROW);
    for quarter in 0..=4 {
        let x = LEFT + width * quarter / 4;
        area.draw(&PathElement::new(vec![(x, from - 4), (x, to - 4)], GRID.stroke_width(1)))?;
    }
    for (row, bar) in bars.iter().enumerate() {
        let y = from + row as i32 * ROW;
        let (middle, half) = (y + THICKNESS / 2, THICKNESS / 2);
        let shade = colour(bar.server, bar.at);
        let (low, high) = spread(&bar.samples);
        let value = median(&bar.samples);
        area.draw(&Rectangle::new([(LEFT, y), (across(value), y + THICKNESS)], shade.filled()))?;
        let name = font(15).color(&INK).pos(end(VPos::Center));
        text(LEFT - 12, middle, bar.server.to_owned(), name)?;
        let decimals = metric.decimals();
        let mut told = number(value, decimals);
        if bar.samples.len() > 1 {
            let line = INK.stroke_width(2);
            let (x0, x1) = (across(low), across(high));
            area.draw(&PathElement::new(vec![(x0, middle), (x1, middle)], line))?;
            for x in [x0, x1] {
                let cap = vec![(x, middle - half / 2), (x, middle + half / 2)];
                area.draw(&PathElement::new(cap, line))?;
            }
            told = format!("{told} ({}–{})", number(low, decimals), number(high, decimals));
        }
        let figures = font(14).color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
        text(across(high.max(value)) + 10, middle, told, figures)?;
    }
    Ok(())
}
