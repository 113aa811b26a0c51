//! What may happen to pictures: weighted mixtures of damages, each parameter a range. Read from TOML, checked whole.
//!
//! A number drawn from a range is rounded to four decimals, so that tables tell exactly what was applied.

use serde::Deserialize;
use thiserror::Error;

use super::{
    drawn::{Drawn, DrawnDamage, UNDAMAGED},
    model::{MODELS, Model, Parameter, Scale},
    random::key,
};
use crate::{imaging::codec::Format, numeric::random::RandomStream};

/// The recipe that is used when none is given.
const DEFAULT: &str = include_str!("../../recipes/default.toml");

/// Longest text of a recipe, in bytes.
pub const RECIPE_BYTES_MAX: u64 = 1 << 20;
const VARIANTS_MAX: u32 = 1000;
const MIXTURES_MAX: usize = 256;
const DAMAGES_MAX: usize = 32;
const NAME_LENGTH_MAX: usize = 64;

/// Weighted mixtures of damages, checked.
#[derive(Clone, Debug)]
pub struct Recipe {
    variants: u32,
    clean_share: f64,
    output: Output,
    mixtures: Vec<Mixture>,
}

/// How damaged pictures are stored. Exactly, but for JPEG.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Output {
    /// The container.
    pub format: Format,
    /// Of JPEG.
    pub quality: Option<u8>,
}

#[derive(Clone, Debug)]
struct Mixture {
    name: String,
    weight: f64,
    damages: Vec<Damage>,
}

#[derive(Clone, Debug)]
struct Damage {
    model: &'static Model,
    chance: f64,
    /// One for each of the model's parameters.
    ranges: Vec<Range>,
}

#[derive(Clone, Debug, PartialEq)]
enum Range {
    /// From the first to the second, both included.
    Between(f64, f64),
    /// One of these, each equally likely.
    Among(Vec<f64>),
}

/// A text is no recipe.
#[derive(Debug, Error)]
pub enum RecipeError {
    /// Not TOML, or an unknown key.
    #[error("not understood: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A value of the recipe or of a mixture is not allowed.
    #[error("{name} {got} is not allowed: {allowed}")]
    Value {
        /// Where it stands.
        name: String,
        /// What stands there.
        got: String,
        /// What may stand there.
        allowed: String,
    },
    /// A damage of a mixture is not allowed.
    #[error("mixture {mixture:?}, damage {number}: {reason}")]
    Damage {
        /// The mixture's name.
        mixture: String,
        /// Which of its damages, from 1.
        number: usize,
        /// What is wrong with it.
        reason: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecipeText {
    variants: u32,
    #[serde(default)]
    clean_share: f64,
    #[serde(default)]
    format: Option<Format>,
    #[serde(default)]
    quality: Option<u8>,
    mixture: Vec<MixtureText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MixtureText {
    name: String,
    #[serde(default = "one")]
    weight: f64,
    damages: Vec<toml::Table>,
}

fn one() -> f64 {
    1.0
}

impl Default for Recipe {
    fn default() -> Self {
        Self::from_toml(DEFAULT).expect("the embedded recipe is in range")
    }
}

impl Recipe {
    /// The text of the recipe that is used when none is given, with every kind and parameter explained.
    pub const fn default_text() -> &'static str {
        DEFAULT
    }

    /// Reads a recipe.
    ///
    /// # Errors
    /// For unknown keys and kinds, numbers that are none, ranges that are reversed or out of bounds, naming the range.
    pub fn from_toml(text: &str) -> Result<Self, RecipeError> {
        let text: RecipeText = toml::from_str(text)?;
        let within = |name: &str, got: f64, from: f64, to: f64| {
            check((from..=to).contains(&got), name, got, || format!("it goes from {from} to {to}"))
        };
        within("variants", text.variants.into(), 1.0, VARIANTS_MAX.into())?;
        within("clean_share", text.clean_share, 0.0, 1.0)?;
        within("the number of mixtures", text.mixture.len() as f64, 1.0, MIXTURES_MAX as f64)?;
        let format = text.format.unwrap_or(Format::Png);
        if let Some(quality) = text.quality {
            within("quality", quality.into(), 1.0, 100.0)?;
            check(format == Format::Jpeg, "quality", quality, || {
                format!("{format} stores pictures exactly")
            })?;
        }
        let mixtures = text.mixture.into_iter().map(Mixture::new).collect::<Result<Vec<_>, _>>()?;
        for (i, mixture) in mixtures.iter().enumerate() {
            let is_new = mixtures[..i].iter().all(|earlier| earlier.name != mixture.name);
            check(is_new, "the mixture's name", &mixture.name, || "another mixture has it".to_owned())?;
        }
        let output = Output { format, quality: text.quality };
        Ok(Self { variants: text.variants, clean_share: text.clean_share, output, mixtures })
    }

    /// Damaged pictures per clean one, at least 1.
    pub fn variants(&self) -> u32 {
        self.variants
    }

    /// How damaged pictures are stored.
    pub fn output(&self) -> Output {
        self.output
    }

    /// Decides what happens to variant `variant` of the picture named `source`; nothing else has a say in it.
    ///
    /// Every parameter has a number of its own, so that narrowing one range leaves what the others draw.
    pub fn draw(&self, seed: u64, source: &str, variant: u32) -> Drawn {
        let key = |purpose: &str| key(seed, source, variant, purpose);
        let mut draws = RandomStream::new(key("mixture"));
        let undamaged = draws.uniform() < self.clean_share;
        let mixture = self.mixture_at(draws.uniform());
        if undamaged {
            return Drawn { mixture: UNDAMAGED.to_owned(), damages: Vec::new() };
        }
        let damages = mixture.damages.iter().enumerate().filter_map(|(i, damage)| {
            let mut draws = RandomStream::new(key(&format!("damage {i}")));
            let happens = draws.uniform() < damage.chance;
            happens.then(|| DrawnDamage {
                model: damage.model,
                values: damage.values(&mut draws),
                noise_key: key(&format!("noise {i}")),
            })
        });
        Drawn { mixture: mixture.name.clone(), damages: damages.collect() }
    }

    /// The mixture that a share, 0–1, of the weights falls on.
    fn mixture_at(&self, share: f64) -> &Mixture {
        let total: f64 = self.mixtures.iter().map(|mixture| mixture.weight).sum();
        let mut left = share * total;
        let found = self.mixtures.iter().find(|mixture| {
            left -= mixture.weight;
            left < 0.0
        });
        found.unwrap_or(&self.mixtures[self.mixtures.len() - 1])
    }
}

impl Mixture {
    fn new(text: MixtureText) -> Result<Self, RecipeError> {
        let name = text.name;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        check(
            (1..=NAME_LENGTH_MAX).contains(&name.len()) && name.chars().all(plain) && name != UNDAMAGED,
            "the mixture's name",
            format!("{name:?}"),
            || format!("1 to {NAME_LENGTH_MAX} of a-z, 0-9, _ and -, and not {UNDAMAGED:?}, the undamaged's"),
        )?;
        let of_mixture = |what: &str| format!("{what} of mixture {name:?}");
        check(text.weight > 0.0 && text.weight <= 1e6, &of_mixture("the weight"), text.weight, || {
            "it is above 0 and at most 1000000".to_owned()
        })?;
        let n = text.damages.len();
        check((1..=DAMAGES_MAX).contains(&n), &of_mixture("the number of damages"), n, || {
            format!("it goes from 1 to {DAMAGES_MAX}")
        })?;
        let damage = |(i, table)| {
            Damage::new(table).map_err(|reason| RecipeError::Damage {
                mixture: name.clone(),
                number: i + 1,
                reason,
            })
        };
        let damages = text.damages.into_iter().enumerate().map(damage).collect::<Result<_, _>>()?;
        Ok(Self { weight: text.weight, damages, name })
    }
}

fn check(
    holds: bool,
    name: &str,
    got: impl ToString,
    allowed: impl Fn() -> String,
) -> Result<(), RecipeError> {
    if holds {
        return Ok(());
    }
    Err(RecipeError::Value { name: name.to_owned(), got: got.to_string(), allowed: allowed() })
}

impl Damage {
    fn new(mut table: toml::Table) -> Result<Self, String> {
        let kind = match table.remove("kind") {
            Some(toml::Value::String(kind)) => kind,
            _ => return Err("kind = \"…\" is missing".to_owned()),
        };
        let Some(model) = MODELS.into_iter().find(|model| model.kind == kind) else {
            let kinds: Vec<&str> = MODELS.iter().map(|model| model.kind).collect();
            return Err(format!("kind {kind:?} is unknown: there are {}", kinds.join(", ")));
        };
        let chance = match table.remove("chance") {
            None => 1.0,
            Some(value) => number(&value)
                .filter(|chance| *chance > 0.0 && *chance <= 1.0)
                .ok_or_else(|| format!("{kind}: chance = {value} is not allowed: above 0 and at most 1"))?,
        };
        if table.is_empty() {
            return Err(format!("{kind}: no parameter is given, so nothing would happen"));
        }
        let mut range = |parameter: &Parameter| match (table.remove(parameter.name), parameter.otherwise) {
            (Some(value), _) => Range::new(parameter, &value).map_err(|reason| format!("{kind}: {reason}")),
            (None, Some(otherwise)) => Ok(Range::Between(otherwise, otherwise)),
            (None, None) => Err(format!("{kind}: {} is missing", parameter.name)),
        };
        let ranges = model.parameters.iter().map(&mut range).collect::<Result<_, _>>()?;
        match table.keys().next() {
            None => Ok(Self { model, chance, ranges }),
            Some(unknown) => {
                let known: Vec<&str> = model.parameters.iter().map(|parameter| parameter.name).collect();
                Err(format!("{kind}: {unknown:?} is unknown: it has {} and chance", known.join(", ")))
            }
        }
    }

    fn values(&self, draws: &mut RandomStream) -> Vec<f64> {
        let parameters = self.model.parameters.iter().zip(&self.ranges);
        parameters.map(|(parameter, range)| range.value(parameter.scale, draws.uniform())).collect()
    }
}

impl Range {
    /// `[from, to]` or one number; for names a list of them or one.
    fn new(parameter: &Parameter, value: &toml::Value) -> Result<Self, String> {
        let refused = |why: String| format!("{} = {value} is not allowed: {why}", parameter.name);
        if let Scale::Names(names) = parameter.scale {
            let one = [value.clone()];
            let list = value.as_array().map_or(&one[..], Vec::as_slice);
            let index = |value: &toml::Value| names.iter().position(|name| value.as_str() == Some(name));
            let found: Option<Vec<f64>> = list.iter().map(|value| Some(index(value)? as f64)).collect();
            return match found {
                Some(found) if !found.is_empty() => Ok(Range::Among(found)),
                _ => Err(refused(format!("one or a list of {}", names.join(", ")))),
            };
        }
        let ends = match value.as_array().map(Vec::as_slice) {
            Some([from, to]) => number(from).zip(number(to)),
            Some(_) => None,
            None => number(value).map(|value| (value, value)),
        };
        let (smallest, largest) = parameter.bounds;
        let bounds = format!("it goes from {smallest} to {largest}");
        let Some((from, to)) = ends else {
            return Err(refused(format!("a number or a range [from, to] is needed; {bounds}")));
        };
        if !(smallest..=largest).contains(&from) || !(smallest..=largest).contains(&to) {
            return Err(refused(bounds));
        }
        if from > to {
            return Err(refused(format!("the range is reversed; {bounds}")));
        }
        if parameter.scale == Scale::Whole && (from.fract() != 0.0 || to.fract() != 0.0) {
            return Err(refused(format!("whole numbers are needed; {bounds}")));
        }
        Ok(Range::Between(from, to))
    }

    /// The value at a share, from 0 to below 1, of the range.
    fn value(&self, scale: Scale, share: f64) -> f64 {
        let (from, to) = match self {
            Range::Among(values) => return values[(share * values.len() as f64) as usize],
            Range::Between(from, to) => (*from, *to),
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

/// A finite number.
fn number(value: &toml::Value) -> Option<f64> {
    let number = match value {
        toml::Value::Integer(whole) => *whole as f64,
        toml::Value::Float(number) => *number,
        _ => return None,
    };
    number.is_finite().then_some(number)
}
