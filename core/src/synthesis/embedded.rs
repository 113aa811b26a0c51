//! The recipes that are part of the program, by name.

use super::Recipe;

/// Names and texts of the embedded recipes.
const EMBEDDED: [(&str, &str); 3] = [
    ("default", include_str!("../../recipes/default.toml")),
    ("photographs", include_str!("../../recipes/photographs.toml")),
    ("photographs-test", include_str!("../../recipes/photographs-test.toml")),
];

impl Recipe {
    /// Names of the embedded recipes: `default`; `photographs`, for training on damages of slides, prints and paintings;
    /// `photographs-test`, for testing such a model on other fadings.
    pub const EMBEDDED_NAMES: [&str; EMBEDDED.len()] = [EMBEDDED[0].0, EMBEDDED[1].0, EMBEDDED[2].0];

    /// Returns the text of an embedded recipe; `None` for another name.
    pub fn embedded_text(name: &str) -> Option<&'static str> {
        EMBEDDED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }

    /// Returns an embedded recipe; `None` for another name.
    pub fn embedded(name: &str) -> Option<Self> {
        Self::embedded_text(name).map(|text| Self::from_toml(text).expect("the embedded recipes are tested"))
    }

    /// Returns the text of the default recipe. Its comments explain every kind of damage and every parameter.
    pub const fn default_text() -> &'static str {
        EMBEDDED[0].1
    }
}

impl Default for Recipe {
    fn default() -> Self {
        Self::from_toml(Self::default_text()).expect("the embedded recipes are tested")
    }
}
