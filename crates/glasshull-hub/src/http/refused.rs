use std::time::Duration;

use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use glasshull_api::failure::FailureBody;
use glasshull_api::{Code, Failure};
use glasshull_catalog::CatalogError;
use glasshull_store::StoreError;

use crate::failures;

/// When to come back where a refusal does not say.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// A failure on its way to a client: always `{"error": {..}}`, with the code's status.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) Failure);

impl Refused {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Failure::new(code, message))
    }

    fn status(&self) -> StatusCode {
        let status = self.0.known_code().map_or(500, Code::status);
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// What a path answers to a method it does not take.
pub(crate) async fn no_such_method(method: Method) -> Response {
    let refused = Refused::new(Code::RequestMalformed, format!("This path does not take {method}."));
    let mut response = refused.into_response();
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl From<CatalogError> for Refused {
    fn from(error: CatalogError) -> Self {
        Self(failures::of_catalog(&error))
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self(failures::of_store(&error))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = (status, axum::Json(FailureBody { error: self.0 })).into_response();
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            let seconds = HeaderValue::from(RETRY_AFTER.as_secs());
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
