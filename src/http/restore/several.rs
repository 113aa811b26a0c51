//! The answer to several pictures: one part or two for each picture, as soon as they are ready.
//!
//! ```text
//!  read      the form's pictures ---> work: at most running_max + 1 pictures ---> send: parts, as the client reads them
//! ```
//!
//! Reading and sending go on at the same time. If the client does not read, the answers wait up to a share of the memory;
//! then no further picture is read. A client that sends everything before it reads would wait for ever. It gets a problem
//! for each picture that is left, and so reaches the end of its form.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use axum::{extract::Request, response::Response};
use multipart_stream::Part;
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
    time::sleep,
};
use tower_http::request_id::RequestId;
use tracing::Instrument as _;

use pentimento_core::{
    imaging::codec,
    restoration::{Record, RestoreRequest},
};

use super::{
    super::{
        admission::ReceivingSlot,
        callers::CallersRequest,
        connection::Client,
        error::BodyError,
        in_flight::Outcome,
        kind::ProblemKind,
        parameters::{AnswerOrder, Given, unknown},
        problem::Problem,
        queue::Queue,
        receive::{Form, FormPart, IMAGE, PictureForm, SentPicture},
        state::AppState,
        timing::Timings,
    },
    parts::{self, PartSender, PictureLabel, parts_of, problem_part},
    together::{self, PlaceInRoll},
};
use crate::{compute::ComputeError, memory::held};

/// How long a client may read nothing before its remaining pictures are refused.
const STALL: Duration = Duration::from_secs(5);
/// Period of looking whether a client reads.
const STALL_PERIOD: Duration = Duration::from_millis(500);
/// Bytes of an answer besides its picture: receipt or problem, headers, name.
const ENTRY_BYTES: u64 = 8 << 10;
/// Part of the memory for work that the waiting answers of one request may take: a quarter.
const UNSENT_DIVISOR: u64 = 4;

/// The pictures of a request.
pub(super) enum Pictures {
    /// The first one, and the rest of the form.
    Arriving(SentPicture, Option<Box<(FormPart, Form)>>),
    /// The pictures of a roll, all of them read.
    Roll(Vec<(PictureLabel, SentPicture)>),
}

impl Pictures {
    /// One picture, whose receipt comes with it.
    pub(super) fn one(first: SentPicture) -> Self {
        Self::Arriving(first, None)
    }

    /// The pictures of a form, of which the first has been read.
    pub(super) fn form(PictureForm { first, second, form }: PictureForm) -> Self {
        Self::Arriving(first, Some(Box::new((second, form))))
    }

    /// The pictures of a form that are one roll.
    pub(super) fn roll(pictures: Vec<SentPicture>) -> Self {
        let labelled = pictures.into_iter().zip(1..).map(|(picture, number)| {
            (PictureLabel { number, file_name: picture.file_name.clone() }, picture)
        });
        Self::Roll(labelled.collect())
    }
}

/// What every picture of the request shares.
pub(super) struct SharedRequest {
    pub(super) state: AppState,
    pub(super) request: RestoreRequest,
    order: AnswerOrder,
    client: Client,
    request_id: Option<String>,
}

/// A picture on its way from the reader to the work.
pub(super) struct IncomingPicture {
    pub(super) picture: SentPicture,
    /// Its place in its roll, if it was predicted with one.
    pub(super) place: Option<PlaceInRoll>,
}

/// A picture, or why there is none.
pub(super) type Incoming = (PictureLabel, Result<IncomingPicture, Problem>);

/// The id of a request, for the problem documents among the parts.
pub(super) fn id_of(request: &Request) -> Option<String> {
    let id = request.extensions().get::<RequestId>()?;
    id.header_value().to_str().ok().map(str::to_owned)
}

/// Answers with the parts of every picture.
pub(super) fn answer(
    state: &AppState,
    given: &Given,
    pictures: Pictures,
    held: (Option<ReceivingSlot>, CallersRequest),
    (client, request_id): (Client, Option<String>),
) -> Result<Response, Problem> {
    let request = RestoreRequest { record: Record::Kept, ..given.request()? };
    let shared = SharedRequest { state: state.clone(), request, order: given.order()?, client, request_id };
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(converse(shared, pictures, held, sender).in_current_span());
    Ok(parts::response(receiver))
}

/// Reads, works and sends until every picture has its answer, the client has gone, or the service stops.
async fn converse(
    shared: SharedRequest,
    pictures: Pictures,
    (slot, _share): (Option<ReceivingSlot>, CallersRequest),
    parts: PartSender,
) {
    let (to_work, from_reader) = mpsc::channel(1);
    let unread = Notify::new();
    let gone = parts.clone();
    let mut work = Work::new(&shared, &unread, parts);
    let reading = async {
        read(&shared, pictures, to_work, &unread).await;
        drop(slot);
    };
    let is_cut = tokio::select! {
        ((), ()) = async { tokio::join!(reading, work.run(from_reader)) } => false,
        () = gone.closed() => false,
        () = shared.state.cut_order.given() => true,
    };
    if is_cut {
        work.end_by(ComputeError::Draining.into()).await;
    }
}

/// Reads the pictures of the form and hands them to the work.
async fn read(shared: &SharedRequest, pictures: Pictures, to: mpsc::Sender<Incoming>, unread: &Notify) {
    let (first, rest) = match pictures {
        Pictures::Arriving(first, rest) => (first, rest),
        Pictures::Roll(pictures) => return together::read(shared, pictures, to).await,
    };
    let label = PictureLabel { number: 1, file_name: first.file_name.clone() };
    if to.send((label, Ok(IncomingPicture { picture: first, place: None }))).await.is_err() {
        return;
    }
    let Some((mut part, mut form)) = rest.map(|rest| *rest) else { return };
    let mut refused = Vec::new();
    for number in 2.. {
        let label = PictureLabel { number, file_name: part.file_name() };
        let (picture, next) = picture_of(shared, part, &label, !refused.is_empty()).await;
        match picture {
            Some(picture) => tokio::select! {
                permit = to.reserve() => match permit {
                    Ok(permit) => {
                        let incoming = picture.map(|picture| IncomingPicture { picture, place: None });
                        permit.send((label, incoming));
                    }
                    Err(_) => return,
                },
                () = unread.notified() => refused.push(label),
            },
            None => refused.push(label),
        }
        match next {
            NextPart::Read => {}
            // A client that sends everything before it reads must reach the end of its form.
            NextPart::Drop => {
                form.skip_rest().await;
                break;
            }
            NextPart::None => break,
        }
        match form.next().await {
            Ok(Some(next)) => part = next,
            Ok(None) => break,
            Err(error) => {
                refuse(&to, number + 1, error.into()).await;
                break;
            }
        }
    }
    for label in refused {
        let detail = "the answers to earlier pictures were not read while this picture was sent; read while you send, or \
                      send fewer pictures in one request";
        let problem = Problem::new(ProblemKind::NotRead, detail).setting("memory.budget_bytes");
        if to.send((label, Err(problem))).await.is_err() {
            return;
        }
    }
}

/// What to do with the rest of a form.
enum NextPart {
    Read,
    /// Read it to its end and drop it.
    Drop,
    /// The form is broken.
    None,
}

impl NextPart {
    /// The rest after a part whose content was skipped.
    fn after(skipped: Result<(), BodyError>) -> Self {
        if skipped.is_ok() { NextPart::Read } else { NextPart::None }
    }
}

/// Reads the picture of a part. `None` if its content was skipped. Also returns what to do with the rest of the form.
async fn picture_of(
    shared: &SharedRequest,
    mut part: FormPart,
    label: &PictureLabel,
    skips: bool,
) -> (Option<Result<SentPicture, Problem>>, NextPart) {
    let state = &shared.state;
    if part.name() != IMAGE {
        return (Some(Err(unknown(part.name(), "part after the first picture", &[IMAGE]))), NextPart::Drop);
    }
    if label.number > state.server.pictures_max {
        return (Some(Err(too_many(state.server.pictures_max))), NextPart::Drop);
    }
    if skips {
        return (None, NextPart::after(part.skip().await));
    }
    let max = state.limits.input_bytes_max;
    match part.read(max).await {
        Ok(Some((bytes, memory))) => {
            let picture = SentPicture { bytes: held(bytes, memory), file_name: label.file_name.clone() };
            (Some(Ok(picture)), NextPart::Read)
        }
        Ok(None) => {
            let next = NextPart::after(part.skip().await);
            (Some(Err(BodyError::TooLarge { got: None, max }.into())), next)
        }
        // Other requests take the memory at the moment. This picture is lost, the next may find room.
        Err(error @ (BodyError::NoMemory { .. } | BodyError::NeverFits { .. })) => {
            let next = NextPart::after(part.skip().await);
            (Some(Err(error.into())), next)
        }
        Err(error) => (Some(Err(error.into())), NextPart::None),
    }
}

/// Reads all pictures of a form, for a job or a roll. They are in memory together until the job has stored them, or until
/// each has its answer.
pub(super) async fn read_all(
    state: &AppState,
    PictureForm { first, second, mut form }: PictureForm,
) -> Result<Vec<SentPicture>, Problem> {
    form.check_fits(&state.memory.bodies)?;
    let (mut pictures, mut next) = (vec![first], Some(second));
    while let Some(mut part) = next {
        if part.name() != IMAGE {
            return Err(unknown(part.name(), "part after the first picture", &[IMAGE]));
        }
        if pictures.len() >= state.server.pictures_max {
            return Err(too_many(state.server.pictures_max));
        }
        let (max, file_name) = (state.limits.input_bytes_max, part.file_name());
        let (bytes, memory) = part.read(max).await?.ok_or(BodyError::TooLarge { got: None, max })?;
        pictures.push(SentPicture { bytes: held(bytes, memory), file_name });
        drop(part);
        next = form.next().await?;
    }
    Ok(pictures)
}

/// The problem of a form with more than `max` pictures.
fn too_many(max: usize) -> Problem {
    Problem::new(ProblemKind::TooManyPictures, format!("a form has at most {max} pictures"))
        .limit(max as u64)
        .setting("limits.pictures_max")
}

/// Hands over why the form cannot be read further.
async fn refuse(to: &mpsc::Sender<Incoming>, number: usize, problem: Problem) {
    let _ = to.send((PictureLabel { number, file_name: None }, Err(problem))).await;
}

/// The pictures in work and the parts that wait for the client.
struct Work<'a> {
    shared: &'a SharedRequest,
    unread: &'a Notify,
    to: PartSender,
    working: JoinSet<(PictureLabel, Outcome)>,
    /// Answers whose turn has not come, by number.
    ready: BTreeMap<usize, (PictureLabel, Outcome)>,
    /// Parts whose turn has come.
    outbox: VecDeque<Part>,
    /// The place of the next answer in the order of the answers.
    next: usize,
    /// The numbers of the pictures whose answers have had their turn.
    answered: BTreeSet<usize>,
}

impl<'a> Work<'a> {
    fn new(shared: &'a SharedRequest, unread: &'a Notify, to: PartSender) -> Self {
        Self {
            shared,
            unread,
            to,
            working: JoinSet::new(),
            ready: BTreeMap::new(),
            outbox: VecDeque::new(),
            next: 1,
            answered: BTreeSet::new(),
        }
    }

    /// Works on what the reader gives until everything has been sent.
    async fn run(&mut self, mut from: mpsc::Receiver<Incoming>) {
        let mut more_comes = true;
        loop {
            self.fill_outbox();
            if !more_comes && self.working.is_empty() && self.ready.is_empty() && self.outbox.is_empty() {
                return;
            }
            let is_full = self.unsent_bytes() >= self.shared.state.memory.work.bytes_max() / UNSENT_DIVISOR;
            let takes =
                more_comes && !is_full && self.working.len() <= self.shared.state.compute.running_max();
            let has_parts = !self.outbox.is_empty();
            tokio::select! {
                incoming = from.recv(), if takes => match incoming {
                    Some(incoming) => self.take(incoming),
                    None => more_comes = false,
                },
                Some(done) = self.working.join_next(), if !self.working.is_empty() => match done {
                    Ok((label, outcome)) => self.answer(label, outcome),
                    // Without this answer the order cannot be kept. The client sees that parts are missing.
                    Err(error) => return tracing::error!(%error, "the work on a picture ended without an outcome"),
                },
                permit = self.to.clone().reserve_owned(), if has_parts => {
                    let Ok(permit) = permit else { return };
                    if let Some(part) = self.outbox.pop_front() {
                        permit.send(Ok(part));
                    }
                }
                () = sleep(STALL_PERIOD), if has_parts && is_full && more_comes => {
                    if self.shared.client.unread_for() >= STALL {
                        self.unread.notify_waiters();
                    }
                }
            }
        }
    }

    /// Begins to work on a picture.
    fn take(&mut self, (label, picture): Incoming) {
        let IncomingPicture { picture, place } = match picture {
            Ok(incoming) => incoming,
            Err(problem) => return self.answer(label, Err(problem)),
        };
        let own = match codec::recognise(&picture.bytes) {
            Ok(own) => own.answered_as(),
            Err(error) => return self.answer(label, Err(error.into())),
        };
        let format = self.shared.request.format.or(Some(own));
        let request = RestoreRequest { format, ..self.shared.request.clone() };
        let state = self.shared.state.clone();
        let work = async move {
            let outcome = match place {
                Some(place) => state.restore_in_roll(picture.bytes, request, place).await,
                None => state.restore(picture.bytes, request, Queue::OrWait, Timings::start("wait")).await,
            };
            (label, outcome)
        };
        self.working.spawn(work.in_current_span());
    }

    fn answer(&mut self, label: PictureLabel, outcome: Outcome) {
        let number = match self.shared.order {
            AnswerOrder::Input => label.number,
            AnswerOrder::Ready => self.next + self.ready.len(),
        };
        self.ready.insert(number, (label, outcome));
    }

    /// Moves the answers whose turn has come into the outbox, one at a time.
    fn fill_outbox(&mut self) {
        if !self.outbox.is_empty() {
            return;
        }
        if let Some((label, outcome)) = self.ready.remove(&self.next) {
            self.outbox.extend(parts_of(&label, outcome, self.shared.request_id.as_deref()));
            self.answered.insert(label.number);
            self.next += 1;
        }
    }

    /// Bytes of the answers that wait for the client.
    fn unsent_bytes(&self) -> u64 {
        let ready = self.ready.values().filter_map(|(_, outcome)| Some(outcome.as_ref().ok()?.0.bytes.len()));
        let outbox = self.outbox.iter().map(|part| part.body.len());
        let n = (self.ready.len() + self.outbox.len()) as u64;
        ready.chain(outbox).map(|length| length as u64).sum::<u64>() + n * ENTRY_BYTES
    }

    /// Ends the answer with this problem, for the first picture without an answer.
    async fn end_by(&mut self, problem: Problem) {
        let number = (1..).find(|number| !self.answered.contains(number)).unwrap_or(self.next);
        let label = PictureLabel { number, file_name: None };
        let part = problem_part(&label, &problem, self.shared.request_id.as_deref());
        let _ = self.to.send(Ok(part)).await;
    }
}
