//! `POST /replay`: makes the same picture again from a receipt and its input. Predicts nothing.

use axum::{
    extract::{Request, State},
    response::Response,
};

use pentimento_core::{
    cancel::Cancel,
    restoration::{self, Cost, ReplayError, Watch, receipt::Receipt},
};

use super::{
    accept::Accept,
    connection::Client,
    kind::ProblemKind,
    parameters::{Given, OF_REPLAY},
    problem::Problem,
    queue::Queue,
    receive,
    response::{self, Finished},
    state::AppState,
    timing::Timings,
    work::WorkPlan,
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
    let timings = Timings::start("receive");
    let accept = Accept::of(request.headers());
    Given::in_query(request.uri(), OF_REPLAY)?;
    let client = Client::of(request.extensions());
    let slot = state.receive(&client).await?;
    let (receipt, bytes) = receive::receipt_and_picture(request, &state).await?;
    drop(slot);
    let _share = state.share(&client)?;
    let receipt = only_receipt(&receipt)?;
    let format = receipt.output.format;
    let choice = accept.choose(format, Some(format))?;
    let limits = state.limits.with_lenient(receipt.lenient).with_page(receipt.page);
    let pages = state.pages(&bytes, limits).await?;
    let cost = Cost::of_replayed_pages(&pages, bytes.len() as u64, &receipt, &limits);
    let (cost, input) = (cost.map_err(ReplayError::from)?, bytes.clone());
    let work =
        move |watch: &mut Watch| restoration::replay(&receipt, &input, &limits, watch).map(Finished::new);
    let plan = WorkPlan { bytes: cost.working_bytes, queue: Queue::OrRefuse, begins_with: Some("verify") };
    let cancel = Cancel::default();
    let working = state.work(plan, &cancel, timings, work);
    let (finished, timings, memory) = state.in_time(working).await?;
    let answer = finished?.answer(&bytes, memory);
    let headers = answer.headers(choice.body, &timings);
    Ok(response::restored(headers, state.send(answer.body(choice.body)).await?))
}
