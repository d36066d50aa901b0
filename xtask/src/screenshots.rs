//! `cargo xtask screenshots`: README's pictures, from a real hub under the shop's load.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use crate::background::Background;
use crate::cargo::{self, target};
use crate::demo::{hub_command, shop_command};
use crate::run::{command, run};
use crate::{Outcome, page, system};

const START_WITHIN: Duration = Duration::from_secs(60);

/// Starts hub and shop on free ports, and lets `web/scripts/screenshots.mjs` drive a browser.
pub(crate) fn screenshots() -> Outcome {
    let chromium = system::chromium()?;
    page::build()?;
    page::install()?;
    cargo::build_programs()?;
    let hub = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
    let folder = target().join("screenshots");
    // Pictures of an empty hub's first minutes, whatever was there before.
    let _ = std::fs::remove_dir_all(folder.join("data"));
    let mut running_hub = Background::start("hub", hub_command(&folder.join("data"), hub), &folder)?;
    running_hub.wait_ready(hub, "/readyz", START_WITHIN)?;
    let mut shop = Background::start("shop", shop_command(hub), &folder)?;
    shop.wait_line("storefront: listening", START_WITHIN)?;
    let mut pictures = command("npm", &["run", "screenshots"]);
    pictures.current_dir(page::web()).env("CHROMIUM", chromium).env("GLASSHULL_URL", format!("http://{hub}"));
    run(pictures)
}

fn free_port() -> Outcome<u16> {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    free.map(|address| address.port()).map_err(|error| format!("There is no free port: {error}."))
}
