//! The orders of a seed: endless, and always the same.

use crate::dice::Dice;
use crate::goods::GOODS;
use crate::order::{Customer, Line, Order, OrderId, Payment};

/// Everybody else's countries; the Faroe Islands come seldom.
const COUNTRIES: &[&str] = &["DE", "DE", "FR", "NL", "IT", "SE", "DK", "AT"];
const COUPONS: &[&str] = &["WELCOME10", "WELCOME10", "FRIENDS20", "FIVER", "SORRY", "AUTUMN15"];
const NAMES: &[&str] = &["ada", "alan", "barbara", "edsger", "grace", "ken", "leslie", "tony"];

/// An endless sequence of orders.
#[derive(Clone, Debug)]
pub struct Orders(Dice);

impl Orders {
    pub fn new(seed: u64) -> Self {
        Self(Dice::new(seed))
    }

    fn order(&mut self) -> Order {
        Order {
            id: self.id(),
            customer: self.customer(),
            lines: self.lines(),
            coupon: self.0.once_in(4).then(|| (*self.0.pick(COUPONS)).into()),
            payment: self.payment(),
        }
    }

    fn id(&mut self) -> OrderId {
        let (high, low) = (self.0.roll(), self.0.roll());
        let (a, b, c) = (high >> 32, (high >> 16) & 0xffff, high & 0x0fff);
        let (d, e) = (((low >> 48) & 0x3fff) | 0x8000, low & 0xffff_ffff_ffff);
        OrderId(format!("{a:08x}-{b:04x}-4{c:03x}-{d:04x}-{e:012x}"))
    }

    fn customer(&mut self) -> Customer {
        let name = *self.0.pick(NAMES);
        let number = self.0.between(1, 400);
        let country = if self.0.once_in(1_000) { "FO" } else { self.0.pick(COUNTRIES) };
        Customer {
            email: format!("{name}{number}@example.org"),
            password: format!("{name}-loves-{number}"),
            country: country.into(),
        }
    }

    /// Mostly one to four things; now and then several hundred beads; seldom an e-book and nothing else.
    fn lines(&mut self) -> Vec<Line> {
        if self.0.once_in(500) {
            return vec![Line { sku: "EBOOK-10".into(), quantity: 1 }];
        }
        if self.0.once_in(50) {
            return vec![Line { sku: "BEAD-11".into(), quantity: self.0.between(2, 20) as u32 * 100 }];
        }
        (0..self.0.between(1, 4)).map(|_| self.line()).collect()
    }

    /// Something that lies on a shelf in larger bins.
    fn line(&mut self) -> Line {
        let good = self.0.pick(&GOODS[..9]);
        Line { sku: good.sku.into(), quantity: self.0.between(1, 3) as u32 }
    }

    fn payment(&mut self) -> Payment {
        match self.0.between(1, 20) {
            1 => Payment::GiftCard { code: format!("GC-17-{:04}", self.0.between(1, 9_999)) },
            2 => Payment::GiftCard { code: format!("GC-24-{:04}", self.0.between(1, 9_999)) },
            3..=6 => Payment::Invoice { vat_id: format!("EU{:09}", self.0.between(0, 999_999_999)) },
            _ => Payment::Card { card_number: format!("4000{:012}", self.0.between(0, 999_999_999_999)) },
        }
    }
}

impl Iterator for Orders {
    type Item = Order;

    fn next(&mut self) -> Option<Order> {
        Some(self.order())
    }
}
