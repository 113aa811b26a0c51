//! Which features a predictor asks for: by schema, so that each model gets what it was trained on.

use super::{FEATURE_NAMES, FEATURE_SCHEMA, FeatureError, extract, rich};
use crate::imaging::Image;

/// A set of features with its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Schema {
    /// The first system's 14, of the whole picture's spectrum.
    Seed,
    /// 110 cheap ones of a reduced picture and some windows.
    Rich,
}

impl Schema {
    /// All there are.
    pub const ALL: [Schema; 2] = [Schema::Seed, Schema::Rich];

    /// The name with its version, as models and receipts have it.
    pub const fn name(self) -> &'static str {
        match self {
            Schema::Seed => FEATURE_SCHEMA,
            Schema::Rich => rich::RICH_SCHEMA,
        }
    }

    /// The schema of that name and version, if this release has it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|schema| schema.name() == name)
    }

    /// The features' names in the order of tables and vectors.
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
    /// What they are.
    pub schema: Schema,
    /// Their values in the order of the schema's names, all finite.
    pub values: Vec<f64>,
}

impl Features {
    /// Name and value, in the order of the schema.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, f64)> {
        self.schema.names().iter().copied().zip(self.values.iter().copied())
    }
}

/// The features of `image` that `schema` names; costs what [`extract`] or [`rich::extract`] does.
///
/// # Errors
/// When a side is below 7 px.
pub fn measure(image: &Image, schema: Schema) -> Result<Features, FeatureError> {
    let values = match schema {
        Schema::Seed => extract(image)?.to_vec(),
        Schema::Rich => rich::extract(image)?.to_vec(),
    };
    Ok(Features { schema, values })
}

#[cfg(test)]
mod tests {
    use super::*;
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
