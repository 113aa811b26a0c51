//! Checks the answers of the service against `openapi.yaml`. [`send`](crate::support::send) calls it for every answer that
//! the tests receive.
//!
//! Both directions count. What an answer has and the description lacks is a failure: a status, a header, a content type, a
//! member of a JSON body. What the description requires and an answer lacks is a failure too.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

use jsonschema::{Draft, Validator};
use reqwest::{Method, Response, header::HeaderMap};
use serde_json::{Value, json};

/// The description as a JSON value.
pub static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_norway::from_str(include_str!("../../openapi.yaml")).unwrap());

/// Headers that HTTP itself gives to answers, and those that every answer has. The description of the
/// service names the headers of every answer once, at its beginning.
const USUAL_HEADERS: [&str; 10] = [
    "allow",
    "connection",
    "content-length",
    "content-security-policy",
    "content-type",
    "cross-origin-resource-policy",
    "date",
    "referrer-policy",
    "transfer-encoding",
    "x-content-type-options",
];

pub fn at(pointer: &str) -> &'static Value {
    DESCRIPTION.pointer(pointer).unwrap_or_else(|| panic!("{pointer}"))
}

/// Returns `value`, or the value that its `$ref` points to.
pub fn resolved(value: &'static Value) -> &'static Value {
    match value.get("$ref") {
        Some(Value::String(target)) => at(target.strip_prefix('#').expect("a reference within the file")),
        _ => value,
    }
}

pub fn object(value: &'static Value) -> impl Iterator<Item = (&'static str, &'static Value)> {
    value.as_object().unwrap().iter().map(|(key, value)| (key.as_str(), value))
}

/// Compiles a schema of JSON Schema 2020-12, the dialect of OpenAPI 3.1. Compiling fails at a reference that leads
/// nowhere, at an unknown format and at a malformed keyword.
pub fn validator(schema: &Value) -> Validator {
    let options = jsonschema::options().with_draft(Draft::Draft202012).offline();
    // The format of OpenAPI for bytes. It allows every text.
    let options = options.with_format("binary", |_: &str| true);
    let strict = options.should_validate_formats(true).should_ignore_unknown_formats(false);
    strict.build(schema).unwrap_or_else(|error| panic!("{error}"))
}

/// The validator of a schema in the description. Each schema is compiled once.
///
/// The schema that is compiled is the whole description with the schema as one more condition, so that references within
/// the file resolve.
pub fn validator_of(schema: &'static Value) -> Arc<Validator> {
    static COMPILED: LazyLock<Mutex<HashMap<usize, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let compile = || {
        let mut root = DESCRIPTION.clone();
        root["allOf"] = json!([schema]);
        Arc::new(validator(&root))
    };
    let mut compiled = COMPILED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    compiled.entry(std::ptr::from_ref(schema).addr()).or_insert_with(compile).clone()
}

/// Every place where `value` breaks the schema.
pub fn violations(value: &Value, schema: &Validator) -> Vec<String> {
    schema.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Fails unless `value` is valid under a schema of the description.
pub fn check_under(value: &Value, schema: &'static Value, what: &str) {
    assert_eq!(violations(value, &validator_of(schema)), [""; 0], "{what}: {value}");
}

/// Fails unless `value` is valid under the schema `#/components/schemas/NAME`.
pub fn check(value: &Value, name: &str) {
    check_under(value, at(&format!("/components/schemas/{name}")), name);
}

/// Fails unless the answer is one that the description has for the request. Reads JSON bodies, and returns the answer with
/// its body unread.
pub async fn check_answer(method: &Method, path: &str, answer: Response) -> Response {
    let (status, what) = (answer.status().as_u16(), format!("{method} {path}: {}", answer.status()));
    let described = item_of(path).and_then(|item| item.get(operation_name(method)));
    let Some(operation) = described else {
        assert!([204, 404, 405].contains(&status), "{what}: this path or method is not described");
        return answer;
    };
    let response = operation["responses"].get(status.to_string());
    let response = resolved(response.unwrap_or_else(|| panic!("{what} is not described")));
    check_headers(answer.headers(), response, &what);
    let mime = answer.headers().get("content-type").map(|text| text.to_str().unwrap().to_owned());
    let has_body = method != Method::HEAD && ![204, 304].contains(&status);
    let Some(mime) = mime.filter(|_| has_body) else {
        assert!(!has_body || response.get("content").is_none(), "{what}: no content type");
        return answer;
    };
    let essence = mime.split(';').next().unwrap();
    let media = response.get("content").and_then(|content| content.get(essence));
    let media = media.unwrap_or_else(|| panic!("{what}: {essence} is not described"));
    let is_coded = answer.headers().contains_key("content-encoding");
    if status == 206 || is_coded || !essence.ends_with("json") {
        return answer;
    }
    checked_json(answer, &media["schema"], &what).await
}

/// The operation's key in its path. `HEAD` is described by `GET`.
fn operation_name(method: &Method) -> String {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    method.as_str().to_lowercase()
}

/// The description of a path. A path without parameters goes before one with parameters.
fn item_of(path: &str) -> Option<&'static Value> {
    let paths = &DESCRIPTION["paths"];
    let fits = |template: &str| {
        let (mut given, mut wanted) = (path.split('/'), template.split('/'));
        let fit =
            |(given, wanted): (&str, &str)| given == wanted || (wanted.starts_with('{') && !given.is_empty());
        given.by_ref().zip(wanted.by_ref()).all(fit) && path.split('/').count() == template.split('/').count()
    };
    paths.get(path).or_else(|| object(paths).find(|(template, _)| fits(template)).map(|(_, item)| item))
}

/// Fails at a header that is not described, at one whose value is not as described, and at a missing one.
fn check_headers(headers: &HeaderMap, response: &'static Value, what: &str) {
    let described: HashMap<String, &Value> = response
        .get("headers")
        .into_iter()
        .flat_map(object)
        .map(|(name, header)| (name.to_lowercase(), resolved(header)))
        .collect();
    for (name, value) in headers {
        if USUAL_HEADERS.contains(&name.as_str()) {
            continue;
        }
        let header =
            described.get(name.as_str()).unwrap_or_else(|| panic!("{what}: {name} is not described"));
        let text = value.to_str().unwrap();
        let value = match header["schema"]["type"].as_str() {
            Some("integer") => text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number)),
            _ => json!(text),
        };
        check_under(&value, &header["schema"], &format!("{what}: {name}"));
    }
    for (name, header) in described {
        let required = header.get("required") == Some(&json!(true));
        assert!(!required || headers.contains_key(&name), "{what}: {name} is missing");
    }
}

/// Checks the JSON body of an answer. Returns the answer with the same body.
async fn checked_json(answer: Response, schema: &'static Value, what: &str) -> Response {
    let (status, headers) = (answer.status(), answer.headers().clone());
    let bytes = answer.bytes().await.unwrap();
    let value = serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{what}: {error}: {bytes:?}"));
    check_under(&value, schema, what);
    let mut same = axum::http::Response::new(bytes);
    *same.status_mut() = status;
    *same.headers_mut() = headers;
    Response::from(same)
}
