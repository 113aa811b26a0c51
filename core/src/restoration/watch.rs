//! What the caller of a restoration watches it with: a hook for its stages, and the flag that stops it.

use super::request::Stage;
use crate::cancel::{Cancel, Cancelled};

/// The caller's hook and flag. The hook is called as each stage begins. Once the flag is set, the restoration ends with
/// an error at its next look at the flag. The core looks between blocks of rows, and after a call into libjpeg or libwebp.
pub struct Watch<'h> {
    hook: Option<&'h mut dyn FnMut(Stage)>,
    cancel: Cancel,
}

impl<'h> Watch<'h> {
    /// Watches nothing: no hook, and nobody stops the work.
    pub fn none() -> Self {
        Self { hook: None, cancel: Cancel::never() }
    }

    /// Calls `hook` as each stage begins.
    pub fn new(hook: &'h mut dyn FnMut(Stage)) -> Self {
        Self { hook: Some(hook), cancel: Cancel::never() }
    }

    /// Stops the work once `cancel` is set.
    #[must_use]
    pub fn cancelled_by(self, cancel: &Cancel) -> Self {
        Self { cancel: cancel.clone(), ..self }
    }

    /// The flag that stops the work.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// The same hook and flag, for a shorter time.
    pub(super) fn reborrow(&mut self) -> Watch<'_> {
        let hook: Option<&mut dyn FnMut(Stage)> = match &mut self.hook {
            Some(hook) => Some(&mut **hook),
            None => None,
        };
        Watch { hook, cancel: self.cancel.clone() }
    }

    /// Reports the beginning of a stage. The hook is called first, so it may be the one that cancels.
    pub(super) fn begin(&mut self, stage: Stage) -> Result<(), Cancelled> {
        if let Some(hook) = &mut self.hook {
            hook(stage);
        }
        self.cancel.check()
    }
}
