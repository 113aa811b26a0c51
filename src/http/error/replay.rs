//! Errors of replaying receipts.

use super::super::{kind::ProblemKind, problem::Problem};
use pentimento_core::restoration::{ReplayError, receipt::ReceiptError};

impl From<ReplayError> for Problem {
    fn from(error: ReplayError) -> Self {
        let detail = error.to_string();
        match error {
            ReplayError::Version { got, .. } => {
                Problem::new(ProblemKind::ReceiptVersion, detail).value(u64::from(got))
            }
            ReplayError::Method { got, .. } => Problem::new(ProblemKind::ReceiptMethod, detail).value(got),
            ReplayError::Input { got, .. } => Problem::new(ProblemKind::WrongInput, detail).value(got),
            ReplayError::Parameters(_) | ReplayError::Coefficients(_) | ReplayError::Route => {
                Problem::new(ProblemKind::BadReceipt, detail)
            }
            ReplayError::Differs { what, .. } => Problem::new(ProblemKind::ReplayDiffers, detail).value(what),
            ReplayError::Restore(error) => error.into(),
        }
    }
}

impl From<ReceiptError> for Problem {
    fn from(error: ReceiptError) -> Self {
        let detail = error.to_string();
        match error {
            ReceiptError::Version { got, .. } => Problem::new(ProblemKind::ReceiptVersion, detail).value(got),
            ReceiptError::Syntax(_) => {
                Problem::new(ProblemKind::BadReceipt, format!("the receipt cannot be read: {detail}"))
            }
        }
    }
}
