//! Compares `openapi.yaml` with the router and its answers. Both must have the same routes, members and values.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use jsonschema::{Draft, Validator};
use pentimento::http::ProblemKind;
use pentimento_core::imaging::codec::Format;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, as_format, damaged, form_with_image, header, ok, problem, send};

/// The description as a JSON value.
pub static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_norway::from_str(include_str!("../../openapi.yaml")).unwrap());

fn at(pointer: &str) -> &'static Value {
    DESCRIPTION.pointer(pointer).unwrap_or_else(|| panic!("{pointer}"))
}

/// Returns `value`, or the value that its `$ref` points to.
fn resolved(value: &'static Value) -> &'static Value {
    match value.get("$ref") {
        Some(Value::String(target)) => at(target.strip_prefix('#').expect("a reference within the file")),
        _ => value,
    }
}

fn object(value: &'static Value) -> impl Iterator<Item = (&'static str, &'static Value)> {
    value.as_object().unwrap().iter().map(|(key, value)| (key.as_str(), value))
}

/// Calls `visit` for every object and list in `value`.
fn walk(value: &'static Value, visit: &mut dyn FnMut(&'static Value)) {
    visit(value);
    match value {
        Value::Object(members) => members.values().for_each(|member| walk(member, visit)),
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        _ => {}
    }
}

/// The validator of each schema of the description, by name.
///
/// The schema that is compiled is the whole description with a reference to one of its schemas, so that references within
/// the file resolve. Compiling fails at a reference that leads nowhere, at an unknown format and at a malformed keyword.
static VALIDATORS: LazyLock<BTreeMap<&'static str, Validator>> = LazyLock::new(|| {
    let compiled = object(at("/components/schemas")).map(|(name, _)| {
        let mut root = DESCRIPTION.clone();
        root["$ref"] = Value::String(format!("#/components/schemas/{name}"));
        (name, validator(&root))
    });
    compiled.collect()
});

/// Compiles a schema of JSON Schema 2020-12, the dialect of OpenAPI 3.1.
fn validator(schema: &Value) -> Validator {
    let options = jsonschema::options().with_draft(Draft::Draft202012).offline();
    let strict = options.should_validate_formats(true).should_ignore_unknown_formats(false);
    strict.build(schema).unwrap_or_else(|error| panic!("{error}"))
}

/// Every place where `value` breaks the schema.
fn violations(value: &Value, schema: &Validator) -> Vec<String> {
    schema.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Fails unless `value` is valid under the schema `#/components/schemas/NAME`.
pub fn check(value: &Value, name: &str) {
    let schema = VALIDATORS.get(name).unwrap_or_else(|| panic!("no schema {name}"));
    assert_eq!(violations(value, schema), [""; 0], "{name}: {value}");
}

/// Keywords of JSON Schema that the description uses. The library ignores keywords that it does not know, so a misspelt
/// one would check nothing.
const KEYWORDS: [&str; 17] = [
    "$ref",
    "additionalProperties",
    "const",
    "default",
    "description",
    "enum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "oneOf",
    "pattern",
    "properties",
    "required",
];

/// Fails at a keyword of `schema`, or of a schema in it, that is none of [`KEYWORDS`] or `type`.
fn check_keywords(schema: &'static Value) {
    for (keyword, value) in object(schema) {
        assert!(keyword == "type" || KEYWORDS.contains(&keyword), "unknown keyword {keyword} in {schema}");
        match keyword {
            "properties" => object(value).for_each(|(_, member)| check_keywords(member)),
            "oneOf" => value.as_array().unwrap().iter().for_each(check_keywords),
            "items" => check_keywords(value),
            "additionalProperties" if value.is_object() => check_keywords(value),
            _ => {}
        }
    }
}

#[test]
fn schemas_are_json_schema_and_use_known_keywords() {
    let mut schemas: Vec<&'static Value> =
        object(at("/components/schemas")).map(|(_, schema)| schema).collect();
    walk(&DESCRIPTION, &mut |value| schemas.extend(value.get("schema").filter(|schema| schema.is_object())));
    assert!(schemas.len() > 60, "{}", schemas.len());
    for schema in schemas {
        jsonschema::draft202012::meta::validate(schema).unwrap_or_else(|error| panic!("{error}: {schema}"));
        check_keywords(schema);
    }
}

#[test]
fn the_checker_refuses_what_a_schema_excludes() {
    let problem = |kind: &str| json!({"type": kind, "title": "t", "status": 422, "detail": "d"});
    check(&problem("/problems/bad-receipt"), "Problem");
    for (broken, name) in [
        (problem("/problems/other"), "Problem"),
        (json!({"type": "/problems/full", "title": "t", "status": 503}), "Problem"),
        (json!({"status": "live", "more": 1}), "Health"),
        (json!({"status": 1}), "Health"),
        (json!("0123"), "Sha256"),
        (json!({"color_method": "none", "sigma": 1, "strength": 1, "denoise": 6}), "Parameters"),
        (json!({"jobs": [{}], "next": null}), "Jobs"),
    ] {
        assert!(!violations(&broken, &VALIDATORS[name]).is_empty(), "{name}: {broken}");
    }
    let compiled = std::panic::catch_unwind(|| validator(&json!({"$ref": "#/nowhere"})));
    assert!(compiled.is_err(), "a reference that leads nowhere is an error");
    let compiled = std::panic::catch_unwind(|| validator(&json!({"format": "sha256"})));
    assert!(compiled.is_err(), "an unknown format is an error");
}

#[test]
fn every_reference_leads_somewhere() {
    let mut n = 0;
    walk(&DESCRIPTION, &mut |value| {
        if value.get("$ref").is_some() {
            resolved(value);
            n += 1;
        }
    });
    assert!(n > 50, "{n}");
    assert_eq!(DESCRIPTION["openapi"], "3.1.0");
    assert_eq!(DESCRIPTION["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn paths_and_methods_are_those_of_the_router() {
    let app = TestApp::start().await;
    let described: BTreeSet<_> = object(&DESCRIPTION["paths"]).map(|(path, _)| path).collect();
    assert_eq!(described, pentimento::http::paths(&app.state).into_iter().collect());
    for (path, item) in object(&DESCRIPTION["paths"]) {
        let url = format!("http://{}{path}", app.address);
        let options = send(app.client.request(Method::OPTIONS, &url)).await;
        let allowed: BTreeSet<_> = header(&options, "allow").split(',').filter(|m| *m != "HEAD").collect();
        let described: BTreeSet<_> = object(item).map(|(method, _)| method.to_uppercase()).collect();
        assert_eq!(allowed, described.iter().map(String::as_str).collect(), "{path}");
        for method in described {
            // A path with an unknown job answers 404 with a problem type of its own.
            let answer = send(app.client.request(method.parse().unwrap(), &url)).await;
            let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
            assert!(
                status != 405 && !text.contains("\"/problems/unknown-route\""),
                "{method} {path}: {text}"
            );
        }
    }
}

#[test]
fn problem_types_are_those_of_the_program() {
    let described: BTreeMap<String, String> = at("/components/schemas/Problem/properties/type/oneOf")
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| {
            let (uri, text) = (kind["const"].as_str().unwrap(), kind["description"].as_str().unwrap());
            (uri.to_owned(), text.split('.').next().unwrap().to_owned())
        })
        .collect();
    let kinds: BTreeMap<String, String> =
        ProblemKind::ALL.iter().map(|kind| (kind.uri(), kind.status().as_str().to_owned())).collect();
    assert_eq!(kinds.len(), ProblemKind::ALL.len(), "every kind has a type of its own");
    assert_eq!(described, kinds);
}

#[test]
fn examples_of_problems_are_problems_of_their_status() {
    let mut n = 0;
    for (path, item) in object(&DESCRIPTION["paths"]) {
        for (method, operation) in object(item) {
            for (status, response) in object(&operation["responses"]) {
                let Some(content) = resolved(response)["content"].get("application/problem+json") else {
                    continue;
                };
                let several = content.get("examples").map(|examples| {
                    object(examples).map(|(_, example)| &example["value"]).collect::<Vec<_>>()
                });
                for example in several.unwrap_or_else(|| vec![&content["example"]]) {
                    check(example, "Problem");
                    assert_eq!(example["status"].to_string(), status, "{method} {path}");
                    let kind = ProblemKind::ALL.iter().find(|kind| kind.uri() == example["type"]).unwrap();
                    assert_eq!(
                        (example["title"].as_str(), kind.status().as_str()),
                        (Some(kind.title()), status)
                    );
                    n += 1;
                }
            }
        }
    }
    assert!(n > 30, "{n}");
}

#[tokio::test]
async fn parameters_are_those_that_are_known_and_their_examples_work() {
    let app = TestApp::start().await;
    let mut seen = Vec::new();
    for path in ["/restore", "/analyze"] {
        let operation = &DESCRIPTION["paths"][path]["post"];
        let parameters: Vec<_> = operation["parameters"].as_array().unwrap().iter().map(resolved).collect();
        let mut names: Vec<_> = parameters.iter().map(|p| p["name"].as_str().unwrap()).collect();
        let form = &resolved(&operation["requestBody"])["content"]["multipart/form-data"]["schema"];
        let in_form: BTreeSet<_> = object(&form["properties"]).map(|(name, _)| name).collect();
        for parameter in &parameters {
            let (name, example) = (parameter["name"].as_str().unwrap(), &parameter["example"]);
            let text = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
            ok(app.post(&format!("{path}?{name}={text}"), damaged("smallest"))).await;
            ok(app.post_form(path, form_with_image(damaged("smallest")).text(name, text))).await;
            assert_eq!(violations(example, &validator(&parameter["schema"])), [""; 0], "{name}");
        }
        let known = problem(app.post(&format!("{path}?x=1"), ""), 422, "unknown-parameter").await;
        let mut known: Vec<_> = known["allowed"].as_str().unwrap().split(", ").collect();
        known.sort_unstable();
        names.sort_unstable();
        assert_eq!(known, names, "{path}");
        assert_eq!(in_form, known.into_iter().chain(["image"]).collect());
        seen.push(names.len());
    }
    assert_eq!(seen, [7, 4]);
}

#[tokio::test]
async fn answers_are_as_described() {
    let app = TestApp::start().await;
    let json = async |request: reqwest::RequestBuilder| -> Value {
        let request = request.header("accept", "application/json");
        serde_json::from_slice(&ok(request).await.bytes().await.unwrap()).unwrap()
    };
    for format in Format::ALL {
        let body = as_format(&damaged("smallest"), format);
        for query in [
            "",
            "?color=on&sigma=1&strength=1",
            "?color=off&strength=0",
            "?color=off&strength=0&metadata=strip",
        ] {
            check(&json(app.post(&format!("/restore{query}"), body.clone())).await, "Receipt");
        }
        check(&json(app.post("/analyze", body)).await, "Analysis");
    }
    check(&json(app.get("/version")).await, "Version");
    check(&json(app.get("/")).await, "Index");
    for path in ["/health/live", "/health/ready", "/health/startup"] {
        check(&json(app.get(path)).await, "Health");
    }
    check(at("/components/responses/Restored/content/application~1json/example"), "Receipt");
    check(at("/paths/~1analyze/post/responses/200/content/application~1json/example"), "Analysis");
}

#[tokio::test]
async fn headers_of_answers_are_described() {
    let app = TestApp::start().await;
    let usual = [
        "content-type",
        "content-length",
        "content-digest",
        "date",
        "x-request-id",
        "x-content-type-options",
        "content-security-policy",
        "referrer-policy",
        "cross-origin-resource-policy",
    ];
    for (path, pointer) in [
        ("/restore", "/components/responses/Restored/headers"),
        ("/analyze", "/paths/~1analyze/post/responses/200/headers"),
    ] {
        let response = ok(app.post(path, damaged("smallest"))).await;
        let got: BTreeSet<_> = response.headers().keys().map(|name| name.as_str().to_owned()).collect();
        let described = object(at(pointer)).map(|(name, _)| name.to_lowercase());
        assert_eq!(got, described.chain(usual.map(str::to_owned)).collect(), "{path}");
    }
}
