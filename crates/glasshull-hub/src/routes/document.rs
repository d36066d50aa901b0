//! The API's document: made from the code, committed as `openapi.json`, proven fresh by a test.

use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{events, lists, statements, tail};

/// The document of the HTTP API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Glasshull",
        version = "1",
        description = "What people and programs ask a hub. Every failure has the same body and a stable code, explained in docs/failures. \
            Where the hub has a key, each request carries it as `Authorization: Bearer KEY`.",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(
        statements::statement,
        statements::differences,
        lists::functions,
        lists::instances,
        lists::probes,
        lists::schema,
        lists::status,
        events::live,
        tail::tail,
        openapi
    ),
    modifiers(&Security)
)]
struct Api;

/// The key, where the hub has one.
struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut Document) {
        let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        document.components.get_or_insert_default().add_security_scheme("key", bearer);
        document.security =
            Some(vec![SecurityRequirement::default(), SecurityRequirement::new("key", Vec::<String>::new())]);
    }
}

/// The document of the HTTP API.
pub fn document() -> Document {
    Api::openapi()
}

/// This document.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    operation_id = "openapi",
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
pub(super) async fn openapi() -> axum::Json<Document> {
    axum::Json(document())
}

#[cfg(test)]
mod tests {
    const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

    #[test]
    fn the_committed_document_is_fresh() {
        let fresh = super::document().to_pretty_json().expect("a document is JSON") + "\n";
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(COMMITTED, &fresh).expect("the document can be written");
        }
        let committed = std::fs::read_to_string(COMMITTED).unwrap_or_default();
        assert!(committed == fresh, "openapi.json is stale: run this test with UPDATE=1");
    }
}
