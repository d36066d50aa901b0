//! The carrier that fetches the parcels.

use std::time::Duration;

use crate::order::OrderId;

/// A carrier with depots in most countries.
#[derive(Clone, Debug)]
pub struct Carrier {
    /// How long to wait for a depot that does not answer.
    pub patience: Duration,
}

#[glasshull::trace]
impl Carrier {
    /// Books a collection; returns when the carrier comes.
    pub async fn book(&self, order_id: &OrderId, country: &str, parcels: u32) -> String {
        if self.call_depot(country).await { "tomorrow, 9:00".into() } else { "when the ferry sails".into() }
    }

    /// Rings the depot of a country; false where nobody answers. On the Faroe Islands nobody does.
    async fn call_depot(&self, country: &str) -> bool {
        if country == "FO" {
            tokio::time::sleep(self.patience).await;
        }
        country != "FO"
    }
}
