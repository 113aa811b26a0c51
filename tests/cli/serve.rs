//! `serve`: errors that stop the service before it listens.

use crate::support::Shell;

#[test]
fn wrong_settings_are_exit_2_and_named() {
    let shell = Shell::new();
    shell.write("not.model", b"x");
    for (arguments, reasons) in [
        (&["--address", "here"][..], &["--address", "here"][..]),
        (&["--address", "127.0.0.1"], &["--address"]),
        (&["--address", "127.0.0.1:99999"], &["--address"]),
        (&["--set", "server.address=127.0.0.1"], &["server.address"]),
        (&["--set", "server.body_timeout_ms=0"], &["server.body_timeout_ms", "at least 1"]),
        (&["--set", "server.port=1"], &["unknown setting \"server.port\""]),
        (&["--model", "not.model"], &["not.model", "not a Pentimento model file"]),
        (&["--model", "gone.model"], &["gone.model"]),
        (&["--threads", "5000"], &["compute.threads"]),
        (&["--set", "log.filter=a=b=c"], &["log.filter", "a=b=c"]),
    ] {
        let begin: &[&str] = if arguments.iter().any(|a| a.contains("address")) {
            &["serve"]
        } else {
            &["serve", "--address", "127.0.0.1:0"]
        };
        shell.run(&[begin, arguments].concat()).code(2).says(reasons);
    }
}

#[test]
fn an_address_that_is_taken_is_named_with_its_setting() {
    let shell = Shell::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    shell.run(&["serve", "--address", &address]).code(1).says(&[&address, "server.address", "in use"]);
}
