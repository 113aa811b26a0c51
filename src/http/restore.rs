//! `POST /restore`: restores a picture and answers with it or with its receipt.

use axum::{
    extract::{Request, State},
    response::Response,
};

use pentimento_core::{
    imaging::codec::{DecodeError, Format},
    restoration,
};

use super::{
    accept::Accept,
    extract, jobs,
    parameters::{Given, OF_RESTORE},
    problem::Problem,
    response,
    state::AppState,
    timing::Timings,
};

/// Answers with the restored picture or its receipt.
pub(super) async fn restore(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let mut timings = Timings::start("receive");
    let accept = Accept::of(request.headers());
    let headers = request.headers().clone();
    let mut given = Given::in_query(request.uri(), OF_RESTORE)?;
    // A bad query is refused before the body is read. A form may add parameters afterwards.
    given.request()?;
    let place = state.admit()?;
    let bytes = extract::picture(request, &state, &mut given).await?;
    let mut request = given.request()?;
    let own = Format::sniff(&bytes).ok_or(DecodeError::UnknownFormat)?;
    let choice = accept.choose(own, request.format)?;
    request.format = Some(choice.format);
    request.record = choice.body.record();
    if jobs::wants_async(&headers) {
        return jobs::submit_restore(&state, &headers, bytes, &request, None).await;
    }
    timings.begin("wait");
    let AppState { predictor, limits, .. } = state;
    let (answer, timings) = place
        .run(move || {
            let mut hook = |stage: restoration::Stage| timings.begin(stage.name());
            let restored = restoration::restore(&bytes, &request, &predictor, &limits, &mut hook);
            let answer = restored.map(|restored| response::Answer::new(restored, &bytes));
            timings.end();
            (answer, timings)
        })
        .await?;
    Ok(response::restored(answer?, choice.body, &timings))
}
