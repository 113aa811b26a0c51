//! A service on its own port for tests, clients of it, and golden pictures.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, LazyLock},
    time::Duration,
};

use pentimento::{
    compute::Compute,
    config::{ComputeConfig, RestoreConfig},
    http::{AppState, ConnectionLimits, Listeners, RequestLimits, StopTimes, Trust, serve},
    memory::MemoryBudget,
};
use pentimento_core::{
    features::N_FEATURES,
    imaging::{
        Image,
        codec::{self, Encoding, Format, Limits, Metadata},
    },
    learning::{Table, TableRow},
    models::{
        Family,
        classic::{
            CheckedHyperparameters, ModelCard, ParameterRegressors, artifact::ModelArtifact,
            card::SearchedBounds,
        },
        predictor::Predictor,
    },
};
use reqwest::{Client, RequestBuilder, Response, StatusCode, multipart};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

use crate::described::{check, check_answer};

/// Longer than any step of these tests takes.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A small model. Its colour follows `color_balance_need`, its strength `sharpening_need`.
pub static PREDICTOR: LazyLock<Arc<Predictor>> = LazyLock::new(|| {
    let rows: Vec<TableRow> = (0..60_u32)
        .map(|i| {
            let share = f64::from(i) / 60.0;
            let mut features = [0.5; N_FEATURES];
            (features[12], features[13]) = (share, 1.0 - share);
            TableRow {
                filename: format!("{i}.png"),
                similarity_score: 0.8,
                psnr: 30.0,
                ssim: 0.9,
                features,
                color_method: if share > 0.3 { "white_balance" } else { "none" }.to_owned(),
                apply_color_correction: share > 0.3,
                sharpen_sigma: 0.5 + share,
                sharpen_strength: 0.25 + 2.0 * (1.0 - share),
            }
        })
        .collect();
    let table = Table::from_rows(rows).unwrap();
    let rows: Vec<&TableRow> = table.rows().iter().collect();
    let hyperparameters = CheckedHyperparameters::default();
    let family = Family::GradientBoosting;
    let regressors = ParameterRegressors::fit(&rows, family, &hyperparameters).unwrap();
    let bounds = SearchedBounds {
        sigma_min: 0.5,
        sigma_max: 2.0,
        strength_min: 0.0,
        strength_max: 2.5,
        color_ever_on: true,
    };
    let card = ModelCard::new(family, (*hyperparameters).clone(), bounds);
    Arc::new(Predictor::from_bytes(&ModelArtifact { card, regressors }.to_bytes()).unwrap())
});

/// The settings of a [`TestApp`].
#[derive(Clone, Copy)]
pub struct Setup {
    pub running_max: usize,
    pub waiting_max: usize,
    pub limits: Limits,
    pub body_timeout: Duration,
    pub drain_timeout: Duration,
    /// The setting `server.hosts`.
    pub hosts: &'static [&'static str],
    pub drain_delay: Duration,
    pub memory_bytes: u64,
    pub connections_max: usize,
    pub caller_max: usize,
    pub request_timeout: Duration,
    /// Whether the built-in model predicts, not [`PREDICTOR`].
    pub is_built_in: bool,
    /// The section `restore` of the settings.
    pub defaults: RestoreConfig,
}

/// Bounds on requests that no test reaches.
pub fn request_limits() -> RequestLimits {
    RequestLimits {
        body_timeout: PATIENCE,
        request_timeout: PATIENCE,
        rate_min: 1,
        receiving_max: 64,
        sending_max: 64,
        caller_max: 64,
        pictures_max: 100,
    }
}

/// Limits of connections that no test reaches.
pub fn connection_limits() -> ConnectionLimits {
    ConnectionLimits {
        connections_max: 256,
        header_timeout: PATIENCE,
        keep_alive_timeout: PATIENCE,
        answer_timeout: PATIENCE,
        rate_min: 1,
        linger_bytes_max: 1 << 28,
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            running_max: 2,
            waiting_max: 32,
            limits: Limits::default(),
            body_timeout: PATIENCE,
            drain_timeout: PATIENCE,
            drain_delay: Duration::ZERO,
            memory_bytes: 4 << 30,
            connections_max: 256,
            caller_max: 64,
            request_timeout: PATIENCE,
            hosts: &[],
            is_built_in: false,
            defaults: RestoreConfig::default(),
        }
    }
}

/// A service that runs until it is stopped or dropped.
pub struct TestApp {
    pub address: SocketAddr,
    pub compute: Compute,
    pub state: AppState,
    pub client: Client,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<anyhow::Result<()>>,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub async fn with(setup: Setup) -> Self {
        let hosts: Vec<String> = setup.hosts.iter().map(|host| (*host).to_owned()).collect();
        let Setup { running_max, waiting_max, limits, body_timeout, request_timeout, caller_max, .. } = setup;
        let config = ComputeConfig { threads: 2, running_max, waiting_max, ..ComputeConfig::default() };
        let compute = Compute::new(&config).unwrap();
        let server = RequestLimits { body_timeout, request_timeout, caller_max, ..request_limits() };
        let memory = MemoryBudget::new(setup.memory_bytes);
        let predictor = if setup.is_built_in { Arc::new(Predictor::built_in()) } else { PREDICTOR.clone() };
        let state = AppState::new(compute.clone(), predictor, limits, memory, server)
            .with_trust(Trust::new(&hosts).unwrap())
            .with_defaults(setup.defaults);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            // Dropping the sender must not stop the service.
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let limits = ConnectionLimits { connections_max: setup.connections_max, ..connection_limits() };
        let times = StopTimes { drain_delay: setup.drain_delay, drain_timeout: setup.drain_timeout };
        let listeners = Listeners { service: listener, health: None };
        let server = tokio::spawn(serve(listeners, state.clone(), limits, times, shutdown));
        Self { address, compute, state, client: Client::new(), stop: Some(stop), server }
    }

    pub fn stop(&mut self) {
        self.stop.take().expect("stopped once").send(()).unwrap();
    }

    /// Waits for the end of a stopped service.
    pub async fn stopped(self) {
        tokio::time::timeout(PATIENCE, self.server).await.expect("the service stops").unwrap().unwrap();
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("http://{}{path}", self.address))
    }

    pub fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.client.post(format!("http://{}{path}", self.address)).body(body)
    }

    pub fn post_form(&self, path: &str, form: multipart::Form) -> RequestBuilder {
        self.client.post(format!("http://{}{path}", self.address)).multipart(form)
    }

    /// A connection on which the test writes every byte.
    pub async fn connect(&self) -> RawClient {
        RawClient::to(self.address).await
    }
}

pub struct RawClient(TcpStream);

impl RawClient {
    pub async fn to(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// Reads the head of an answer, in lower case.
    pub async fn head(&mut self) -> String {
        let reading = async {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(self.0.read_u8().await.unwrap());
            }
            String::from_utf8(head).unwrap().to_lowercase()
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("an answer")
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads the head and the body of one answer with a `Content-Length`.
    pub async fn answer(&mut self) -> (String, Vec<u8>) {
        tokio::time::timeout(PATIENCE, self.read_answer()).await.expect("an answer")
    }

    async fn read_answer(&mut self) -> (String, Vec<u8>) {
        let head = self.head().await;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |n| n.parse().unwrap())];
        self.0.read_exact(&mut body).await.unwrap();
        (head, body)
    }

    /// Reads until the service closes the connection.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        tokio::time::timeout(PATIENCE, self.0.read_to_end(&mut bytes)).await.expect("an end").unwrap();
        bytes
    }

    /// Whether the service closed the connection without another byte.
    pub async fn is_closed(&mut self) -> bool {
        let read = tokio::time::timeout(PATIENCE, self.0.read(&mut [0; 1])).await.expect("an end");
        matches!(read, Ok(0) | Err(_))
    }
}

/// Sends a request. Fails if no answer arrives in time, or one that `openapi.yaml` does not describe.
pub async fn send(request: RequestBuilder) -> Response {
    let (client, request) = request.timeout(PATIENCE).build_split();
    let request = request.unwrap();
    let (method, path) = (request.method().clone(), request.url().path().to_owned());
    check_answer(&method, &path, client.execute(request).await.unwrap()).await
}

/// Sends a request and expects status 200.
pub async fn ok(request: RequestBuilder) -> Response {
    let response = send(request).await;
    let status = response.status();
    if status != StatusCode::OK {
        panic!("{status}: {}", response.text().await.unwrap());
    }
    response
}

pub fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).unwrap_or_else(|| panic!("header {name}")).to_str().unwrap()
}

/// Sends a request and expects a problem document of this status and type, with the headers of every problem.
pub async fn problem(request: RequestBuilder, status: u16, slug: &str) -> Value {
    let response = send(request).await;
    let got = response.status().as_u16();
    let (content_type, id) =
        (header(&response, "content-type").to_owned(), header(&response, "x-request-id").to_owned());
    assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    assert_eq!(response.headers().contains_key("retry-after"), got == 503 || got == 429);
    let body = response.bytes().await.unwrap();
    let problem: Value = serde_json::from_slice(&body).unwrap_or_else(|e| panic!("{got} {body:?}: {e}"));
    assert_eq!(content_type, "application/problem+json", "{problem}");
    assert_eq!(problem["request_id"], id, "{problem}");
    check_problem(&problem, status, slug);
    assert_eq!(got, status, "{problem}");
    problem
}

/// Checks a problem document: its type, its status and the members that `openapi.yaml` describes.
pub fn check_problem(problem: &Value, status: u16, slug: &str) {
    assert_eq!(problem["type"], format!("/problems/{slug}"), "{problem}");
    assert_eq!(problem["status"], status, "{problem}");
    check(problem, "Problem");
    for text in ["title", "detail"] {
        assert!(problem[text].as_str().is_some_and(|text| text.len() > 5), "{problem}");
    }
}

/// Waits until a condition holds. Fails if it does not hold in time.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Occupies one place of the pixel pool until the sender is dropped. A place must be free.
pub async fn occupy(compute: &Compute) -> (std::sync::mpsc::Sender<()>, JoinHandle<()>) {
    let (begun, has_begun) = oneshot::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let place = compute.admit().unwrap();
    let work = tokio::spawn(async move {
        let work = move || {
            begun.send(()).unwrap();
            let _ = released.recv();
        };
        place.run(&MemoryBudget::new(1 << 20).work, 0, work).await.unwrap();
    });
    has_begun.await.unwrap();
    (release, work)
}

pub fn golden(path: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(path)).unwrap()
}

/// A damaged golden picture, as PNG.
pub fn damaged(name: &str) -> Vec<u8> {
    golden(&format!("pairs/{name}.damaged.png"))
}

pub fn decode(bytes: &[u8]) -> Image {
    codec::decode(bytes, &Limits::default()).unwrap().image
}

/// A golden PNG in another format, lossless except as JPEG.
pub fn as_format(png: &[u8], format: Format) -> Vec<u8> {
    let encoding = Encoding { format, quality: None, subsampling: None, lossless: format != Format::Jpeg };
    codec::encode(&decode(png), &Metadata::default(), &encoding).unwrap()
}

pub fn image_part(bytes: Vec<u8>) -> multipart::Part {
    multipart::Part::bytes(bytes).file_name("picture")
}

pub fn form_with_image(bytes: Vec<u8>) -> multipart::Form {
    multipart::Form::new().part("image", image_part(bytes))
}
