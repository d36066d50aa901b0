//! `glasshull up`: the one place where clock, chance, listener, object store and shutdown are made.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use glasshull_api::{Code, Failure};
use glasshull_hub::settings::{Key, read_file};
use glasshull_hub::{Components, Hub, Settings, SettingsLayer, listen, open_objects, take_folder};
use glasshull_store::SystemClock;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::args::Up;
use crate::commands::note;
use crate::failed::Failed;
use crate::output::Output;

/// Arenas of the allocator, however many cores there are: each may keep some tens of MiB.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MOST_ARENAS: i32 = 8;

/// What threads may take that are in the middle of something when the hub has stopped.
const THREADS_END_WITHIN: Duration = Duration::from_secs(2);

pub(crate) fn up(up: Up, key: Option<&str>) -> Result<(), Failed> {
    keep_few_arenas();
    let layer = layer(&up, key)?;
    let print = up.print_settings.then(|| layer.clone().completed().to_toml());
    let settings = Settings::new(layer)?;
    if let Some(toml) = print {
        return Output::new(crate::args::Format::Table).line(toml.trim_end());
    }
    begin_log(&up)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::new(Code::Internal, format!("No threads can be started: {error}.")))?;
    let served = runtime.block_on(serve(settings));
    // What still runs is no request's and no batch's: it must not keep the process.
    runtime.shutdown_timeout(THREADS_END_WITHIN);
    served
}

/// glibc's allocator keeps what is freed in arenas, of which it makes eight for each core: a hub, whose batches are freed by
/// other threads than those they were made by, would take half as much again as it uses. One for each core is enough; it costs
/// about a twentieth more CPU. To be called before there are threads.
fn keep_few_arenas() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let arenas = i32::try_from(cores).unwrap_or(MOST_ARENAS).clamp(2, MOST_ARENAS);
        // SAFETY: takes two numbers; a wrong one is refused.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, arenas) };
    }
}

/// Flags and environment, over the file, where one is named.
fn layer(up: &Up, key: Option<&str>) -> Result<SettingsLayer, Failure> {
    let wrong = |why: String| Failure::new(Code::SettingsWrong, format!("The key cannot be used: {why}."));
    let key: Option<Key> = key.map(|key| key.parse().map_err(wrong)).transpose()?;
    let above = SettingsLayer { key, ..up.layer.clone() };
    match &up.settings {
        Some(file) => Ok(above.over(read_file(file)?)),
        None => Ok(above),
    }
}

async fn serve(settings: Settings) -> Result<(), Failed> {
    let mut stop = Stop::new()?;
    // First the address: where that fails, the folder is not even made.
    let listener = listen(settings.listen).await?;
    let folder = take_folder(&settings.data)?;
    let fresh_name = fresh_name();
    let components = Components {
        listener,
        object_store: open_objects(&settings, &folder, &fresh_name).await?,
        folder,
        clock: Arc::new(SystemClock),
        fresh_name,
    };
    let hub = Hub::start(settings, components).await?;
    note(&format!("Glasshull is up: http://{}", hub.address()));
    let ended = tokio::select! {
        () = stop.wanted() => Ok(()),
        () = hub.taken_over() => Err(taken_over().into()),
    };
    note("Stopping.");
    tokio::select! {
        () = hub.stop() => ended,
        () = stop.wanted() => {
            note("Stopped at once, without finishing what was under way. What was acknowledged is in the journal.");
            Err(Failed::Told)
        }
    }
}

/// A polite kill, and Ctrl-C. The first is an order to finish, the second one to leave.
struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Stop {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::new(Code::Internal, format!("Signals cannot be received: {error}.")))
        };
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn wanted(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn taken_over() -> Failure {
    let message = "Another hub has taken over the object store: this one could not acknowledge anything any more.";
    Failure::new(Code::TakenOver, message)
        .hint("All it has acknowledged is there. Instances connect to the other one, where they are told of it.")
}

/// A name for a data folder that has none: drawn once, kept for good.
#[expect(clippy::disallowed_methods, reason = "this is where chance comes from")]
fn fresh_name() -> String {
    format!("{:016x}", rand::random::<u64>())
}

fn begin_log(up: &Up) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&up.log)
        .map_err(|error| Failure::new(Code::SettingsWrong, format!("`{}` is no log filter: {error}.", up.log)))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if up.log_json {
        log.json().init();
    } else {
        log.with_ansi(std::io::stderr().is_terminal()).with_target(false).compact().init();
    }
    Ok(())
}
