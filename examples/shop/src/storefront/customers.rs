//! Customers.

use serde::Serialize;

/// How well we know somebody.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    New,
    Regular,
}

/// Signs a customer in. The password is never captured.
#[glasshull::trace(redact(password))]
pub fn sign_in(email: &str, password: &str) -> Standing {
    if password.len() > 8 && email.starts_with('a') { Standing::Regular } else { Standing::New }
}
