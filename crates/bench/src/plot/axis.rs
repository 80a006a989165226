//! An axis that is marked where it is told to be, by a logarithm or evenly.

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// What is marked on a logarithmic axis of up to so many powers of ten, as multiples of each.
const STEPS: [(f64, &[f64]); 3] =
    [(1.0, &[1.0, 2.0, 3.0, 4.0, 5.0, 7.0]), (2.5, &[1.0, 2.0, 5.0]), (f64::INFINITY, &[1.0])];

/// An axis.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    from: f64,
    to: f64,
    marks: Vec<f64>,
    scale: Scale,
}

#[derive(Clone, Copy, Debug)]
enum Scale {
    Even,
    Logarithmic,
}

impl Axis {
    /// An even axis with these marks.
    pub(super) fn marked(from: f64, to: f64, marks: Vec<f64>) -> Self {
        Self { from, to, marks, scale: Scale::Even }
    }

    /// A logarithmic axis, marked more finely the shorter it is.
    pub(super) fn logarithmic(from: f64, to: f64) -> Self {
        let (first, last) = (from.log10().floor() as i32, to.log10().ceil() as i32);
        let decades = (to / from).log10();
        let steps = STEPS.iter().find(|(most, _)| decades <= *most).map_or(&[1.0][..], |it| it.1);
        let marks = (first..=last).flat_map(|power| {
            let ten = 10_f64.powi(power);
            steps.iter().map(move |step| step * ten)
        });
        let marks = marks.filter(|mark| (from..=to).contains(mark)).collect();
        Self { from, to, marks, scale: Scale::Logarithmic }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let place = |value: f64| match self.scale {
            Scale::Even => value,
            Scale::Logarithmic => value.max(f64::MIN_POSITIVE).ln(),
        };
        let (from, to) = (place(self.from), place(self.to));
        let share = (place(*value) - from) / (to - from);
        limit.0 + (share * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.marks.clone()
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for Axis {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logarithmic_axis_is_marked_as_finely_as_its_length_allows() {
        assert_eq!(Axis::logarithmic(8.0, 250.0).marks, [10.0, 20.0, 50.0, 100.0, 200.0]);
        assert_eq!(Axis::logarithmic(150.0, 650.0).marks, [200.0, 300.0, 400.0, 500.0]);
        assert_eq!(Axis::logarithmic(80.0, 1e5).marks, [100.0, 1e3, 1e4, 1e5]);
    }

    #[test]
    fn equal_factors_are_equally_far_apart() {
        let axis = Axis::logarithmic(1.0, 100.0);
        assert_eq!([1.0, 10.0, 100.0].map(|value| axis.map(&value, (0, 200))), [0, 100, 200]);
    }
}
