//! Wire types become the hub's own, checked on the way.

use glasshull_api::answers::{Drops, Load};
use glasshull_api::{Code, Failure};
use glasshull_catalog::{FunctionRow, InstanceId, InstanceRow};
use glasshull_store::Source;
use glasshull_wire::limits::{MAX_ARGUMENTS, MAX_LABEL_BYTES, MAX_NAME_BYTES, MAX_TAGS};
use glasshull_wire::v1;

use crate::limits::MAX_COUNT;
use crate::text::share;

/// What an instance says of itself.
///
/// # Errors
/// [`Code::InstanceRefused`] with what is unusable.
pub(super) fn instance(said: v1::Instance, now_ns: i64) -> Result<InstanceRow, Failure> {
    let id = <[u8; 16]>::try_from(said.instance_id.as_slice()).unwrap_or_default();
    if id == [0; 16] {
        return Err(unusable("its instance_id is not 16 bytes, drawn at random".into()));
    }
    if said.service.trim().is_empty() {
        return Err(unusable("it names no service; set GLASSHULL_SERVICE".into()));
    }
    check_labels(&said)?;
    Ok(InstanceRow {
        id: InstanceId(id),
        service: said.service,
        instance: said.name,
        class: said.class,
        release: said.release,
        host: said.host,
        pid: said.pid,
        sdk: said.sdk,
        tags: said.tags.into_iter().collect(),
        started_at_ns: said.started_at_ns,
        connected_at_ns: now_ns,
        left_at_ns: None,
    })
}

fn check_labels(said: &v1::Instance) -> Result<(), Failure> {
    if said.tags.len() > MAX_TAGS {
        return Err(unusable(format!("it has {} tags; at most {MAX_TAGS} are allowed", said.tags.len())));
    }
    let own = [
        ("service", &said.service),
        ("name", &said.name),
        ("class", &said.class),
        ("release", &said.release),
        ("host", &said.host),
        ("sdk", &said.sdk),
    ];
    let tags = said.tags.iter().flat_map(|(key, value)| [("tag", key), ("tag", value)]);
    match own.into_iter().chain(tags).find(|(_, label)| label.len() > MAX_LABEL_BYTES) {
        Some((what, label)) => {
            Err(unusable(format!("its {what} has {} bytes; at most {MAX_LABEL_BYTES} are allowed", label.len())))
        }
        None => Ok(()),
    }
}

fn unusable(what: String) -> Failure {
    Failure::new(Code::InstanceRefused, format!("The instance is refused: {what}."))
}

/// What each of its batches is stored under.
pub(super) fn source(row: &InstanceRow) -> Source {
    Source {
        instance: row.id,
        service: row.service.clone(),
        name: row.instance.clone(),
        class: row.class.clone(),
        release: row.release.clone(),
    }
}

/// Functions it announces, and how many of them are unusable.
pub(super) fn functions(service: &str, said: v1::Functions) -> (Vec<FunctionRow>, usize) {
    let offered = said.functions.len();
    let usable: Vec<_> = said.functions.into_iter().filter(is_usable).map(|f| function(service, f)).collect();
    let refused = offered - usable.len();
    (usable, refused)
}

fn is_usable(function: &v1::Function) -> bool {
    let names = [&function.path, &function.file].into_iter().chain(&function.arguments);
    !function.path.is_empty() && names.into_iter().all(|name| name.len() <= MAX_NAME_BYTES)
}

fn function(service: &str, said: v1::Function) -> FunctionRow {
    FunctionRow {
        service: service.into(),
        path: said.path,
        file: said.file,
        line: said.line,
        arguments: said.arguments.into_iter().take(MAX_ARGUMENTS).collect(),
        is_async: said.is_async,
    }
}

/// What it lost, and what capturing takes there.
pub(super) fn load(said: &v1::Report) -> Load {
    Load {
        drops: drops(said.drops.unwrap_or_default()),
        buffered_bytes: said.buffered_bytes.min(MAX_COUNT),
        cpu_share: Some(share(said.cpu_share_ppm)),
        cpu_budget: Some(share(said.cpu_budget_ppm)),
    }
}

fn drops(said: v1::Drops) -> Drops {
    Drops {
        ring_full: said.ring_full.min(MAX_COUNT),
        buffer_full: said.buffer_full.min(MAX_COUNT),
        no_ring: said.no_ring.min(MAX_COUNT),
        refused: said.refused.min(MAX_COUNT),
        open_full: said.open_full.min(MAX_COUNT),
        unclaimed: said.unclaimed.min(MAX_COUNT),
        inside_values: said.inside_values.min(MAX_COUNT),
    }
}
