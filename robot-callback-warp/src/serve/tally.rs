//! What is counted of requests. Each series is looked up once for a server, not by its name for each request.

use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};
use warp::http::StatusCode;

use crate::metrics::{REQUEST_SECONDS, REQUESTS, ROUTES, STATUSES};

pub(super) struct Tally(Vec<Route>);

/// The series of one route.
struct Route {
    name: &'static str,
    seconds: Histogram,
    /// By status, in the order of [`STATUSES`]; the last is that of all others.
    answers: Vec<Counter>,
}

impl Tally {
    /// Once the recorder is installed: what is looked up before goes nowhere.
    pub(super) fn new() -> Self {
        Self(ROUTES.values.iter().map(|name| Route::new(name)).collect())
    }

    pub(super) fn note(&self, route: &str, status: StatusCode, taken: Duration) {
        let Some(route) = self.0.iter().find(|known| known.name == route) else { return };
        route.seconds.record(taken);
        let place = STATUSES.values.iter().position(|known| *known == status.as_str());
        if let Some(answers) = place.map_or(route.answers.last(), |place| route.answers.get(place)) {
            answers.increment(1);
        }
    }
}

impl Route {
    fn new(name: &'static str) -> Self {
        let answers = |status: &&'static str| counter!(REQUESTS.name, "route" => name, "status" => *status);
        Self {
            name,
            seconds: histogram!(REQUEST_SECONDS.name, "route" => name),
            answers: STATUSES.values.iter().map(answers).collect(),
        }
    }
}
