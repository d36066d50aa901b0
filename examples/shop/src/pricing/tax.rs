//! Value added tax.

/// Tax on a price to a country, both in cents.
#[glasshull::trace]
pub fn vat(price: u64, country: &str) -> u64 {
    price * percent(country) / 100
}

fn percent(country: &str) -> u64 {
    match country {
        "DE" => 19,
        "FR" | "NL" => 21,
        "IT" => 22,
        "FO" | "SE" => 25,
        _ => 20,
    }
}
