//! What the servers of the bench `web` do: one request makes twenty nested calls. Once as it is, once with Glasshull's
//! attribute, once with that of `tracing`; not a letter differs otherwise.

use serde::{Deserialize, Serialize};

/// Calls of one request, each of another function.
pub(crate) const CALLS: u64 = 20;

/// What is asked.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) customer: u32,
    pub(crate) sku: String,
    pub(crate) coupon: String,
    pub(crate) country: String,
    pub(crate) quantity: u32,
    pub(crate) unit_cents: u64,
}

/// What an order costs.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Price {
    pub(crate) base_cents: u64,
    pub(crate) discount_cents: u64,
    pub(crate) tax_cents: u64,
    pub(crate) shipping_cents: u64,
}

/// What is answered.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Quote {
    pub(crate) order: u64,
    pub(crate) price: Price,
    pub(crate) shelf: u64,
    pub(crate) reference: String,
}

/// Why an order is not taken.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) enum Refused {
    Quantity,
    Country,
    Risk,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the order is refused: {self:?}")
    }
}

impl std::error::Error for Refused {}

/// The twenty functions, with an attribute or without.
macro_rules! orders {
    ($name:ident $(, #[$attribute:meta])?) => {
        pub(crate) mod $name {
            use super::{Order, Price, Quote, Refused};

            $(#[$attribute])?
            pub(crate) async fn quote(order: &Order) -> Result<Quote, Refused> {
                check(order)?;
                let class = customer_class(order.customer).await;
                let price = price(order, class);
                let shelf = reserve(&order.sku, order.quantity).await;
                Ok(Quote { order: order.id, price, shelf, reference: reference(order.id, order.customer) })
            }

            $(#[$attribute])?
            fn check(order: &Order) -> Result<u32, Refused> {
                if !is_quantity(order.quantity) {
                    return Err(Refused::Quantity);
                }
                if !is_country(&order.country) {
                    return Err(Refused::Country);
                }
                match risk(order.customer, order.unit_cents) {
                    risk if risk < 1_000 => Ok(risk),
                    _ => Err(Refused::Risk),
                }
            }

            $(#[$attribute])?
            fn is_quantity(quantity: u32) -> bool {
                (1..=1_000).contains(&quantity)
            }

            $(#[$attribute])?
            fn is_country(country: &str) -> bool {
                country.len() == 2 && country.bytes().all(|letter| letter.is_ascii_uppercase())
            }

            $(#[$attribute])?
            fn risk(customer: u32, cents: u64) -> u32 {
                history(customer) + (cents / 1_000) as u32 % 7
            }

            $(#[$attribute])?
            fn history(customer: u32) -> u32 {
                customer.wrapping_mul(2_654_435_761) >> 24
            }

            $(#[$attribute])?
            async fn customer_class(customer: u32) -> u8 {
                (customer % 3) as u8
            }

            $(#[$attribute])?
            fn price(order: &Order, class: u8) -> Price {
                let base_cents = base(order.unit_cents, order.quantity) - u64::from(class);
                let discount_cents = discount(&order.coupon, base_cents);
                let tax_cents = tax(&order.country, base_cents - discount_cents);
                let shipping_cents = shipping(&order.country, weight(&order.sku, order.quantity));
                Price { base_cents, discount_cents, tax_cents, shipping_cents }
            }

            $(#[$attribute])?
            fn base(unit_cents: u64, quantity: u32) -> u64 {
                unit_cents * u64::from(quantity)
            }

            $(#[$attribute])?
            fn discount(coupon: &str, cents: u64) -> u64 {
                rounded(cents * percent(coupon) / 100)
            }

            $(#[$attribute])?
            fn percent(coupon: &str) -> u64 {
                coupon.trim_start_matches(|letter: char| !letter.is_ascii_digit()).parse().unwrap_or(0).min(50)
            }

            $(#[$attribute])?
            fn rounded(cents: u64) -> u64 {
                cents / 5 * 5
            }

            $(#[$attribute])?
            fn tax(country: &str, cents: u64) -> u64 {
                cents * tax_rate(country) / 100
            }

            $(#[$attribute])?
            fn tax_rate(country: &str) -> u64 {
                match country {
                    "CH" => 8,
                    "DE" => 19,
                    "FR" => 20,
                    _ => 21,
                }
            }

            $(#[$attribute])?
            fn shipping(country: &str, grams: u32) -> u64 {
                u64::from(zone(country)) * 250 + u64::from(grams) / 10
            }

            $(#[$attribute])?
            fn zone(country: &str) -> u32 {
                country.bytes().map(u32::from).sum::<u32>() % 5 + 1
            }

            $(#[$attribute])?
            fn weight(sku: &str, quantity: u32) -> u32 {
                sku.len() as u32 * 10 * quantity
            }

            $(#[$attribute])?
            async fn reserve(sku: &str, quantity: u32) -> u64 {
                shelf(sku) * 1_000 + u64::from(quantity)
            }

            $(#[$attribute])?
            fn shelf(sku: &str) -> u64 {
                sku.bytes().fold(7, |place, letter| (place * 31 + u64::from(letter)) % 997)
            }

            $(#[$attribute])?
            fn reference(order: u64, customer: u32) -> String {
                format!("Q-{customer:06}-{order:08}")
            }
        }
    };
}

orders!(absent);
orders!(traced, #[glasshull::trace]);
orders!(instrumented, #[tracing::instrument(ret)]);

impl Order {
    /// The orders differ, and are the same in each process.
    pub(crate) fn numbered(number: u64) -> Self {
        let hash = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let pick = |of: &[&str], shift: u32| String::from(of[(hash >> shift) as usize % of.len()]);
        Self {
            id: hash >> 40,
            customer: (hash >> 20) as u32 % 1_000_000,
            sku: format!("sku-{:08x}", hash as u32),
            coupon: pick(&["SPRING5", "WELCOME10", "FRIENDS15", "NONE"], 33),
            country: pick(&["CH", "DE", "FR", "IT", "AT"], 50),
            quantity: (hash >> 10) as u32 % 20 + 1,
            unit_cents: (hash >> 30) % 50_000 + 100,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_copies_give_the_same_answers() {
        for number in 0..5_000 {
            let order = Order::numbered(number);
            let answers = [
                absent::quote(&order).await.unwrap(),
                traced::quote(&order).await.unwrap(),
                instrumented::quote(&order).await.unwrap(),
            ];
            let [absent, traced, instrumented] = answers.map(|answer| serde_json::to_string(&answer).unwrap());
            assert!(absent == traced && absent == instrumented, "{absent}, {traced}, {instrumented}");
        }
    }
}
