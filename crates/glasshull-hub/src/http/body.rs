use std::error::Error;

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use glasshull_api::{Code, Failure};
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;

use super::Refused;
use crate::limits::{BODY_WITHIN, MAX_BODY_BYTES};

/// A JSON body, read within a size and a time. Asking for the content type keeps other sites' forms out: a browser
/// sends `application/json` across sites only with a permission this hub never gives.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refused> {
        check_content_type(&request)?;
        let body = axum::body::to_bytes(request.into_body(), MAX_BODY_BYTES);
        let bytes = tokio::time::timeout(BODY_WITHIN, body)
            .await
            .map_err(|_| malformed(format!("The body was not complete within {} seconds.", BODY_WITHIN.as_secs())))?
            .map_err(|error| unreadable(&error))?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|e| malformed(format!("The body is not what was expected: {e}.")))
    }
}

fn check_content_type(request: &Request) -> Result<(), Refused> {
    let given = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(malformed("The body must be JSON, sent with `Content-Type: application/json`.".into()))
}

fn unreadable(error: &axum::Error) -> Refused {
    let too_large = error.source().is_some_and(|source| source.is::<LengthLimitError>());
    if too_large {
        return Refused::new(Code::RequestTooLarge, format!("The body is larger than {MAX_BODY_BYTES} bytes."));
    }
    malformed(format!("The body could not be read: {error}."))
}

fn malformed(message: String) -> Refused {
    Failure::new(Code::RequestMalformed, message).hint("/api/v1/openapi.json says what each path takes.").into()
}

/// A query string, whose faults are told like all others.
pub(crate) struct Parameters<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query
            .map(|Query(value)| Self(value))
            .map_err(|e| malformed(format!("The query string is wrong: {}.", e.body_text())))
    }
}
