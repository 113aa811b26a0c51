#!/usr/bin/env python3
"""bench-restore.py PEERS LARGE DOCUMENT: compares restorations with other programs in one run.

Compares the JPEGs of LARGE with libjpeg-turbo's own `djpeg | cjpeg` at the same quality and subsampling, one thread each.
Compares requests to the service with the services of PEERS (installed under target/peers), which restore with fixed
parameters and extract no features. Measures each stage, and the program's start, size and memory. Prints Markdown and
writes it between its marks in DOCUMENT. All programs take turns; the table has the smallest of several values of each program.
"""

import datetime
import http.client
import os
import pathlib
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

# Largest size of the release binary. Give the reason when you raise it.
PROGRAM_BYTES_MAX = 28_000_000
ROUNDS = int(os.environ.get("ROUNDS", "5"))
BEGIN = "<!-- What follows, up to the next mark, is written by `scripts/bench-restore.py`. -->\n"
END = "<!-- Here ends what `scripts/bench-restore.py` writes. -->\n"
ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
WORK = TARGET / "peers"
PYTHON = WORK / "venv/bin/python"
PROGRAM = TARGET / "release/pentimento"
SIZES = [(512, 512), (2048, 1536), (4000, 3000)]
# Name of the built-in model that predicts.
MODEL = "builtin"
# Arguments of our program, by case: two with given parameters, one with predicted parameters, and one where the model can
# only leave the picture untouched. Two more apply a predicted colour transform in any case, without and with a given
# sharpening.
CASES = {
    "color and sharpen": ["--color", "on", "--sigma", "1", "--strength", "1"],
    "sharpen": ["--color", "off", "--sigma", "1", "--strength", "0.5"],
    "predicted": [],
    "untouched": ["--color", "off"],
    "transform": ["--color-method", "learned", "--strength", "0"],
    "transform, sharpen": ["--color-method", "learned", "--sigma", "1", "--strength", "0.5"],
}
# Cases from decoding to encoding in process, without start and reading the model, by their names in the bench `stages`.
IN_PROCESS = {
    "untouched": "whole, untouched",
    "transform": "whole, learned colour predicted",
    "transform, sharpen": "whole, learned colour predicted, sharpen",
}


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def cpu_ms(*command):
    """Returns CPU milliseconds and peak bytes of a command with its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=log)
        _, status, usage = os.wait4(child.pid, 0)
        if status:
            log.seek(0)
            sys.exit(f"{command} ended with {status}: {log.read().decode()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent * 1e3, usage.ru_maxrss * 1024


class Least(dict):
    """Keeps the smallest value noted under each name."""

    def note(self, name, value):
        self[name] = min(value, self.get(name, value))


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines) + "\n"


def install(peers):
    """Installs the services' packages and builds our program and the bench of its stages."""
    WORK.mkdir(parents=True, exist_ok=True)
    if not PYTHON.exists():
        run(sys.executable, "-m", "venv", WORK / "venv")
    run(PYTHON, "-m", "pip", "install", "--quiet", *(peers / "requirements.txt").read_text().split()[:6],
        "joblib", "fastapi", "uvicorn")
    if shutil.which("npm") and not (WORK / "node_modules/sharp").exists():
        shutil.copy(peers / "package.json", WORK)
        subprocess.run(["npm", "install", "--silent"], cwd=WORK, capture_output=True)
    built = run("cargo", "bench", "--locked", "--no-run", "--bench", "stages", cwd=ROOT)
    # The program comes last, because building benches builds it too, with debug information for profilers.
    run("cargo", "build", "--quiet", "--locked", "--release", "--bin", "pentimento", cwd=ROOT)
    return ROOT / re.search(r"\((\S*/stages-\w+)\)", built)[1]


def sampling(path):
    """Returns luma's sampling factors as cjpeg takes them, whether the file is progressive, and its megapixels."""
    told = subprocess.run(["djpeg", "-verbose", "-verbose", "-outfile", os.devnull, path], capture_output=True, text=True).stderr
    horizontal, vertical = re.search(r"Component 1: (\d)hx(\d)v", told).groups()
    width, height = re.search(r"width=(\d+), height=(\d+)", told).groups()
    progressive = "Start Of Frame 0xc2" in told
    return f"{horizontal}x{vertical}", progressive, int(width) * int(height) / 1e6


def large_section(bench, pictures):
    least, peak = Least(), {}
    facts = {path: sampling(path) for path in pictures}
    for _ in range(ROUNDS):
        for path in pictures:
            pipe = f"djpeg '{path}' | cjpeg -quality 95 -sample {facts[path][0]}"
            least.note((path, "turbo"), cpu_ms("sh", "-c", pipe)[0])
            for case, flags in CASES.items():
                spent, bytes_ = cpu_ms(PROGRAM, "restore", path, "-o", os.devnull, "--threads", "1", "--model", MODEL, *flags)
                least.note((path, case), spent)
                peak[path, case] = bytes_
            for stage, ms in stages(bench, path).items():
                least.note((path, "stage", stage), ms)
    rows, ratios = [], {case: [] for case in CASES}
    for path in pictures:
        _, progressive, megapixels = facts[path]
        turbo = least[path, "turbo"]
        row = [path.stem, f"{megapixels:.1f}" + (", progressive" if progressive else ""), f"{turbo:.0f}"]
        for case in CASES:
            ratios[case].append(least[path, case] / turbo)
            row.append(f"{least[path, case]:.0f}, {ratios[case][-1]:.2f} ×")
        bare = peak[path, "color and sharpen"] - path.stat().st_size
        rows.append([*row, f"{bare / megapixels / 1e6:.1f}"])
    medians = [f"**{statistics.median(ratios[case]):.2f} ×**" for case in CASES]
    rows.append(["median", "", "", *medians, ""])
    text = "### The five large JPEGs and libjpeg-turbo\n\nCPU milliseconds of whole processes, one thread: `djpeg | cjpeg -quality 95 -sample …`, and `pentimento restore` without\n`--receipt`. The second figure includes start and model, and stands with its multiple of the first. The last column has the process's\npeak bytes per pixel, less the input. `predicted` is what the model of gains decides. `untouched` leaves the model no other choice.\n`transform` applies a predicted colour transform whether it is worth it or not, without and with a given sharpening.\n\n"
    text += table(["", "MP", "djpeg, cjpeg", "given: colour, sharpen", "given: sharpen", *list(CASES)[2:], "peak B/px"], rows)
    text += "The same in process, decoding to encoding, without start and reading the model:\n\n"
    inner = {case: [least[path, "stage", name] / least[path, "turbo"] for path in pictures] for case, name in IN_PROCESS.items()}
    body = [[path.stem, *(f"{inner[case][i]:.2f} ×" for case in inner)] for i, path in enumerate(pictures)]
    body.append(["median", *(f"**{statistics.median(inner[case]):.2f} ×**" for case in inner)])
    text += table(["", *inner], body)
    text += "The stages in process, milliseconds per megapixel:\n\n"
    names = list(dict.fromkeys(key[2] for key in least if len(key) == 3))
    header = ["", *(path.stem for path in pictures)]
    body = [[name, *(f"{least[path, 'stage', name] / facts[path][2]:.2f}" for path in pictures)] for name in names]
    return text + table(header, body)


def stages(bench, path):
    out = run(bench, 1, path, "--bench")
    return {m[1]: float(m[2]) for m in re.finditer(r"^  (.*): ([0-9.]+) ms,", out, re.M)}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    """A running service, with the CPU time and memory that it has used."""

    def __init__(self, command, port, ping, cwd=None, env=None):
        self.port = port
        self.began = time.monotonic()
        self.process = subprocess.Popen([str(c) for c in command], cwd=cwd, env={**os.environ, **(env or {})},
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not self.answers(ping):
            if time.monotonic() - self.began > 30 or self.process.poll() is not None:
                self.stop()
                raise OSError(f"{command[0]} does not answer")
            time.sleep(0.001)
        self.ready_ms = (time.monotonic() - self.began) * 1e3

    def answers(self, path):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            return False

    def status(self, field):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+) kB", text, re.M)[1]) * 1024

    def cpu_ms(self):
        """Returns the CPU time of all threads, in the scheduler's nanoseconds."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6

    def load(self, path, body, n, connections=2):
        """Returns CPU milliseconds per request and median latency, over `n` requests on each connection."""
        times = []

        def client():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            for _ in range(n):
                begun = time.monotonic()
                connection.request("POST", path, body, {"Content-Type": "image/jpeg"})
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 200, answer.status
                times.append((time.monotonic() - begun) * 1e3)

        before = self.cpu_ms()
        clients = [threading.Thread(target=client) for _ in range(connections)]
        [c.start() for c in clients]
        [c.join() for c in clients]
        return (self.cpu_ms() - before) / (n * connections), statistics.median(times)

    def stop(self):
        self.process.kill()
        self.process.wait()


def serve(data):
    port = free_port()
    settings = [f"data.dir={data}", "log.filter=error"]
    flags = [word for setting in settings for word in ("--set", setting)] + ["--model", MODEL]
    return Service([PROGRAM, "serve", "--address", f"127.0.0.1:{port}", *flags], port, "/health/ready")


def services(peers, data):
    """Returns for each service, by name, its command and its paths that restore."""
    ours = {
        "colour, sharpen": "/restore?color=on&sigma=1&strength=1",
        "predicted": "/restore",
        "predicted transform, sharpen": "/restore?color_method=learned&sigma=1&strength=0.5",
    }
    yield "ours", lambda: serve(data), ours
    port = free_port()
    # The server reads a model even when parameters are fixed.
    run(PYTHON, "-c", "import joblib,sys; joblib.dump(None, sys.argv[1])", WORK / "no-model.joblib")
    uvicorn = [PYTHON, "-m", "uvicorn", "fastapi_server:app", "--port", port, "--log-level", "error"]
    environment = {"MODEL": str(WORK / "no-model.joblib"), "FEAT": "fast", "PYTHONDONTWRITEBYTECODE": "1"}
    yield "FastAPI + OpenCV", lambda: Service(uvicorn, port, "/ping", peers, environment), {
        "colour, sharpen": "/restore?color=1&sigma=1&strength=1"}
    if (WORK / "node_modules/sharp").exists():
        shutil.copy(peers / "sharp_server.js", WORK)
        node = free_port()
        yield "fastify + sharp", lambda: Service(["node", "sharp_server.js"], node, "/ping", WORK, {"PORT": str(node)}), {
            "colour, sharpen": "/restore?color=1&sigma=1&m2=1"}


def pictures_of(source):
    script = """import cv2, sys
source = cv2.imread(sys.argv[1])
for size in sys.argv[3:]:
    w, h = map(int, size.split('x'))
    cv2.imwrite(f'{sys.argv[2]}/{size}.jpg', cv2.resize(source, (w, h), interpolation=cv2.INTER_AREA), [cv2.IMWRITE_JPEG_QUALITY, 90])"""
    names = [f"{w}x{h}" for w, h in SIZES]
    run(PYTHON, "-c", script, source, WORK, *names)
    return {name: (WORK / f"{name}.jpg").read_bytes() for name in names}


def services_section(peers, source):
    pictures = pictures_of(source)
    least, median, peaks, names = Least(), Least(), {}, []
    with tempfile.TemporaryDirectory() as data:
        known = list(services(peers, data))
        for round_ in range(3):
            for name, start, paths in known:
                try:
                    service = start()
                except OSError as error:
                    print(error, file=sys.stderr)
                    continue
                for size, body in pictures.items():
                    n = 40 if size == "512x512" else 8
                    for what, path in paths.items():
                        service.load(path, body, 2)
                        spent, latency = service.load(path, body, n)
                        row = f"{name}, {what}"
                        names += [row] if row not in names else []
                        least.note((row, size), spent)
                        median.note((row, size), service.load(path, body, n, connections=1)[1])
                peaks[name] = service.status("VmHWM")
                service.stop()
    rows = []
    for row in names:
        of = [f"{least[row, size]:.1f}, {median[row, size]:.1f}" for size in pictures]
        rows.append([row, *of, f"{peaks[row.split(', ')[0]] / 1e6:.0f}"])
    text = "### Services side by side\n\nEach cell has the CPU milliseconds of the server per request under two connections, and the median milliseconds of one\nconnection. The peers restore with fixed parameters and extract no features. The last column has the peak MB of the process.\n\n"
    return text + table(["", *(f"{w} × {h}" for w, h in SIZES), "peak MB"], rows)


def program_section():
    first, warm = [], []
    for _ in range(5):
        with tempfile.TemporaryDirectory() as data:
            for times in (first, warm, warm):
                service = serve(data)
                times.append(service.ready_ms)
                service.stop()
    size = PROGRAM.stat().st_size
    if size > PROGRAM_BYTES_MAX:
        print(f"the program has {size} bytes, more than PROGRAM_BYTES_MAX: give the reason when you raise it", file=sys.stderr)
    text = "### The program\n\n"
    text += table(["", ""], [
        ["size of the release binary, one file", f"{size / 1e6:.1f} MB"],
        ["exec to 200 of `/health/ready`, first start of a data folder (median, most)", f"{statistics.median(first):.0f}, {max(first):.0f} ms"],
        ["the same when the folder's schema is there", f"{statistics.median(warm):.0f}, {max(warm):.0f} ms"],
    ])
    return text + memory_section()


def memory_section():
    said = run("cargo", "test", "--locked", "--test", "request_memory", "--", "--nocapture", cwd=ROOT)
    rows = re.findall(r"^(\S+ .*) \| (.*) \| 1 threads \| ([0-9.]+) \| (\d+)$", said, re.M)
    text = "Peak bytes per pixel beyond input and answer, and allocations, of requests on one thread (`cargo test --test request_memory`,\nwhich bounds them; without libjpeg-turbo's own):\n\n"
    return text + table(["picture", "request", "B/px", "allocations"], rows)


# Patterns of function names for each row of the table; the first that matches counts.
PARTS = {
    "JPEG decoding": r"decode_mcu|idct|upsample|ycc_ext|decompress|fill_bit|consume_data|ycc_rgb|process_data|jpeg_huff_decode|dec?ode_.*_data",
    "JPEG encoding": r"fdct|quantize|huff_encode|rgb_ycc|encode_mcu|downsample|convsamp|compress_|forward_DCT|expand_right",
    "reading the model": r"gains::artifact|models::file|RowTree|ForestForm|WeightForest as|Vec.*Visitor|postcard|serde",
    "features": r"features|area_resize|libm::|luma",
    "predicting": r"weight_forest|gains::model|gains::decide|candidates",
    "colours and sharpening": r"bands|color_transform|histogram|white_balance|unsharp",
    "digests": r"sha2|sha256",
    "moving and clearing memory": r"^_?_?mem(cpy|move|set)|__mem",
}


def instructions_section(picture):
    """Counts millions of instructions by part. Callgrind runs AVX2 but no AVX-512."""
    cases = ["color and sharpen", "untouched", "transform", "transform, sharpen"]
    counts = {}
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder, "callgrind")
            run("valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", PROGRAM, "restore", picture, "-o", os.devnull,
                "--threads", "1", "--model", MODEL, *CASES[case])
            told = run("callgrind_annotate", "--threshold=100", "--auto=no", out)
        found = dict.fromkeys([*PARTS, "the rest"], 0)
        for count, name in re.findall(r"^ *([0-9,]+) \( *[0-9.]+%\) +\S*?:(.*?)(?: \[.*)?$", told, re.M):
            part = next((part for part, pattern in PARTS.items() if re.search(pattern, name)), "the rest")
            found[part] += int(count.replace(",", ""))
        counts[case] = found
    text = f"### Instructions\n\nMillions of instructions in a whole process on {picture.stem}, by names of functions. Callgrind counts them and runs the AVX2 level.\n\n"
    rows = [[part, *(f"{counts[case][part] / 1e6:.0f}" for case in cases)] for part in [*PARTS, "the rest"]]
    rows.append(["together", *(f"{sum(counts[case].values()) / 1e6:.0f}" for case in cases)])
    return text + table(["", *cases], rows)


def machine():
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", cpuinfo)
    commit = run("git", "describe", "--always", "--dirty", cwd=ROOT).strip()
    today = datetime.date.today().isoformat()
    turbo = subprocess.run(["djpeg", "-version"], capture_output=True, text=True).stderr.split("\n")[0]
    return f"{today}, commit {commit}, {model[1] if model else 'unknown CPU'} ({os.cpu_count()} cores), against {turbo}.\n\n"


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    peers, large, document = (pathlib.Path(a).resolve() for a in sys.argv[1:])
    bench = install(peers)
    pictures = sorted(large.glob("*.jpg"))
    text = "## Restoring, measured\n\n" + machine() + large_section(bench, pictures)
    text += services_section(peers, pictures[0]) + program_section() + instructions_section(pictures[2])
    print(text)
    old = document.read_text()
    before, _, rest = old.partition(BEGIN)
    after = rest.partition(END)[2]
    if not rest:
        sys.exit(f"{document} lacks the mark {BEGIN}")
    document.write_text(before + BEGIN + "\n" + text + END + after)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
