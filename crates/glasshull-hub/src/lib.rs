//! The hub: sessions with SDKs, ingest, routes, start and stop; where the parts meet
