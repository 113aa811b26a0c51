//! Layers of settings, laid over each other.

use std::collections::BTreeMap;

use toml::Value;

use super::{error::ConfigError, origin::Origin, sections::Config};

/// Text of the embedded defaults.
const DEFAULTS: &str = include_str!("../../config/default.toml");
/// Prefix of the environment variables that set settings.
const VARIABLE_PREFIX: &str = "PENTIMENTO_";

/// The layers laid over each other: every key with its value and the layer that set it.
#[derive(Clone, Debug)]
pub struct Settings {
    values: BTreeMap<String, (Value, Origin)>,
}

impl Settings {
    /// Returns the embedded defaults.
    pub fn defaults() -> Self {
        let table = DEFAULTS.parse().expect("the embedded defaults are tested");
        let values = flatten(table).into_iter().map(|(k, v)| (k, (v, Origin::Default))).collect();
        Self { values }
    }

    /// Lays the text of a `--config` file over the settings.
    ///
    /// # Errors
    /// For text that is not TOML, and for unknown keys.
    pub fn with_file(mut self, path: &str, text: &str) -> Result<Self, ConfigError> {
        let origin = Origin::File(path.to_owned());
        let table = text.parse().map_err(|e: toml::de::Error| ConfigError::Syntax {
            origin: origin.clone(),
            reason: e.to_string(),
        })?;
        for (key, value) in flatten(table) {
            self.set(&key, value, origin.clone())?;
        }
        Ok(self)
    }

    /// Lays environment variables of the form `PENTIMENTO_SECTION__KEY` over the settings. Ignores variables without
    /// the prefix `PENTIMENTO_`.
    ///
    /// # Errors
    /// For unknown keys, for example after a single underscore between section and key, and for numbers that are not
    /// whole.
    pub fn with_variables(
        mut self,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut ours: Vec<_> = variables.filter(|(name, _)| name.starts_with(VARIABLE_PREFIX)).collect();
        ours.sort();
        for (name, text) in ours {
            let key = name[VARIABLE_PREFIX.len()..].to_lowercase().replace("__", ".");
            self = self.with_text(&key, &text, Origin::Variable(name))?;
        }
        Ok(self)
    }

    /// Lays the value of a command-line flag over the settings.
    ///
    /// # Errors
    /// For unknown keys, for numbers that are not whole, and for switches that are neither true nor false.
    pub fn with_flag(self, flag: &str, key: &str, text: &str) -> Result<Self, ConfigError> {
        self.with_text(key, text, Origin::Flag(flag.to_owned()))
    }

    /// Sets a key to a value given as text. The text is read in the type of the default.
    fn with_text(mut self, key: &str, text: &str, origin: Origin) -> Result<Self, ConfigError> {
        let value = match Self::defaults().values.get(key).map(|(default, _)| default) {
            Some(Value::Integer(_)) => {
                text.trim().parse().map(Value::Integer).map_err(|_| ConfigError::Value {
                    key: key.to_owned(),
                    value: format!("{text:?}"),
                    origin: origin.clone(),
                    reason: "the value must be a whole number".to_owned(),
                })?
            }
            Some(Value::Boolean(_)) => {
                text.trim().parse().map(Value::Boolean).map_err(|_| ConfigError::Value {
                    key: key.to_owned(),
                    value: format!("{text:?}"),
                    origin: origin.clone(),
                    reason: "the value must be true or false".to_owned(),
                })?
            }
            // Names in a variable are separated by commas.
            Some(Value::Array(_)) => {
                let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
                Value::Array(names.map(|name| Value::String(name.to_owned())).collect())
            }
            _ => Value::String(text.to_owned()),
        };
        self.set(key, value, origin)?;
        Ok(self)
    }

    fn set(&mut self, key: &str, value: Value, origin: Origin) -> Result<(), ConfigError> {
        match self.values.get_mut(key) {
            Some(slot) => {
                *slot = (value, origin);
                Ok(())
            }
            None => Err(ConfigError::Unknown { key: key.to_owned(), origin, suggestion: self.nearest(key) }),
        }
    }

    /// Returns the known key most similar to `key`, if the similarity (Jaro-Winkler) is above 0.8.
    fn nearest(&self, key: &str) -> Option<String> {
        let close = |known: &&String| strsim::jaro_winkler(known, key);
        let best = self.values.keys().max_by(|a, b| close(a).total_cmp(&close(b)))?;
        (close(&best) > 0.8).then(|| best.clone())
    }

    /// Returns every key with its value as TOML and its origin, sorted by key.
    pub fn entries(&self) -> impl Iterator<Item = (&str, String, &Origin)> {
        self.values.iter().map(|(key, (value, origin))| (key.as_str(), value.to_string(), origin))
    }

    /// Returns the typed sections.
    ///
    /// # Errors
    /// For values of the wrong type or out of range. The error names the key and its origin.
    pub fn config(&self) -> Result<Config, ConfigError> {
        // serde's error does not name the layer that set a value. So the values go into the defaults one by one: the
        // first that makes them invalid is the wrong one.
        let mut sections = toml::Table::new();
        for (key, (value, _)) in &Self::defaults().values {
            insert(&mut sections, key, value.clone());
        }
        for (key, (value, origin)) in &self.values {
            insert(&mut sections, key, value.clone());
            let refused = |reason: String| ConfigError::Value {
                key: key.clone(),
                value: value.to_string(),
                origin: origin.clone(),
                reason,
            };
            let config: Config =
                sections.clone().try_into().map_err(|e: toml::de::Error| refused(e.message().to_owned()))?;
            config.check(key).map_err(|reason| refused(reason.to_owned()))?;
        }
        Ok(sections.try_into().expect("checked key by key"))
    }
}

/// Sets `section.key` in a table of sections.
fn insert(sections: &mut toml::Table, key: &str, value: Value) {
    let (section, name) = key.split_once('.').expect("every key has a section");
    let section = sections.entry(section).or_insert_with(|| Value::Table(toml::Table::new()));
    section.as_table_mut().expect("sections are tables").insert(name.to_owned(), value);
}

/// Returns the values of a TOML table by `section.key`. A value outside a section keeps its bare name, which is
/// unknown.
fn flatten(table: toml::Table) -> Vec<(String, Value)> {
    let mut flat = Vec::new();
    for (section, value) in table {
        match value {
            Value::Table(keys) => flat.extend(keys.into_iter().map(|(k, v)| (format!("{section}.{k}"), v))),
            other => flat.push((section, other)),
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;
    use pentimento_core::imaging::codec::Limits;

    fn variable(name: &str, value: &str) -> Result<Settings, ConfigError> {
        Settings::defaults().with_variables([(name.to_owned(), value.to_owned())].into_iter())
    }

    #[test]
    fn the_embedded_defaults_are_complete() {
        let config = Settings::defaults().config().unwrap();
        assert_eq!(config.server.address.to_string(), "127.0.0.1:8080");
        assert_eq!(config.limits.limits(), Limits::default());
    }

    #[test]
    fn later_layers_win_and_tell_where_they_came_from() {
        let settings =
            Settings::defaults().with_file("a.toml", "[compute]\nthreads = 2\nwaiting_max = 3").unwrap();
        let variables = [("PENTIMENTO_COMPUTE__THREADS".to_owned(), "5".to_owned())];
        let settings = settings.with_variables(variables.into_iter()).unwrap();
        let settings = settings.with_flag("--address", "server.address", "127.0.0.1:0").unwrap();
        let config = settings.config().unwrap();
        assert_eq!((config.compute.threads, config.compute.waiting_max), (5, 3));
        let origin = |key| settings.entries().find(|e| e.0 == key).unwrap().2.to_string();
        assert_eq!(origin("compute.threads"), "variable PENTIMENTO_COMPUTE__THREADS");
        assert_eq!(origin("compute.waiting_max"), "file a.toml");
        assert_eq!(origin("server.address"), "flag --address");
        assert_eq!(origin("log.filter"), "default");
    }

    #[test]
    fn unknown_keys_stop_with_a_suggestion() {
        let error = variable("PENTIMENTO_LIMITS__PIXEL_MAX", "5").unwrap_err().to_string();
        assert!(error.contains("limits.pixel_max") && error.contains("limits.pixels_max"), "{error}");
        let error = Settings::defaults().with_file("f", "threads = 3").unwrap_err().to_string();
        assert!(error.contains("unknown setting \"threads\""), "{error}");
        assert!(variable("PENTIMENTO_THREADS", "3").is_err());
        assert!(variable("OTHER_THREADS", "3").is_ok());
    }

    #[test]
    fn bad_values_name_key_and_origin() {
        let error = variable("PENTIMENTO_COMPUTE__THREADS", "many").unwrap_err().to_string();
        assert!(error.contains("compute.threads") && error.contains("whole number"), "{error}");
        let settings = variable("PENTIMENTO_SERVER__ADDRESS", "here").unwrap();
        let error = settings.config().unwrap_err().to_string();
        assert!(error.contains("server.address") && error.contains("PENTIMENTO_SERVER__ADDRESS"), "{error}");
        let settings = variable("PENTIMENTO_LIMITS__PIXELS_MAX", "-1").unwrap();
        assert!(settings.config().is_err());
        assert!(Settings::defaults().with_file("f", "[log]\nformat = \"xml\"").unwrap().config().is_err());
        for (key, allowed) in
            [("ASSUME", ["auto", "damaged", "faded", "fine"].as_slice()), ("TONE", &["auto", "keep"])]
        {
            let error = variable(&format!("PENTIMENTO_RESTORE__{key}"), "odd").unwrap().config().unwrap_err();
            let error = error.to_string();
            assert!(allowed.iter().all(|name| error.contains(&format!("`{name}`"))), "{error}");
        }
    }
}
