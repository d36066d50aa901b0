//! From the first message to a welcome.

use std::sync::Arc;
use std::time::Duration;

use glasshull_api::{Code, Failure};
use glasshull_catalog::InstanceRow;
use glasshull_wire::v1::{Hello, Welcome, to_hub, to_instance};
use glasshull_wire::{PROTOCOL, v1};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::DropGuard;

use super::convert;
use super::socket::{Incoming, Socket, malformed};
use crate::failures;
use crate::hub::Parts;
use crate::instances::{Seat, Seated};
use crate::limits::{HELLO_WITHIN, MAX_HELLO_BYTES, RETRY_AFTER_FAULT, RETRY_AFTER_FULL, SETTLED_WITHIN};

/// An instance that was taken.
pub(super) struct Admitted {
    pub(super) row: InstanceRow,
    pub(super) seat: Seated,
    /// The probes it was welcomed with.
    pub(super) probes: v1::Probes,
    pub(super) hold: Hold,
}

/// What a session holds until the fate of its batches is known. Dropped in this order: who waits for the second finds
/// the first free.
pub(super) struct Hold {
    /// Its place among the instances.
    _place: OwnedSemaphorePermit,
    /// Says that it is known.
    _settled: DropGuard,
}

/// Why it was not.
pub(super) struct NotAdmitted {
    pub(super) failure: Box<Failure>,
    pub(super) retry_after: Duration,
}

impl From<Failure> for NotAdmitted {
    fn from(failure: Failure) -> Self {
        Self { failure: failure.into(), retry_after: Duration::ZERO }
    }
}

/// Reads the `Hello`, seats the instance, and welcomes it. `None`: the connection went away.
pub(super) async fn admit(parts: &Arc<Parts>, socket: &mut Socket) -> Result<Option<Admitted>, NotAdmitted> {
    let Some(hello) = hello(parts, socket).await? else { return Ok(None) };
    check_version(&hello)?;
    let said = hello.instance.unwrap_or_default();
    let row = convert::instance(said, parts.clock.now_ns())?;
    let (seat, before) = parts.instances.connect(row.clone());
    let settled = seat.settled.clone().drop_guard();
    let welcomed = match settle(before).await {
        Ok(()) => welcome(parts, socket, &row, &seat).await,
        Err(not) => Err(not),
    };
    match welcomed {
        Ok(Some((probes, place))) => {
            let hold = Hold { _place: place, _settled: settled };
            Ok(Some(Admitted { row, seat, probes, hold }))
        }
        other => other.map(|_| None),
    }
}

async fn hello(parts: &Parts, socket: &mut Socket) -> Result<Option<Hello>, Failure> {
    let first = tokio::select! {
        first = first_message(socket) => first,
        () = tokio::time::sleep(HELLO_WITHIN) => {
            return Err(malformed(&format!("no Hello came within {} seconds", HELLO_WITHIN.as_secs())));
        }
        () = parts.stopping.cancelled() => return Err(Failure::new(Code::Stopping, "The hub is stopping.")),
    };
    match first {
        Incoming::Message(message, _) => match message.message {
            Some(to_hub::Message::Hello(hello)) => Ok(Some(hello)),
            _ => Err(malformed("the first message was no Hello")),
        },
        Incoming::Malformed(what) => Err(malformed(what)),
        Incoming::Gone | Incoming::Alive => Ok(None),
    }
}

async fn first_message(socket: &mut Socket) -> Incoming {
    loop {
        match socket.next_within(MAX_HELLO_BYTES).await {
            Incoming::Alive => {}
            first => return first,
        }
    }
}

fn check_version(hello: &Hello) -> Result<(), Failure> {
    if (hello.protocol_min..=hello.protocol_max).contains(&PROTOCOL) {
        return Ok(());
    }
    let message = format!(
        "The instance speaks protocol versions {} to {}; this hub ({}) speaks version {PROTOCOL}.",
        hello.protocol_min,
        hello.protocol_max,
        crate::VERSION
    );
    Err(Failure::new(Code::WireVersion, message).hint("Use an SDK and a hub of releases that know each other."))
}

/// Waits until the fate of batches that came through an older session is known. Before that nobody can say which of them
/// the instance must send again.
async fn settle(before: Option<Seat>) -> Result<(), NotAdmitted> {
    let Some(before) = before else { return Ok(()) };
    tokio::time::timeout(SETTLED_WITHIN, before.settled.cancelled()).await.map_err(|_| NotAdmitted {
        failure: Failure::new(
            Code::JournalUnwritable,
            "Batches of an older session of this instance are still being written.",
        )
        .into(),
        retry_after: RETRY_AFTER_FAULT,
    })
}

type Welcomed = Option<(v1::Probes, OwnedSemaphorePermit)>;

async fn welcome(
    parts: &Arc<Parts>,
    socket: &mut Socket,
    row: &InstanceRow,
    seat: &Seat,
) -> Result<Welcomed, NotAdmitted> {
    let place = place(parts)?;
    parts.catalog.put_instance(row).await.map_err(|error| NotAdmitted {
        failure: failures::of_catalog(&error).into(),
        retry_after: RETRY_AFTER_FAULT,
    })?;
    let probes = parts.probes.meant_for(&parts.instances.seated(seat));
    let welcome = Welcome {
        protocol: PROTOCOL,
        durable_sequence: parts.store.durable_sequence(row.id),
        probes: Some(probes.clone()),
        hub: crate::VERSION.into(),
        refused: parts.store.refused_sequences(row.id),
    };
    let sent = socket.send(to_instance::Message::Welcome(welcome)).await;
    Ok(sent.then_some((probes, place)))
}

fn place(parts: &Parts) -> Result<OwnedSemaphorePermit, NotAdmitted> {
    parts.gates.instances.clone().try_acquire_owned().map_err(|_| NotAdmitted {
        failure: Failure::new(
            Code::TooManyInstances,
            format!("{} instances are connected, as many as this hub takes.", parts.settings.max_instances),
        )
        .hint("Raise `max-instances` at the hub, or start another hub.")
        .into(),
        retry_after: RETRY_AFTER_FULL,
    })
}
