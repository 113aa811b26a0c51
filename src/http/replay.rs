//! `POST /replay`: makes the same picture again from a receipt and its input. Predicts nothing.

use axum::{
    extract::{Request, State},
    response::Response,
};

use pentimento_core::restoration::{self, receipt::Receipt};

use super::{
    accept::Accept,
    extract,
    kind::ProblemKind,
    parameters::{Given, OF_REPLAY},
    problem::Problem,
    response,
    state::AppState,
    timing::Timings,
};

/// Reads exactly one receipt.
fn only_receipt(bytes: &[u8]) -> Result<Receipt, Problem> {
    let bad =
        |reason: &str| Problem::new(ProblemKind::BadReceipt, format!("the receipt cannot be read: {reason}"));
    let text = std::str::from_utf8(bytes).map_err(|e| bad(&e.to_string()))?;
    let receipts = Receipt::read_all(text)?;
    let [receipt] = <[Receipt; 1]>::try_from(receipts)
        .map_err(|several| bad(&format!("the part must hold one receipt and holds {}", several.len())))?;
    Ok(receipt)
}

/// Answers with the replayed picture or its receipt.
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
            let restored =
                restoration::replay(&receipt, &bytes, &limits, &mut restoration::Watch::new(&mut hook));
            let answer = restored.map(|restored| response::Answer::new(restored, &bytes));
            timings.end();
            (answer, timings)
        })
        .await?;
    Ok(response::restored(answer?, choice.body, &timings))
}
