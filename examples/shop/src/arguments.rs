//! The command line.

use clap::{Args, Parser, Subcommand};

/// Three small services that call each other, under steady load, with faults to find.
///
/// Each process sends what is traced to the hub at GLASSHULL_HUB (http://127.0.0.1:7171 unless it is set).
#[derive(Debug, Parser)]
#[command(name = "shop", version)]
pub struct Arguments {
    #[command(flatten)]
    pub process: Process,
    #[command(subcommand)]
    pub role: Role,
}

/// What every process is told.
#[derive(Args, Debug)]
pub struct Process {
    /// Stop when standard input is closed: a parent that dies, even by kill -9, takes its children along.
    #[arg(long, global = true)]
    pub stop_with_stdin: bool,
}

/// What a process is.
#[derive(Debug, Subcommand)]
pub enum Role {
    /// Takes orders.
    Storefront {
        /// Where to listen on 127.0.0.1; 0 takes a free port.
        #[arg(long, default_value_t = 7201)]
        port: u16,
        /// Pricing's address; several, divided by commas, share the orders.
        #[arg(long, value_delimiter = ',', default_value = "http://127.0.0.1:7202,http://127.0.0.1:7203")]
        pricing: Vec<String>,
        /// The warehouse's address.
        #[arg(long, default_value = "http://127.0.0.1:7204")]
        warehouse: String,
    },
    /// Says what an order costs.
    Pricing {
        /// Where to listen on 127.0.0.1; 0 takes a free port.
        #[arg(long, default_value_t = 7202)]
        port: u16,
        /// The group of instances this one belongs to.
        #[arg(long, default_value = "blue")]
        class: String,
        /// The warehouse's address.
        #[arg(long, default_value = "http://127.0.0.1:7204")]
        warehouse: String,
    },
    /// Puts goods aside and keeps the ledger of gift cards.
    Warehouse {
        /// Where to listen on 127.0.0.1; 0 takes a free port.
        #[arg(long, default_value_t = 7204)]
        port: u16,
        /// How many seconds to wait for a carrier's depot that does not answer.
        #[arg(long, default_value_t = 60)]
        patience: u64,
    },
    /// Places orders.
    Load {
        #[command(flatten)]
        demand: Demand,
        /// The storefront's address.
        #[arg(long, default_value = "http://127.0.0.1:7201")]
        storefront: String,
    },
    /// Counts what lies in every bin, tells the hub, and is over: one large trace.
    Stocktake {
        /// How many there are.
        #[arg(long, default_value_t = 100_000)]
        bins: u32,
        /// How many seconds to wait for a hub that says what it wants captured.
        #[arg(long, default_value_t = 10)]
        patience: u64,
    },
    /// All of them, a process each: storefront, pricing (blue and green), warehouse, load.
    All {
        #[command(flatten)]
        demand: Demand,
        /// The first of four ports in a row (storefront, pricing blue, pricing green, warehouse); 0 takes free ones.
        #[arg(long, default_value_t = 7201)]
        first_port: u16,
    },
}

/// What is ordered.
#[derive(Args, Clone, Copy, Debug)]
pub struct Demand {
    /// The same seed gives the same orders.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Orders a second.
    #[arg(long, default_value_t = 50)]
    pub rate: u32,
    /// Stop after so many orders.
    #[arg(long)]
    pub orders: Option<u64>,
}
