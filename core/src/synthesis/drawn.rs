//! The damages drawn for one variant of one picture: enough to apply them and to record them.

use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::{
    SynthesisError,
    canvas::Canvas,
    damage_model::{DamageModel, Scale},
    strength::{Strength, kind_and_strength},
};
use crate::imaging::Image;

/// The name in place of a mixture's name for a picture that is left undamaged.
pub const UNDAMAGED: &str = "none";

/// The damages of one variant with their parameters, in the order in which they are applied.
#[derive(Clone, Debug)]
pub struct Drawn {
    pub(super) mixture: String,
    pub(super) damages: Vec<DrawnDamage>,
}

/// A damage with the values of its parameters.
#[derive(Clone, Debug)]
pub(super) struct DrawnDamage {
    pub model: &'static DamageModel,
    /// One value for each of the model's parameters.
    pub values: Vec<f64>,
    /// Key of the random stream for the damage's noise.
    pub noise_key: u64,
}

impl Drawn {
    /// Returns the mixture's name, or [`UNDAMAGED`] where there is no damage.
    pub fn name(&self) -> &str {
        if self.is_undamaged() { UNDAMAGED } else { &self.mixture }
    }

    /// Returns the strength that the mixture's name states; see [`kind_and_strength`].
    pub fn strength(&self) -> Option<Strength> {
        kind_and_strength(self.name()).1
    }

    /// Whether there is no damage, so that the picture stays as it is.
    pub fn is_undamaged(&self) -> bool {
        self.damages.is_empty()
    }

    /// Returns the damages with every parameter as compact JSON:
    /// `[{"kind":"jpeg","quality":40,"subsampling":"4:2:0"}]`.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.damages).expect("numbers and names become JSON")
    }

    /// Damages a picture. Size, channels and alpha stay. Samples are rounded to 8 bits once, at the end; the damage
    /// `jpeg` rounds as well.
    ///
    /// # Errors
    /// When `jpeg` is among the damages and the picture is too large for one.
    pub fn apply(&self, image: &Image) -> Result<Image, SynthesisError> {
        if self.is_undamaged() {
            return Ok(image.clone());
        }
        let mut canvas = Canvas::new(image);
        for damage in &self.damages {
            (damage.model.apply)(&mut canvas, &damage.values, damage.noise_key)?;
        }
        let alpha = image.alpha().map(<[u8]>::to_vec);
        let damaged = Image::new(image.width(), image.height(), image.channels(), canvas.samples(), alpha);
        Ok(damaged.expect("damages keep the picture's shape"))
    }
}

impl Serialize for DrawnDamage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1 + self.values.len()))?;
        map.serialize_entry("kind", self.model.kind)?;
        for (parameter, &value) in self.model.parameters.iter().zip(&self.values) {
            match parameter.scale {
                Scale::Names(names) => map.serialize_entry(parameter.name, names[value as usize])?,
                Scale::Whole => map.serialize_entry(parameter.name, &(value as i64))?,
                Scale::Linear | Scale::Logarithmic => map.serialize_entry(parameter.name, &value)?,
            }
        }
        map.end()
    }
}
