//! Reading the bodies of requests: a picture, a form with pictures and more, or JSON. Every body has limits in bytes, in
//! memory, in time and in pace.
//!
//! ```text
//!  content   the content type of a body, and what it must not be
//!  reader    the bytes of a body as they arrive: pace, deadline, memory
//!  form      the parts of a form
//!  bodies    the bodies of each route
//! ```

mod bodies;
mod content;
mod form;
mod reader;

pub(super) use bodies::{
    IMAGE, PictureForm, SentPicture, SentPictures, json, picture, pictures, receipt_and_picture,
};
pub(super) use content::{ACCEPT_POST, accepted, only_json};
pub(super) use form::{Form, FormPart};
