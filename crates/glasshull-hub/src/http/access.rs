//! Who may ask. With a key: who shows it. Without one the hub listens on loopback only, and what must be kept out are
//! pages of other sites in this machine's browsers: they can reach loopback too, under a name of their own (DNS
//! rebinding) or under ours with their `Origin`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use glasshull_api::{Code, Failure};

use super::Refused;
use crate::hub::Parts;
use crate::settings::Key;

/// Before every route that is not public.
pub(crate) async fn check(State(parts): State<Arc<Parts>>, request: Request, next: Next) -> Response {
    match admit(parts.settings.key.as_ref(), parts.address, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(failure) => {
            parts.metrics.refused(&failure);
            Refused(failure).into_response()
        }
    }
}

/// Before the public routes: health and the page's files hold no secrets, but are not for other sites either.
pub(crate) async fn check_host(State(parts): State<Arc<Parts>>, request: Request, next: Next) -> Response {
    let open = parts.settings.key.is_some();
    match if open { Ok(()) } else { from_here(parts.address, request.headers()) } {
        Ok(()) => next.run(request).await,
        Err(failure) => {
            parts.metrics.refused(&failure);
            Refused(failure).into_response()
        }
    }
}

fn admit(key: Option<&Key>, listen: SocketAddr, headers: &HeaderMap) -> Result<(), Failure> {
    match key {
        Some(key) => shows_key(key, headers),
        None => from_here(listen, headers),
    }
}

fn shows_key(key: &Key, headers: &HeaderMap) -> Result<(), Failure> {
    let shown = headers.get(header::AUTHORIZATION).map(|value| value.as_bytes());
    let Some(shown) = shown.and_then(bearer) else {
        return Err(Failure::new(Code::KeyRefused, "This hub asks for a key, and none was shown.")
            .hint("Set GLASSHULL_KEY, or send `Authorization: Bearer KEY`."));
    };
    if key.is(shown) {
        return Ok(());
    }
    Err(Failure::new(Code::KeyRefused, "The key is not the one this hub asks for.")
        .hint("Compare GLASSHULL_KEY here and at the hub."))
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(key)
}

fn from_here(listen: SocketAddr, headers: &HeaderMap) -> Result<(), Failure> {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !names_us(host, listen) {
        return Err(refused(format!("The request is for the host `{}`, which is not this hub.", printable(host))));
    }
    match headers.get(header::ORIGIN) {
        None => Ok(()),
        Some(origin) if origin.to_str().is_ok_and(|origin| same_site(origin, host)) => Ok(()),
        Some(_) => Err(refused("The request comes from a page of another site.".into())),
    }
}

fn refused(message: String) -> Failure {
    Failure::new(Code::KeyRefused, message)
        .hint("Use http://127.0.0.1 or http://localhost, or start the hub with a key (GLASSHULL_KEY).")
}

/// Whether a `Host` header names this machine's loopback or the address the hub listens on.
fn names_us(host: &str, listen: SocketAddr) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback() || address == listen.ip())
}

/// Whether a page of this origin was served by the host it now talks to.
fn same_site(origin: &str, host: &str) -> bool {
    let behind_scheme = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    behind_scheme.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTEN: &str = "127.0.0.1:7171";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let entry = |(name, value): &(&'static str, &str)| {
            (header::HeaderName::from_static(name), value.parse().expect("a header value"))
        };
        pairs.iter().map(entry).collect()
    }

    fn admits(key: Option<&str>, pairs: &[(&'static str, &str)]) -> bool {
        let key = key.map(|key| key.parse().expect("a key"));
        admit(key.as_ref(), LISTEN.parse().expect("an address"), &headers(pairs)).is_ok()
    }

    #[test]
    fn without_a_key_loopback_names_are_served() {
        for host in ["127.0.0.1:7171", "localhost:7171", "LOCALHOST", "[::1]:80", "127.8.0.1", "localhost.:1"] {
            assert!(admits(None, &[("host", host)]), "{host}");
        }
    }

    #[test]
    fn without_a_key_other_names_are_refused() {
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "a b"] {
            assert!(!admits(None, &[("host", host)]), "{host}");
        }
        assert!(!admits(None, &[]));
    }

    #[test]
    fn without_a_key_pages_of_other_sites_are_refused() {
        let host = ("host", "localhost:7171");
        assert!(admits(None, &[host, ("origin", "http://localhost:7171")]));
        for origin in ["http://evil.example", "null", "http://localhost:8080", "file://localhost:7171", ""] {
            assert!(!admits(None, &[host, ("origin", origin)]), "{origin}");
        }
    }

    #[test]
    fn with_a_key_only_the_key_counts() {
        let host = ("host", "hub.example");
        assert!(admits(Some("k"), &[host, ("authorization", "Bearer k")]));
        assert!(admits(Some("k"), &[host, ("authorization", "bearer k")]));
        for wrong in ["Bearer K", "Bearer ", "k", "Basic k", "Bearer kk"] {
            assert!(!admits(Some("k"), &[host, ("authorization", wrong)]), "{wrong}");
        }
        assert!(!admits(Some("k"), &[("host", "localhost")]));
    }
}
