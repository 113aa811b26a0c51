//! `POST /replay`: a receipt and its input in, the same picture out. Nothing is predicted.

use axum::{
    extract::{Request, State},
    response::Response,
};

use crate::{receipt::Receipt, restoration};

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

pub(super) async fn replay(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let mut timings = Timings::start("receive");
    let accept = Accept::of(request.headers());
    Given::in_query(request.uri(), OF_REPLAY)?;
    let place = state.admit()?;
    let (receipt, bytes) = extract::receipt_and_picture(request, &state).await?;
    let receipt: Receipt = serde_json::from_slice(&receipt)
        .map_err(|e| Problem::new(Kind::BadReceipt, format!("the receipt cannot be read: {e}")))?;
    let format = receipt.output.format;
    let choice = accept.choose(format, Some(format))?;
    timings.begin("wait");
    let limits = state.limits;
    let (restored, timings) = place
        .run(move || {
            timings.begin("verify");
            let mut hook = |stage: restoration::Stage| timings.begin(stage.name());
            let restored = restoration::replay(&receipt, &bytes, &limits, &mut hook);
            timings.end();
            (restored, timings)
        })
        .await?;
    Ok(response::restored(restored?, choice.body, &timings))
}
