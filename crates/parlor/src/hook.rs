//! The app's moderation hook over HTTP: one signed POST for each message.
//!
//! The client is the one that reads key sets (hyper's, with rustls), so that it brings nothing new
//! into the binary; connections are kept open. An answer is bounded in bytes and time; redirects are
//! not followed, and no proxy is used. Neither bodies nor the secret are logged.

use std::time::Duration;

use aws_lc_rs::hmac;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use parlor_chat::store::Recipient;
use parlor_service::hook::{Answer, Asking, Hook, HookError, Question};
use serde_json::value::RawValue;

use crate::config::Secret;

/// The header that holds time and signature.
const SIGNATURE: &str = "parlor-signature";

/// What an answer may take beside a content, in bytes.
const ANSWER_BYTES: usize = 4_096;

/// Idle connections that are kept open.
const IDLE_MAX: usize = 32;

/// Asks by HTTP.
pub(crate) struct HttpHook {
    url: http::Uri,
    key: hmac::Key,
    timeout: Duration,
    answer_bytes_max: usize,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

#[derive(serde::Serialize)]
struct Body<'a> {
    user: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    #[serde(rename = "groupId", skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    #[serde(rename = "conversationId")]
    conversation: &'a str,
    content: &'a RawValue,
    #[serde(rename = "clientId", skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    at: u64,
}

#[derive(serde::Deserialize)]
struct Said {
    action: String,
    reason: Option<String>,
    content: Option<Box<RawValue>>,
}

impl HttpHook {
    /// Prepares to ask a URL.
    ///
    /// # Errors
    /// What is wrong with the URL, or with the machine's trusted certificates.
    pub(crate) fn new(
        url: &str,
        secret: &Secret,
        timeout: Duration,
        content_bytes_max: usize,
    ) -> Result<Self, String> {
        let url: http::Uri = url.parse().map_err(|error| format!("`{url}` is no URL: {error}"))?;
        let connector = hyper_rustls::HttpsConnectorBuilder::new();
        let connector = if url.scheme_str() == Some("http") {
            let config = rustls::ClientConfig::builder()
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            connector.with_tls_config(config)
        } else {
            connector.with_native_roots().map_err(|error| {
                format!("cannot read the machine's trusted certificates: {error}")
            })?
        };
        let connector = connector.https_or_http().enable_http1().build();
        let client =
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(IDLE_MAX).build(connector);
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
        let answer_bytes_max = content_bytes_max.saturating_add(ANSWER_BYTES);
        Ok(Self { url, key, timeout, answer_bytes_max, client })
    }

    fn request(&self, question: &Question) -> Result<http::Request<Full<Bytes>>, HookError> {
        let failed = |error: String| HookError::Failed(error);
        let content: &RawValue = serde_json::from_str(&question.content.0)
            .map_err(|_| failed("the content is not JSON".into()))?;
        let (to, group) = match &question.to {
            Recipient::User(user) => (Some(user.as_str()), None),
            Recipient::Group(group) => (None, Some(group.as_str())),
        };
        let body = serde_json::to_vec(&Body {
            user: question.user.as_str(),
            to,
            group,
            conversation: question.conversation.as_str(),
            content,
            client_id: question.client_id.as_ref().map(|key| key.as_str()),
            at: question.at.0,
        });
        let body = body.map_err(|error| failed(error.to_string()))?;
        let signature = sign(&self.key, crate::now().0, &body);
        http::Request::post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(SIGNATURE, signature)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| failed(error.to_string()))
    }
}

/// `t=TIME,v1=SIGNATURE`: the HMAC-SHA256, in hexadecimal digits, of the time in milliseconds since
/// 1970, a dot, and the body.
fn sign(key: &hmac::Key, now_ms: u64, body: &[u8]) -> String {
    let signed = [format!("{now_ms}.").as_bytes(), body].concat();
    let tag = hmac::sign(key, &signed);
    let tag: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={now_ms},v1={tag}")
}

impl Hook for HttpHook {
    fn ask(&self, question: Question) -> Asking {
        let request = match self.request(&question) {
            Ok(request) => request,
            Err(error) => return Box::pin(std::future::ready(Err(error))),
        };
        let sent = self.client.request(request);
        let (timeout, bytes_max) = (self.timeout, self.answer_bytes_max);
        Box::pin(async move {
            let exchange = async {
                let response = sent.await.map_err(|error| HookError::Failed(error.to_string()))?;
                let status = response.status();
                if status != http::StatusCode::OK {
                    return Err(HookError::Failed(format!("it answered {status}")));
                }
                let body = Limited::new(response.into_body(), bytes_max).collect().await;
                let body = body.map_err(|error| HookError::Failed(error.to_string()))?;
                read(&body.to_bytes())
            };
            let answer = tokio::time::timeout(timeout, exchange).await;
            answer.unwrap_or(Err(HookError::TimedOut))
        })
    }
}

/// Reads `{action: "allow" | "refuse" | "replace" | "flag" | "shadow", reason?, content?}`.
fn read(body: &[u8]) -> Result<Answer, HookError> {
    let failed = |why: &str| HookError::Failed(why.to_owned());
    let said: Said = serde_json::from_slice(body)
        .map_err(|_| failed("its answer is not what one looks like"))?;
    match said.action.as_str() {
        "allow" => Ok(Answer::Allow),
        "flag" => Ok(Answer::Flag),
        "shadow" => Ok(Answer::Shadow),
        "refuse" => Ok(Answer::Refuse { reason: said.reason }),
        "replace" => match said.content {
            Some(content) => Ok(Answer::Replace { content: content.get().to_owned() }),
            None => Err(failed("its answer replaces the content by none")),
        },
        _ => Err(failed("its answer has an action that is none")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_over_time_and_body() {
        // The digest is what `printf '1700000000000.{}' | openssl dgst -sha256 -hmac key` prints.
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"key");
        let signed = sign(&key, 1_700_000_000_000, b"{}");
        let expected =
            "t=1700000000000,v1=36a72f4525d3323bd0f238fe82098164fb77b1e42288ff8e07b074c686178ad3";
        assert_eq!(signed, expected);
        assert_ne!(sign(&key, 1_700_000_000_001, b"{}")[17..], signed[17..]);
        assert_ne!(sign(&key, 1_700_000_000_000, b"{ }"), signed);
    }

    #[test]
    fn answers_are_read_and_others_refused() {
        let read = |json: &str| read(json.as_bytes());
        assert_eq!(read(r#"{"action":"allow","more":1}"#), Ok(Answer::Allow));
        assert_eq!(read(r#"{"action":"flag"}"#), Ok(Answer::Flag));
        assert_eq!(read(r#"{"action":"shadow"}"#), Ok(Answer::Shadow));
        let reason = Some("no".to_owned());
        assert_eq!(read(r#"{"action":"refuse","reason":"no"}"#), Ok(Answer::Refuse { reason }));
        let content = r#"{ "a": 1.0 }"#.to_owned();
        let replace = read(r#"{"action":"replace","content":{ "a": 1.0 }}"#);
        assert_eq!(replace, Ok(Answer::Replace { content }));
        for bad in ["", "{}", "[]", r#"{"action":"Allow"}"#, r#"{"action":"replace"}"#, "\u{0}"] {
            assert!(matches!(read(bad), Err(HookError::Failed(_))), "{bad}");
        }
    }
}
