//! Every way of asking that the routes know, right and wrong.

use robot_callback_core::{CALLBACK_PATH, Clock, SigningKey, SystemClock, seconds};

use super::{ORDER, SECRETS, SIGNING, WORKSPACE_SIGNING, WRONG};
use crate::client::request;
use crate::world::success;

pub(super) fn requests(job: &str, items: [&str; 2]) -> Vec<Vec<u8>> {
    let mut all = callbacks(items);
    let (token, named) = (format!("Bearer {}", SECRETS[3]), format!("Bearer ana~{}", SECRETS[3]));
    for token in [&token, &named, &format!("Bearer {WRONG}")] {
        for (method, path, body) in doors(job, items[1]) {
            let headers: &[(&str, &[u8])] = &[("authorization", token.as_bytes())];
            all.push(request(method, &path, headers, body.as_bytes()));
        }
    }
    all
}

fn callbacks([shipped, failed]: [&str; 2]) -> Vec<Vec<u8>> {
    let report = success(shipped);
    let contradiction = report.replace("73150001234", "73150009999");
    let failure = format!(
        r#"{{"itemId":"{failed}","status":"error","errorType":"portal","errorMessage":"canary-message"}}"#
    );
    let mut all = Vec::new();
    for secret in [SECRETS[0], SECRETS[1], SECRETS[2], WRONG] {
        for body in [&report, &failure, &contradiction, "canary-message", r#"{"itemId":"canary-message"}"#] {
            for method in ["POST", "GET"] {
                let headers: &[(&str, &[u8])] = &[("x-callback-secret", secret.as_bytes())];
                all.push(request(method, CALLBACK_PATH, headers, body.as_bytes()));
            }
        }
    }
    for key in [SIGNING, WORKSPACE_SIGNING] {
        all.push(signed(key, &report, &report));
        all.push(signed(key, &report, &contradiction));
    }
    all
}

/// A callback with a signature that was made for another body, perhaps.
fn signed(key: &str, body: &str, signed: &str) -> Vec<u8> {
    let at = SystemClock.now();
    let (time, signature) =
        (seconds(at), SigningKey::parse(key).unwrap().sign("msg_1", at, signed.as_bytes()));
    let headers: &[(&str, &[u8])] = &[
        ("webhook-id", b"msg_1"),
        ("webhook-timestamp", time.as_bytes()),
        ("webhook-signature", signature.as_bytes()),
    ];
    request("POST", CALLBACK_PATH, headers, body.as_bytes())
}

fn doors(job: &str, item: &str) -> Vec<(&'static str, String, String)> {
    let own = |rest: &str| format!("/api/jobs/{job}{rest}");
    let mut all = Vec::new();
    for path in [
        "/api/jobs".to_owned(),
        "/api/jobs?status=canary-wrong-guess".to_owned(),
        own(""),
        own("?limit=1"),
        own("/kept-reports"),
        "/api/jobs/no-job".to_owned(),
        "/api/kept-reports?open=false".to_owned(),
        "/api/outbox".to_owned(),
        "/api/dead-letters".to_owned(),
        "/api/actions".to_owned(),
        "/api/verify".to_owned(),
        "/openapi.json".to_owned(),
        "/healthz".to_owned(),
        "/readyz".to_owned(),
        "/metrics".to_owned(),
        "/elsewhere?token=canary-wrong-guess".to_owned(),
    ] {
        all.push(("GET", path, String::new()));
    }
    for (path, body) in [
        ("/api/jobs".to_owned(), ORDER.to_owned()),
        ("/api/jobs".to_owned(), "canary-message".to_owned()),
        ("/api/jobs".to_owned(), ORDER.replace("totalValue\":1", "totalValue\":\"canary-message\"")),
        ("/api/kept-reports/1/dismiss".to_owned(), String::new()),
        ("/api/kept-reports/1/accept".to_owned(), String::new()),
        (own("/retry"), format!(r#"{{"run":1,"items":["{item}"]}}"#)),
        (own("/retry"), r#"{"items":["canary-message"]}"#.to_owned()),
        (own("/completion/acknowledge"), String::new()),
        ("/api/dead-letters/redrive".to_owned(), r#"{"entries":[4711]}"#.to_owned()),
        ("/api/dead-letters/4711/drop".to_owned(), r#"{"reason":"no longer wanted"}"#.to_owned()),
    ] {
        all.push(("POST", path, body));
    }
    all.push(("PUT", own("/deadline"), r#"{"deadline":null}"#.to_owned()));
    all.push(("PUT", own("/deadline"), r#"{"deadline":"canary-message"}"#.to_owned()));
    all
}
