//! A hub that is sent more than it can hold, by those who do not wait when they are asked to. Linux tells what it takes.

#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::net::SocketAddr;

use glasshull_testkit::{Calls, PATIENCE, TestInstance};
use glasshull_wire::v1::{Instance, to_hub, to_instance};

use crate::up::{folder, up};
use crate::{aside, glasshull, ran};

/// What the hub may take.
const MEMORY_MIB: u64 = 256;

const INSTANCES: u64 = 6;

/// Of each instance: some 70 MiB of live rows, seven times what there is room for, all together.
const BATCHES: u64 = 40;
const CALLS: u64 = 4_096;

/// Batches that are sent before one is acknowledged.
const WINDOW: usize = 6;

/// What one instance was told.
#[derive(Debug, Default)]
struct Told {
    acknowledged: BTreeSet<u64>,
    longest_wait_ms: u32,
}

/// Sends all batches, as fast as they are read, again where a session ends.
async fn sends(address: SocketAddr, number: u64) -> Told {
    let said = TestInstance::welcomed(address, "flood").await.said;
    let mut told = Told::default();
    while told.acknowledged.len() < BATCHES as usize {
        session(address, &said, number, &mut told).await;
    }
    told
}

async fn session(address: SocketAddr, said: &Instance, number: u64, told: &mut Told) {
    let (mut instance, welcome) = TestInstance::welcomed_as(address, said.clone()).await;
    // What was stored before its acknowledgement came through.
    told.acknowledged.extend(1..=welcome.durable_sequence);
    let mut sequence = welcome.durable_sequence;
    while told.acknowledged.len() < BATCHES as usize {
        while sequence < BATCHES && sequence - (told.acknowledged.len() as u64) < WINDOW as u64 {
            sequence += 1;
            instance.send(to_hub::Message::Batch(batch(number, sequence))).await;
        }
        match instance.next().await {
            Some(to_instance::Message::Ack(ack)) => {
                told.acknowledged.insert(ack.sequence);
                told.longest_wait_ms = told.longest_wait_ms.max(ack.wait_ms);
            }
            Some(to_instance::Message::Refusal(_)) | None => return,
            Some(_) => {}
        }
    }
}

fn batch(number: u64, sequence: u64) -> glasshull_wire::v1::CallBatch {
    let first_id = 1 + (number * BATCHES + sequence) * CALLS;
    let calls = Calls { function: "flood::call".into(), started_at_ns: 1_795_226_400_000_000_000, first_id };
    calls.batch(sequence, CALLS)
}

fn most_resident_mib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("the hub runs");
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.trim().parse::<u64>().ok()).expect("a number") >> 10
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_told_to_wait_and_takes_no_more_memory_than_was_said() {
    let (_folder, data) = folder();
    let memory = format!("{MEMORY_MIB}MiB");
    let (hub, address) = aside_up(memory, data).await;
    let flood = (0..INSTANCES).map(|number| tokio::spawn(sends(address.parse().expect("an address"), number)));
    let flood: Vec<_> = flood.collect();
    let mut longest_wait_ms = 0;
    for sender in flood {
        let told = tokio::time::timeout(10 * PATIENCE, sender).await.expect("it comes to an end").expect("no panic");
        assert_eq!(told.acknowledged, (1..=BATCHES).collect());
        longest_wait_ms = told.longest_wait_ms.max(longest_wait_ms);
    }
    assert!(longest_wait_ms > 0, "nobody was told to wait");
    let question = "SELECT count(*) FROM calls";
    let url = format!("http://{address}");
    let counted = tokio::task::spawn_blocking(move || {
        ran(glasshull().args(["--hub", &url, "query", question, "--format", "csv"]))
    });
    let counted = counted.await.expect("it is asked");
    let all = INSTANCES * BATCHES * CALLS;
    assert!(counted.out.ends_with(&format!("\n{all}\n")), "{counted:?}");
    let most = most_resident_mib(hub.child.id());
    assert!(most <= MEMORY_MIB, "the hub took {most} MiB");
    aside(hub, drop).await;
}

async fn aside_up(memory: String, data: String) -> (crate::Typed, String) {
    tokio::task::spawn_blocking(move || up(&["--memory", &memory, "--log", "warn"], &data)).await.expect("it starts")
}
