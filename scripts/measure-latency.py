#!/usr/bin/env python3
"""Measures the 99th percentile of POST /restore without a batch and during one.

usage: measure-latency.py PENTIMENTO PICTURE DATASETS_ROOT DATASET [SECONDS]

Starts `PENTIMENTO serve` on a free port with its own data. Sends PICTURE for SECONDS, one request after the other: first
without other work, then while `POST /jobs/optimize` works through DATASET, and again without.
"""
import http.client
import json
import subprocess
import sys
import tempfile
import time


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure(address, picture, seconds):
    times, end = [], time.monotonic() + seconds
    connection = http.client.HTTPConnection(address)
    while time.monotonic() < end:
        begun = time.monotonic()
        connection.request("POST", "/restore", picture, {"Content-Type": "image/jpeg"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        times.append((time.monotonic() - begun) * 1e3)
    return times


def tell(what, times):
    print(f"{what}: {len(times)} requests, median {percentile(times, .5):.1f} ms, 99th {percentile(times, .99):.1f} ms")
    return percentile(times, 0.99)


def submit(connection, dataset, sigma):
    """Submits a batch with a new grid, so that no stored result is reused."""
    grid = {"color_methods": ["white_balance", "none"], "sigmas": [sigma, 1, 1.5, 2], "strengths": [0.5, 1, 1.5, 2, 2.5]}
    body = json.dumps({"dataset": dataset, "grid": grid})
    connection.request("POST", "/jobs/optimize", body, {"Content-Type": "application/json"})
    return json.load(connection.getresponse())["id"]


def main():
    program, picture, root, dataset = sys.argv[1:5]
    seconds = float(sys.argv[5]) if len(sys.argv) > 5 else 30
    picture = open(picture, "rb").read()
    with tempfile.TemporaryDirectory() as data:
        settings = [f"data.dir={data}", f"datasets.root={root}", "log.filter=error"]
        flags = [word for setting in settings for word in ("--set", setting)]
        service = subprocess.Popen([program, "serve", "--address", "127.0.0.1:0", *flags], stdout=subprocess.PIPE, text=True)
        try:
            address = service.stdout.readline().strip().rsplit("http://", 1)[1]
            measure(address, picture, 3)
            before = tell("without", measure(address, picture, seconds))
            connection = http.client.HTTPConnection(address)
            jobs = [submit(connection, dataset, 0.5 + i / 100) for i in range(40)]
            time.sleep(1)
            during = tell("during ", measure(address, picture, seconds))
            done = 0
            for job in jobs:
                connection.request("POST", f"/jobs/{job}/cancel")
                done += json.load(connection.getresponse()).get("counts", {}).get("done", 0)
            print(f"the batch did {done} pairs meanwhile")
            time.sleep(2)
            after = tell("after  ", measure(address, picture, seconds))
        finally:
            service.kill()
            service.wait()
    print(f"during / without: {during / max(before, after):.2f} to {during / min(before, after):.2f}")


main()
