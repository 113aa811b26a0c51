//! Notes of decoding and encoding: what was not kept, what was tolerated, what was converted.
//!
//! Nothing is lost without a word. Code that drops, repairs or converts something adds a note. The notes of a restoration stand in
//! its receipt, in the header of its answer and on standard error. A text is a noun with its reason, such as
//! `the PNG text "Title": WebP has no place for it`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Most notes of a picture. A hostile file could give thousands.
const NOTES_MAX: usize = 40;
/// Longest text of a note, in characters.
const TEXT_MAX: usize = 240;
/// The text of the last note of a picture with too many.
const MORE: &str = "more of the same; this list ends here";

/// The kind of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// Metadata that the output does not have. A request that strips metadata gets no such notes from decoding.
    NotKept,
    /// Another part of the file that the output does not have: a thumbnail, bytes after the picture.
    LeftOut,
    /// Another part of the file that the output has as it was: the video of a motion photo.
    NotRestored,
    /// A defect of the file that did not stop its decoding.
    Tolerated,
    /// A property of the pixels that the output has in another form: colours, bits.
    Converted,
    /// The reason why the picture was left untouched before any prediction.
    Untouched,
}

impl NoteKind {
    /// The words before the text of a note.
    pub const fn words(self) -> &'static str {
        match self {
            NoteKind::NotKept => "not kept",
            NoteKind::LeftOut => "left out",
            NoteKind::NotRestored => "not restored",
            NoteKind::Tolerated => "tolerated",
            NoteKind::Converted => "converted",
            NoteKind::Untouched => "untouched",
        }
    }
}

/// One note. It is displayed as one line, such as `not kept: the JPEG comment: BMP has no place for it`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// The kind.
    pub kind: NoteKind,
    /// The text, one line without control characters.
    pub text: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.words(), self.text)
    }
}

/// The notes of a picture, in the order in which they were made. Every note stands there once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Notes(Vec<Note>);

impl Notes {
    /// Adds a note. Control characters become spaces, and a long text is cut. A note that stands there already, and one too many,
    /// is not added.
    pub fn add(&mut self, kind: NoteKind, text: impl fmt::Display) {
        let text = text.to_string();
        let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        let note = Note { kind, text: line.take(TEXT_MAX).collect() };
        if self.0.len() >= NOTES_MAX || self.0.contains(&note) {
            return;
        }
        let is_last = self.0.len() + 1 == NOTES_MAX;
        self.0.push(if is_last { Note { kind, text: MORE.to_owned() } } else { note });
    }

    /// Adds the note of bytes after the end of the picture, which the output does not have.
    pub(super) fn add_trailing(&mut self, n_bytes: usize) {
        let unit = if n_bytes == 1 { "byte" } else { "bytes" };
        self.add(NoteKind::LeftOut, format_args!("{n_bytes} {unit} after the end of the picture"));
    }

    /// Adds the notes of another list.
    pub fn extend(&mut self, others: Notes) {
        others.0.into_iter().for_each(|note| self.add(note.kind, note.text));
    }

    /// Returns the notes of all kinds but these.
    #[must_use]
    pub fn without(&self, kinds: &[NoteKind]) -> Notes {
        Notes(self.iter().filter(|note| !kinds.contains(&note.kind)).cloned().collect())
    }

    /// The notes in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Note> {
        self.0.iter()
    }

    /// Whether there is a note of this kind.
    pub fn has(&self, kind: NoteKind) -> bool {
        self.0.iter().any(|note| note.kind == kind)
    }

    /// Whether there are no notes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a Notes {
    type Item = &'a Note;
    type IntoIter = std::slice::Iter<'a, Note>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_lines_and_bounded() {
        let mut notes = Notes::default();
        notes.add(NoteKind::NotKept, "a\nb\x1b[31m");
        notes.add(NoteKind::NotKept, "a\nb\x1b[31m");
        assert_eq!(notes.iter().map(Note::to_string).collect::<Vec<_>>(), ["not kept: a b [31m"]);
        notes.add(NoteKind::Tolerated, "é".repeat(9999));
        assert_eq!(notes.iter().last().unwrap().text.chars().count(), TEXT_MAX);
        (0..9999).for_each(|i| notes.add(NoteKind::LeftOut, i));
        assert_eq!((notes.iter().count(), &*notes.iter().last().unwrap().text), (NOTES_MAX, MORE));
    }

    #[test]
    fn notes_are_a_list_in_json() {
        let mut notes = Notes::default();
        notes.add(NoteKind::NotKept, "the JPEG comment");
        let json = serde_json::to_string(&notes).unwrap();
        assert_eq!(json, r#"[{"kind":"not_kept","text":"the JPEG comment"}]"#);
        assert_eq!(serde_json::from_str::<Notes>(&json).unwrap(), notes);
        assert!(notes.without(&[NoteKind::NotKept]).is_empty() && notes.has(NoteKind::NotKept));
    }
}
