//! A small shop to try Glasshull on: three services that call each other, customers that never stop ordering, and six
//! faults that no log shows.
//!
//! ```text
//! load ──orders──> storefront ──quotes──> pricing (blue, green) ──gift cards──> warehouse
//!                       └───────────────reservations────────────────────────────────┘
//! ```
//!
//! `cargo xtask demo` starts it beside a hub. Alone, `shop all` does: five processes, one a role, each an instance with
//! its own name and class. Orders come from a seed, so that everybody who looks sees the same faults.
//!
//! # Questions, and the statements that answer them
//!
//! Nothing is captured until somebody asks. Start with this, wait a little, and go on with the questions:
//!
//! ```sql
//! TRACE storefront::*, pricing::*, warehouse::* FOR 5m
//! ```
//!
//! ## Why did `price` return 0 for this order?
//!
//! ```sql
//! SELECT call_id, args->'order'->>'order_id' AS order_id, args->'order'->>'coupon' AS coupon FROM calls
//! WHERE function LIKE '%::quote::price' AND returned = '0'
//! ```
//!
//! All of them used one coupon, `AUTUMN15`. `TREE` on a call's id shows why: `discount::find` returned
//! `{"percent": 1500}`. Marketing typed basis points where percents belong.
//!
//! ## Why are some reservations slow?
//!
//! ```sql
//! SELECT args->>'sku' AS sku, cast(args->>'quantity' AS int) AS quantity, duration_ns FROM calls
//! WHERE function LIKE '%::plan_walk' ORDER BY duration_ns DESC LIMIT 1000
//! ```
//!
//! Always `BEAD-11`. Draw `duration_ns` over `quantity`: a parabola. Beads lie in a bin each, and each bin is looked up
//! among all bins before it (`returned->'comparisons'`).
//!
//! ## What makes these payments fail?
//!
//! ```sql
//! SELECT function, args->>'code' AS gift_card, error->>'message' AS message, error->'causes' AS causes FROM calls
//! WHERE outcome = 'error' AND function LIKE '%::ledger::balance'
//! ```
//!
//! The customer reads "please try again", storefront "quote unavailable", pricing "ledger unavailable". Two services
//! down the ledger holds `25,00`: gift cards of 2017 were written with a decimal comma.
//!
//! ## Where did this order id go?
//!
//! ```sql
//! FIND '4f8e1c7a'
//! ```
//!
//! Through storefront, one of the two pricing instances, and warehouse.
//!
//! ## What panicked?
//!
//! ```sql
//! SELECT function, args, error->>'message' AS message, error->>'place' AS place FROM calls WHERE outcome = 'panicked'
//! ```
//!
//! `parcels::surcharge(grams: 0)`: an order of one e-book weighs nothing, and is divided by.
//!
//! ## What hangs?
//!
//! ```sql
//! SELECT function, args, duration_ns / 1000000000 AS seconds FROM calls WHERE outcome = 'running' ORDER BY started_at
//! ```
//!
//! `Carrier::call_depot(country: "FO")`: for a minute, until the carrier's patience ends.
//!
//! # A large trace
//!
//! `shop stocktake` counts a hundred thousand bins in one job, of which one fails. Ask for it before it begins:
//!
//! ```sql
//! TRACE stocktake::* FOR 10m LIMIT 1000000 CALLS RATE 1000000 PER SECOND
//! ```

#![allow(unreachable_pub, reason = "each service reads as the program of its own that it would be elsewhere")]
#![allow(clippy::disallowed_methods, reason = "a program of its own, with no clock to pass in")]

mod all;
mod arguments;
mod dice;
mod goods;
mod load;
mod order;
mod peer;
mod pricing;
#[cfg(test)]
#[rustfmt::skip]
mod reproduced;
mod service;
mod stocktake;
mod storefront;
#[cfg(test)]
mod tests;
mod warehouse;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use clap::Parser;
use tokio::net::TcpListener;

use arguments::{Arguments, Role};
use load::{Load, Plan};
use peer::Peer;
use warehouse::carrier::Carrier;

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { process, role } = Arguments::parse();
    match play(role, told_to_stop(process.stop_with_stdin)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shop: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Plays one role until `stop` is ready.
async fn play(role: Role, stop: impl Future<Output = ()>) -> std::io::Result<()> {
    match role {
        Role::Storefront { port, pricing, warehouse } => {
            let _glasshull = watched("storefront", "", "3.1.0");
            let pricing = pricing.iter().map(|base| Peer::new("pricing", base)).collect();
            listen(port, storefront::routes(pricing, Peer::new("warehouse", &warehouse)), stop).await
        }
        Role::Pricing { port, class, warehouse } => {
            let release = if class == "green" { "2.4.0-rc.1" } else { "2.3.2" };
            let _glasshull = watched("pricing", &class, release);
            listen(port, pricing::routes(Peer::new("warehouse", &warehouse)), stop).await
        }
        Role::Warehouse { port, patience } => {
            let _glasshull = watched("warehouse", "", "1.9.4");
            listen(port, warehouse::routes(Carrier { patience: Duration::from_secs(patience) }), stop).await
        }
        Role::Load { demand, storefront } => {
            let _glasshull = watched("load", "", "1.0.0");
            let load = Load::new(Peer::new("storefront", &storefront));
            let plan = Plan { seed: demand.seed, orders_per_second: demand.rate, orders: demand.orders };
            load.clone().run(plan, stop).await;
            say(&load.counts().to_string());
            Ok(())
        }
        Role::Stocktake { bins, patience } => {
            let told = tokio::task::spawn_blocking(move || take_stock(bins, Duration::from_secs(patience))).await;
            told.map_err(std::io::Error::other)
        }
        Role::All { demand, first_port } => all::run(demand, first_port, stop).await,
    }
}

/// Counts everything once, where a hub says that it wants that captured or does not say anything for a while.
fn take_stock(bins: u32, patience: Duration) {
    let glasshull = described("stocktake", "", "1.9.4").cpu_budget(0.0).init();
    glasshull.wait_for_probes(patience);
    say(&format!("{} pieces in {bins} bins", stocktake::run(bins)));
    if !glasshull.flush(patience) {
        say("the hub has not taken all of it");
    }
}

/// Makes this process an instance of a service, as long as the guard lives. Only the shop sets this in code: it is five
/// programs in one. Others take it from the environment, with `glasshull::init()`.
fn watched(service: &str, class: &str, release: &str) -> glasshull::Guard {
    // More than the default of 1 %: all its orders are there to be looked at.
    described(service, class, release).cpu_budget(0.05).init()
}

fn described(service: &str, class: &str, release: &str) -> glasshull::Builder {
    let name = if class.is_empty() { format!("{service}-1") } else { format!("{service}-{class}") };
    glasshull::builder().service(service).name(name).class(class).release(release).functions([format!("{service}::*")])
}

async fn listen(port: u16, routes: Router, stop: impl Future<Output = ()>) -> std::io::Result<()> {
    let in_use = |error| std::io::Error::other(format!("port {port} cannot be used ({error}); choose another"));
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(in_use)?;
    say(&format!("listening on http://{}", listener.local_addr()?));
    service::serve(listener, routes, stop).await
}

/// Ready on Ctrl-C, on a polite kill, and, where asked for, when standard input closes.
async fn told_to_stop(with_stdin: bool) {
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated() => {}
        () = stdin_closed(), if with_stdin => {}
    }
}

/// Reads on a thread of its own: a runtime would wait for its reader of standard input when it stops.
async fn stdin_closed() {
    let (closed, wait) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = closed.send(());
    });
    let _ = wait.await;
}

#[cfg(unix)]
async fn terminated() {
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}

/// One line on standard output. That nobody reads it is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
