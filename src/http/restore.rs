//! `POST /restore`: restores a picture, or every picture of a form.

mod parts;
mod several;
mod together;

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    response::Response,
};

use pentimento_core::imaging::codec::{self, DecodeError, Format};

use super::{
    accept::Accept,
    connection::Client,
    jobs,
    parameters::{Given, OF_RESTORE},
    problem::Problem,
    queue::Queue,
    receive::{self, SentPicture, SentPictures},
    response,
    state::AppState,
    timing::Timings,
};

/// Answers with the restored picture or its receipt, or with all of several pictures.
pub(super) async fn restore(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let timings = Timings::start("receive");
    let accept = Accept::of(request.headers());
    let (client, id) = (Client::of(request.extensions()), several::id_of(&request));
    let headers = request.headers().clone();
    let mut given = Given::in_query(request.uri(), OF_RESTORE)?.with_defaults(state.defaults);
    // A bad query is refused before the body is read. A form may add parameters afterwards.
    given.request()?;
    given.order()?;
    together::is_roll(&given, &headers)?;
    let becomes_job = jobs::wants_async(&headers);
    if becomes_job {
        // A job changes something, so a page of another origin may not submit it.
        state.trust.check(request.uri(), &headers)?;
    }
    let slot = state.receive(&client).await?;
    let held = |slot| Ok::<_, Problem>((slot, state.share(&client)?));
    let sent = receive::pictures(request, &state, &mut given).await?;
    let is_roll = together::is_roll(&given, &headers)?;
    match sent {
        SentPictures::One(picture) if becomes_job => submit(&state, &given, &headers, vec![picture]).await,
        SentPictures::Several(form) if becomes_job => {
            let pictures = several::read_all(&state, *form).await?;
            submit(&state, &given, &headers, pictures).await
        }
        SentPictures::One(picture) if accept.prefers_parts() => several::answer(
            &state,
            &given,
            several::Pictures::one(picture),
            held(Some(slot))?,
            (client.clone(), id),
        ),
        SentPictures::One(picture) => {
            drop(slot);
            let _share = state.share(&client)?;
            one(&state, &given, &accept, picture, timings).await
        }
        SentPictures::Several(form) if is_roll => {
            accept.require_parts()?;
            let roll = several::Pictures::roll(several::read_all(&state, *form).await?);
            drop(slot);
            several::answer(&state, &given, roll, held(None)?, (client.clone(), id))
        }
        SentPictures::Several(form) => {
            accept.require_parts()?;
            let form = several::Pictures::form(*form);
            several::answer(&state, &given, form, held(Some(slot))?, (client.clone(), id))
        }
    }
}

/// Makes a job of the pictures.
async fn submit(
    state: &AppState,
    given: &Given,
    headers: &HeaderMap,
    pictures: Vec<SentPicture>,
) -> Result<Response, Problem> {
    let request = given.request()?;
    let upload = |SentPicture { bytes, file_name }| {
        let format = request.format.or(Format::sniff(&bytes).map(Format::answered_as));
        jobs::Upload { bytes, file_name, format }
    };
    let uploads: Vec<_> = pictures.into_iter().map(upload).collect();
    if let [jobs::Upload { format: None, bytes, .. }] = &uploads[..] {
        return Err(codec::recognise(bytes).err().unwrap_or(DecodeError::UnknownFormat).into());
    }
    jobs::submit_pictures(state, headers, uploads, &request).await
}

/// Answers with one picture or its receipt.
async fn one(
    state: &AppState,
    given: &Given,
    accept: &Accept,
    picture: SentPicture,
    timings: Timings,
) -> Result<Response, Problem> {
    let mut request = given.request()?;
    let own = codec::recognise(&picture.bytes)?;
    let choice = accept.choose(own, request.format)?;
    request.format = Some(choice.format);
    request.record = choice.body.record();
    let (answer, timings) = state.restore(picture.bytes, request, Queue::OrRefuse, timings).await?;
    let answered = answer.headers(choice.body, &timings);
    Ok(response::restored(answered, state.send(answer.body(choice.body)).await?))
}
