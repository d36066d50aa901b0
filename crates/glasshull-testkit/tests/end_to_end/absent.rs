//! A shop does not notice what its hub does not do.

use std::net::TcpListener;

use crate::deaf_hub;
use crate::hub_process::{HubProcess, eventually};
use crate::shop_process::ShopProcess;

const ORDERS: u32 = 200;

#[test]
fn the_shop_serves_the_same_orders_with_a_hub_without_one_and_with_those_that_never_read() {
    let hub = HubProcess::start();
    let with_a_hub = ShopProcess::serve(&hub.url(), ORDERS);
    let absent = HubProcess::absent();
    assert_eq!(ShopProcess::serve(&absent.url(), ORDERS), with_a_hub);

    // Connections are made by the kernel and never accepted, let alone read.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let silent_url = format!("http://{}", silent.local_addr().expect("its address"));
    assert_eq!(ShopProcess::serve(&silent_url, ORDERS), with_a_hub);
    assert_eq!(ShopProcess::serve(&deaf_hub::start(), ORDERS), with_a_hub);
    assert!(with_a_hub.ends_with("0 customers left"), "{with_a_hub}");
}

#[test]
fn a_hub_that_comes_late_finds_the_shop() {
    let mut hub = HubProcess::absent();
    let _shop = ShopProcess::start(&hub.url());
    hub.restart();
    eventually("all five instances are connected", || {
        let instances = hub.get("instances");
        let connected = instances["instances"].as_array().into_iter().flatten().filter(|i| i["connected"] == true);
        connected.count() == 5
    });
}
