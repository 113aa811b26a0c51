//! `POST /analyze`: the features of a picture and the predicted parameters, without restoring it.

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
        receipt::{RecordedFeatures, RecordedParameters},
    },
};

use super::{
    accept::Accept,
    extract,
    headers::SERVER_TIMING,
    parameters::{Given, OF_ANALYZE},
    problem::Problem,
    response,
    state::AppState,
    timing::Timings,
};

/// Answers with the analysis as JSON.
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
    let (document, timings) = place
        .run(move || {
            let mut hook = |stage: Stage| timings.begin(stage.name());
            let analysis = restoration::analyze(
                &bytes,
                &requested,
                &predictor,
                &limits,
                &mut restoration::Watch::new(&mut hook),
            );
            timings.end();
            (analysis.map(|analysis| AnalysisDocument::new(&analysis, &predictor)), timings)
        })
        .await?;
    let mut answer = response::json(&document?);
    answer.headers_mut().insert(SERVER_TIMING, timings.header());
    answer.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    Ok(answer)
}

/// The answer's body.
#[derive(Serialize)]
struct AnalysisDocument {
    width: usize,
    height: usize,
    format: Format,
    features: RecordedFeatures,
    prediction: PredictionDocument,
    model: ModelIdentity,
}

/// The prediction in an [`AnalysisDocument`].
#[derive(Serialize)]
struct PredictionDocument {
    /// The model's numbers before rounding and clamping.
    raw: RawPrediction,
    /// The parameters that a restoration would apply.
    parameters: RecordedParameters,
}

/// The name and the digest of the model that predicted.
#[derive(Serialize)]
struct ModelIdentity {
    id: String,
    sha256: String,
}

impl AnalysisDocument {
    fn new(analysis: &Analysis, predictor: &Predictor) -> Self {
        let &Analysis { width, height, format, ref features, ref prediction } = analysis;
        let prediction =
            PredictionDocument { raw: prediction.raw(), parameters: (&prediction.parameters()).into() };
        let model = ModelIdentity { id: predictor.id().to_owned(), sha256: predictor.sha256().to_owned() };
        Self { width, height, format, features: features.into(), prediction, model }
    }
}
