//! What an operator does and sees by HTTP, door by door.

use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::{
    Allowance, CallbackEndpoint, Claim, ErrorType, ItemId, JobId, LogEmitter, MemoryStore, NewJob,
    OperatorStore, Report, Secrets, Settlement, Store,
};
use robot_callback_warp::{Operator, routes};
use serde_json::{Value, json};
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::world::WORKSPACE;

/// A shop's store, and the doors to it.
struct Shop {
    store: Arc<MemoryStore>,
    routes: BoxedFilter<(Response,)>,
}

impl Shop {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let endpoint = CallbackEndpoint::new(store.clone(), Arc::new(LogEmitter), Secrets::default());
        let allowance = Allowance { per_order: Duration::from_secs(60), plus: Duration::from_secs(600) };
        let operator = Operator::new(store.clone(), Secrets::new(["token", "ana~s3cret"]));
        let routes = routes(endpoint, operator.with_default_deadline(Some(allowance)));
        Self { store, routes }
    }

    async fn job(&self, orders: usize) -> (JobId, Vec<ItemId>) {
        let orders = vec![r##"{"name":"#1"}"##; orders].join(",");
        let body = format!(r#"{{"workspaceId":"{WORKSPACE}","orders":[{orders}]}}"#);
        let job = NewJob::from_json(body.as_bytes(), None).unwrap();
        let made = (job.id, job.items.iter().map(|item| item.id).collect());
        self.store.create_job(job).await.unwrap();
        made
    }

    /// A job of one item that failed.
    async fn failed(&self) -> (JobId, ItemId) {
        let (job, items) = self.job(1).await;
        self.fail(items[0]).await;
        (job, items[0])
    }

    async fn fail(&self, item: ItemId) {
        self.store.apply(Report::error(item, ErrorType::Portal, "no")).await.unwrap();
    }

    async fn succeed(&self, item: ItemId) {
        self.store.apply(Report::success(item, "73150001234")).await.unwrap();
    }

    /// Everything that waits becomes dead letters.
    async fn refuse_all(&self) -> Vec<i64> {
        let lease = self.store.claim(Claim { limit: 100, lease: Duration::from_secs(60) }).await.unwrap();
        let dead = |id| (id, Settlement::Dead { reason: "400: no".to_owned() });
        let ids: Vec<i64> = lease.entries.iter().map(|entry| entry.id).collect();
        self.store.settle(lease.token, ids.iter().copied().map(dead).collect()).await.unwrap();
        ids
    }

    async fn ask(&self, method: &str, path: &str, key: Option<&str>, body: &Value) -> (u16, Value) {
        let mut ask =
            warp::test::request().method(method).path(path).header("authorization", "Bearer ana~s3cret");
        if let Some(key) = key {
            ask = ask.header("idempotency-key", key);
        }
        if !body.is_null() {
            ask = ask.json(body);
        }
        let reply = ask.reply(&self.routes).await;
        let json = serde_json::from_slice(reply.body());
        (reply.status().as_u16(), json.unwrap_or_else(|error| panic!("{error}: {:?}", reply.body())))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, json) = self.ask("GET", path, None, &Value::Null).await;
        assert_eq!(status, 200, "{path}: {json}");
        json
    }

    async fn change(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, json) = self.ask(method, path, None, &body).await;
        assert_eq!(status, 200, "{path}: {json}");
        json
    }

    #[track_caller]
    fn refused((status, json): (u16, Value), expected: u16, error: &str) {
        assert_eq!((status, json["error"].as_str()), (expected, Some(error)), "{json}");
    }
}

fn ids(list: &Value, key: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|row| row[key].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn jobs_are_listed_filtered_and_paged() {
    let shop = Shop::new();
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(shop.job(1).await.0.to_string());
    }
    let (failed, _) = shop.failed().await;
    let first = shop.get("/api/jobs?limit=3").await;
    let next = first["next"].as_str().expect("there is another page");
    let second = shop.get(&format!("/api/jobs?limit=3&cursor={next}")).await;
    assert_eq!(second["next"], Value::Null, "the last page has no next");
    let mut listed = [ids(&first["jobs"], "jobId"), ids(&second["jobs"], "jobId")].concat();
    made.push(failed.to_string());
    listed.sort();
    made.sort();
    assert_eq!(listed, made, "each job once");
    let completed =
        shop.get(&format!("/api/jobs?status=completed&workspaceId={WORKSPACE}&overdue=false")).await;
    assert_eq!(ids(&completed["jobs"], "jobId"), [failed.to_string()]);
    let early = shop.get("/api/jobs?createdBefore=2001-01-01T00%3A00%3A00Z").await;
    assert_eq!(early["jobs"], json!([]));
}

#[tokio::test]
async fn a_big_job_is_shown_page_by_page() {
    let shop = Shop::new();
    let (job, items) = shop.job(5).await;
    shop.fail(items[3]).await;
    let failed = shop.get(&format!("/api/jobs/{job}?itemStatus=error")).await;
    assert_eq!(
        (ids(&failed["items"], "itemId"), &failed["errorCount"]),
        (vec![items[3].to_string()], &json!(1))
    );
    let first = shop.get(&format!("/api/jobs/{job}?limit=2")).await;
    let next = first["next"].as_str().expect("there is another page");
    let rest = shop.get(&format!("/api/jobs/{job}?limit=5&cursor={next}")).await;
    let shown = [ids(&first["items"], "itemId"), ids(&rest["items"], "itemId")].concat();
    assert_eq!(
        shown,
        items.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "in the order they were given"
    );
}

#[tokio::test]
async fn unknown_parameters_and_fields_are_told_with_their_rule() {
    let shop = Shop::new();
    let (job, _) = shop.failed().await;
    for (path, error) in [
        ("/api/jobs?colour=red".to_owned(), "colour is no parameter of this path"),
        ("/api/jobs?limit=1000".to_owned(), "limit must be a whole number from 1 to 500"),
        ("/api/jobs?status=lost".to_owned(), "status must be pending, processing, completed or failed"),
        ("/api/jobs?cursor=x".to_owned(), "cursor must be the `next` of a page before"),
        (
            "/api/jobs?createdFrom=today".to_owned(),
            "createdFrom must be a moment such as 2026-11-23T15:04:05Z",
        ),
        (
            format!("/api/jobs/{job}?itemStatus=red"),
            "itemStatus must be pending, processing, success or error",
        ),
        ("/api/actions?jobId=1".to_owned(), "jobId must be a UUID"),
        ("/api/kept-reports?open=perhaps".to_owned(), "open must be true or false"),
        ("/api/outbox?x=1".to_owned(), "x is no parameter of this path"),
    ] {
        Shop::refused(shop.ask("GET", &path, None, &Value::Null).await, 400, error);
    }
    let retry = format!("/api/jobs/{job}/retry");
    let deadline = format!("/api/jobs/{job}/deadline");
    for (method, path, body, error) in [
        ("POST", &retry, json!({}), "run is required where there is no idempotency-key"),
        ("PUT", &deadline, json!({}), "deadline is required: a moment, or null for none"),
        (
            "PUT",
            &deadline,
            json!({"deadline": null, "allowance": {"plusSecs": 1}}),
            "allowance must be absent where a deadline is given",
        ),
        (
            "POST",
            &"/api/dead-letters/redrive".to_owned(),
            json!({}),
            "entries must list dead letters, or all must be true in its place",
        ),
        (
            "POST",
            &"/api/dead-letters/1/drop".to_owned(),
            json!({"reason": " "}),
            "reason must be 1 to 500 characters long",
        ),
    ] {
        Shop::refused(shop.ask(method, path, None, &body).await, 400, error);
    }
    let (status, json) = shop.ask("POST", &retry, None, &json!({"run": "one"})).await;
    assert!(
        status == 400 && json["error"].as_str().unwrap().starts_with("run: "),
        "the field is named: {json}"
    );
    let (status, json) = shop.ask("POST", &retry, None, &json!({"rum": 1})).await;
    assert!(status == 400 && json["error"].as_str().unwrap().starts_with("rum: unknown field"), "{json}");
}

#[tokio::test]
async fn a_retry_that_is_sent_twice_re_opens_once() {
    let shop = Shop::new();
    let (job, item) = shop.failed().await;
    let path = format!("/api/jobs/{job}/retry");
    let before = shop.ask("POST", &path, Some("k1"), &json!({"deadline": null})).await;
    let reopened = json!({"reopened": {"run": 2, "items": [item], "deadline": null}});
    assert_eq!(before, (200, json!({"effect": reopened, "repeated": false})));
    shop.fail(item).await;
    let again = shop.ask("POST", &path, Some("k1"), &json!({"deadline": null})).await;
    assert_eq!(again, (200, json!({"effect": reopened, "repeated": true})), "answered alike");
    assert_eq!(shop.get(&format!("/api/jobs/{job}")).await["run"], 2, "and done once");
    Shop::refused(shop.ask("POST", &path, None, &json!({"run": 1})).await, 409, "The job is in run 2");
    let other = shop.ask("POST", &path, Some("k1"), &json!({"run": 2})).await;
    assert_eq!(other.0, 422, "a key is one request's: {other:?}");
    let done = shop.change("POST", &path, json!({"run": 2, "items": [item]})).await;
    assert_eq!(done["effect"]["reopened"]["run"], 3);
    assert!(
        done["effect"]["reopened"]["deadline"].is_string(),
        "the server's own formula, where nothing is said"
    );
}

#[tokio::test]
async fn a_deadline_is_set_and_cleared_and_the_servers_own_stands_where_nothing_is_said() {
    let shop = Shop::new();
    let body = json!({"workspaceId": WORKSPACE, "orders": [{"name": "#1"}, {"name": "#2"}]});
    let (status, made) = shop.ask("POST", "/api/jobs", None, &body).await;
    assert_eq!(status, 201, "{made}");
    let moment = |json: &Value| json.as_str().unwrap().parse::<robot_callback_core::Timestamp>().unwrap();
    let span = moment(&made["deadline"]).since(moment(&made["createdAt"]));
    assert_eq!(span, Duration::from_secs(2 * 60 + 600), "so much for each of two orders plus so much");
    let path = format!("/api/jobs/{}/deadline", made["jobId"].as_str().unwrap());
    let set = json!({"deadline": "2030-01-01T00:00:00.000Z"});
    let done = shop.change("PUT", &path, set.clone()).await;
    assert_eq!(done["effect"], json!({"deadlineSet": set}));
    assert_eq!(shop.change("PUT", &path, set).await["effect"], "nothing", "setting it again changes nothing");
    let cleared = shop.change("PUT", &path, json!({"deadline": null})).await;
    assert_eq!(cleared["effect"], json!({"deadlineSet": {"deadline": null}}));
    let never = json!({"workspaceId": WORKSPACE, "orders": [{"name": "#1"}], "deadline": null});
    assert_eq!(
        shop.ask("POST", "/api/jobs", None, &never).await.1["deadline"],
        Value::Null,
        "null is said, too"
    );
    let (complete, _) = shop.failed().await;
    let late =
        shop.ask("PUT", &format!("/api/jobs/{complete}/deadline"), None, &json!({"deadline": null})).await;
    Shop::refused(late, 409, "The job has no open items");
}

#[tokio::test]
async fn kept_reports_are_listed_accepted_and_dismissed() {
    let shop = Shop::new();
    let ((one, item), (other, item2)) = (shop.failed().await, shop.failed().await);
    shop.succeed(item).await;
    shop.succeed(item2).await;
    let open = shop.get("/api/kept-reports").await;
    let numbers: Vec<i64> =
        open["keptReports"].as_array().unwrap().iter().map(|kept| kept["id"].as_i64().unwrap()).collect();
    assert_eq!(numbers.len(), 2, "those of all jobs: {open}");
    let accepted =
        shop.change("POST", &format!("/api/kept-reports/{}/accept", numbers[0]), Value::Null).await;
    assert_eq!(accepted["effect"]["resolved"]["jobId"], json!(one), "{accepted}");
    assert_eq!(
        shop.get(&format!("/api/jobs/{one}")).await["items"][0]["trackingNumber"],
        "73150001234",
        "it wins"
    );
    let dismissed =
        shop.change("POST", &format!("/api/kept-reports/{}/dismiss", numbers[1]), json!({})).await;
    assert_eq!(dismissed["effect"]["resolved"]["events"], 0);
    assert_eq!(shop.get("/api/kept-reports").await["keptReports"], json!([]), "none waits for a decision");
    let of_job = shop.get(&format!("/api/jobs/{other}/kept-reports")).await;
    assert_eq!(of_job["keptReports"][0]["resolution"], "dismissed", "but they are kept");
    let late =
        shop.ask("POST", &format!("/api/kept-reports/{}/accept", numbers[1]), None, &Value::Null).await;
    Shop::refused(late, 409, "The kept report was dismissed before");
    let unknown = shop.ask("POST", "/api/kept-reports/x/accept", None, &Value::Null).await;
    Shop::refused(unknown, 404, "Kept report not found");
}

#[tokio::test]
async fn dead_letters_are_redriven_and_dropped_with_a_reason() {
    let shop = Shop::new();
    let (_, items) = shop.job(4).await;
    for item in &items[..3] {
        shop.succeed(*item).await;
    }
    assert_eq!(shop.get("/api/outbox").await["pending"], 3);
    let dead = shop.refuse_all().await;
    let depth = shop.get("/api/outbox").await;
    assert_eq!((&depth["dead"], &depth["oldestAgeSecs"]), (&json!(3), &Value::Null), "nothing waits");
    let first = shop.get("/api/dead-letters?limit=2").await;
    assert_eq!(
        (first["deadLetters"].as_array().unwrap().len(), &first["next"]),
        (2, &json!(dead[1].to_string()))
    );
    assert_eq!(first["deadLetters"][0]["reason"], "400: no");
    let some = shop.change("POST", "/api/dead-letters/redrive", json!({"entries": [dead[0]]})).await;
    assert_eq!(some["effect"], json!({"redriven": {"entries": [dead[0]]}}));
    let path = format!("/api/dead-letters/{}/drop", dead[1]);
    let dropped = shop.change("POST", &path, json!({"reason": "the order was cancelled"})).await;
    assert!(dropped["effect"]["dropped"]["eventId"].is_string(), "{dropped}");
    let all = shop.change("POST", "/api/dead-letters/redrive", json!({"all": true})).await;
    assert_eq!(all["effect"], json!({"redriven": {"entries": [dead[2]]}}), "what was dropped stays dropped");
    let kept = shop.get("/api/dead-letters?dropped=true").await;
    assert_eq!(kept["deadLetters"][0]["dropped"]["reason"], "the order was cancelled", "{kept}");
    assert!(shop.get("/api/outbox").await["oldestAgeSecs"].is_u64(), "two wait again");
    let due =
        shop.ask("POST", &format!("/api/dead-letters/{}/drop", dead[0]), None, &json!({"reason": "x"})).await;
    Shop::refused(due, 409, "The entry is no dead letter");
    let unknown = shop.ask("POST", "/api/dead-letters/99/drop", None, &json!({"reason": "x"})).await;
    Shop::refused(unknown, 404, "Entry not found");
}

#[tokio::test]
async fn a_completion_is_acknowledged() {
    let shop = Shop::new();
    let (open, _) = shop.job(1).await;
    let (job, _) = shop.failed().await;
    let path = format!("/api/jobs/{job}/completion/acknowledge");
    assert_eq!(shop.change("POST", &path, Value::Null).await["effect"], json!({"acknowledged": {"run": 1}}));
    assert_eq!(shop.change("POST", &path, json!({"run": 1})).await["effect"], "nothing", "once");
    let early =
        shop.ask("POST", &format!("/api/jobs/{open}/completion/acknowledge"), None, &Value::Null).await;
    Shop::refused(early, 409, "The run is not complete");
    let unknown = "/api/jobs/00000000-0000-4000-8000-000000000404/completion/acknowledge";
    Shop::refused(shop.ask("POST", unknown, None, &Value::Null).await, 404, "Job not found");
}

#[tokio::test]
async fn every_change_is_recorded_with_who_when_and_what() {
    let shop = Shop::new();
    let (job, item) = shop.failed().await;
    let path = format!("/api/jobs/{job}/retry");
    shop.ask("POST", &path, Some("k1"), &json!({"deadline": null})).await;
    let actions = shop.get(&format!("/api/actions?jobId={job}")).await;
    let last = &actions["actions"][0];
    assert_eq!(
        (&last["actor"], &last["verb"]),
        (&json!("token ana"), &json!("retry")),
        "a token's name is who"
    );
    assert_eq!(last["idempotencyKey"], "k1");
    assert_eq!(last["request"]["retry"]["jobId"], json!(job), "what was asked");
    assert_eq!(last["effect"]["reopened"]["items"], json!([item]), "and what it did");
    assert!(last["at"].is_string());
    assert_eq!(actions["actions"][1]["verb"], "create", "a job's making is the first");
    assert_eq!(shop.get("/api/actions?limit=1").await["actions"].as_array().unwrap().len(), 1);
    assert!(!actions.to_string().contains("s3cret"), "a token is in no record");
}

#[tokio::test]
async fn verification_is_there_by_http() {
    let shop = Shop::new();
    shop.failed().await;
    assert_eq!(shop.get("/api/verify").await, json!({"discrepancies": []}));
}

/// The doors that the documentation lists, as `METHOD /path`.
fn documented() -> Vec<(&'static str, String)> {
    let page = include_str!("../../../docs/operator.md");
    let doors =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |")).map(|(door, _)| door);
    let doors: Vec<_> = doors
        .filter_map(|door| door.split_once(' '))
        .map(|(method, path)| (method, path.replace("{id}", "x")))
        .collect();
    assert_eq!(doors.len(), 16, "each door stands in the documentation: {doors:?}");
    doors
}

/// Every door is there as documented, and asks for the token before anything else is looked at.
#[tokio::test]
async fn every_documented_door_is_there_and_opens_to_nobody_without_the_token() {
    let shop = Shop::new();
    for (method, path) in documented() {
        let path = format!("{path}?colour=red");
        let ask = warp::test::request().method(method).path(&path).header("authorization", "Bearer ana~");
        let reply = ask.body("{").reply(&shop.routes).await;
        assert_eq!(reply.status(), 401, "{method} {path}");
        let wrong = warp::test::request().method("PATCH").path(&path).reply(&shop.routes).await;
        assert_eq!(wrong.status(), 405, "{path}");
        let allowed = wrong.headers()["allow"].to_str().unwrap();
        assert!(allowed.split(", ").any(|allowed| allowed == method), "{path} allows {allowed}");
    }
}
