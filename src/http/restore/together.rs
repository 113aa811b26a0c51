//! Several pictures as one roll, `together=true`: all of them are read before the roll is decided.
//!
//! ```text
//! read all       the bodies wait in the memory for bodies; what does not fit is refused
//! survey         features of each picture, at most running_max + 1 at a time
//! predict_roll   one decision
//! restore        as several pictures without a roll, each with its prediction
//! ```

use std::sync::Arc;

use axum::{body::Bytes, http::HeaderMap};
use tokio::{sync::mpsc, task::JoinSet};
use tracing::Instrument as _;

use pentimento_core::{
    cancel::Cancel,
    models::{RollPrediction, Surveyed},
    restoration::{self, Cost, PredictedPicture, RestoreError, RestoreRequest, Watch},
};

use super::{
    super::{
        in_flight::Outcome, jobs, kind::ProblemKind, parameters::Given, problem::Problem, queue::Queue,
        receive::SentPicture, response::Finished, state::AppState, timing::Timings, work::WorkPlan,
    },
    parts::PictureLabel,
    several::{Incoming, IncomingPicture, SharedRequest},
};

/// Memory for the prediction of a roll, in bytes per picture.
const PREDICTION_BYTES: u64 = 16 << 10;

/// A roll with its prediction. The pictures are those that could be read.
pub(super) struct PredictedRoll {
    surveyed: Vec<Surveyed>,
    prediction: RollPrediction,
}

/// The place of a picture in its roll.
#[derive(Clone)]
pub(super) struct PlaceInRoll {
    roll: Arc<PredictedRoll>,
    index: usize,
}

/// Whether the pictures are one roll about which something is left to decide.
///
/// # Errors
/// When the request would become a job, which knows no rolls yet.
pub(super) fn is_roll(given: &Given, headers: &HeaderMap) -> Result<bool, Problem> {
    let together = given.together()?;
    if together && jobs::wants_async(headers) {
        let detail = "together=true cannot become a job in this release; leave out Prefer: respond-async";
        return Err(Problem::new(ProblemKind::ContradictingParameters, detail).parameter("together"));
    }
    Ok(together && given.requested()?.complete().is_none())
}

/// Decides about the roll and hands its pictures to the work. A picture that cannot be surveyed gets its problem, and one that is too
/// small is treated alone; both are no part of the roll.
pub(super) async fn read(
    shared: &SharedRequest,
    pictures: Vec<(PictureLabel, SentPicture)>,
    to: mpsc::Sender<Incoming>,
) {
    let surveys = survey_all(&shared.state, &shared.request, &pictures).await;
    let mut places = Vec::with_capacity(surveys.len());
    let mut surveyed = Vec::with_capacity(surveys.len());
    for survey in surveys {
        places.push(survey.map(|survey| {
            survey.map(|survey| {
                surveyed.push(survey);
                surveyed.len() - 1
            })
        }));
    }
    let roll = predict(&shared.state, &shared.request, surveyed).await;
    for ((label, picture), place) in pictures.into_iter().zip(places) {
        let incoming = place.and_then(|index| match (index, &roll) {
            (None, _) => Ok(IncomingPicture { picture, place: None }),
            (Some(index), Ok(roll)) => {
                Ok(IncomingPicture { picture, place: Some(PlaceInRoll { roll: roll.clone(), index }) })
            }
            (_, Err(problem)) => Err(problem.clone()),
        });
        if to.send((label, incoming)).await.is_err() {
            return;
        }
    }
}

/// The survey of a picture; `None` if it is too small for a prediction.
type Survey = Result<Option<Surveyed>, Problem>;

/// Surveys the pictures, in their order.
async fn survey_all(
    state: &AppState,
    request: &RestoreRequest,
    pictures: &[(PictureLabel, SentPicture)],
) -> Vec<Survey> {
    let mut surveys: Vec<_> = pictures.iter().map(|_| Err(unfinished())).collect();
    let mut working = JoinSet::new();
    let mut take = |done: Option<Result<(usize, Survey), _>>| match done {
        Some(Ok((index, survey))) => surveys[index] = survey,
        // The place keeps its problem.
        Some(Err(error)) => {
            let error: tokio::task::JoinError = error;
            tracing::error!(%error, "the survey of a picture ended without an outcome");
        }
        None => {}
    };
    for (index, (_, picture)) in pictures.iter().enumerate() {
        if working.len() > state.compute.running_max() {
            take(working.join_next().await);
        }
        let (state, bytes, request) = (state.clone(), picture.bytes.clone(), request.clone());
        working.spawn(async move { (index, state.survey(bytes, &request).await) }.in_current_span());
    }
    while !working.is_empty() {
        take(working.join_next().await);
    }
    surveys
}

/// The problem of a picture whose survey has no outcome.
fn unfinished() -> Problem {
    Problem::new(ProblemKind::Internal, "a fault of the program ended the work on this picture")
}

/// Predicts for the roll.
async fn predict(
    state: &AppState,
    request: &RestoreRequest,
    surveyed: Vec<Surveyed>,
) -> Result<Arc<PredictedRoll>, Problem> {
    let (predictor, parameters) = (state.predictor.clone(), request.parameters);
    let bytes = PREDICTION_BYTES * surveyed.len() as u64;
    let plan = WorkPlan { bytes, queue: Queue::OrWait, begins_with: Some("predict") };
    let work = move |_: &mut Watch| {
        let pictures: Vec<&Surveyed> = surveyed.iter().collect();
        let prediction = predictor.predict_roll(&pictures, &parameters)?;
        Ok::<_, restoration::RestoreError>(PredictedRoll { prediction, surveyed })
    };
    let flag = Cancel::default();
    let (roll, ..) = state.in_time(state.work(plan, &flag, Timings::start("wait"), work)).await?;
    Ok(Arc::new(roll?))
}

impl AppState {
    /// Surveys a picture, within the deadline.
    async fn survey(&self, bytes: Bytes, request: &RestoreRequest) -> Survey {
        let limits = self.limits.with_lenient(request.lenient).with_page(request.page);
        let header = self.header(&bytes, limits).await?;
        let cost = Cost::of_analysis(&header, self.predictor.schema());
        let plan = WorkPlan { bytes: cost.working_bytes, queue: Queue::OrWait, begins_with: None };
        let predictor = self.predictor.clone();
        let work = move |watch: &mut Watch| restoration::survey(&bytes, &predictor, &limits, watch);
        let flag = Cancel::default();
        let (survey, ..) = self.in_time(self.work(plan, &flag, Timings::start("wait"), work)).await?;
        match survey {
            Err(RestoreError::Features(_)) if request.parameters.is_open() => Ok(None),
            survey => Ok(Some(survey?)),
        }
    }

    /// Restores a picture as it was predicted with its roll, within the deadline.
    ///
    /// The same picture in another roll has another answer, so the work is shared with no other request.
    pub(super) async fn restore_in_roll(
        &self,
        bytes: Bytes,
        request: RestoreRequest,
        PlaceInRoll { roll, index }: PlaceInRoll,
    ) -> Outcome {
        let limits = self.limits.with_lenient(request.lenient).with_page(request.page);
        let header = self.header(&bytes, limits).await?;
        let cost = Cost::of_restoration(&header, bytes.len() as u64, &request, self.predictor.schema());
        let plan = WorkPlan { bytes: cost.working_bytes, queue: Queue::OrWait, begins_with: None };
        let (predictor, input) = (self.predictor.clone(), bytes.clone());
        let work = move |watch: &mut Watch| {
            let PredictedRoll { surveyed, prediction } = &*roll;
            let picture = PredictedPicture::of(&predictor, &surveyed[index], prediction, index);
            restoration::restore_surveyed(&input, &request, &picture, &limits, watch).map(Finished::new)
        };
        let flag = Cancel::default();
        let (finished, timings, memory) =
            self.in_time(self.work(plan, &flag, Timings::start("wait"), work)).await?;
        Ok((finished?.answer(&bytes, memory), timings))
    }
}
