//! `POST /replay`: a receipt and its input in, the same picture out. Nothing is predicted.

use axum::{
    extract::{Request, State},
    response::Response,
};

use pentimento_core::restoration::{
    self,
    receipt::{Receipt, ReceiptError},
};

use super::{
    AppState,
    accept::Accept,
    error::Kind,
    extract,
    parameters::{Given, OF_REPLAY},
    problem::Problem,
    response,
    timing::Timings,
};

/// Exactly one receipt.
fn only_receipt(bytes: &[u8]) -> Result<Receipt, Problem> {
    let bad = |reason: &str| Problem::new(Kind::BadReceipt, format!("the receipt cannot be read: {reason}"));
    let text = std::str::from_utf8(bytes).map_err(|e| bad(&e.to_string()))?;
    match Receipt::read_all(text) {
        Ok(receipts) => {
            let [receipt] = <[Receipt; 1]>::try_from(receipts).map_err(|several| {
                bad(&format!("the part holds {} receipts, one is needed", several.len()))
            })?;
            Ok(receipt)
        }
        Err(error @ ReceiptError::Version { got, .. }) => {
            Err(Problem::new(Kind::ReceiptVersion, error.to_string()).value(got))
        }
        Err(ReceiptError::Syntax(error)) => Err(bad(&error.to_string())),
    }
}

pub(super) async fn replay(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let mut timings = Timings::start("receive");
    let accept = Accept::of(request.headers());
    Given::in_query(request.uri(), OF_REPLAY)?;
    let place = state.admit()?;
    let (receipt, bytes) = extract::receipt_and_picture(request, &state).await?;
    let receipt = only_receipt(&receipt)?;
    let format = receipt.output.format;
    let choice = accept.choose(format, Some(format))?;
    timings.begin("wait");
    let limits = state.limits;
    let (answer, timings) = place
        .run(move || {
            timings.begin("verify");
            let mut hook = |stage: restoration::Stage| timings.begin(stage.name());
            let restored = restoration::replay(&receipt, &bytes, &limits, &mut hook);
            let answer = restored.map(|restored| response::Answer::new(restored, &bytes));
            timings.end();
            (answer, timings)
        })
        .await?;
    Ok(response::restored(answer?, choice.body, &timings))
}
