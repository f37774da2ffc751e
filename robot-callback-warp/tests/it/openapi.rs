//! The description that is served, held against what is answered and against the words of the code.

pub(crate) mod shop;

use std::collections::BTreeSet;

use robot_callback_core::{
    CALLBACK_PATH, Deadline, ErrorType, ItemStatus, JobId, JobStatus, JobType, NewJob, Operation, Outcome,
    Report, Resolution, Verdict,
};
use serde::Serialize;
use serde_json::{Value, json};

use self::shop::{SECRET, Shop, TOKEN, operations, served};
use crate::answers;

/// The bodies that an operation's examples show; none at all, where there is no body.
fn bodies(operation: &Value) -> Vec<Option<&Value>> {
    let examples = operation.pointer("/requestBody/content/application~1json/examples");
    let Some(examples) = examples else { return vec![None] };
    examples.as_object().unwrap().values().map(|example| Some(&example["value"])).collect()
}

/// The path with the examples of what varies in it.
fn filled(path: &str, document: &Value) -> String {
    let parameters = document["components"]["parameters"].as_object().unwrap().values();
    let varying = parameters.filter(|parameter| parameter["in"] == "path");
    varying.fold(path.to_owned(), |path, parameter| {
        let name = format!("{{{}}}", parameter["name"].as_str().unwrap());
        path.replace(&name, parameter["example"].to_string().trim_matches('"'))
    })
}

#[tokio::test]
async fn every_request_of_an_example_is_taken_as_it_stands() {
    let document = served().await;
    for (path, method, operation) in operations(&document) {
        for body in bodies(operation) {
            let folder = tempfile::tempdir().unwrap();
            let complete = operation["operationId"] == "acknowledgeCompletion";
            let shop = Shop::open(&folder.path().join("shop.db"), &document, complete).await;
            let mut ask = warp::test::request().method(&method.to_uppercase()).path(&filled(path, &document));
            ask = ask.header("x-callback-secret", SECRET).header("authorization", format!("Bearer {TOKEN}"));
            if let Some(body) = body {
                ask = ask.json(body);
            }
            let reply = ask.reply(&shop.routes()).await;
            let status = reply.status();
            assert!(status.is_success(), "{method} {path} {body:?}: {:?}", reply.body());
            assert!(operation["responses"][status.as_str()].is_object(), "{method} {path} {status}");
        }
    }
}

#[tokio::test]
async fn every_example_of_a_callback_and_of_a_job_says_what_it_seems_to() {
    let document = served().await;
    let examples =
        |schema: &str| document["components"]["schemas"][schema]["examples"].as_array().unwrap().clone();
    for callback in examples("Callback") {
        let report = Report::parse(callback.to_string().as_bytes()).unwrap();
        assert_eq!(json!(report), callback, "nothing of it is passed over");
    }
    for job in examples("NewJob") {
        NewJob::from_json(job.to_string().as_bytes(), None).unwrap();
    }
}

#[tokio::test]
async fn every_answer_to_a_callback_is_described_and_no_other() {
    let document = served().await;
    let described = document["paths"][CALLBACK_PATH]["post"]["responses"].as_object().unwrap().keys();
    let described: BTreeSet<u16> = described.map(|status| status.parse().unwrap()).collect();
    let mut answered = answers::statuses();
    answered.insert(408); // a body that trickles; that table has no patience for it
    assert_eq!(described, answered);
}

fn words(all: impl IntoIterator<Item = impl Serialize>) -> BTreeSet<String> {
    all.into_iter().map(|word| json!(word).as_str().unwrap().to_owned()).collect()
}

/// What an operator can do to a job, a kept report and a dead letter, and to make a job.
fn verbs() -> BTreeSet<&'static str> {
    let job_id = JobId::random();
    let resolve = |resolution| Operation::Resolve { kept_id: 1, resolution };
    let operations = [
        Operation::Retry { job_id, items: None, run: None, deadline: Deadline::Unsaid },
        Operation::SetDeadline { job_id, deadline: Deadline::Never },
        resolve(Resolution::Accepted),
        resolve(Resolution::Dismissed),
        Operation::Redrive { entries: None },
        Operation::Drop { entry_id: 1, reason: String::new() },
        Operation::Acknowledge { job_id, run: None },
    ];
    operations.iter().map(Operation::verb).chain(["create"]).collect()
}

#[tokio::test]
async fn the_words_are_those_of_the_code() {
    let document = served().await;
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(&folder.path().join("shop.db"), &document, true).await;
    let announced: BTreeSet<&str> = shop.events.iter().map(|entry| entry.event.name.as_str()).collect();
    for (schema, words) in [
        ("Verdict", words(Verdict::ALL)),
        ("Outcome", words(Outcome::ALL)),
        ("ErrorType", words(ErrorType::ALL)),
        ("JobStatus", words(JobStatus::ALL)),
        ("ItemStatus", words(ItemStatus::ALL)),
        ("JobType", words(JobType::ALL)),
        ("Resolution", words(Resolution::ALL)),
        ("Verb", words(verbs())),
        ("EventName", words(announced)),
    ] {
        let described = document["components"]["schemas"][schema]["enum"].as_array().unwrap();
        assert_eq!(self::words(described), words, "{schema}");
    }
    let reported = document.pointer("/components/schemas/Callback/properties/errorType/enum").unwrap();
    let reported = reported.as_array().unwrap().iter().filter(|word| !word.is_null());
    assert_eq!(self::words(reported), self::words(ErrorType::ALL), "null is for none");
}

#[tokio::test]
async fn no_part_of_it_is_left_over_and_none_is_missing() {
    let document = served().await;
    let mut named = BTreeSet::new();
    references(&document, &mut named);
    for reference in &named {
        assert!(document.pointer(reference).is_some(), "{reference} is there");
    }
    for kind in ["headers", "parameters", "responses", "schemas"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            assert!(named.contains(&format!("/components/{kind}/{name}")), "{kind} {name} is of use");
        }
    }
}

/// The places that references within the document name.
fn references(value: &Value, named: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            let reference = members.get("$ref").and_then(Value::as_str);
            named.extend(reference.map(|place| place.trim_start_matches('#').to_owned()));
            members.values().for_each(|member| references(member, named));
        }
        Value::Array(members) => members.iter().for_each(|member| references(member, named)),
        _ => {}
    }
}
