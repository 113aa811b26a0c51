//! Few file descriptors: idle connections take them, and the service goes on.

use std::time::Duration;

use crate::{
    client::Client,
    service::{Service, Setup},
};

const DESCRIPTORS: u64 = 256;
const N: usize = 400;

#[test]
fn with_256_descriptors_and_400_open_connections_the_service_answers() {
    let mut service = Service::with(Setup { descriptors: Some(DESCRIPTORS), ..Setup::default() });
    let cpu = service.cpu();
    let held: Vec<Client> = (0..N).map(|_| service.connect()).collect();
    service.serves_within(Duration::from_secs(2));
    // A second wave, while the first one is still connected.
    let more: Vec<Client> = (0..N).map(|_| service.connect()).collect();
    service.serves_within(Duration::from_secs(2));
    assert!(service.is_alive(), "no error of accept stops the service");
    drop((held, more));
    service.serves_within(Duration::from_secs(2));
    let (spent, peak) = (service.cpu() - cpu, service.peak_bytes());
    println!("{spent:?} CPU, peak {}", crate::service::mib(peak));
    // A loop over a failing accept would take whole seconds.
    assert!(spent < Duration::from_secs(5), "{spent:?} CPU");
    assert!(peak < 256 << 20, "{peak} bytes");
}
