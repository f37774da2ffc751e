//! What all connections of a listener share: the routes, the terms, who waits, and who has failed.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use tracing::Instrument;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue};
use warp::reply::Response;

use super::Options;
use super::request::Observed;
use super::throttle::Throttle;
use super::waiting::{Standing, Waiting};

pub(super) struct House {
    pub(super) options: Options,
    pub(super) waiting: Arc<Waiting>,
    routes: BoxedFilter<(Response,)>,
    throttle: Throttle,
}

impl House {
    pub(super) fn new(routes: BoxedFilter<(Response,)>, options: Options) -> Self {
        let throttle = Throttle::new(options.limits.failures);
        Self { options, routes, waiting: Arc::default(), throttle }
    }

    /// The routes' answer, given when it may be, and what it says of who asked.
    pub(super) async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> (Response, Standing) {
        let address = claimed(request.headers(), self.options.client_address.as_ref()).unwrap_or(peer.ip());
        let mut response = self.observed(request).await;
        if response.status() != StatusCode::UNAUTHORIZED {
            return (response, Standing::Guest);
        }
        if self.throttle.failed(address).await {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        (response, Standing::Stranger)
    }

    async fn observed(&self, request: Request<Incoming>) -> Response {
        let routes = TowerToHyperService::new(warp::service(self.routes.clone()));
        let observed = Observed::of(&request);
        let span = observed.span.clone();
        let answering = async move {
            let Ok(response) = routes.call(request).await;
            observed.answered(response)
        };
        answering.instrument(span).await
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
    use super::*;

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
