//! The values that a recipe allows for one parameter, and how one of them is drawn.
//!
//! A drawn number is rounded to four decimals, so that tables record exactly what was applied.

use super::damage_model::{DamageParameter, Scale};

/// The allowed values of one parameter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ValueRange {
    /// From the first to the second, both included.
    Between(f64, f64),
    /// One of these; all are equally likely.
    Among(Vec<f64>),
}

impl ValueRange {
    /// Reads `[from, to]` or one number; for a parameter with names, one name or a list of them.
    pub fn new(parameter: &DamageParameter, value: &toml::Value) -> Result<Self, String> {
        let refused = |why: String| format!("{} = {value} is not allowed: {why}", parameter.name);
        match parameter.scale {
            Scale::Names(names) => Self::among(names, value)
                .ok_or_else(|| refused(format!("it is one or a list of {}", names.join(", ")))),
            _ => Self::between(parameter, value).map_err(refused),
        }
    }

    /// The indices of one name or of a list of names; `None` for an unknown name and for an empty list.
    fn among(names: &[&str], value: &toml::Value) -> Option<Self> {
        let one = [value.clone()];
        let list = value.as_array().map_or(&one[..], Vec::as_slice);
        let index = |value: &toml::Value| names.iter().position(|name| value.as_str() == Some(name));
        let found: Option<Vec<f64>> = list.iter().map(|value| Some(index(value)? as f64)).collect();
        found.filter(|found| !found.is_empty()).map(ValueRange::Among)
    }

    fn between(parameter: &DamageParameter, value: &toml::Value) -> Result<Self, String> {
        let ends = match value.as_array().map(Vec::as_slice) {
            Some([from, to]) => number(from).zip(number(to)),
            Some(_) => None,
            None => number(value).map(|value| (value, value)),
        };
        let (smallest, largest) = parameter.bounds;
        let bounds = format!("it goes from {smallest} to {largest}");
        let Some((from, to)) = ends else {
            return Err(format!("a number or a range [from, to] is needed; {bounds}"));
        };
        if !(smallest..=largest).contains(&from) || !(smallest..=largest).contains(&to) {
            return Err(bounds);
        }
        if from > to {
            return Err(format!("the range is reversed; {bounds}"));
        }
        if parameter.scale == Scale::Whole && (from.fract() != 0.0 || to.fract() != 0.0) {
            return Err(format!("whole numbers are needed; {bounds}"));
        }
        Ok(ValueRange::Between(from, to))
    }

    /// Returns the value at `share` of the range; `share` is at least 0 and below 1.
    pub fn value(&self, scale: Scale, share: f64) -> f64 {
        let (from, to) = match self {
            ValueRange::Among(values) => return values[(share * values.len() as f64) as usize],
            ValueRange::Between(from, to) => (*from, *to),
        };
        let value = match scale {
            _ if from == to => return from,
            Scale::Whole | Scale::Names(_) => from + libm::floor(share * (to - from + 1.0)),
            Scale::Linear => from + share * (to - from),
            Scale::Logarithmic => from * libm::pow(to / from, share),
        };
        (libm::round(value * 1e4) / 1e4).clamp(from, to)
    }
}

/// Returns the finite number that `value` is; `None` for everything else.
pub(super) fn number(value: &toml::Value) -> Option<f64> {
    let number = match value {
        toml::Value::Integer(whole) => *whole as f64,
        toml::Value::Float(number) => *number,
        _ => return None,
    };
    number.is_finite().then_some(number)
}
