//! Schemas: versions of feature lists. A model names its schema, so it gets the features that it was trained on.

use super::{FEATURE_NAMES, FEATURE_SCHEMA, FeatureError, rich, seed};
use crate::cancel::Cancel;
use crate::imaging::Image;

/// Version of a feature list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Schema {
    /// The first system's 14 features of the whole picture.
    Seed,
    /// 124 cheap features of a reduced picture and of some windows.
    Rich,
}

impl Schema {
    /// All schemas.
    pub const ALL: [Schema; 2] = [Schema::Seed, Schema::Rich];

    /// Returns the name with its version, as models and receipts write it.
    pub const fn name(self) -> &'static str {
        match self {
            Schema::Seed => FEATURE_SCHEMA,
            Schema::Rich => rich::RICH_SCHEMA,
        }
    }

    /// Returns the schema of that name and version, if this release has it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|schema| schema.name() == name)
    }

    /// Returns the features' names in the order of tables and vectors.
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Schema::Seed => &FEATURE_NAMES,
            Schema::Rich => &rich::RICH_NAMES,
        }
    }
}

/// The features of one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// Schema of the values.
    pub schema: Schema,
    /// Values in the order of the schema's names, all finite.
    pub values: Vec<f64>,
}

impl Features {
    /// Returns names and values, in the order of the schema.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, f64)> {
        self.schema.names().iter().copied().zip(self.values.iter().copied())
    }
}

/// Measures the features of `image` that `schema` names. Cost: that of [`extract`](super::extract) or [`rich::extract`].
///
/// # Errors
/// When a side is below 7 px.
pub fn measure(image: &Image, schema: Schema) -> Result<Features, FeatureError> {
    measure_until(image, schema, &Cancel::never())
}

/// Same as [`measure`], and stops once `cancel` is set.
///
/// # Errors
/// Same errors as [`measure`], and [`FeatureError::Cancelled`].
pub fn measure_until(image: &Image, schema: Schema, cancel: &Cancel) -> Result<Features, FeatureError> {
    let values = match schema {
        Schema::Seed => seed::extract_until(image, cancel)?.to_vec(),
        Schema::Rich => rich::extract_until(image, cancel)?.to_vec(),
    };
    Ok(Features { schema, values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::extract;
    use crate::imaging::Channels;

    #[test]
    fn schemas_are_found_by_name_and_version() {
        for schema in Schema::ALL {
            assert_eq!(Schema::from_name(schema.name()), Some(schema));
        }
        assert_eq!(Schema::from_name("seed-14/2"), None);
    }

    #[test]
    fn each_schema_measures_its_own() {
        let image = Image::new(9, 8, Channels::Grey, (0..72).collect(), None).unwrap();
        assert_eq!(measure(&image, Schema::Seed).unwrap().values, extract(&image).unwrap());
        let rich = measure(&image, Schema::Rich).unwrap();
        assert_eq!(rich.values, rich::extract(&image).unwrap());
        assert_eq!(rich.named().find(|&(name, _)| name == "luma_mean").unwrap().1, 35.5);
    }
}
