//! Parameters in queries and forms. Every refusal names the parameter, its value and the allowed values.

use serde_json::json;

use crate::support::{TestApp, damaged, form_with_image, ok, problem};

#[tokio::test]
async fn values_that_are_not_allowed_name_the_range() {
    let app = TestApp::start().await;
    let sigma = "a number from 0.1 to 20";
    let strength = "a number from -1 to 5";
    let quality = "a whole number from 1 to 100";
    for (name, value, allowed) in [
        ("sigma", "NaN", sigma),
        ("sigma", "inf", sigma),
        ("sigma", "-infinity", sigma),
        ("sigma", "0.09999", sigma),
        ("sigma", "20.0001", sigma),
        ("sigma", "0", sigma),
        ("sigma", "", sigma),
        ("sigma", "wide", sigma),
        ("sigma", "1,5", sigma),
        ("strength", "nan", strength),
        ("strength", "-1.0001", strength),
        ("strength", "5.1", strength),
        ("strength", "1e999", strength),
        ("color", "yes", "on, off"),
        ("color", "ON", "on, off"),
        (
            "color_method",
            "grey",
            "none, white_balance, grey_world, shades_of_grey, stretch, levels, auto_level, auto_contrast, learned",
        ),
        ("tone", "kept", "auto, keep"),
        ("tone", "", "auto, keep"),
        ("assume", "Damaged", "auto, damaged, faded, fine"),
        ("assume", "broken", "auto, damaged, faded, fine"),
        ("format", "gif", "jpeg, png, webp, tiff, bmp, jxl, avif"),
        ("quality", "0", quality),
        ("quality", "101", quality),
        ("quality", "300", quality),
        ("quality", "9.5", quality),
        ("metadata", "drop", "keep, strip"),
    ] {
        let by_query = app.post(&format!("/restore?{name}={value}"), damaged("smallest"));
        let form = form_with_image(damaged("smallest")).text(name, value);
        for request in [by_query, app.post_form("/restore", form)] {
            let refused = problem(request, 422, "bad-parameter").await;
            assert_eq!(refused["parameter"], name);
            assert_eq!(refused["value"], value);
            assert_eq!(refused["allowed"], allowed);
            assert!(refused["detail"].as_str().unwrap().contains(allowed), "{refused}");
        }
    }
}

#[tokio::test]
async fn the_ends_of_the_ranges_are_allowed() {
    let app = TestApp::start().await;
    for query in
        ["sigma=0.1&strength=-1", "sigma=20&strength=5", "quality=1&format=jpeg", "quality=100&format=webp"]
    {
        ok(app.post(&format!("/restore?{query}"), damaged("smallest"))).await;
    }
}

#[tokio::test]
async fn unknown_names_get_a_suggestion() {
    let app = TestApp::start().await;
    for (name, suggestion) in [
        ("sgima", Some("sigma")),
        ("Strength", Some("strength")),
        ("colour", Some("color")),
        ("colormethod", Some("color_method")),
        ("fromat", Some("format")),
        ("asume", Some("assume")),
        ("xyzzy", None),
    ] {
        let refused = app.post(&format!("/restore?{name}=1"), damaged("smallest"));
        let refused = problem(refused, 422, "unknown-parameter").await;
        assert_eq!(refused["parameter"], name);
        assert_eq!(refused["suggestion"].as_str(), suggestion, "{refused}");
        let form = form_with_image(damaged("smallest")).text(name, "1");
        let refused = problem(app.post_form("/restore", form), 422, "unknown-parameter").await;
        assert_eq!(refused["suggestion"].as_str(), suggestion, "{refused}");
    }
}

#[tokio::test]
async fn a_name_given_twice_is_refused() {
    let app = TestApp::start().await;
    let body = || damaged("smallest");
    let in_query = app.post("/restore?sigma=1&sigma=1", body());
    let in_form = app.post_form("/restore", form_with_image(body()).text("sigma", "1").text("sigma", "2"));
    let in_both = app.post_form("/restore?sigma=1", form_with_image(body()).text("sigma", "1"));
    for request in [in_query, in_form, in_both] {
        assert_eq!(problem(request, 422, "repeated-parameter").await["parameter"], "sigma");
    }
}

#[tokio::test]
async fn a_switch_and_a_method_must_agree() {
    let app = TestApp::start().await;
    let refused = app.post("/restore?color=on&color_method=none", damaged("smallest"));
    problem(refused, 422, "contradicting-parameters").await;
    ok(app.post("/restore?color=on&color_method=white_balance", damaged("smallest"))).await;
}

#[tokio::test]
async fn every_method_but_the_learned_one_is_served_by_any_model() {
    let app = TestApp::start().await;
    for method in ["grey_world", "shades_of_grey", "stretch", "levels", "auto_level", "auto_contrast"] {
        ok(app.post(&format!("/restore?color_method={method}&sigma=1&strength=0.5"), damaged("cast"))).await;
        ok(app.post(&format!("/restore?color_method={method}"), damaged("cast"))).await;
    }
    for path in ["/restore?color_method=learned&sigma=1&strength=0.5", "/analyze?color_method=learned"] {
        let refused = problem(app.post(path, damaged("cast")), 422, "bad-parameter").await;
        assert_eq!((&refused["parameter"], &refused["value"]), (&json!("color_method"), &json!("learned")));
        assert!(refused["detail"].as_str().unwrap().contains("predicts no colour transform"), "{refused}");
    }
}

#[tokio::test]
async fn query_and_form_add_up_and_mean_the_same() {
    let app = TestApp::start().await;
    let by_query = ok(app.post("/restore?color=on&sigma=1.5&strength=0.75", damaged("cast"))).await;
    let form = form_with_image(damaged("cast")).text("sigma", "1.5").text("strength", "0.75");
    let mixed = ok(app.post_form("/restore?color=on", form)).await;
    assert!(by_query.bytes().await.unwrap() == mixed.bytes().await.unwrap());
}

#[tokio::test]
async fn long_texts_are_not_repeated_whole() {
    let app = TestApp::start().await;
    let long = "x".repeat(5000);
    let refused = app.post(&format!("/restore?sigma={long}"), damaged("smallest"));
    let refused = problem(refused, 422, "bad-parameter").await;
    assert!(refused.to_string().len() < 1000, "{refused}");
    let form = form_with_image(damaged("smallest")).text("sigma", long);
    let refused = problem(app.post_form("/restore", form), 413, "part-too-large").await;
    assert_eq!((refused["limit"].as_u64(), refused["parameter"].as_str()), (Some(1024), Some("sigma")));
}
