//! The carrier that fetches the parcels.

use std::time::Duration;

use crate::order::{Collection, OrderId};

/// A carrier with depots in most countries.
#[derive(Clone, Debug)]
pub struct Carrier {
    /// How long to wait for a depot that does not answer.
    pub patience: Duration,
}

#[glasshull::trace]
impl Carrier {
    /// Has parcels collected.
    pub async fn book(&self, order_id: &OrderId, country: &str, parcels: u32) -> Collection {
        let when = if self.call_depot(country).await { "tomorrow at 9" } else { "when the ferry sails" };
        Collection { reference: format!("{country}-{}", order_id.0), parcels, when: when.into() }
    }

    /// Rings the depot of a country; false where nobody answers. On the Faroe Islands nobody does.
    async fn call_depot(&self, country: &str) -> bool {
        if country == "FO" {
            tokio::time::sleep(self.patience).await;
        }
        country != "FO"
    }
}
