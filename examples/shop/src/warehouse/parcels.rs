//! Parcels and postage.

/// No parcel is heavier than this.
const PARCEL_GRAMS: u32 = 30_000;

#[glasshull::trace]
mod packing {
    use super::PARCEL_GRAMS;

    /// The number of parcels for this weight.
    pub fn pack(grams: u32) -> u32 {
        grams.div_ceil(PARCEL_GRAMS).max(1)
    }

    /// What sending it costs, in cents: the country's fee, and a surcharge that falls with the weight.
    pub fn postage(country: &str, grams: u32) -> u64 {
        fee(country) + surcharge(grams)
    }

    /// In cents.
    pub fn fee(country: &str) -> u64 {
        match country {
            "DE" => 490,
            "FO" => 2_490,
            _ => 990,
        }
    }

    /// In cents: a hundred euros shared out over the kilograms, ten euros at most. Nobody thought of a parcel without
    /// weight.
    pub fn surcharge(grams: u32) -> u64 {
        (10_000 / u64::from(grams.div_ceil(1_000))).min(1_000)
    }
}

pub use packing::{pack, postage};
