//! Models as files.

use std::{fs, path::Path};

use anyhow::{Result, anyhow};

use pentimento_core::models::predictor::{NAMES, Predictor};

/// Returns the predictor of a model file or of an embedded model's name. An empty path names the built-in model.
///
/// # Errors
/// When the file cannot be read or is no model.
pub fn predictor(path: &Path) -> Result<Predictor> {
    if path.as_os_str().is_empty() {
        return Ok(Predictor::built_in());
    }
    if let Some(carried) = path.to_str().and_then(Predictor::named) {
        return Ok(carried);
    }
    let bytes = fs::read(path)
        .map_err(|e| anyhow!("reading the model {}: {e} (or one of {})", path.display(), NAMES.join(", ")))?;
    Predictor::from_bytes(&bytes).map_err(|e| anyhow!("the model {}: {e}", path.display()))
}
