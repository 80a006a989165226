//! Colours, letters and numbers of all plots.

use plotters::prelude::*;
use plotters::style::{FontDesc, FontFamily, FontStyle};

use crate::table::number;

pub(super) const WIDTH: u32 = 860;

pub(super) const INK: RGBColor = RGBColor(31, 41, 55);
pub(super) const FAINT: RGBColor = RGBColor(107, 114, 128);
pub(super) const GRID: RGBColor = RGBColor(229, 231, 235);
pub(super) const GROUND: RGBColor = RGBColor(255, 255, 255);

/// Servers with a colour of their own; others take the next of the rest.
const KNOWN: [(&str, RGBColor); 6] = [
    ("parlor", RGBColor(67, 56, 202)),
    ("parlor-gateway", RGBColor(14, 165, 233)),
    ("socketioxide", RGBColor(234, 88, 12)),
    ("node socket.io", RGBColor(22, 163, 74)),
    ("bare writer", RGBColor(100, 116, 139)),
    ("store alone", RGBColor(148, 163, 184)),
];
const REST: [RGBColor; 8] = [
    RGBColor(219, 39, 119),
    RGBColor(202, 138, 4),
    RGBColor(13, 148, 136),
    RGBColor(147, 51, 234),
    RGBColor(220, 38, 38),
    RGBColor(101, 163, 13),
    RGBColor(120, 53, 15),
    RGBColor(2, 132, 199),
];

/// A server's colour; `at` is its place among the lines of its plot.
pub(super) fn colour(server: &str, at: usize) -> RGBColor {
    let known = KNOWN.iter().find(|(name, _)| *name == server);
    known.map_or(REST[at % REST.len()], |(_, colour)| *colour)
}

/// Letters of this height in pixels.
pub(super) fn font(height: u32) -> FontDesc<'static> {
    let family = FontFamily::Name("Helvetica, Arial, sans-serif");
    FontDesc::new(family, f64::from(height), FontStyle::Normal)
}

pub(super) fn bold(height: u32) -> FontDesc<'static> {
    let family = FontFamily::Name("Helvetica, Arial, sans-serif");
    FontDesc::new(family, f64::from(height), FontStyle::Bold)
}

/// A number for an axis: as short as it can be without a loss.
pub(super) fn tick(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        size if size >= 1e9 => (value / 1e9, "G"),
        size if size >= 1e6 => (value / 1e6, "M"),
        size if size >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let decimals = (0..=4).find(|digits| {
        let shift = 10_f64.powi(*digits);
        (scaled * shift - (scaled * shift).round()).abs() < 1e-6 * (scaled * shift).abs().max(1e-9)
    });
    let decimals = usize::try_from(decimals.unwrap_or(4)).unwrap_or(4);
    number(scaled, decimals) + unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_short() {
        let texts = [0.05, 0.5, 1.0, 2_500.0, 20_000.0, 1_500_000.0, 1e9].map(tick);
        assert_eq!(texts, ["0.05", "0.5", "1", "2,500", "20k", "1.5M", "1G"]);
    }

    #[test]
    fn a_server_has_the_same_colour_at_any_place() {
        assert_eq!(colour("parlor", 0), colour("parlor", 5));
        assert_ne!(colour("another", 0), colour("yet another", 1));
    }
}
