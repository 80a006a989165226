//! What a scenario is: what it measures, on which servers, and how its results are shown.

use crate::place::Place;
use crate::plot::Picture;
use crate::results::Results;
use crate::server::Kind;

/// What all rounds need.
pub(crate) struct Run {
    pub(crate) place: Place,
    /// Connections in the making at the same time.
    pub(crate) at_once: u32,
}

/// Measures one server once; it adds to the results what it found.
pub(crate) type Round = Box<dyn FnMut(&Run, Kind, &mut Results) -> anyhow::Result<()>>;

/// One thing to measure.
pub(crate) struct Scenario {
    /// One word, as on the command line and in the names of files.
    pub(crate) name: &'static str,
    /// A heading.
    pub(crate) title: &'static str,
    /// How it is measured: sizes, pace, what the numbers mean.
    pub(crate) settings: String,
    /// In this order; the first is what the others are compared with.
    pub(crate) kinds: Vec<Kind>,
    /// A long scenario is not repeated more often than this among others.
    pub(crate) rounds_max: u32,
    /// About how long a round of one server takes, in seconds, until one was timed.
    pub(crate) estimate_s: f64,
    pub(crate) results: Results,
    pub(crate) round: Round,
    pub(crate) pictures: Vec<Picture>,
    /// Markdown that is computed of the results, below the tables.
    pub(crate) conclusion: fn(&Results) -> String,
}

impl Scenario {
    /// A scenario without pictures, of unlimited rounds of half a minute.
    pub(crate) fn new(
        name: &'static str,
        title: &'static str,
        settings: String,
        kinds: &[Kind],
        round: impl FnMut(&Run, Kind, &mut Results) -> anyhow::Result<()> + 'static,
    ) -> Self {
        Self {
            name,
            title,
            settings,
            kinds: kinds.to_vec(),
            rounds_max: u32::MAX,
            estimate_s: 30.0,
            results: Results::default(),
            round: Box::new(round),
            pictures: Vec::new(),
            conclusion: |_| String::new(),
        }
    }

    pub(crate) fn with_pictures(self, pictures: impl Into<Vec<Picture>>) -> Self {
        Self { pictures: pictures.into(), ..self }
    }

    pub(crate) fn with_estimate(self, estimate_s: f64) -> Self {
        Self { estimate_s, ..self }
    }

    pub(crate) fn with_rounds_max(self, rounds_max: u32) -> Self {
        Self { rounds_max, ..self }
    }

    pub(crate) fn with_conclusion(self, conclusion: fn(&Results) -> String) -> Self {
        Self { conclusion, ..self }
    }
}
