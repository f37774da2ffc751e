//! Inngest's event API over HTTP: one request, one judgement. It retries nothing and follows nobody.

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Response, Url, redirect, retry};
use rustls::crypto::{CryptoProvider, ring};

use super::answer::{Answer, Judgement, Postponement};
use super::failure::Failure;
use super::key::EventKey;
use super::options::{InngestError, InngestOptions, is_local};
use super::request::{self, Written};
use super::retry_after::retry_after;
use crate::clock::{Clock, SystemClock};

/// An answer to 400 events has some 12 KB.
const MAX_ANSWER: usize = 1024 * 1024;

pub(super) struct Endpoint {
    client: Client,
    url: Url,
    key: EventKey,
}

impl Endpoint {
    pub(super) fn new(options: &InngestOptions) -> Result<Self, InngestError> {
        let url = options.endpoint()?;
        let client = client(options, is_local(&url))?;
        let key = EventKey::new(&options.event_key, &url);
        Ok(Self { client, url, key })
    }

    /// Sends events, at least one, in one request.
    pub(super) async fn send(&self, events: &[Written]) -> Judgement {
        match self.exchange(request::body(events)).await {
            Ok(answer) => answer.judge(events, &self.key),
            Err(failure) => Judgement::Later(Postponement::from(failure)),
        }
    }

    async fn exchange(&self, body: Vec<u8>) -> Result<Answer, Failure> {
        let request = self.client.post(self.url.clone());
        let request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let response = request.body(body).send().await?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers(), SystemClock.now());
        let body = read(response).await?;
        Ok(Answer { status, retry_after, body })
    }
}

/// Reads an answer up to a bound; the rest of a longer one is left, and what was read makes no sense of itself.
async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = MAX_ANSWER - body.len();
        if chunk.len() > room {
            body.clear();
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn client(options: &InngestOptions, local: bool) -> Result<Client, InngestError> {
    if CryptoProvider::get_default().is_none() {
        // Somebody may be faster; theirs serves as well.
        _ = ring::default_provider().install_default();
    }
    let builder = Client::builder()
        .connect_timeout(options.connect_timeout)
        .timeout(options.request_timeout)
        // A redirect would carry the events, and the key with them, to another host.
        .redirect(redirect::Policy::none())
        .referer(false)
        // Only the relay retries: it alone knows what is due.
        .retry(retry::never());
    let builder = if local { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| InngestError::Client(error.without_url().into()))
}
