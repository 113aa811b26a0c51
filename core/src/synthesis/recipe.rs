//! Recipes: weighted mixtures of damages, each parameter with a range. A recipe is read from TOML and checked
//! completely.

use serde::Deserialize;
use thiserror::Error;

use super::{
    all::MODELS,
    damage_model::{DamageModel, DamageParameter},
    drawn::{Drawn, DrawnDamage, UNDAMAGED},
    random::key,
    range::{ValueRange, number},
};
use crate::{imaging::codec::Format, numeric::random::RandomStream};

/// Longest text of a recipe, in bytes (1 MiB).
pub const RECIPE_BYTES_MAX: u64 = 1 << 20;
const VARIANTS_MAX: u32 = 1000;
const MIXTURES_MAX: usize = 256;
const DAMAGES_MAX: usize = 32;
const NAME_LENGTH_MAX: usize = 64;

/// A checked recipe: weighted mixtures of damages, and how many damaged pictures are made of each undamaged one.
#[derive(Clone, Debug)]
pub struct Recipe {
    variants: u32,
    clean_share: f64,
    encoding: DamagedEncoding,
    mixtures: Vec<Mixture>,
}

/// Format and quality in which damaged pictures are stored. Every format but JPEG stores them exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DamagedEncoding {
    /// File format.
    pub format: Format,
    /// Quality of JPEG, 1–100; `None` means the codec's own. Other formats have none.
    pub quality: Option<u8>,
}

/// Damages that are applied in order.
#[derive(Clone, Debug)]
struct Mixture {
    name: String,
    /// Share among the weights of all mixtures.
    weight: f64,
    damages: Vec<Damage>,
}

/// A damage of a mixture.
#[derive(Clone, Debug)]
struct Damage {
    model: &'static DamageModel,
    /// Probability of the damage, above 0 and at most 1.
    chance: f64,
    /// One range for each of the model's parameters.
    ranges: Vec<ValueRange>,
}

/// Reason why a text is not a recipe.
#[derive(Debug, Error)]
pub enum RecipeError {
    /// The text is not TOML, or a key is unknown.
    #[error("not a recipe: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A value of the recipe or of a mixture is not allowed.
    #[error("{name} {got} is not allowed: {allowed}")]
    Value {
        /// Name of the value.
        name: String,
        /// The value.
        got: String,
        /// The allowed values.
        allowed: String,
    },
    /// A damage of a mixture is not allowed.
    #[error("mixture {mixture:?}, damage {number}: {reason}")]
    Damage {
        /// The mixture's name.
        mixture: String,
        /// Number of the damage within the mixture, from 1.
        number: usize,
        /// Description of the fault.
        reason: String,
    },
}

/// A recipe as TOML has it.
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

/// A mixture as TOML has it.
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

impl Recipe {
    /// Reads a recipe from TOML.
    ///
    /// # Errors
    /// For unknown keys and kinds, values that are not finite numbers, and ranges that are reversed or out of bounds.
    /// The error names the allowed range.
    pub fn from_toml(text: &str) -> Result<Self, RecipeError> {
        let text: RecipeText = toml::from_str(text)?;
        within("variants", text.variants.into(), 1.0, VARIANTS_MAX.into())?;
        within("clean_share", text.clean_share, 0.0, 1.0)?;
        within("the number of mixtures", text.mixture.len() as f64, 1.0, MIXTURES_MAX as f64)?;
        let encoding = DamagedEncoding::new(text.format, text.quality)?;
        let mixtures = text.mixture.into_iter().map(Mixture::new).collect::<Result<Vec<_>, _>>()?;
        for (i, mixture) in mixtures.iter().enumerate() {
            let is_new = mixtures[..i].iter().all(|earlier| earlier.name != mixture.name);
            check(is_new, "the mixture's name", &mixture.name, || "another mixture has it".to_owned())?;
        }
        Ok(Self { variants: text.variants, clean_share: text.clean_share, encoding, mixtures })
    }

    /// Returns the number of damaged pictures made of each undamaged one, at least 1.
    pub fn variants(&self) -> u32 {
        self.variants
    }

    /// Returns how damaged pictures are stored.
    pub fn encoding(&self) -> DamagedEncoding {
        self.encoding
    }

    /// Draws the damages of variant `variant` of the picture named `source`. Seed, name and number decide; nothing
    /// else does.
    ///
    /// Every parameter has a random number of its own. So narrowing one range does not change the values of the others.
    pub fn draw(&self, seed: u64, source: &str, variant: u32) -> Drawn {
        let mut draws = RandomStream::new(key(seed, source, variant, "mixture"));
        let undamaged = draws.uniform() < self.clean_share;
        let mixture = self.mixture_at(draws.uniform());
        if undamaged {
            return Drawn { mixture: UNDAMAGED.to_owned(), damages: Vec::new() };
        }
        mixture.draw(seed, source, variant)
    }

    /// Names of the mixtures, in the recipe's order.
    pub fn mixtures(&self) -> impl Iterator<Item = &str> {
        self.mixtures.iter().map(|mixture| mixture.name.as_str())
    }

    /// Draws the damages of the mixture with this name, as [`Recipe::draw`] does where it draws this mixture. `None` for
    /// an unknown name.
    pub fn draw_mixture(&self, name: &str, seed: u64, source: &str, variant: u32) -> Option<Drawn> {
        let mixture = self.mixtures.iter().find(|mixture| mixture.name == name)?;
        Some(mixture.draw(seed, source, variant))
    }

    /// Returns the mixture at `share`, 0–1, of the summed weights.
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

impl DamagedEncoding {
    fn new(format: Option<Format>, quality: Option<u8>) -> Result<Self, RecipeError> {
        let format = format.unwrap_or(Format::Png);
        check(format.is_written(), "format", format, || {
            "pictures are written as PNG, JPEG, WebP, TIFF, BMP, JXL and AVIF".to_owned()
        })?;
        if let Some(quality) = quality {
            within("quality", quality.into(), 1.0, 100.0)?;
            check(matches!(format, Format::Jpeg | Format::Avif), "quality", quality, || {
                format!("{format} stores pictures exactly")
            })?;
        }
        Ok(Self { format, quality })
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
            || format!("it has 1 to {NAME_LENGTH_MAX} of a-z, 0-9, _ and -; {UNDAMAGED:?} means undamaged"),
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

    /// Draws the damages of this mixture.
    fn draw(&self, seed: u64, source: &str, variant: u32) -> Drawn {
        let key = |purpose: &str| key(seed, source, variant, purpose);
        let damages = self.damages.iter().enumerate().filter_map(|(i, damage)| {
            let mut draws = RandomStream::new(key(&format!("damage {i}")));
            let happens = draws.uniform() < damage.chance;
            happens.then(|| DrawnDamage {
                model: damage.model,
                values: damage.values(&mut draws),
                noise_key: key(&format!("noise {i}")),
            })
        });
        Drawn { mixture: self.name.clone(), damages: damages.collect() }
    }
}

/// Refuses a value that is not from `from` to `to`.
fn within(name: &str, got: f64, from: f64, to: f64) -> Result<(), RecipeError> {
    check((from..=to).contains(&got), name, got, || format!("it goes from {from} to {to}"))
}

/// Refuses a value unless `holds`. `allowed` completes the message.
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
    /// Reads `{ kind = "…", chance = …, PARAMETER = … }`.
    fn new(mut table: toml::Table) -> Result<Self, String> {
        let kind = match table.remove("kind") {
            Some(toml::Value::String(kind)) => kind,
            _ => return Err("kind = \"…\" is missing".to_owned()),
        };
        let Some(model) = MODELS.into_iter().find(|model| model.kind == kind) else {
            let kinds: Vec<&str> = MODELS.iter().map(|model| model.kind).collect();
            return Err(format!("kind {kind:?} is unknown; the kinds are {}", kinds.join(", ")));
        };
        let chance = chance(&kind, table.remove("chance"))?;
        if table.is_empty() {
            return Err(format!("{kind}: no parameter is given, so the damage would change nothing"));
        }
        let mut range =
            |parameter: &DamageParameter| match (table.remove(parameter.name), parameter.otherwise) {
                (Some(value), _) => {
                    ValueRange::new(parameter, &value).map_err(|reason| format!("{kind}: {reason}"))
                }
                (None, Some(otherwise)) => Ok(ValueRange::Between(otherwise, otherwise)),
                (None, None) => Err(format!("{kind}: {} is missing", parameter.name)),
            };
        let ranges = model.parameters.iter().map(&mut range).collect::<Result<_, _>>()?;
        match table.keys().next() {
            None => Ok(Self { model, chance, ranges }),
            Some(unknown) => {
                let known: Vec<&str> = model.parameters.iter().map(|parameter| parameter.name).collect();
                Err(format!(
                    "{kind}: {unknown:?} is unknown; the parameters are {} and chance",
                    known.join(", ")
                ))
            }
        }
    }

    /// Draws one value per parameter, in the parameters' order.
    fn values(&self, draws: &mut RandomStream) -> Vec<f64> {
        let parameters = self.model.parameters.iter().zip(&self.ranges);
        parameters.map(|(parameter, range)| range.value(parameter.scale, draws.uniform())).collect()
    }
}

/// Reads the chance of a damage; 1 where none is given.
fn chance(kind: &str, value: Option<toml::Value>) -> Result<f64, String> {
    let Some(value) = value else { return Ok(1.0) };
    number(&value)
        .filter(|chance| *chance > 0.0 && *chance <= 1.0)
        .ok_or_else(|| format!("{kind}: chance = {value} is not allowed: it is above 0 and at most 1"))
}
