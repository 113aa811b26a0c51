//! `POST /analyze`: the features of a picture and the predicted parameters, without restoring it.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
    response::Response,
};
use serde::Serialize;

use pentimento_core::{
    cancel::Cancel,
    imaging::codec::{self, Format, Notes},
    models::{Assume, classic::RawPrediction, predictor::Predictor},
    restoration::{
        self, Analysis, Cost, Watch,
        receipt::{RecordedFeatures, RecordedParameters},
    },
};

use super::{
    accept::Accept,
    connection::Client,
    headers::SERVER_TIMING,
    parameters::{Given, OF_ANALYZE},
    problem::Problem,
    queue::Queue,
    receive, response,
    state::AppState,
    timing::Timings,
    work::{WorkPlan, read_header},
};

/// Answers with the analysis as JSON.
pub(super) async fn analyze(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let timings = Timings::start("receive");
    Accept::of(request.headers()).require_json()?;
    let mut given = Given::in_query(request.uri(), OF_ANALYZE)?.with_defaults(state.defaults);
    given.requested()?;
    given.lenient()?;
    given.page()?;
    let client = Client::of(request.extensions());
    let slot = state.receive(&client).await?;
    let bytes = receive::picture(request, &state, &mut given).await?.bytes;
    drop(slot);
    let _share = state.share(&client)?;
    let requested = given.requested()?;
    let limits = state.limits.with_lenient(given.lenient()?).with_page(given.page()?);
    let (one_page, _) = read_header(&bytes, move |bytes| codec::one_page(bytes, &limits)).await??;
    let cost = Cost::of_analysis(&state.header(&bytes, one_page).await?, state.predictor.schema());
    let predictor = state.predictor.clone();
    let work = move |watch: &mut Watch| {
        let analysis = restoration::analyze(&bytes, &requested, &predictor, &limits, watch);
        analysis.map(|analysis| AnalysisDocument::new(&analysis, &predictor, requested.assume()))
    };
    let plan = WorkPlan { bytes: cost.working_bytes, queue: Queue::OrRefuse, begins_with: None };
    let cancel = Cancel::default();
    let working = state.work(plan, &cancel, timings, work);
    let (document, timings, _memory) = state.in_time(working).await?;
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
    /// What decoding tolerated, left out or converted; absent if that is nothing.
    #[serde(skip_serializing_if = "Notes::is_empty")]
    notes: Notes,
}

/// The prediction in an [`AnalysisDocument`].
#[derive(Serialize)]
struct PredictionDocument {
    /// The model's numbers before rounding and clamping.
    raw: RawPrediction,
    /// The parameters that a restoration would apply.
    parameters: RecordedParameters,
    /// The assumption under which the model decided; absent if it is auto.
    #[serde(skip_serializing_if = "Assume::is_auto")]
    assume: Assume,
}

/// The name and the digest of the model that predicted.
#[derive(Serialize)]
struct ModelIdentity {
    id: String,
    sha256: String,
}

impl AnalysisDocument {
    fn new(analysis: &Analysis, predictor: &Predictor, assume: Assume) -> Self {
        let &Analysis { width, height, format, ref features, ref prediction, ref notes } = analysis;
        let (raw, parameters) = (prediction.raw(), (&prediction.parameters()).into());
        let prediction = PredictionDocument { raw, parameters, assume };
        let model = ModelIdentity { id: predictor.id().to_owned(), sha256: predictor.sha256().to_owned() };
        Self { width, height, format, features: features.into(), prediction, model, notes: notes.clone() }
    }
}
