//! `POST /analyze`: what is seen in a picture and would be done, without doing it.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
    response::Response,
};
use serde::Serialize;

use pentimento_core::{
    imaging::codec::Format,
    models::{classic::RawPrediction, predictor::Predictor},
    restoration::{
        self, Analysis, Stage,
        receipt::{Features, Parameters},
    },
};

use super::{
    AppState,
    accept::Accept,
    extract,
    headers::SERVER_TIMING,
    parameters::{Given, OF_ANALYZE},
    problem::Problem,
    response,
    timing::Timings,
};

pub(super) async fn analyze(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let mut timings = Timings::start("receive");
    Accept::of(request.headers()).require_json()?;
    let mut given = Given::in_query(request.uri(), OF_ANALYZE)?;
    given.requested()?;
    let place = state.admit()?;
    let bytes = extract::picture(request, &state, &mut given).await?;
    let requested = given.requested()?;
    timings.begin("wait");
    let AppState { predictor, limits, .. } = state;
    let (seen, timings) = place
        .run(move || {
            let mut hook = |stage: Stage| timings.begin(stage.name());
            let seen = restoration::analyze(&bytes, &requested, &predictor, &limits, &mut hook);
            timings.end();
            (seen.map(|analysis| Seen::new(&analysis, &predictor)), timings)
        })
        .await?;
    let mut answer = response::json(&seen?);
    answer.headers_mut().insert(SERVER_TIMING, timings.header());
    answer.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    Ok(answer)
}

#[derive(Serialize)]
struct Seen {
    width: usize,
    height: usize,
    format: Format,
    features: Features,
    prediction: Predicted,
    model: Model,
}

#[derive(Serialize)]
struct Predicted {
    raw: RawPrediction,
    parameters: Parameters,
}

#[derive(Serialize)]
struct Model {
    id: String,
    sha256: String,
}

impl Seen {
    fn new(analysis: &Analysis, predictor: &Predictor) -> Self {
        let &Analysis { width, height, format, ref features, ref prediction } = analysis;
        let prediction = Predicted { raw: prediction.raw(), parameters: (&prediction.parameters()).into() };
        let model = Model { id: predictor.id().to_owned(), sha256: predictor.sha256().to_owned() };
        Self { width, height, format, features: features.into(), prediction, model }
    }
}
