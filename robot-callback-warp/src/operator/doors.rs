//! Every path of the operator's door, with what is done there.

use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::door::Door;
use super::{Operator, changes, jobs, lists};

/// What stands in braces varies. The names are those of the [description](crate::openapi).
fn all() -> [(&'static str, Door); 15] {
    [
        ("/api/jobs", Door::get(|ask| Box::pin(jobs::list(ask))).or_post(|ask| Box::pin(jobs::make(ask)))),
        ("/api/jobs/{jobId}", Door::get(|ask| Box::pin(jobs::show(ask)))),
        ("/api/jobs/{jobId}/retry", Door::post(|ask| Box::pin(changes::retry(ask)))),
        ("/api/jobs/{jobId}/deadline", Door::put(|ask| Box::pin(changes::deadline(ask)))),
        ("/api/jobs/{jobId}/completion/acknowledge", Door::post(|ask| Box::pin(changes::acknowledge(ask)))),
        ("/api/jobs/{jobId}/kept-reports", Door::get(|ask| Box::pin(lists::kept_of_job(ask)))),
        ("/api/kept-reports", Door::get(|ask| Box::pin(lists::kept(ask)))),
        ("/api/kept-reports/{keptReportId}/accept", Door::post(|ask| Box::pin(changes::accept(ask)))),
        ("/api/kept-reports/{keptReportId}/dismiss", Door::post(|ask| Box::pin(changes::dismiss(ask)))),
        ("/api/outbox", Door::get(|ask| Box::pin(lists::outbox(ask)))),
        ("/api/dead-letters", Door::get(|ask| Box::pin(lists::dead_letters(ask)))),
        ("/api/dead-letters/redrive", Door::post(|ask| Box::pin(changes::redrive(ask)))),
        ("/api/dead-letters/{entryId}/drop", Door::post(|ask| Box::pin(changes::drop(ask)))),
        ("/api/actions", Door::get(|ask| Box::pin(lists::actions(ask)))),
        ("/api/verify", Door::get(|ask| Box::pin(lists::verify(ask)))),
    ]
}

/// All of them; other paths are rejected.
pub(super) fn doors(operator: &Operator) -> BoxedFilter<(Response,)> {
    let each = all().into_iter().map(|(path, door)| door.at(varying(path), operator.clone()));
    each.reduce(|before, next| before.or(next).unify().boxed()).expect("there are doors")
}

/// Matches that path, and says what stands where it varies.
fn varying(path: &'static str) -> BoxedFilter<(String,)> {
    let segments = path.split('/').skip(1);
    let matching = segments.fold(warp::any().map(String::new).boxed(), |before, segment| {
        if segment.starts_with('{') {
            before.and(warp::path::param()).map(|_, named: String| named).boxed()
        } else {
            before.and(warp::path(segment)).boxed()
        }
    });
    matching.and(warp::path::end()).boxed()
}

/// The paths.
#[cfg(test)]
pub(crate) fn paths() -> Vec<&'static str> {
    all().map(|(path, _)| path).to_vec()
}
