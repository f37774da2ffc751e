//! One path of the operator's door: its methods, and the order in which a request is looked at: path and method,
//! token, key, size, body.

use std::error::Error;
use std::pin::Pin;

use http_body::Body;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, Method};
use warp::reply::Response;

use super::ask::{Ask, idempotency_key, receive};
use super::query::Query;
use super::refusal::Refusal;
use super::{Operator, reply};
use crate::reply::Streamed;

type Answering = Pin<Box<dyn Future<Output = Result<Response, Refusal>> + Send>>;

/// What is done at a path, by method.
#[derive(Clone, Copy)]
pub(super) struct Door {
    /// What `Allow` says.
    allow: &'static str,
    get: Option<fn(Ask) -> Answering>,
    post: Option<fn(Ask) -> Answering>,
    put: Option<fn(Ask) -> Answering>,
}

impl Door {
    pub(super) fn get(answer: fn(Ask) -> Answering) -> Self {
        Self { allow: "GET, HEAD", get: Some(answer), post: None, put: None }
    }

    pub(super) fn post(answer: fn(Ask) -> Answering) -> Self {
        Self { allow: "POST", get: None, post: Some(answer), put: None }
    }

    pub(super) fn put(answer: fn(Ask) -> Answering) -> Self {
        Self { allow: "PUT", get: None, post: None, put: Some(answer) }
    }

    pub(super) fn or_post(self, answer: fn(Ask) -> Answering) -> Self {
        Self { allow: "GET, HEAD, POST", post: Some(answer), ..self }
    }

    /// The door at that path, which says what varies in it.
    pub(super) fn at(self, path: BoxedFilter<(String,)>, operator: Operator) -> BoxedFilter<(Response,)> {
        path.and(warp::method())
            .and(warp::header::headers_cloned())
            .and(warp::query::raw().or(warp::any().map(String::new)).unify())
            .and(warp::body::stream())
            .then(move |named, method: Method, headers: HeaderMap, query: String, body| {
                let operator = operator.clone();
                let body = Streamed(body);
                async move { reply(self.answer(operator, named, method, headers, &query, body).await).await }
            })
            .boxed()
    }

    async fn answer<B>(
        self,
        operator: Operator,
        named: String,
        method: Method,
        headers: HeaderMap,
        query: &str,
        body: B,
    ) -> Result<Response, Refusal>
    where
        B: Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let answer = match method {
            Method::GET | Method::HEAD => self.get,
            Method::POST => self.post,
            Method::PUT => self.put,
            _ => None,
        };
        let answer = answer.ok_or(Refusal::Method(self.allow))?;
        let actor = operator.admit(&headers)?;
        let key = idempotency_key(&headers)?;
        let body = receive(&method, &headers, body).await?;
        answer(Ask { operator, actor, key, named, query: Query::parse(query), body }).await
    }
}
