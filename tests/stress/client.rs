//! A client that writes every byte itself: it can send slowly, stop, and not read.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

use crate::service::PATIENCE;

/// An answer of the service.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether the body is as long as its head says.
    pub is_whole: bool,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    pub fn text(&self) -> String {
        format!("{} {}", self.status, String::from_utf8_lossy(&self.body[..self.body.len().min(2000)]))
    }

    /// The last segment of a problem's type; empty without a problem.
    pub fn problem(&self) -> String {
        let document: Option<Value> = serde_json::from_slice(&self.body).ok();
        let kind = document.as_ref().and_then(|document| document["type"].as_str());
        kind.and_then(|kind| kind.strip_prefix("/problems/")).unwrap_or_default().to_owned()
    }
}

/// One connection.
pub struct Client(pub TcpStream);

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("a connection");
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    /// Connects with a small receive buffer, so that an answer that is not read waits in the service.
    pub fn connect_narrow(address: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let stream = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(4096).unwrap();
            socket.connect(address).await.unwrap().into_std().unwrap()
        });
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    /// Sends bytes. A connection that the service has closed is no error: the answer says why.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.write_all(bytes.as_ref());
    }

    /// Sends a whole request with a body.
    pub fn post(&mut self, target: &str, body: &[u8]) {
        self.send(head("POST", target, &[format!("Content-Length: {}", body.len())]));
        self.send(body);
    }

    /// Reads one answer. Fails if no head arrives.
    pub fn answer(&mut self) -> Answer {
        self.try_answer().expect("an answer")
    }

    /// Reads one answer, if the service sends one before it closes the connection.
    pub fn try_answer(&mut self) -> Option<Answer> {
        let mut answer = self.head()?;
        if answer.status == 100 {
            answer = self.head()?;
        }
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.is_whole = self.chunks(&mut answer.body);
        } else {
            let length = answer.header("content-length").map_or(0, |n| n.parse().unwrap());
            answer.body = vec![0; length];
            answer.is_whole = self.0.read_exact(&mut answer.body).is_ok();
        }
        Some(answer)
    }

    /// Reads the head of an answer only.
    pub fn head(&mut self) -> Option<Answer> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if self.0.read(&mut byte).ok()? == 0 {
                return None;
            }
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        Some(Answer { status, headers, body: Vec::new(), is_whole: true })
    }

    /// Reads a chunked body. Returns whether the last chunk arrived.
    fn chunks(&mut self, body: &mut Vec<u8>) -> bool {
        loop {
            let mut size = Vec::new();
            while !size.ends_with(b"\r\n") {
                let mut byte = [0];
                if !matches!(self.0.read(&mut byte), Ok(1)) {
                    return false;
                }
                size.push(byte[0]);
            }
            let size = usize::from_str_radix(String::from_utf8_lossy(&size).trim(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            if self.0.read_exact(&mut chunk).is_err() {
                return false;
            }
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                return true;
            }
        }
    }

    /// Reads `n` bytes, or fewer if the connection ends.
    pub fn some(&mut self, n: usize) -> Vec<u8> {
        let mut bytes = vec![0; n];
        let got = self.0.read(&mut bytes).unwrap_or(0);
        bytes.truncate(got);
        bytes
    }

    /// Whether the service closes the connection within `limit`. Bytes before the end are dropped.
    pub fn is_closed_within(&mut self, limit: Duration) -> bool {
        self.0.set_read_timeout(Some(limit)).unwrap();
        let mut bytes = [0; 4096];
        loop {
            match self.0.read(&mut bytes) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => {
                    return !matches!(
                        error.kind(),
                        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                    );
                }
            }
        }
    }
}

/// The head of a request.
pub fn head(method: &str, target: &str, headers: &[String]) -> String {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n");
    for header in headers {
        head += header;
        head += "\r\n";
    }
    head + "\r\n"
}

/// A request with a body of `length` announced bytes, as curl sends it.
pub fn announced(target: &str, length: usize) -> String {
    head("POST", target, &[format!("Content-Length: {length}")])
}
