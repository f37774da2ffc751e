//! OpenTelemetry: each request's span, sent to a collector by OTLP over HTTP, as a part of the robot's trace.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::BodyExt;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};
use robot_callback_core::{TRACEPARENT_HEADER, Traceparent};
use tokio::runtime::Handle;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt};
use tracing_subscriber::registry::LookupSpan;
use warp::http::{Request, Response};

const NAME: &str = "robot-callback";

/// How long a collector may take. Spans that it does not take are lost: they are no results.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why spans can't be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OtelError {
    #[error("no client for a collector can be made")]
    Client(#[from] reqwest::Error),
    #[error("no exporter for a collector can be made")]
    Exporter(#[from] ExporterBuildError),
}

/// Sends spans until it is dropped, which sends what is left.
pub(crate) struct Spans(SdkTracerProvider);

impl Spans {
    /// To the collector at that URL, with `runtime` doing the sending.
    pub(crate) fn to(endpoint: &str, runtime: Handle) -> Result<Self, OtelError> {
        // Somebody may be faster; theirs serves as well.
        _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .timeout(PATIENCE)
            .build()?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector { http, runtime })
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .build()?;
        let resource = Resource::builder().with_service_name(NAME).build();
        Ok(Self(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build()))
    }

    /// What makes spans of `tracing` spans.
    pub(crate) fn layer<S>(&self) -> OpenTelemetryLayer<S, Tracer>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer().with_tracer(self.0.tracer(NAME))
    }
}

impl Drop for Spans {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "the last spans did not reach the collector");
        }
    }
}

/// Makes a request's span a part of the caller's trace.
pub(crate) fn adopt(span: &Span, trace: Traceparent) {
    let carrier = HashMap::from([(TRACEPARENT_HEADER.to_owned(), trace.to_string())]);
    // Without a collector there is no such span to be a parent of.
    _ = span.set_parent(TraceContextPropagator::new().extract(&carrier));
}

/// The exporter waits on a thread of its own, which is none of the runtime's: there the sending is done.
#[derive(Debug)]
struct Collector {
    http: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        // Made by its parts, it takes a password out of the URL into a header, as it should be; converted, it does not.
        let request = self.http.request(head.method, head.uri.to_string()).headers(head.headers).body(body);
        let sending = self.runtime.spawn(async move {
            let (head, body) = Response::from(request.send().await?).into_parts();
            Ok::<_, reqwest::Error>(Response::from_parts(head, body.collect().await?.to_bytes()))
        });
        Ok(sending.await??)
    }
}
