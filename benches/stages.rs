//! How long the stages of reading take: `cargo bench --bench stages`. One thread, eight files of 430 events each, made by
//! the seeded generator of `corpus.rs`; each stage holds those before it, so that differences tell what one takes.

#![allow(
    clippy::unwrap_used,
    reason = "a measurement that cannot go on has failed"
)]

use std::fs;
use std::num::NonZeroUsize;

use divan::Bencher;
use divan::counter::BytesCount;
use libdeflater::{CompressionLvl, Compressor, Decompressor};
use trailfit::cloudtrail::reader::{Item, Reader, Wanted};
use trailfit::pipeline::{Progress, collect};
use trailfit::source::files;
use trailfit::source::layout::Scope;
use trailfit::usage::filter::Filter;
use trailfit::usage::memo::Memo;
use trailfit::usage::resolve::resolve;

#[allow(dead_code, reason = "a program of its own")]
#[path = "corpus.rs"]
mod corpus;

const FILES: u64 = 8;
const EVENTS: u64 = 430;

fn main() {
    divan::main();
}

/// Delivery files, compressed, and how many bytes of JSON are in them.
fn deliveries() -> (Vec<Vec<u8>>, usize) {
    let texts = (0..FILES).map(|file| {
        let mut delivery = corpus::Delivery::new(1, file, 0, 10);
        let records = (0..EVENTS).map(|_| {
            let mut record = String::new();
            delivery.record(&mut record);
            record
        });
        let records: Vec<String> = records.collect();
        format!(r#"{{"Records":[{}]}}"#, records.join(","))
    });
    let mut size = 0;
    let stored = texts.map(|text| {
        size += text.len();
        let mut compressor = Compressor::new(CompressionLvl::default());
        let mut out = vec![0; compressor.gzip_compress_bound(text.len())];
        let length = compressor.gzip_compress(text.as_bytes(), &mut out).unwrap();
        out.truncate(length);
        out
    });
    (stored.collect(), size)
}

/// Measures the reading of all files by one reader. Of each record that is taken apart this is `wanted`; the events are
/// handed to `work`.
fn read(bencher: Bencher<'_, '_>, wanted: Wanted, work: impl Fn(&Item<'_, '_, '_>)) {
    let (stored, size) = deliveries();
    let mut reader = Reader::new();
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        let mut records = 0;
        for bytes in &stored {
            let summary = reader.read(bytes.as_slice(), &mut |item| match &item {
                Item::Ordinary { wanted: cell, .. } => cell.set(wanted),
                _ => work(&item),
            });
            records += summary.records;
        }
        assert_eq!(records, FILES * EVENTS);
    });
}

/// Decompressing alone.
#[divan::bench]
fn a_decompress(bencher: Bencher<'_, '_>) {
    let (stored, size) = deliveries();
    let (mut inflate, mut out) = (Decompressor::new(), vec![0; size]);
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        for bytes in &stored {
            inflate.gzip_decompress(bytes, &mut out).unwrap();
        }
    });
}

/// Taking records apart.
#[divan::bench]
fn b_take_apart(bencher: Bencher<'_, '_>) {
    read(bencher, Wanted::Nothing, |_| {});
}

/// Parsing each record, as those are whose call is not known.
#[divan::bench]
fn c_parse(bencher: Bencher<'_, '_>) {
    read(bencher, Wanted::Record, |item| {
        divan::black_box(item);
    });
}

/// Parsing and resolving each.
#[divan::bench]
fn d_resolve(bencher: Bencher<'_, '_>) {
    let memo = std::cell::RefCell::new(Memo::default());
    read(bencher, Wanted::Record, |item| {
        if let Item::Record { event, .. } = item {
            divan::black_box(resolve(event, &mut memo.borrow_mut()));
        }
    });
}

/// All of it, from files to the ledger.
#[divan::bench]
fn e_collect(bencher: Bencher<'_, '_>) {
    let (stored, size) = deliveries();
    let folder = tempfile::tempdir().unwrap();
    for (number, bytes) in stored.iter().enumerate() {
        fs::write(folder.path().join(format!("{number}.json.gz")), bytes).unwrap();
    }
    let objects = files::list(
        &[folder.path().to_str().unwrap().to_owned()],
        &Scope::default(),
    )
    .unwrap();
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        collect(
            &objects,
            &Filter::default(),
            false,
            NonZeroUsize::MIN,
            &Progress::default(),
        )
    });
}
