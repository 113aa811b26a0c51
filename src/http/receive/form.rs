//! The parts of a form, read one after the other.
//!
//! `multer` parses the form. It buffers everything that its input gives without a pause, and has no limit for the head of a
//! part. The input therefore gives one piece at a time, and counts the bytes that give no content.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use axum::{body::Bytes, extract::Request, http::header};
use multer::{Field, Multipart, parse_boundary};
use tokio_stream::Stream;

use super::{
    super::{error::BodyError, state::AppState},
    reader::{self, BodyMemory, BodyReader},
};
use crate::memory::{MemoryPool, Reservation};

/// Most bytes before the content of a part: its head, and what stands before the first part.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// Longest file name that is kept, in characters. Names wait with their answers, outside of the memory budget.
const NAME_CHARS_MAX: usize = 255;

/// A form that is being read.
pub(in crate::http) struct Form {
    multipart: Multipart<'static>,
    shared: Arc<SharedForm>,
}

/// A part of a form. Its content has not been read yet.
pub(in crate::http) struct FormPart {
    field: Field<'static>,
    shared: Arc<SharedForm>,
}

/// What the parser's input, the form and its parts share.
struct SharedForm {
    /// The memory for the part that is being read.
    memory: tokio::sync::Mutex<BodyMemory>,
    /// The length that the request announces.
    announced: Option<u64>,
    /// Whether the input drops what comes, up to its end.
    drops: AtomicBool,
    /// Bytes that the parser has taken since it last gave a part or content.
    unparsed: AtomicUsize,
    /// The error that ended the input, which the parser cannot carry.
    failed: Mutex<Option<BodyError>>,
}

impl SharedForm {
    fn failed(&self) -> MutexGuard<'_, Option<BodyError>> {
        self.failed.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The error of the parser in our terms.
    fn error(&self, error: &multer::Error) -> BodyError {
        match (self.failed().take(), error) {
            (Some(failed), _) => failed,
            (
                None,
                multer::Error::IncompleteFieldData { .. }
                | multer::Error::IncompleteHeaders
                | multer::Error::IncompleteStream,
            ) => BodyError::Form(format!("the form ends too early: {error}")),
            (None, other) => BodyError::Form(other.to_string()),
        }
    }

    /// The parser has given something.
    fn parsed(&self) {
        self.unparsed.store(0, Ordering::Relaxed);
    }
}

impl Form {
    /// Begins to read a form.
    pub(super) fn new(request: Request, state: &AppState) -> Result<Self, BodyError> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|text| text.to_str().ok());
        let boundary = parse_boundary(content_type.unwrap_or_default())
            .map_err(|error| BodyError::Form(format!("the boundary of the form cannot be read: {error}")))?;
        let (reader, memory, announced) = reader::begin(request, state);
        let shared = Arc::new(SharedForm {
            memory: tokio::sync::Mutex::new(memory),
            announced,
            drops: AtomicBool::new(false),
            unparsed: AtomicUsize::new(0),
            failed: Mutex::new(None),
        });
        let input = FormInput { shared: shared.clone(), reader: Some(reader), reading: None, pauses: false };
        Ok(Self { multipart: Multipart::new(input, boundary), shared })
    }

    /// Refuses a form whose announced length is above `max` bytes.
    pub(super) fn check_announced(&self, max: u64) -> Result<(), BodyError> {
        reader::check_announced(self.shared.announced, max)
    }

    /// Refuses a form that is kept whole, if its announced length can never fit into the memory for bodies.
    pub(in crate::http) fn check_fits(&self, pool: &MemoryPool) -> Result<(), BodyError> {
        let needed = self.shared.announced.unwrap_or(0);
        pool.check(needed).map_err(|too_large| BodyError::NeverFits { needed, max: too_large.max })
    }

    /// Reads the rest of the form to its end and drops it. Parses nothing, so that a million parts cost as much as one.
    pub(in crate::http) async fn skip_rest(&mut self) {
        self.shared.drops.store(true, Ordering::Relaxed);
        // The parser sees the end of its input too early, which is no error here.
        let _ = self.multipart.next_field().await;
    }

    /// The next part, or `None` at the end of the form.
    pub(in crate::http) async fn next(&mut self) -> Result<Option<FormPart>, BodyError> {
        let field = self.multipart.next_field().await.map_err(|error| self.shared.error(&error))?;
        self.shared.parsed();
        Ok(field.map(|field| FormPart { field, shared: self.shared.clone() }))
    }
}

impl FormPart {
    /// The part's name.
    pub(in crate::http) fn name(&self) -> &str {
        self.field.name().unwrap_or_default()
    }

    /// The name of the part's file, at most [`NAME_CHARS_MAX`] characters of it.
    pub(in crate::http) fn file_name(&self) -> Option<String> {
        self.field.file_name().map(|name| name.chars().take(NAME_CHARS_MAX).collect())
    }

    /// The next bytes of the content, or `None` at its end.
    async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        let chunk = self.field.chunk().await.map_err(|error| self.shared.error(&error))?;
        self.shared.parsed();
        Ok(chunk)
    }

    /// Reads the content of at most `bytes_max` bytes. Returns `None` if it is longer; the rest is not read then.
    pub(in crate::http) async fn read(
        &mut self,
        bytes_max: u64,
    ) -> Result<Option<(Vec<u8>, Reservation)>, BodyError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            let length = bytes.len() + chunk.len();
            if length as u64 > bytes_max {
                return Ok(None);
            }
            self.shared.memory.lock().await.keep(length).await?;
            bytes.extend_from_slice(&chunk);
        }
        bytes.shrink_to_fit();
        let memory = self.shared.memory.lock().await.take();
        Ok(Some((bytes, memory)))
    }

    /// Reads the content and drops it.
    pub(in crate::http) async fn skip(mut self) -> Result<(), BodyError> {
        while self.chunk().await?.is_some() {}
        Ok(())
    }
}

/// A read of the next piece, which gives the reader back.
type Reading = Pin<Box<dyn Future<Output = (BodyReader, Result<Option<Bytes>, BodyError>)> + Send>>;

/// The input of the parser: the pieces of the body, with a pause after each.
struct FormInput {
    shared: Arc<SharedForm>,
    /// The reader, unless a read is under way.
    reader: Option<BodyReader>,
    reading: Option<Reading>,
    /// Whether the next poll gives nothing, so that the parser works on the piece that it has.
    pauses: bool,
}

impl Stream for FormInput {
    type Item = Result<Bytes, multer::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if std::mem::take(&mut this.pauses) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(mut reader) = this.reader.take() {
            this.reading = Some(Box::pin(async move {
                let read = reader.next().await;
                (reader, read)
            }));
        }
        let Some(reading) = &mut this.reading else { return Poll::Ready(None) };
        let Poll::Ready((reader, read)) = reading.as_mut().poll(cx) else { return Poll::Pending };
        (this.reader, this.reading) = (Some(reader), None);
        if this.shared.drops.load(Ordering::Relaxed) && matches!(read, Ok(Some(_))) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = read.and_then(|piece| match piece {
            Some(bytes)
                if this.shared.unparsed.fetch_add(bytes.len(), Ordering::Relaxed) > HEAD_BYTES_MAX =>
            {
                Err(BodyError::PartHead { max: HEAD_BYTES_MAX })
            }
            piece => Ok(piece),
        });
        match piece {
            Ok(Some(bytes)) => {
                this.pauses = true;
                Poll::Ready(Some(Ok(bytes)))
            }
            Ok(None) => Poll::Ready(None),
            Err(error) => {
                *this.shared.failed() = Some(error);
                Poll::Ready(Some(Err(multer::Error::IncompleteStream)))
            }
        }
    }
}
