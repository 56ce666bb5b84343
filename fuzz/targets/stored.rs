//! Whatever the stored bytes are: what is decompressed in one go is what the stream gives. The first byte chooses between
//! bytes as they are and bytes to be compressed and then damaged.

#![no_main]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use trailfit::cloudtrail::reader::compare_stored;

fuzz_target!(|bytes: &[u8]| {
    let Some((how, bytes)) = bytes.split_first() else {
        return;
    };
    if how % 2 == 0 {
        return compare_stored(bytes);
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(u32::from(how % 10)));
    encoder.write_all(bytes).unwrap();
    let mut stored = encoder.finish().unwrap();
    for pair in bytes.chunks_exact(2).take(usize::from(how / 64)) {
        let at = usize::from(pair[0]) * 251 % stored.len();
        stored[at] ^= pair[1];
    }
    compare_stored(&stored);
});
