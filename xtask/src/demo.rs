//! `cargo xtask demo`: a hub, a shop under load, and three things to try.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use crate::background::Background;
use crate::cargo::{self, PROFILE, program, target};
use crate::run::{StopFlag, heading, say};
use crate::{Outcome, page, system};

const HUB_PORT: u16 = 7171;

/// What the programs' build takes on disk at most, in GiB, the first time and afterwards.
const BUILD_GIB: (u64, u64) = (8, 2);

/// How long the hub may take to open its data, and the shop its ports.
const START_WITHIN: Duration = Duration::from_secs(60);

const TRY: &str = "
  Glasshull is at http://127.0.0.1:7171

  Three things to try in its editor, in this order:

    TRACE pricing::* ON class=blue FOR 60s

    SELECT call_id, args->>'coupon' AS coupon, returned, duration_ns FROM calls
    WHERE function LIKE '%::discount::apply' ORDER BY started_at DESC

    TREE OF (SELECT call_id FROM calls WHERE args->>'coupon' = 'AUTUMN15' LIMIT 1) ANCESTORS

  Some orders cost nothing: these three say why. README.md and examples/shop have five further faults to find.
  Ctrl-C stops everything.
";

/// Runs until Ctrl-C, or until one of the programs ends.
pub(crate) fn demo() -> Outcome {
    // Builds do not look at it: the second Ctrl-C ends the task at once.
    let mut stop = StopFlag::register()?;
    system::node()?;
    system::port_is_free(HUB_PORT)?;
    let built = program("glasshull", PROFILE).exists();
    system::disk_space(&target(), if built { BUILD_GIB.1 } else { BUILD_GIB.0 })?;

    heading("The page");
    page::build()?;
    heading(if built {
        "The programs"
    } else {
        "The programs (the first build takes a quarter of an hour on two cores)"
    });
    cargo::build_programs()?;
    heading("Starting");
    // Stopping the programs takes a bounded time, and nobody else would.
    stop.only_once();
    let (mut hub, mut shop) = start()?;
    say(TRY);
    let ended = watch(&stop.flag, &mut hub, &mut shop);
    eprintln!("Stopping …");
    shop.stop();
    hub.stop();
    ended
}

/// Hub and shop, both ready.
fn start() -> Outcome<(Background, Background)> {
    let folder = target().join("demo");
    let hub = SocketAddr::from((Ipv4Addr::LOCALHOST, HUB_PORT));
    let mut running_hub = Background::start("hub", hub_command(&folder.join("data"), hub), &folder)?;
    running_hub.wait_ready(hub, "/readyz", START_WITHIN)?;
    let mut shop = Background::start("shop", shop_command(hub), &folder)?;
    shop.wait_line("storefront: listening", START_WITHIN)?;
    Ok((running_hub, shop))
}

/// `glasshull up` with its data in a folder.
pub(crate) fn hub_command(data: &Path, listen: SocketAddr) -> Command {
    let mut hub = Command::new(program("glasshull", PROFILE));
    hub.arg("up").arg("--data").arg(data).args(["--listen", &listen.to_string()]);
    hub
}

/// `shop all` on free ports.
pub(crate) fn shop_command(hub: SocketAddr) -> Command {
    let mut shop = Command::new(program("shop", PROFILE));
    shop.args(["--stop-with-stdin", "all", "--first-port", "0"]).env("GLASSHULL_HUB", format!("http://{hub}"));
    shop
}

fn watch(stop: &AtomicBool, hub: &mut Background, shop: &mut Background) -> Outcome {
    while !stop.load(Ordering::Relaxed) {
        hub.check()?;
        shop.check()?;
        sleep(Duration::from_millis(200));
    }
    Ok(())
}
