//! What no store can go below on this machine: its disk, its memory, and compression alone.

use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use super::batches::Batches;
use crate::Outcome;
use crate::report::{Row, quantile};

/// What is appended before each sync: a group of batches.
const SYNCED_BYTES: usize = 1 << 20;

const SYNCS: usize = 200;

/// What is written at a stretch to learn the disk's bandwidth, in MiB.
const WRITTEN_MIB: usize = 512;

/// What is copied to learn the memory's: more than any cache holds.
const COPIED_BYTES: usize = 128 << 20;

const COPIES: usize = 8;

/// Batches whose rows are compressed: about a million calls.
const COMPRESSED: usize = 244;

/// Of this machine, in this run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Floors {
    /// Appending and syncing 1 MiB, in milliseconds.
    pub(super) sync_p50_ms: f64,
    pub(super) sync_p99_ms: f64,
    pub(super) write_mib_per_s: f64,
    pub(super) copy_gb_per_s: f64,
    /// Unpacking a million calls' columns and compressing them again, in CPU seconds.
    pub(super) repack_s: f64,
    /// The columns of a call as they are sent, compressed.
    pub(super) packed_bytes: f64,
}

impl Floors {
    /// On the disk of this folder, with these packed batches.
    pub(super) fn measure(folder: &Path, batches: &Path) -> Outcome<Self> {
        let syncs = syncs(&folder.join("syncs"))?;
        let (repack_s, packed_bytes) = repack(batches)?;
        Ok(Self {
            sync_p50_ms: quantile(&syncs, 0.5),
            sync_p99_ms: quantile(&syncs, 0.99),
            write_mib_per_s: bandwidth(&folder.join("written"))?,
            copy_gb_per_s: copy(),
            repack_s,
            packed_bytes,
        })
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        vec![
            Row::new("floor: append and sync 1 MiB, p50", self.sync_p50_ms, "ms"),
            Row::new("floor: append and sync 1 MiB, p99", self.sync_p99_ms, "ms"),
            Row::new("floor: writing to the disk, one after the other", self.write_mib_per_s, "MiB/s"),
            Row::new("floor: copying memory, one core", self.copy_gb_per_s, "GB/s"),
            Row::new("floor: zstd 1 of a million calls' columns, unpacked and packed", self.repack_s, "s"),
            Row::new("floor: a call's columns in zstd 1, as they are sent", self.packed_bytes, "bytes"),
        ]
    }

    /// Milliseconds to read so many bytes of memory once.
    pub(super) fn reading_ms(&self, bytes: f64) -> f64 {
        bytes / self.copy_gb_per_s / 1e6
    }
}

/// Milliseconds of each.
fn syncs(path: &Path) -> Outcome<Vec<f64>> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let bytes = noise(SYNCED_BYTES);
    let mut milliseconds = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let began = Instant::now();
        file.write_all(&bytes)?;
        file.sync_data()?;
        milliseconds.push(began.elapsed().as_secs_f64() * 1e3);
    }
    std::fs::remove_file(path)?;
    Ok(milliseconds)
}

fn bandwidth(path: &Path) -> Outcome<f64> {
    let mut file = File::create(path)?;
    let bytes = noise(1 << 20);
    let began = Instant::now();
    for _ in 0..WRITTEN_MIB {
        file.write_all(&bytes)?;
    }
    file.sync_all()?;
    let seconds = began.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(WRITTEN_MIB as f64 / seconds)
}

/// Bytes that no disk can compress.
fn noise(bytes: usize) -> Vec<u8> {
    let mut chance = crate::chance::Chance::of(1);
    (0..bytes / 8).flat_map(|_| chance.next().to_le_bytes()).collect()
}

fn copy() -> f64 {
    let (from, mut to) = (noise(COPIED_BYTES), vec![1; COPIED_BYTES]);
    let began = Instant::now();
    for _ in 0..COPIES {
        to.copy_from_slice(black_box(&from));
        black_box(&mut to);
    }
    (COPIES * COPIED_BYTES) as f64 / began.elapsed().as_secs_f64() / 1e9
}

/// Seconds for a million calls, and bytes of a call.
fn repack(batches: &Path) -> Outcome<(f64, f64)> {
    let (mut seconds, mut calls, mut bytes) = (0.0, 0.0, 0.0);
    for frame in Batches::open(batches)?.take(COMPRESSED) {
        let frame = frame?;
        let began = Instant::now();
        let plain = zstd::bulk::decompress(&frame.columns, frame.columns_bytes as usize)?;
        let packed = zstd::bulk::compress(&plain, 1)?;
        seconds += began.elapsed().as_secs_f64();
        calls += f64::from(frame.calls);
        bytes += packed.len() as f64;
    }
    Ok((seconds / calls * 1e6, bytes / calls))
}
