//! A request, admitted and read whole: the ids of its path, its query and its body as payloads, its
//! idempotency key.

use axum::extract::{FromRequestParts, Path, Query, Request};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use bytes::Bytes;
use parlor_chat::refusal::Refusal;
use parlor_gateway::{Uncollected, collect};
use parlor_service::Backend;
use serde_json::value::RawValue;

use super::Api;
use crate::config::Scope;

/// Query parameters that are numbers; all others are texts.
const NUMBERS: [&str; 4] = ["before", "after", "at", "limit"];
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What was asked.
pub(super) struct Asked {
    /// Who carries it out.
    pub(super) backend: Backend,
    path: Vec<String>,
    headers: HeaderMap,
    query: Option<Box<RawValue>>,
    body: Bytes,
}

impl Api {
    /// Admits a request and reads it.
    ///
    /// # Errors
    /// What [`super::keys::Keys::admit`] refuses; [`Refusal::Unavailable`] before the server is
    /// open; [`Refusal::TooLarge`] and [`Refusal::InvalidArgument`] for what cannot be read.
    pub(super) async fn admit(&self, scope: Scope, request: Request) -> Result<Asked, Refusal> {
        let (mut parts, body) = request.into_parts();
        let key = self.keys.admit(&parts.headers, scope, crate::now())?;
        tracing::Span::current().record("key", key);
        let service = self.app.service.get().ok_or_else(Refusal::unavailable)?;
        let path = path(&mut parts).await?;
        let query = query(&parts)?;
        let body = collect(body, self.body_bytes_max, self.body_timeout).await;
        let body = body.map_err(|why| match why {
            Uncollected::TooLarge => Refusal::TooLarge { limit: self.body_bytes_max },
            Uncollected::TimedOut => Refusal::invalid("body", "must arrive whole in time"),
            Uncollected::Broken => Refusal::invalid("body", "must arrive whole"),
        })?;
        Ok(Asked { backend: service.backend(), path, headers: parts.headers, query, body })
    }
}

impl Asked {
    /// The id at a place of the path, counted from 0.
    pub(super) fn id(&self, place: usize) -> &str {
        // A route that lacks it has no such place; an empty id is refused like any that is none.
        self.path.get(place).map(String::as_str).unwrap_or_default()
    }

    /// The query as a payload.
    pub(super) fn query(&self) -> Option<&RawValue> {
        self.query.as_deref()
    }

    /// Refuses a query where there is none to give.
    ///
    /// # Errors
    /// [`Refusal::InvalidArgument`].
    pub(super) fn without_query(&self) -> Result<&Self, Refusal> {
        match self.query {
            None => Ok(self),
            Some(_) => Err(Refusal::invalid("query", "must be empty here")),
        }
    }

    /// The body as a payload; an empty one is none.
    ///
    /// # Errors
    /// [`Refusal::InvalidArgument`] when it is not JSON.
    pub(super) fn body(&self) -> Result<Option<&RawValue>, Refusal> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let body = serde_json::from_slice(&self.body);
        body.map(Some).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Refusal::invalid("body", format!("must be JSON; it is not at {line}:{column}"))
        })
    }

    /// The idempotency key, if one is given.
    ///
    /// # Errors
    /// [`Refusal::InvalidArgument`] when it is given twice or is not ASCII.
    pub(super) fn key(&self) -> Result<Option<&str>, Refusal> {
        let mut given = self.headers.get_all(IDEMPOTENCY_KEY).iter();
        let only = match (given.next(), given.next()) {
            (None, _) => return Ok(None),
            (Some(only), None) => only.to_str().ok(),
            (Some(_), Some(_)) => None,
        };
        let rule = "must be given once, as 1 to 64 printable ASCII characters";
        only.map(Some).ok_or_else(|| Refusal::invalid("Idempotency-Key", rule))
    }
}

async fn path(parts: &mut Parts) -> Result<Vec<String>, Refusal> {
    let path = Path::<Vec<(String, String)>>::from_request_parts(parts, &()).await;
    let path = path.map_err(|_| Refusal::invalid("path", "must be UTF-8 in percent-encoding"))?;
    Ok(path.0.into_iter().map(|(_, id)| id).collect())
}

/// The parameters as a JSON object, so that they are read like the fields of any payload.
fn query(parts: &Parts) -> Result<Option<Box<RawValue>>, Refusal> {
    let bad = || Refusal::invalid("query", "must be names and values in percent-encoding");
    let given = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map_err(|_| bad())?.0;
    if given.is_empty() {
        return Ok(None);
    }
    let mut object = String::from("{");
    for (at, (name, value)) in given.iter().enumerate() {
        let number = value.parse::<u64>().ok().filter(|_| NUMBERS.contains(&name.as_str()));
        let value = number.map_or_else(|| quoted(value), |number| number.to_string());
        let comma = if at == 0 { "" } else { "," };
        object.push_str(&format!("{comma}{}:{value}", quoted(name)));
    }
    object.push('}');
    RawValue::from_string(object).map(Some).map_err(|_| bad())
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
