//! Whatever the bytes are: ordinary records taken apart give the events, and the refusals, that parsing all of them does.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trailfit::cloudtrail::reader::compare;

fuzz_target!(|bytes: &[u8]| {
    compare(bytes);
    compare(&[b"{\"Records\":[", bytes, b"]}"].concat());
});
