//! The admin listener's routes, for operators and their tools: health, readiness with its reasons, metrics.
//!
//! They ask for no token and show no id, no name and no secret. Bind them where only operators come.

use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use robot_callback_core::Problem;
use serde_json::{Value, json};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::http::header::{CONTENT_TYPE, HeaderValue};
use warp::reply::{Reply, Response};

use crate::causes::chain;
use crate::metrics;
use crate::operator::{Health, Operator};
use crate::reading::reading;
use crate::reply::{json as reply, whole};

/// How long the store may take to say that it is well.
const PING_DEADLINE: Duration = Duration::from_secs(5);

/// `/healthz`, `/readyz`, `/metrics`, and 404 on every other path. Always replies.
pub(crate) fn admin(operator: Operator, handle: PrometheusHandle) -> BoxedFilter<(Response,)> {
    let health = reading(warp::path!("healthz").boxed(), || async {
        reply(StatusCode::OK, &json!({"status": "alive"}))
    });
    let asked = operator.clone();
    let readiness = reading(warp::path!("readyz").boxed(), move || {
        let operator = asked.clone();
        async move { ready(&operator).await }
    });
    let metrics = reading(warp::path!("metrics").boxed(), move || {
        let (operator, handle) = (operator.clone(), handle.clone());
        async move { text(metrics::expose(&handle, operator.store(), operator.is_draining()).await) }
    });
    let elsewhere = warp::any()
        .then(|| async { whole(Problem::new(StatusCode::NOT_FOUND, "Not found").response()).await });
    health.or(readiness).unify().or(metrics).unify().or(elsewhere).unify().boxed()
}

fn text(body: String) -> Response {
    let mut response = body.into_response();
    let prometheus = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, prometheus);
    response
}

async fn ready(operator: &Operator) -> Response {
    let health = tokio::time::timeout(PING_DEADLINE, operator.health()).await;
    let (status, checks) = readiness(&health.unwrap_or(Health::Late), operator.is_draining());
    reply(status, &checks)
}

/// Each check with its reason.
fn readiness(health: &Health, draining: bool) -> (StatusCode, Value) {
    let unknown = || Err("not known while the database is away".to_owned());
    let (database, migrations) = match health {
        Health::Well => (Ok(()), Ok(())),
        Health::Unwell(error) if error.is_transient() => (Err(chain(error)), unknown()),
        Health::Unwell(error) => (Ok(()), Err(chain(error))),
        Health::Late => (Err(format!("no answer within {PING_DEADLINE:?}")), unknown()),
    };
    let draining = if draining { Err("the server is about to stop".to_owned()) } else { Ok(()) };
    let well = database.is_ok() && migrations.is_ok() && draining.is_ok();
    let (status, word) =
        if well { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "unready") };
    let checks = json!({
        "database": check(&database), "migrations": check(&migrations), "draining": check(&draining),
    });
    (status, json!({"status": word, "checks": checks}))
}

fn check(found: &Result<(), String>) -> Value {
    match found {
        Ok(()) => json!({"ok": true}),
        Err(reason) => json!({"ok": false, "reason": reason}),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use robot_callback_core::StoreError;

    use super::*;

    #[test]
    fn each_check_says_why_it_fails() {
        let unwell = |error| Health::Unwell(Arc::new(error));
        let away = || unwell(StoreError::unavailable("connection refused"));
        let old = || unwell(StoreError::fault("the tables are at version 2"));
        for (health, draining, status, failing) in [
            (Health::Well, false, 200, &[][..]),
            (Health::Well, true, 503, &[("draining", "the server is about to stop")]),
            (
                away(),
                false,
                503,
                &[
                    ("database", "the store is not available: connection refused"),
                    ("migrations", "not known while the database is away"),
                ],
            ),
            (old(), false, 503, &[("migrations", "the store failed: the tables are at version 2")]),
            (
                Health::Late,
                false,
                503,
                &[
                    ("database", "no answer within 5s"),
                    ("migrations", "not known while the database is away"),
                ],
            ),
        ] {
            let (code, told) = readiness(&health, draining);
            assert_eq!(code, status, "{told}");
            for check in ["database", "migrations", "draining"] {
                let reason = failing.iter().find(|(name, _)| *name == check).map(|(_, reason)| *reason);
                assert_eq!(told["checks"][check]["reason"].as_str(), reason, "{told}");
                assert_eq!(told["checks"][check]["ok"], reason.is_none(), "{told}");
            }
        }
    }
}
