//! What the shop sells.

/// One thing on the shelves.
#[derive(Clone, Copy, Debug)]
pub struct Good {
    pub sku: &'static str,
    /// In cents.
    pub price: u64,
    pub grams: u32,
    /// How many lie in one shelf bin.
    pub per_bin: u32,
}

/// Everything there is. Beads are sold by the piece and lie in a bin each.
pub const GOODS: &[Good] = &[
    Good { sku: "MUG-01", price: 1_290, grams: 380, per_bin: 24 },
    Good { sku: "TEAPOT-02", price: 4_450, grams: 1_150, per_bin: 8 },
    Good { sku: "LAMP-03", price: 7_900, grams: 2_300, per_bin: 4 },
    Good { sku: "CHAIR-04", price: 12_900, grams: 6_400, per_bin: 2 },
    Good { sku: "RUG-05", price: 18_500, grams: 8_800, per_bin: 2 },
    Good { sku: "CLOCK-06", price: 5_990, grams: 900, per_bin: 10 },
    Good { sku: "VASE-07", price: 3_350, grams: 1_700, per_bin: 6 },
    Good { sku: "BLANKET-08", price: 6_790, grams: 1_250, per_bin: 12 },
    Good { sku: "CANDLE-09", price: 690, grams: 210, per_bin: 60 },
    Good { sku: "EBOOK-10", price: 999, grams: 0, per_bin: 1_000 },
    Good { sku: "BEAD-11", price: 15, grams: 3, per_bin: 1 },
];

/// The good with this SKU.
pub fn find(sku: &str) -> Option<&'static Good> {
    GOODS.iter().find(|good| good.sku == sku)
}
