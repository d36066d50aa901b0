//! The page: files built from `web/`, part of the binary.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use glasshull_api::Code;
use rust_embed::{EmbeddedFile, RustEmbed};

use super::Refused;
use super::refused::no_such_method;

/// `cargo build` needs no Node: without the files the hub says so on `/`.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Files;

const INDEX: &str = "index.html";

/// Where files lie whose names change with their content.
const HASHED: &str = "assets/";

/// Scripts only from the hub itself, none inline. Styles may be inline: the editor and the charts place things so.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Glasshull</title>\
    <h1>Glasshull</h1><p>This hub works, but it was built without its page.</p>\
    <p>Build the page with <code>cargo xtask web</code>, build the hub again and restart it. The command line and the \
    API (<a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a>) need no page.</p></html>";

/// Any path that is no other route's: a file of the page, or the page itself for the paths it keeps its state in.
pub(crate) async fn file(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return secured(no_such_method(method).await);
    }
    let path = uri.path().trim_start_matches('/');
    if let Some(file) = Files::get(path).filter(|_| !path.is_empty()) {
        return secured(of(path, file, &headers));
    }
    if !is_view(path) {
        let refused = Refused::new(Code::NoSuchPath, "There is no such path on this hub.");
        return secured(refused.into_response());
    }
    match Files::get(INDEX) {
        Some(index) => secured(of(INDEX, index, &headers)),
        None => secured(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], NOT_BUILT).into_response()),
    }
}

/// A path the page shows something under. What has an extension is a file, and is there or is not.
fn is_view(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    let ours = ["api", "sdk"].iter().any(|first| path == *first || path.starts_with(&format!("{first}/")));
    !ours && !last.contains('.')
}

fn of(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let hash: String = file.metadata.sha256_hash().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{hash}\"");
    let caching = if path.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes());
    let content = if known { Body::empty() } else { Body::from(file.data.into_owned()) };
    let mut response = Response::new(content);
    *response.status_mut() = if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let values =
        [(header::CACHE_CONTROL, caching), (header::CONTENT_TYPE, file.metadata.mimetype()), (header::ETAG, &tag)];
    for (name, value) in values {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn secured(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::is_view;

    #[test]
    fn views_have_no_extension_and_are_neither_api_nor_sdk() {
        for view in ["", "functions", "trace/abc", "apiary", "sdks/x"] {
            assert!(is_view(view), "{view}");
        }
        for other in ["assets/x.js", "favicon.ico", "api", "api/v2/x", "sdk", "sdk/v2"] {
            assert!(!is_view(other), "{other}");
        }
    }
}
