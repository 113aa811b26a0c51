#![no_main]

libfuzzer_sys::fuzz_target!(init: pentimento_fuzz::prepare(), |bytes: &[u8]| pentimento_fuzz::tiff(bytes));
