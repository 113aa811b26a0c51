#!/usr/bin/env python3
"""bench-load.py PEERS [NAME=PROGRAM …]: requests per second next to the FastAPI service of PEERS.

wrk posts a JPEG of 512×512 pixels from 1, 4, 16 and 64 connections, with given parameters and with predicted ones. The
services take turns, ROUNDS times SECONDS each. The table has the round with the most requests per second of each, and the
fewest CPU milliseconds per request. The CPU time is the steadier figure when other programs use the machine: the
scheduler divides cores among threads, and the peer runs 40.

Without NAME=PROGRAM it measures target/release/pentimento. Several programs, an older one for example, are measured in turns.
"""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
WORK = TARGET / "peers"
PYTHON = WORK / "venv/bin/python"
ROUNDS = int(os.environ.get("ROUNDS", "3"))
SECONDS = int(os.environ.get("SECONDS", "4"))
CONNECTIONS = [int(n) for n in os.environ.get("CONNECTIONS", "1 4 16 64").split()]
# Least ratios of requests per second that the service must have.
LEAST = {"given": 1.5, "predicted": 4.0}
OURS = {"given": "/restore?color=on&sigma=1&strength=1", "predicted": "/restore"}
PEER = {"given": "/restore?color=1&sigma=1&strength=1", "predicted": "/restore"}
# One caller is allowed all places: all connections of a benchmark come from one address.
SETTINGS = {"log.filter": "error", "compute.caller_places_max": "1000"}
# Makes the picture and a forest of the peer's kind. Its cost is that of a real one: trees, depth and features are the same.
PREPARE = """
import cv2, joblib, numpy, sys
from sklearn.ensemble import RandomForestRegressor
sample, picture, model = sys.argv[1:]
cv2.imwrite(picture, cv2.resize(cv2.imread(sample), (512, 512), interpolation=cv2.INTER_AREA), [cv2.IMWRITE_JPEG_QUALITY, 90])
x = numpy.random.default_rng(1).random((112, 14))
y = numpy.c_[x[:, 12] > 0.5, 0.5 + 1.5 * x[:, 0], 2.5 * x[:, 13]]
joblib.dump(RandomForestRegressor(n_estimators=100, max_depth=10, min_samples_split=5, random_state=42).fit(x, y), model)
"""


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return done.stdout


def install(peers):
    """Installs the peer's packages once, and makes its model and the picture."""
    WORK.mkdir(parents=True, exist_ok=True)
    if not shutil.which("wrk"):
        sys.exit("wrk is missing: apt-get install wrk")
    if not PYTHON.exists():
        run(sys.executable, "-m", "venv", WORK / "venv")
    packages = (peers / "requirements.txt").read_text().split()[:6]
    run(PYTHON, "-m", "pip", "install", "--quiet", *packages, "joblib", "fastapi", "uvicorn")
    picture, model = WORK / "load.jpg", WORK / "forest.joblib"
    run(PYTHON, "-c", PREPARE, ROOT / "samples/faded-undamaged.jpg", picture, model)
    return picture, model


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    """A running service and the best figures of its rounds."""

    def __init__(self, name, command, port, paths, ping, cwd=None, env=None):
        self.name, self.paths, self.base = name, paths, f"http://127.0.0.1:{port}"
        self.rate, self.cpu_ms, self.refused = {}, {}, {}
        self.process = subprocess.Popen([str(c) for c in command], cwd=cwd, env={**os.environ, **(env or {})},
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        begun = time.monotonic()
        while not self.answers(ping):
            if time.monotonic() - begun > 60 or self.process.poll() is not None:
                sys.exit(f"{name} does not answer")
            time.sleep(0.05)

    def answers(self, path):
        try:
            return urllib.request.urlopen(self.base + path, timeout=2).status == 200
        except (OSError, urllib.error.URLError):
            return False

    def spent_ms(self):
        """Returns the CPU time of all threads, from the scheduler's nanoseconds."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6

    def load(self, kind, connections, picture, seconds):
        before = self.spent_ms()
        out = run("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", ROOT / "scripts/bench-load.lua",
                  self.base + self.paths[kind], env={**os.environ, "PICTURE": str(picture)})
        spent = self.spent_ms() - before
        requests, elapsed = int(re.search(r"(\d+) requests in", out)[1]), float(re.search(r"Requests/sec:\s+([0-9.]+)", out)[1])
        refused = int((re.search(r"Non-2xx or 3xx responses: (\d+)", out) or [0, 0])[1])
        if requests == refused:
            return
        key, share = (kind, connections), 1 - refused / requests
        self.rate[key] = max(self.rate.get(key, 0), elapsed * share)
        self.cpu_ms[key] = min(self.cpu_ms.get(key, 1e9), spent / (requests - refused))
        self.refused[key] = self.refused.get(key, 0) + refused

    def stop(self):
        self.process.kill()
        self.process.wait()


def ours(name, program, data):
    port = free_port()
    known = {line.split()[0] for line in run(program, "config").splitlines() if line.strip()}
    settings = {**SETTINGS, "data.dir": data}
    flags = [f"--set={key}={value}" for key, value in settings.items() if key in known]
    return Service(name, [program, "serve", "--address", f"127.0.0.1:{port}", *flags], port, OURS, "/health/ready")


def peer(peers, model):
    port = free_port()
    command = [PYTHON, "-m", "uvicorn", "fastapi_server:app", "--port", port, "--log-level", "error"]
    environment = {"MODEL": str(model), "FEAT": "fast", "PYTHONDONTWRITEBYTECODE": "1"}
    return Service("FastAPI", command, port, PEER, "/ping", peers, environment)


def table(kind, programs, other):
    header = ["connections", *(f"{p.name}: req/s, CPU ms" for p in programs), f"{other.name}: req/s, CPU ms",
              *(f"{p.name} / {other.name}: req/s, CPU" for p in programs), "refused"]
    lines = [header, ["---:"] * len(header)]
    low = []
    for n in CONNECTIONS:
        key = (kind, n)
        missing = [s.name for s in [*programs, other] if key not in s.rate]
        if missing:
            low.append(f"{kind}, {n} connections: {', '.join(missing)} answered nothing; take more SECONDS")
            continue
        cells = [f"{s.rate[key]:.0f}, {s.cpu_ms[key]:.2f}" for s in [*programs, other]]
        for p in programs:
            ratio = p.rate[key] / other.rate[key]
            cells.append(f"**{ratio:.2f}**, {other.cpu_ms[key] / p.cpu_ms[key]:.2f}")
            if p is programs[-1] and ratio < LEAST[kind]:
                low.append(f"{p.name}, {kind}, {n} connections: {ratio:.2f} times the requests per second, not {LEAST[kind]}")
        lines.append([n, *cells, sum(p.refused.get(key, 0) for p in programs)])
    text = "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)
    print(f"### {kind.capitalize()} parameters, 512 × 512 JPEG\n\n{text}")
    return low


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    peers = pathlib.Path(sys.argv[1]).resolve()
    named = [argument.split("=", 1) for argument in sys.argv[2:]] or [["ours", TARGET / "release/pentimento"]]
    picture, model = install(peers)
    with tempfile.TemporaryDirectory() as data:
        programs = [ours(name, pathlib.Path(path).resolve(), f"{data}/{i}") for i, (name, path) in enumerate(named)]
        other = peer(peers, model)
        everyone = [*programs, other]
        try:
            for kind in OURS:
                for service in everyone:
                    service.load(kind, 2, picture, 1)  # warms up
                for _ in range(ROUNDS):
                    for n in CONNECTIONS:
                        for service in everyone:
                            service.load(kind, n, picture, SECONDS)
        finally:
            for service in everyone:
                service.stop()
    load = os.getloadavg()
    print(f"{os.cpu_count()} cores, load average {load[0]:.1f} at the end; best of {ROUNDS} rounds of {SECONDS} s each.\n")
    low = [line for kind in OURS for line in table(kind, programs, other)]
    sys.exit("\n".join(low) or 0)


if __name__ == "__main__":
    main()
