//! Hostile pictures: each is refused by its kind, in milliseconds, without memory.

use std::time::Duration;

use crate::{
    bombs::{self, Bomb},
    service::{Service, mib},
};

/// Most CPU time of one request.
const CPU: Duration = Duration::from_millis(500);
/// Most memory of one request above that of the idle process.
const PEAK_BYTES: u64 = 64 << 20;
const TARGETS: &[&str] = &["/restore", "/restore?color=on&sigma=1&strength=1", "/analyze"];

/// Posts a file to every route that takes a picture. Fails unless each answer is one of `expected`, as `STATUS kind`, or
/// if the answer costs too much.
fn check(service: &mut Service, of: &str, (name, file): &Bomb, expected: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    for target in TARGETS {
        service.forget_peak();
        let (cpu, idle) = (service.cpu(), service.resident_bytes());
        let answer = service.post(target, file);
        let spent = service.cpu() - cpu;
        let peak = service.peak_bytes().saturating_sub(idle);
        let kind = format!("{} {}", answer.status, answer.problem());
        println!("{of}: {name} | {} bytes | {target} | {kind} | {spent:?} | {}", file.len(), mib(peak));
        if !expected.contains(&kind.trim()) {
            wrong.push(format!("{of}, {name}, {target}: expected {expected:?}, got {}", answer.text()));
        }
        if spent > CPU || peak > PEAK_BYTES {
            wrong.push(format!("{of}, {name}, {target}: {spent:?} CPU, {}", mib(peak)));
        }
        assert!(service.is_alive(), "{of}, {name}: the process is dead: {}", service.log_end());
    }
    wrong
}

#[test]
fn hostile_pictures_are_refused_by_kind_at_once_and_without_memory() {
    const BROKEN: &[&str] = &["422 broken-picture", "422 unsupported-property"];
    const LARGE: &[&str] = &["422 too-many-pixels", "422 too-much-memory"];
    let mut service = Service::start(&[]);
    // The model is read at its first use, and stays.
    service.restores();
    let harmless = ["200", "422 broken-picture", "422 metadata-too-large", "422 unsupported-property"];
    let mixed = [BROKEN, LARGE].concat();
    let tables: [(&str, Vec<Bomb>, &[&str]); 11] = [
        ("gigapixel", bombs::gigapixels(), LARGE),
        ("PNG chunks", bombs::png_chunks(), &harmless),
        ("broken PNG", bombs::broken_pngs(), &mixed),
        ("TIFF", bombs::tiffs(), &mixed),
        ("overlapping TIFF", bombs::overlapping_tiffs(), &harmless),
        ("JPEG", bombs::jpegs(), &mixed),
        ("WebP", bombs::webps(), &mixed),
        ("BMP", bombs::bmps(), &mixed),
        ("newer format", bombs::newer(), &mixed),
        ("other", bombs::others(), &["415 unknown-format"]),
        ("empty", vec![("nothing", Vec::new())], &["422 missing-part"]),
    ];
    let mut wrong = Vec::new();
    for (of, bombs, expected) in tables {
        for bomb in &bombs {
            wrong.extend(check(&mut service, of, bomb, expected));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    service.serves_within(Duration::from_secs(1));
}
