//! Gift cards: the warehouse keeps the ledger, for reasons nobody remembers.

use crate::peer::{Peer, PeerError};

/// What is left on a gift card, in cents.
#[glasshull::trace(skip(warehouse))]
pub async fn balance(warehouse: &Peer, code: &str) -> Result<u64, PeerError> {
    warehouse.ask("/ledger/balance", &code).await
}
