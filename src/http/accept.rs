//! Content negotiation (RFC 9110, section 12.5.1): the choice between picture formats and the receipt.

use axum::http::{HeaderMap, header};

use crate::jobs::results::ResultFormat;
use pentimento_core::{imaging::codec::Format, restoration::Record};

use super::{kind::ProblemKind, problem::Problem};

/// The media type of receipts and analyses.
pub(super) const JSON: &str = "application/json";
/// The media type of an answer with several parts (RFC 2046, section 5.1.3).
pub(super) const MULTIPART: &str = "multipart/mixed";

/// The client's `Accept` header: media ranges in lower case with their weights. An empty list accepts everything.
#[derive(Debug)]
pub(super) struct Accept(Vec<(String, f32)>);

/// The answer that a client prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChosenAnswer {
    /// The format of the restored picture.
    pub(super) format: Format,
    /// Whether the body is the picture or its receipt.
    pub(super) body: ChosenBody,
}

/// The body that a client prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChosenBody {
    /// The restored picture.
    Picture,
    /// The picture's receipt as JSON.
    Receipt,
}

impl ChosenBody {
    /// The use of the receipt: as the body, or for the headers of a picture.
    pub(super) fn record(self) -> Record {
        match self {
            ChosenBody::Picture => Record::Sent,
            ChosenBody::Receipt => Record::Kept,
        }
    }
}

impl Accept {
    /// Reads the `Accept` header. Skips ranges that cannot be read.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
        Self(lines.flat_map(|line| line.split(',')).filter_map(media_range).collect())
    }

    /// The weight of a media type, taken from the most specific range that matches it. `names` matches the type itself,
    /// `kind` is its range, such as `image/*`.
    fn weight(&self, names: impl Fn(&str) -> bool, kind: &str) -> f32 {
        if self.0.is_empty() {
            return 1.0;
        }
        let of = |matches: &dyn Fn(&str) -> bool| {
            self.0.iter().filter(|(range, _)| matches(range)).map(|(_, q)| *q).reduce(f32::max)
        };
        of(&names)
            .or_else(|| of(&|range| range == kind))
            .or_else(|| of(&|range| range == "*/*"))
            .unwrap_or(0.0)
    }

    fn weight_of_format(&self, format: Format) -> f32 {
        self.weight(|range| Format::from_mime(range) == Some(format), "image/*")
    }

    fn weight_of_json(&self) -> f32 {
        self.weight(|range| range == JSON, "application/*")
    }

    /// Chooses the answer for an input in the format `own`. `asked` is the format that the request names, if any. An input in a
    /// format that is only read counts as PNG.
    ///
    /// The highest weight wins. Of equal weights, the asked or own format comes first, then the others in the order of the
    /// documentation, then the receipt.
    pub(super) fn choose(&self, own: Format, asked: Option<Format>) -> Result<ChosenAnswer, Problem> {
        let first = asked.unwrap_or(own.answered_as());
        let others = Format::ALL.into_iter().filter(|f| asked.is_none() && *f != first);
        let offered: Vec<Format> = std::iter::once(first).chain(others).collect();
        let best = offered
            .iter()
            .map(|f| (*f, self.weight_of_format(*f)))
            .reduce(|best, other| if other.1 > best.1 { other } else { best });
        let (format, weight) = best.filter(|(_, weight)| *weight > 0.0).unwrap_or((first, 0.0));
        let json = self.weight_of_json();
        match (weight, json) {
            (0.0, 0.0) => Err(not_acceptable(&offered)),
            _ if json > weight => Ok(ChosenAnswer { format, body: ChosenBody::Receipt }),
            _ => Ok(ChosenAnswer { format, body: ChosenBody::Picture }),
        }
    }

    /// Chooses the format of a job's results. Of equal weights, CSV comes first, then JSON lines, then Parquet.
    pub(super) fn choose_results(&self) -> Result<ResultFormat, Problem> {
        let weight = |format: ResultFormat| {
            let names: &[&str] = match format {
                ResultFormat::Csv => &["text/csv"],
                ResultFormat::JsonLines => &[
                    "application/jsonl",
                    "application/x-ndjson",
                    "application/x-jsonlines",
                    "application/json-lines",
                ],
                ResultFormat::Parquet => &["application/vnd.apache.parquet", "application/x-parquet"],
            };
            let kind = if format == ResultFormat::Csv { "text/*" } else { "application/*" };
            self.weight(|range| names.contains(&range), kind)
        };
        let best = ResultFormat::ALL
            .map(|format| (format, weight(format)))
            .into_iter()
            .reduce(|best, other| if other.1 > best.1 { other } else { best });
        match best {
            Some((format, weight)) if weight > 0.0 => Ok(format),
            _ => {
                let offers = ResultFormat::ALL.map(ResultFormat::mime);
                let detail = format!("the Accept header admits none of {}", offers.join(", "));
                Err(Problem::new(ProblemKind::NotAcceptable, detail).offers(offers.to_vec()))
            }
        }
    }

    /// The weight of an answer with several parts.
    fn weight_of_parts(&self) -> f32 {
        self.weight(|range| range == MULTIPART, "multipart/*")
    }

    /// Whether the client names answers with several parts, and prefers them to a picture and to a receipt.
    pub(super) fn prefers_parts(&self) -> bool {
        let names_parts = self.0.iter().any(|(range, _)| range == MULTIPART || range == "multipart/*");
        let pictures = Format::ALL.into_iter().map(|format| self.weight_of_format(format));
        let others = pictures.fold(self.weight_of_json(), f32::max);
        names_parts && self.weight_of_parts() > 0.0 && self.weight_of_parts() >= others
    }

    /// Checks that the client accepts an answer with several parts.
    pub(super) fn require_parts(&self) -> Result<(), Problem> {
        if self.weight_of_parts() > 0.0 {
            return Ok(());
        }
        let detail =
            format!("several pictures are answered as {MULTIPART}, which the Accept header does not admit");
        Err(Problem::new(ProblemKind::NotAcceptable, detail).offers(vec![MULTIPART]))
    }

    /// Checks that the client accepts JSON, the only form of some answers.
    pub(super) fn require_json(&self) -> Result<(), Problem> {
        if self.weight_of_json() > 0.0 { Ok(()) } else { Err(not_acceptable(&[])) }
    }
}

/// The problem of a client that accepts none of `formats` and no JSON.
fn not_acceptable(formats: &[Format]) -> Problem {
    let offers: Vec<_> = formats.iter().map(|f| f.mime()).chain([JSON]).collect();
    Problem::new(
        ProblemKind::NotAcceptable,
        format!("the Accept header admits none of {}", offers.join(", ")),
    )
    .offers(offers)
}

/// Reads `type/subtype;…;q=0.5` as a range and its weight.
fn media_range(text: &str) -> Option<(String, f32)> {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next()?.to_ascii_lowercase();
    let (kind, subtype) = range.split_once('/')?;
    if kind.is_empty() || subtype.is_empty() {
        return None;
    }
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let weight = match weight {
        None => 1.0,
        Some(q) => q.trim().parse().ok().filter(|q| (0.0..=1.0).contains(q))?,
    };
    Some((range, weight))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Format::{Bmp, Jpeg, Png, Tiff, WebP};

    fn accept(text: &str) -> Accept {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, text.parse().unwrap());
        Accept::of(&headers)
    }

    fn chosen(text: &str, own: Format, asked: Option<Format>) -> Option<(Format, ChosenBody)> {
        accept(text).choose(own, asked).ok().map(|choice| (choice.format, choice.body))
    }

    #[test]
    fn the_best_picture_wins_and_ties_keep_the_own_format() {
        let picture = |text| {
            chosen(text, Jpeg, None).map(|(format, body)| {
                assert_eq!(body, ChosenBody::Picture, "{text}");
                format
            })
        };
        assert_eq!(picture("*/*"), Some(Jpeg));
        assert_eq!(picture("image/*"), Some(Jpeg));
        assert_eq!(picture("image/webp"), Some(WebP));
        assert_eq!(picture("IMAGE/X-PNG"), Some(Png));
        assert_eq!(picture("image/webp;q=0.5, image/tiff;q=0.8"), Some(Tiff));
        assert_eq!(picture("image/jpeg;q=0, image/*"), Some(Png));
        assert_eq!(picture("image/avif,image/webp,image/apng,image/*,*/*;q=0.8"), Some(Jpeg));
        assert_eq!(picture("text/html, application/xml;q=0.9, */*;q=0.8"), Some(Jpeg));
        assert_eq!(picture("image/bmp, */*;q=0.1"), Some(Bmp));
        assert_eq!(picture("application/json, */*"), Some(Jpeg));
        assert_eq!(picture("nonsense, image/png;q=2"), Some(Jpeg), "nothing readable accepts everything");
    }

    #[test]
    fn the_receipt_is_of_the_picture_that_would_have_come() {
        let receipt = |text, asked| match chosen(text, Jpeg, asked) {
            Some((format, ChosenBody::Receipt)) => Some(format),
            _ => None,
        };
        assert_eq!(receipt("application/json", None), Some(Jpeg));
        assert_eq!(receipt("application/json", Some(Tiff)), Some(Tiff));
        assert_eq!(receipt("application/*;q=0.3, image/webp;q=0.2", None), Some(WebP));
        assert_eq!(receipt("application/json, */*;q=0.5", None), Some(Jpeg));
        assert_eq!(receipt("application/json;q=0.4, image/png;q=0.5", None), None);
    }

    #[test]
    fn results_come_in_the_form_that_is_preferred() {
        let chosen = |text| accept(text).choose_results().ok();
        assert_eq!(chosen("*/*"), Some(ResultFormat::Csv));
        assert_eq!(chosen("text/*"), Some(ResultFormat::Csv));
        assert_eq!(chosen("application/*"), Some(ResultFormat::JsonLines));
        assert_eq!(chosen("application/x-ndjson"), Some(ResultFormat::JsonLines));
        assert_eq!(chosen("text/csv;q=0.5, application/vnd.apache.parquet"), Some(ResultFormat::Parquet));
        assert_eq!(chosen("image/png"), None);
    }

    #[test]
    fn parts_are_preferred_only_by_name() {
        for text in ["multipart/mixed", "multipart/mixed, image/*", "multipart/*, image/*;q=0.9"] {
            assert!(accept(text).prefers_parts(), "{text}");
        }
        for text in ["*/*", "image/*", "multipart/mixed;q=0.5, image/png", "multipart/mixed;q=0"] {
            assert!(!accept(text).prefers_parts(), "{text}");
        }
        assert!(accept("*/*").require_parts().is_ok() && accept("image/*").require_parts().is_err());
    }

    #[test]
    fn what_is_not_accepted_is_not_answered() {
        for text in ["text/html", "image/gif", "*/*;q=0", "image/*;q=0, application/json;q=0"] {
            assert_eq!(chosen(text, Jpeg, None), None, "{text}");
        }
        assert_eq!(chosen("image/png", Jpeg, Some(Jpeg)), None, "a format asked for is no other");
        assert!(accept("image/*").require_json().is_err());
        assert!(accept("image/*, */*;q=0.1").require_json().is_ok());
    }
}
