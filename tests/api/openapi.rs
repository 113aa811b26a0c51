//! Compares `openapi.yaml` with the router and its answers. Both must have the same routes, members and values.

use std::collections::{BTreeMap, BTreeSet};

use pentimento::http::ProblemKind;
use pentimento_core::imaging::codec::Format;
use reqwest::Method;
use serde_json::{Value, json};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use crate::{
    described::{
        DESCRIPTION, at, check, check_answer, check_under, object, resolved, validator, validator_of,
        violations,
    },
    pages::document,
    support::{TestApp, as_format, damaged, form_with_image, header, ok, problem, send},
};

/// Calls `visit` for every object and list in `value`.
fn walk(value: &'static Value, visit: &mut dyn FnMut(&'static Value)) {
    visit(value);
    match value {
        Value::Object(members) => members.values().for_each(|member| walk(member, visit)),
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        _ => {}
    }
}

/// Keywords of JSON Schema that the description uses. The library ignores keywords that it does not know, so a misspelt
/// one would check nothing.
const KEYWORDS: [&str; 23] = [
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "contentEncoding",
    "default",
    "description",
    "enum",
    "exclusiveMinimum",
    "format",
    "if",
    "items",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "oneOf",
    "pattern",
    "properties",
    "required",
    "then",
    "x-enumDescriptions",
];

/// Fails at a keyword of `schema`, or of a schema in it, that is none of [`KEYWORDS`] or `type`.
fn check_keywords(schema: &'static Value) {
    for (keyword, value) in object(schema) {
        assert!(keyword == "type" || KEYWORDS.contains(&keyword), "unknown keyword {keyword} in {schema}");
        match keyword {
            "properties" => object(value).for_each(|(_, member)| check_keywords(member)),
            "oneOf" | "anyOf" | "allOf" => value.as_array().unwrap().iter().for_each(check_keywords),
            "items" | "if" | "then" => check_keywords(value),
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
        validator_of(schema);
    }
}

/// A schema with members that allows others by silence would hide members that the service sends and nobody described.
#[test]
fn schemas_say_whether_they_allow_other_members() {
    let mut n = 0;
    for (name, schema) in object(at("/components/schemas")) {
        walk(schema, &mut |value| {
            if value["type"] == "object" {
                assert!(value.get("additionalProperties").is_some(), "{name}: {value}");
                n += 1;
            }
        });
    }
    assert!(n > 40, "{n}");
}

/// Operations need a name, a tag, a summary and words. A body needs a type.
#[test]
fn operations_and_bodies_are_described_whole() {
    let mut ids = BTreeSet::new();
    for (path, item) in object(&DESCRIPTION["paths"]) {
        for (method, operation) in object(item) {
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path}"));
            assert!(ids.insert(id), "{id} is used twice");
            for member in ["summary", "description"] {
                assert!(operation[member].as_str().is_some_and(|text| text.len() > 5), "{id}: {member}");
            }
            assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{id}");
            assert!(
                operation["responses"].get("500").is_some() || item["get"]["tags"][0] == "service",
                "{id}"
            );
        }
    }
    let mut n = 0;
    walk(&DESCRIPTION, &mut |value| {
        let Some(content) = value.get("content").filter(|content| content.is_object()) else { return };
        for (mime, media) in object(content) {
            let schema =
                media.get("schema").and_then(Value::as_object).unwrap_or_else(|| panic!("{mime}: {value}"));
            assert!(["$ref", "type", "oneOf"].iter().any(|key| schema.contains_key(*key)), "{mime}: {value}");
            n += 1;
        }
    });
    assert!(n > 40, "{n}");
}

/// Examples of bodies, parameters and headers are valid under the schema next to them.
#[test]
fn examples_fit_their_schemas() {
    let mut n = 0;
    walk(&DESCRIPTION, &mut |value| {
        let Some(schema) = value.get("schema").filter(|schema| schema.is_object()) else { return };
        let several =
            value.get("examples").into_iter().flat_map(object).map(|(_, example)| &example["value"]);
        for example in value.get("example").into_iter().chain(several) {
            check_under(example, schema, &schema.to_string());
            n += 1;
        }
    });
    assert!(n > 50, "{n}");
}

#[test]
fn the_checker_refuses_what_a_schema_excludes() {
    let problem = |kind: &str| json!({"type": kind, "title": "t", "status": 422, "detail": "d"});
    check(&problem("/problems/bad-receipt"), "Problem");
    for (broken, name) in [
        (json!("/problems/other"), "ProblemType"),
        (json!({"type": "/problems/full", "title": "t", "status": 503}), "Problem"),
        (json!({"status": "live", "more": 1}), "Health"),
        (json!({"status": 1}), "Health"),
        (json!("0123"), "Sha256"),
        (json!({"color_method": "none", "sigma": 1, "strength": 1, "denoise": 6}), "Parameters"),
        (json!({"jobs": [{}], "next": null}), "Jobs"),
    ] {
        assert!(
            !violations(&broken, &validator_of(at(&format!("/components/schemas/{name}")))).is_empty(),
            "{name}: {broken}"
        );
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
    let listed = at("/components/schemas/ProblemType");
    let described: BTreeMap<String, String> = object(&listed["x-enumDescriptions"])
        .map(|(uri, text)| (uri.to_owned(), text.as_str().unwrap().split('.').next().unwrap().to_owned()))
        .collect();
    let uris: BTreeSet<_> =
        listed["enum"].as_array().unwrap().iter().map(|uri| uri.as_str().unwrap()).collect();
    assert_eq!(uris, described.keys().map(String::as_str).collect(), "each has its description");
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
        let parameters = operation["parameters"].as_array().unwrap().iter().map(resolved);
        let parameters: Vec<_> = parameters.filter(|parameter| parameter["in"] == "query").collect();
        let mut names: Vec<_> = parameters.iter().map(|p| p["name"].as_str().unwrap()).collect();
        let form = resolved(&resolved(&operation["requestBody"])["content"]["multipart/form-data"]["schema"]);
        let in_form: BTreeSet<_> = object(&form["properties"]).map(|(name, _)| name).collect();
        for parameter in &parameters {
            let (name, example) = (parameter["name"].as_str().unwrap(), &parameter["example"]);
            let text = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
            ok(app.post(&format!("{path}?{name}={text}"), damaged("smallest"))).await;
            ok(app.post_form(path, form_with_image(damaged("smallest")).text(name, text))).await;
        }
        let known = problem(app.post(&format!("{path}?x=1"), ""), 422, "unknown-parameter").await;
        let mut known: Vec<_> = known["allowed"].as_str().unwrap().split(", ").collect();
        known.sort_unstable();
        names.sort_unstable();
        assert_eq!(known, names, "{path}");
        assert_eq!(in_form, known.into_iter().chain(["image"]).collect());
        seen.push(names.len());
    }
    assert_eq!(seen, [13, 8]);
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
            "?color=on&sigma=1&strength=1&tone=keep&assume=fine",
            "?color=off&strength=0&metadata=strip",
        ] {
            check(&json(app.post(&format!("/restore{query}"), body.clone())).await, "Receipt");
        }
        check(&json(app.post("/analyze", body)).await, "Analysis");
    }
    for path in ["/version", "/", "/health/live", "/health/ready", "/health/startup", "/openapi.yaml"] {
        // `send` checks every answer.
        ok(app.get(path)).await;
    }
}

/// The `Restoration` header as JSON: what its `x-dictionary` describes.
fn parsed_dictionary(text: &str) -> Value {
    let members: Dictionary = Parser::new(text).parse().unwrap();
    let member = |entry: &ListEntry| match entry {
        ListEntry::Item(item) => match &item.bare_item {
            BareItem::Boolean(flag) => json!(flag),
            BareItem::Token(token) => json!(token.as_str()),
            BareItem::String(text) => json!(text.as_str()),
            BareItem::Decimal(number) => json!(f64::from(*number)),
            BareItem::Integer(number) => json!(i64::from(*number)),
            // A byte sequence is base64 between colons.
            BareItem::ByteSequence(_) => Value::Null,
            other => panic!("{other:?}"),
        },
        ListEntry::InnerList(list) => {
            let texts = list.items.iter().map(|item| item.bare_item.as_string().unwrap().as_str());
            json!(texts.collect::<Vec<_>>())
        }
    };
    let mut object: BTreeMap<&str, Value> =
        members.iter().map(|(key, entry)| (key.as_str(), member(entry))).collect();
    for part in text.split(", ") {
        if let Some((key, bytes)) = part.split_once("=:") {
            object.insert(key, json!(bytes.strip_suffix(':').unwrap()));
        }
    }
    json!(object)
}

#[tokio::test]
async fn the_restoration_header_has_the_members_that_are_described() {
    let app = TestApp::start().await;
    let dictionary = at("/components/headers/Restoration/x-dictionary");
    let mut seen = BTreeSet::new();
    for query in [
        "",
        "?color=on&sigma=1.5&strength=0.75",
        "?color=on&sigma=1.5&strength=0.75&tone=keep&assume=faded",
        "?color=off&strength=0",
        "?color=off&strength=0&format=jpeg",
    ] {
        let response = ok(app.post(&format!("/restore{query}"), damaged("cast"))).await;
        let members = parsed_dictionary(header(&response, "restoration"));
        check_under(&members, dictionary, query);
        seen.extend(members.as_object().unwrap().keys().cloned());
    }
    let deep = image::ImageBuffer::<image::Luma<u16>, Vec<u16>>::from_pixel(9, 9, image::Luma([40_000]));
    let mut png = std::io::Cursor::new(Vec::new());
    deep.write_to(&mut png, image::ImageFormat::Png).unwrap();
    let query = "?color=on&sigma=1&strength=1&format=jpeg";
    let response = ok(app.post(&format!("/restore{query}"), png.into_inner())).await;
    let members = parsed_dictionary(header(&response, "restoration"));
    check_under(&members, dictionary, query);
    seen.extend(members.as_object().unwrap().keys().cloned());
    for query in ["?color=on&sigma=1&strength=1", "?color=on&sigma=1&strength=1&page=2"] {
        let response = ok(app.post(&format!("/restore{query}"), document())).await;
        let members = parsed_dictionary(header(&response, "restoration"));
        check_under(&members, dictionary, query);
        seen.extend(members.as_object().unwrap().keys().cloned());
    }
    let with_trailer = [damaged("cast"), b"trailer".to_vec()].concat();
    let response = ok(app.post("/restore?color=on&sigma=1&strength=1", with_trailer)).await;
    let members = parsed_dictionary(header(&response, "restoration"));
    check_under(&members, dictionary, "notes");
    seen.extend(members.as_object().unwrap().keys().cloned());
    // The receipt of a replay may have the others, which the model of these tests never predicts.
    let described = object(&dictionary["properties"]).map(|(name, _)| name);
    let rare = ["color-blend", "denoise"];
    assert_eq!(seen, described.filter(|name| !rare.contains(name)).map(str::to_owned).collect());
    check_under(
        &parsed_dictionary(at("/components/headers/Restoration/example").as_str().unwrap()),
        dictionary,
        "",
    );
}

#[test]
fn the_idempotency_key_has_the_pattern_that_is_checked() {
    let schema = validator_of(at("/components/parameters/idempotency-key/schema"));
    for fine in [
        "a",
        "\"a\"",
        "\"two words\"",
        "a\"b\\c",
        "!~",
        &"x".repeat(255),
        &format!("\"{}\"", "x".repeat(255)),
    ] {
        assert!(schema.is_valid(&json!(fine)), "{fine}");
    }
    for bad in ["", "two words", "\"", "\"\"", "\"k", "\"a\"b\"", "\"a\\b\"", "é", &"x".repeat(256)] {
        assert!(!schema.is_valid(&json!(bad)), "{bad}");
    }
}

/// The check that every answer of these tests passes must itself find what is wrong.
#[tokio::test]
async fn answers_that_are_not_described_are_found() {
    let fits =
        async |path: &'static str, status: u16, header: (&'static str, &'static str), body: &'static str| {
            let answer = axum::http::Response::builder().status(status).header("x-request-id", "a");
            let answer = answer.header("content-type", "application/json").header(header.0, header.1);
            let answer = reqwest::Response::from(answer.body(body).unwrap());
            // A failed check panics, which ends the task.
            tokio::spawn(async move { check_answer(&Method::GET, path, answer).await.bytes().await.unwrap() })
                .await
        };
    let (path, fine, body) = ("/health/live", ("cache-control", "no-store"), r#"{"status":"live"}"#);
    assert_eq!(fits(path, 200, fine, body).await.unwrap(), body);
    assert!(fits(path, 201, fine, body).await.is_err(), "a status");
    assert!(fits(path, 200, ("x-more", "1"), body).await.is_err(), "a header");
    assert!(fits(path, 200, ("cache-control", "public"), body).await.is_err(), "the value of a header");
    assert!(fits(path, 200, fine, r#"{"status":"live","more":1}"#).await.is_err(), "a member");
    assert!(fits(path, 200, fine, "{}").await.is_err(), "a missing member");
    assert!(fits("/openapi.yaml", 200, fine, body).await.is_err(), "a content type");
    assert!(fits("/nowhere", 200, fine, body).await.is_err(), "a path");
    assert!(fits("/jobs/1/results", 404, fine, body).await.is_err(), "a path with a segment of its own");
}
