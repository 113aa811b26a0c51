//! Parameters of queries and forms, read into the request of a restoration.

use std::{collections::BTreeMap, num::NonZeroU32, str::FromStr};

use axum::{extract::Query, http::Uri};

use pentimento_core::{
    imaging::{
        ColorMethod, SIGMA_RANGE_PX, STRENGTH_RANGE, Tone,
        codec::{FORMAT_NAMES, Format, MetadataPolicy},
    },
    models::{Assume, predictor::RequestedParameters},
    restoration::{Record, RestoreRequest},
};

use super::{
    kind::ProblemKind,
    problem::{Problem, echo},
};
use crate::config::RestoreConfig;

/// Names of the parameters of a restoration.
pub(super) const OF_RESTORE: &[&str] = &[
    "color",
    "sigma",
    "strength",
    "color_method",
    "tone",
    "assume",
    "format",
    "quality",
    "metadata",
    "lenient",
    "page",
    "order",
    "together",
];
/// Names of the parameters of an analysis.
pub(super) const OF_ANALYZE: &[&str] =
    &["color", "sigma", "strength", "color_method", "tone", "assume", "lenient", "page"];
/// Names of the parameters of a replay: none, since the receipt holds everything.
pub(super) const OF_REPLAY: &[&str] = &[];

/// Least similarity of a suggestion to the unknown name, 0–1 by Jaro and Winkler.
const SIMILARITY_MIN: f64 = 0.75;

/// The order of the answers to several pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum AnswerOrder {
    /// The order of the pictures in the form.
    #[default]
    Input,
    /// The order in which the answers become ready.
    Ready,
}

/// The parameters that the client gave, by known name. Each is given at most once.
#[derive(Debug)]
pub(super) struct Given {
    known: &'static [&'static str],
    values: BTreeMap<&'static str, String>,
    /// What holds where the client says nothing.
    defaults: RestoreConfig,
}

impl Given {
    /// Reads the parameters of a query.
    pub(super) fn in_query(uri: &Uri, known: &'static [&'static str]) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|e| Problem::new(ProblemKind::BadParameter, format!("the query cannot be read: {e}")))?;
        let mut given = Self { known, values: BTreeMap::new(), defaults: RestoreConfig::default() };
        for (name, value) in pairs {
            given.add(&name, value)?;
        }
        Ok(given)
    }

    /// The same parameters, with the settings that hold where the client says nothing.
    pub(super) fn with_defaults(self, defaults: RestoreConfig) -> Self {
        Self { defaults, ..self }
    }

    /// The known names.
    pub(super) fn known(&self) -> &'static [&'static str] {
        self.known
    }

    /// Adds a parameter of a form.
    pub(super) fn add(&mut self, name: &str, value: String) -> Result<(), Problem> {
        let known = self.known.iter().find(|known| **known == name);
        let known = known.ok_or_else(|| unknown(name, "parameter", self.known))?;
        match self.values.insert(known, value) {
            None => Ok(()),
            Some(_) => Err(repeated(name)),
        }
    }

    /// Reads the parameters that the client fixed, and what else it says. The model predicts the others.
    pub(super) fn requested(&self) -> Result<RequestedParameters, Problem> {
        let color = self.read("color", "on, off", |text| match text {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        })?;
        let method = self.read("color_method", &ColorMethod::names(), parsed::<ColorMethod>)?;
        let number = |name, range: std::ops::RangeInclusive<f64>| {
            // Parsing accepts NaN and infinities; the range refuses them.
            self.read(name, &format!("a number from {} to {}", range.start(), range.end()), |text| {
                parsed::<f64>(text).filter(|number| range.contains(number))
            })
        };
        let (sigma, strength) = (number("sigma", SIGMA_RANGE_PX)?, number("strength", STRENGTH_RANGE)?);
        let tone = self.read("tone", &Tone::names(), parsed::<Tone>)?.unwrap_or(self.defaults.tone);
        let assume = self.read("assume", &Assume::names(), parsed::<Assume>)?.unwrap_or(self.defaults.assume);
        let fixed = RequestedParameters::new(color, method, sigma, strength)?;
        Ok(fixed.with_tone(tone).with_assume(assume))
    }

    /// Reads the request of a restoration.
    pub(super) fn request(&self) -> Result<RestoreRequest, Problem> {
        let quality = self.read("quality", "a whole number from 1 to 100", |text| {
            parsed::<u8>(text).filter(|quality| (1..=100).contains(quality))
        })?;
        Ok(RestoreRequest {
            parameters: self.requested()?,
            format: self.read("format", FORMAT_NAMES, parsed::<Format>)?,
            quality,
            metadata: self.read("metadata", "keep, strip", parsed::<MetadataPolicy>)?.unwrap_or_default(),
            lenient: self.lenient()?,
            page: self.page()?,
            record: Record::Kept,
        })
    }

    /// Reads whether files that are cut off or damaged are decoded as far as they go.
    pub(super) fn lenient(&self) -> Result<bool, Problem> {
        Ok(self.read("lenient", "true, false", parsed::<bool>)?.unwrap_or(self.defaults.lenient))
    }

    /// Reads the page to work on.
    pub(super) fn page(&self) -> Result<Option<NonZeroU32>, Problem> {
        self.read("page", "a whole number from 1", parsed::<NonZeroU32>)
    }

    /// Reads the order of the answers to several pictures.
    pub(super) fn order(&self) -> Result<AnswerOrder, Problem> {
        let order = self.read("order", "input, ready", |text| match text {
            "input" => Some(AnswerOrder::Input),
            "ready" => Some(AnswerOrder::Ready),
            _ => None,
        })?;
        Ok(order.unwrap_or_default())
    }

    /// Reads whether the pictures are one roll.
    pub(super) fn together(&self) -> Result<bool, Problem> {
        Ok(self.read("together", "true, false", parsed::<bool>)?.unwrap_or_default())
    }

    /// Reads the value of a name, if it was given. `allowed` describes the values that `parse` accepts.
    pub(super) fn read<T>(
        &self,
        name: &str,
        allowed: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.values.get(name) else { return Ok(None) };
        let bad = || {
            Problem::new(
                ProblemKind::BadParameter,
                format!("{name}={} is not allowed: it is {allowed}", echo(text)),
            )
            .parameter(name)
            .value(text.as_str())
            .allowed(allowed)
        };
        parse(text).ok_or_else(bad).map(Some)
    }
}

/// The value that `text` stands for, if any.
fn parsed<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

/// The problem of a name that is none of `known`. `what` is `parameter` or `part`.
pub(super) fn unknown(name: &str, what: &str, known: &[&'static str]) -> Problem {
    let similarity = |known: &str| strsim::jaro_winkler(known, &name.to_lowercase());
    let nearest = known.iter().copied().max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    let suggestion = nearest.filter(|nearest| similarity(nearest) >= SIMILARITY_MIN);
    let hint = suggestion.map_or(String::new(), |s| format!("; did you mean {s:?}?"));
    let allowed = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let detail = format!("there is no {what} {:?} here (known: {allowed}){hint}", echo(name));
    Problem::new(ProblemKind::UnknownParameter, detail)
        .parameter(name)
        .allowed(allowed)
        .suggestion(suggestion)
}

/// The problem of a name that was given twice.
pub(super) fn repeated(name: &str) -> Problem {
    Problem::new(ProblemKind::RepeatedParameter, format!("{name:?} is given twice; give it once"))
        .parameter(name)
}
