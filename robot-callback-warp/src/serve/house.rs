//! What all connections of a listener share: the routes, the terms, who waits, and who has failed.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::Request;
use tokio::sync::Semaphore;
use tower_service::Service;
use tracing::Instrument;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue};
use warp::reply::Response;

use super::Options;
use super::arriving::Arriving;
use super::connection::Connection;
use super::request::Observed;
use super::tally::Tally;
use super::throttle::Throttle;
use super::waiting::{Place, Standing, Waiting};

pub(super) struct House {
    pub(super) options: Options,
    pub(super) waiting: Arc<Waiting>,
    /// A place for each connection.
    pub(super) room: Arc<Semaphore>,
    /// Requests that have no answer yet.
    pub(super) asked: AtomicUsize,
    routes: BoxedFilter<(Response,)>,
    throttle: Throttle,
    tally: Tally,
}

impl House {
    pub(super) fn new(routes: BoxedFilter<(Response,)>, options: Options) -> Self {
        let limits = options.limits;
        let (waiting, room) = (Waiting::new(limits.connections), Semaphore::new(limits.connections));
        let throttle = Throttle::new(limits.failures);
        Self {
            options,
            waiting: Arc::new(waiting),
            room: Arc::new(room),
            asked: AtomicUsize::new(0),
            routes,
            throttle,
            tally: Tally::new(),
        }
    }

    /// How many places are for those who are about to leave: a newcomer takes one of them at once, and does not wait
    /// until whoever was shown out has gone.
    pub(super) fn spare(&self) -> usize {
        self.options.limits.connections / 8
    }

    /// Whether newcomers come faster than others leave.
    pub(super) fn is_pressed(&self) -> bool {
        self.room.available_permits() < self.spare() / 2
    }

    /// The answer, once it may be given: at once, unless it is one failure too many.
    async fn given(
        &self,
        mut response: Response,
        standing: Standing,
        address: IpAddr,
        place: &Place,
    ) -> Response {
        // Not after the wait: who is held back has no claim to the place.
        place.waits_as(standing);
        if response.status() == StatusCode::UNAUTHORIZED && self.throttle.failed(address).await {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// The routes' answer, given when it may be. From then on whoever asked has that place in the line.
///
/// All that needs the request as a whole is done at once, so that as little as may be is kept for as long as the
/// answer takes.
pub(super) fn answer(
    connection: Arc<Connection>,
    request: Request<Arriving>,
) -> impl Future<Output = Result<Response, Infallible>> + Send {
    let Connection { house, peer, .. } = &*connection;
    let address = claimed(request.headers(), house.options.client_address.as_ref()).unwrap_or(peer.ip());
    let observed = Observed::of(&request);
    let routing = warp::service(house.routes.clone()).call(request).instrument(observed.span.clone());
    let asked = Asked::on(connection);
    async move {
        let Ok(response) = routing.await;
        let standing = observed.standing(&response);
        let Connection { house, place, .. } = &*asked.0;
        let response = observed.answered(response, &house.tally);
        Ok(house.given(response, standing, address, place).await)
    }
}

/// A request, counted until it is answered or given up.
struct Asked(Arc<Connection>);

impl Asked {
    fn on(connection: Arc<Connection>) -> Self {
        connection.house.asked.fetch_add(1, Ordering::Relaxed);
        Self(connection)
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.house.asked.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The last address in that header: the one that the nearest proxy wrote.
fn claimed(headers: &HeaderMap, name: Option<&HeaderName>) -> Option<IpAddr> {
    let value = headers.get_all(name?).iter().next_back()?.to_str().ok()?;
    let last = value.rsplit(',').next()?.trim();
    last.parse().ok().or_else(|| last.parse().ok().map(|socket: SocketAddr| socket.ip()))
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use warp::{Filter, Reply};

    use super::*;
    use crate::serve::Limits;

    #[tokio::test(start_paused = true)]
    async fn whose_failure_is_held_back_makes_room_for_the_next_caller() {
        let routes = warp::any().map(|| StatusCode::UNAUTHORIZED.into_response()).boxed();
        let house = House::new(routes, Limits { failures: 0, ..Limits::default() }.into());
        let place = house.waiting.enter();
        place.works();
        let mut cx = Context::from_waker(Waker::noop());
        let refusal = StatusCode::UNAUTHORIZED.into_response();
        let mut held = pin!(house.given(refusal, Standing::Stranger, IpAddr::from([192, 0, 2, 1]), &place));
        assert!(held.as_mut().poll(&mut cx).is_pending(), "it is held back");
        house.waiting.show_one_out();
        assert!(pin!(place.shown_out()).poll(&mut cx).is_ready(), "meanwhile its place is given away");
    }

    #[test]
    fn the_address_is_the_last_one_that_a_trusted_proxy_wrote() {
        let header = HeaderName::from_static("x-forwarded-for");
        let claimed = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header.clone(), value.parse().unwrap());
            }
            claimed(&headers, Some(&header)).map(|address| address.to_string())
        };
        assert_eq!(claimed(&["192.0.2.1, 198.51.100.2"]).as_deref(), Some("198.51.100.2"));
        assert_eq!(claimed(&["198.51.100.2", "2001:db8::1"]).as_deref(), Some("2001:db8::1"));
        assert_eq!(claimed(&["198.51.100.2:4711"]).as_deref(), Some("198.51.100.2"));
        assert_eq!(claimed(&["unknown"]), None);
        assert_eq!(claimed(&[]), None);
        assert_eq!(super::claimed(&HeaderMap::new(), None), None, "nobody is believed unasked");
    }
}
