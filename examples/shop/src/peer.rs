//! Asking another service over HTTP.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An answer's body in bytes: what the shop's services say to each other stays far below.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// Another service.
#[derive(Clone, Debug)]
pub struct Peer {
    name: &'static str,
    base: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    #[error("{service} answered {status}: {message}")]
    Refused { service: &'static str, status: StatusCode, message: String },
    #[error("{service} cannot be reached")]
    Unreachable { service: &'static str, source: hyper_util::client::legacy::Error },
    #[error("{service} was asked, or answered, something that is not HTTP with JSON")]
    Garbled { service: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
}

impl Peer {
    /// The service called `name` at `base`, such as `http://127.0.0.1:7204`.
    pub fn new(name: &'static str, base: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { name, base: base.trim_end_matches('/').to_owned(), client }
    }

    /// Posts a question, returns the answer. The request carries `traceparent`, so that the calls it causes over there
    /// stand below the call that caused it here.
    pub async fn ask<A: DeserializeOwned>(&self, path: &str, question: &impl Serialize) -> Result<A, PeerError> {
        let request = self.request(path, question).map_err(|error| self.garbled(error))?;
        let unreachable = |source| PeerError::Unreachable { service: self.name, source };
        let (head, body) = self.client.request(request).await.map_err(unreachable)?.into_parts();
        let body =
            Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|error| self.garbled(error))?.to_bytes();
        if !head.status.is_success() {
            let message = String::from_utf8_lossy(&body).into_owned();
            return Err(PeerError::Refused { service: self.name, status: head.status, message });
        }
        serde_json::from_slice(&body).map_err(|error| self.garbled(error.into()))
    }

    fn request(
        &self,
        path: &str,
        question: &impl Serialize,
    ) -> Result<Request<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
        let uri: Uri = format!("{}{path}", self.base).parse()?;
        let body = Full::from(serde_json::to_vec(question)?);
        let mut request = Request::post(uri).header(CONTENT_TYPE, "application/json").body(body)?;
        glasshull::propagation::inject(request.headers_mut());
        Ok(request)
    }

    fn garbled(&self, source: Box<dyn std::error::Error + Send + Sync>) -> PeerError {
        PeerError::Garbled { service: self.name, source }
    }
}
