#!/usr/bin/env python3
"""bench-peers.py PEERS PAIRS LARGE DOCUMENT: compares the search with other programs in one run.

Installs the peers of PEERS under target/peers: a virtual environment and the fused C program. Runs them and this program
in turns on the same files of PAIRS (sets SET/{damaged,undamaged}) and on one picture of LARGE. Prints Markdown and writes
it into DOCUMENT after its marker. Machines are noisy: compare only times of the same run. Each program repeats
its work, and the table has the shortest time. Programs run on one thread unless stated otherwise.
"""

import datetime
import os
import pathlib
import re
import resource
import subprocess
import sys
import time

ROUNDS = 3
MARKER = "<!-- What follows is written by `make bench-peers`. -->\n"
ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "peers"
PYTHON = WORK / "venv/bin/python"
LIMITS = {"Avx2": "fused C, AVX2", "Avx512": "fused C, AVX-512"}


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def install(peers):
    """Installs the Python peers; builds the fused C for AVX2 and for this machine, and our bench and program."""
    WORK.mkdir(parents=True, exist_ok=True)
    if not PYTHON.exists():
        run(sys.executable, "-m", "venv", WORK / "venv")
    wanted = [line for line in (peers / "requirements.txt").read_text().split() if line not in SERVICES]
    run(PYTHON, "-m", "pip", "install", "--quiet", *wanted)
    run("gcc", "-O3", "-march=x86-64-v3", "-DPLAIN", "-ffast-math", peers / "limit/search.c", "-o", WORK / "Avx2", "-lm")
    if "avx512_vbmi2" in pathlib.Path("/proc/cpuinfo").read_text():
        native = ["-march=native", "-ffp-contract=fast", "-mprefer-vector-width=512"]
        run("gcc", "-O3", *native, peers / "limit/search_best.c", "-o", WORK / "Avx512", "-lm")
    run("cargo", "build", "--quiet", "--locked", "--release", "--bin", "pentimento", cwd=ROOT)
    built = run("cargo", "bench", "--locked", "--no-run", "--bench", "pair", cwd=ROOT)
    return ROOT / re.search(r"\((\S*/pair-\w+)\)", built)[1]


# The search's peers do without what the services and the makers of pairs need.
SERVICES = {"fastapi", "uvicorn", "albumentations", "imagecorruptions", "joblib"}


def pentimento():
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/pentimento"


class Least(dict):
    """Keeps the smallest value noted under each name."""

    def note(self, name, value):
        self[name] = min(value, self.get(name, value))


def ours(bench, damaged, reference, repetitions, *options):
    """Returns CPU seconds per megapixel by `LEVEL CASE`."""
    out = run(bench, damaged, reference, repetitions, *options)
    return {m[1]: float(m[2]) for m in re.finditer(r"^(\w+ \w+): .* ([0-9.]+) cpu-s/MP$", out, re.M)}


def side_by_side(peers, bench, damaged, reference):
    least = Least()
    size = run(PYTHON, "raw.py", damaged, WORK / "d.bgr", reference, WORK / "u.bgr", cwd=peers).split()[-2:]
    for _ in range(ROUNDS):
        for name in LIMITS:
            if (WORK / name).exists():
                out = run(WORK / name, *size, WORK / "d.bgr", WORK / "u.bgr", 9)
                least.note(LIMITS[name], float(re.search(r"([0-9.]+) s/MP", out)[1]))
        for name, value in ours(bench, damaged, reference, 9).items():
            least.note(name, value)
        out = run(PYTHON, "timeone.py", damaged, reference, 2, "cv2,numba,seed", cwd=peers)
        for m in re.finditer(r"^(\w+): .* ([0-9.]+) cpu-s/MP$", out, re.M):
            least.note(m[1], float(m[2]))
    return size, least


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines) + "\n"


def search_section(size, least):
    levels = [level for level in ["Avx512", "Avx2", "Portable"] if f"{level} seed" in least]
    better = min(least["cv2"], least["numba"])
    rows = []
    for level in levels:
        own = least[f"{level} seed"]
        limit = least.get(LIMITS.get(level))
        rows.append([
            level, f"{own:.3f}", f"{limit:.3f}" if limit else "none", f"{own / limit:.2f}" if limit else "",
            f"{least['seed'] / own:.0f} ×", f"{better / own:.1f} ×",
        ])
    text = f"### All 40 combinations, {size[0]} × {size[1]}\n\nCPU seconds per megapixel-pair. "
    text += f"The first system's way takes {least['seed']:.2f}, the expert's {least['cv2']:.2f} with OpenCV and "
    text += f"{least['numba']:.2f} with numba.\n\n"
    text += table(["level", "ours", "fused C", "ours / C", "faster than the first system", "than the better expert"], rows)
    cases = {
        "quarters": "strengths −0.5, −0.25, 0.25, 0.75, 1.25", "strengths": "strengths −0.37, 0.2, 0.7, 1.1, 2.3",
        "sigmas": "sigmas 0.25, 0.8, 1.3, 3.2",
        "wide": "sigmas 5, 10, 15, 20", "half": "damaged sides 1/2 of the reference's",
        "smaller": "damaged sides 9/10", "larger": "damaged sides 2 ×",
    }
    text += "Other lists of 40 and other sizes, cost per megapixel of the larger picture as a multiple of the first "
    text += "list's at one size:\n\n"
    ratio = lambda level, case: f"{least[f'{level} {case}'] / least[f'{level} seed']:.2f}"
    text += table(["", *levels], [[what] + [ratio(level, case) for level in levels] for case, what in cases.items()])
    return text


def linear_section(bench, large):
    """Writes the same picture at several sizes, damaged by a blur and a fade."""
    script = """import cv2, sys, numpy
source, folder = cv2.imread(sys.argv[1]), sys.argv[2]
for w, h in [(576, 432), (1152, 864), (2304, 1728), (4000, 3000), (5664, 4248)]:
    u = cv2.resize(source, (w, h), interpolation=cv2.INTER_AREA)
    d = (cv2.GaussianBlur(u, (0, 0), 1.2) * 0.8 + 20).astype('uint8')
    for name, picture in [('u', u), ('d', d)]:
        cv2.imwrite(f'{folder}/{name}{w}x{h}.png', picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    print(w, h)"""
    folder = WORK / "sizes"
    folder.mkdir(exist_ok=True)
    sizes = [line.split() for line in run(PYTHON, "-c", script, large, folder).splitlines()]
    rows, least = [], Least()
    for _ in range(ROUNDS):
        for w, h in sizes:
            files = [folder / f"{side}{w}x{h}.png" for side in "du"]
            for name, value in ours(bench, *files, 2, "seed,features", "fastest").items():
                least.note((w, name.split()[1]), value)
    for w, h in sizes:
        search, features = least[w, "seed"], least[w, "features"]
        rows.append([f"{w} × {h}", f"{int(w) * int(h) / 1e6:.2f}", f"{search:.4f}", f"{features:.4f}"])
    text = "### From 0.25 to 24 megapixels\n\nThe fastest level, CPU seconds per megapixel. Sides with large prime factors make the features cost up to three times\nas much.\n\n"
    return text + table(["size", "MP", "search of 40", "the 14 features"], rows), folder


def command(source, threads, out):
    """Returns wall seconds and peak bytes of `optimize` over a dataset."""
    line = [pentimento(), "optimize", *source, "--out", out, "--force", "--threads", threads]
    before = time.monotonic()
    child = subprocess.Popen([str(c) for c in line], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{line} ended with {status}")
    return time.monotonic() - before, usage.ru_maxrss * 1024


def parallel_section(pairs, folder):
    huge, tall = WORK / "huge", WORK / "tall"
    script = """import cv2, sys, pathlib
for side, name in [('damaged', 'd'), ('undamaged', 'u')]:
    for root in sys.argv[2:]: pathlib.Path(root, side).mkdir(parents=True, exist_ok=True)
    picture = cv2.imread(f'{sys.argv[1]}/{name}5664x4248.png')
    cv2.imwrite(f'{sys.argv[2]}/{side}/a.png', picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).reshape(-1)[:700 * 30000].reshape(30000, 700)
    cv2.imwrite(f'{sys.argv[3]}/{side}/a.png', grey, [cv2.IMWRITE_PNG_COMPRESSION, 1])"""
    run(PYTHON, "-c", script, folder, huge, tall)
    n = len(list(pairs.glob("*/damaged/*")))
    data = {
        f"{n} pairs of the eight sets": ["--dataset", pairs],
        "one pair of 5664 × 4248": ["--dataset", huge],
        "one grey pair of 700 × 30000": ["--dataset", tall],
    }
    cores = os.cpu_count()
    rows = []
    for what, source in data.items():
        wall, peak, files = Least(), {}, {1: WORK / "one.csv", cores: WORK / "all.csv"}
        for _ in range(ROUNDS):
            for threads, out in files.items():
                seconds, peak[threads] = command(source, threads, out)
                wall.note(threads, seconds)
        same = files[1].read_bytes() == files[cores].read_bytes()
        rows.append([
            what, f"{wall[1]:.2f}", f"{wall[cores]:.2f}", f"{wall[1] / wall[cores]:.2f}",
            f"{peak[1] / 1e6:.0f}, {peak[cores] / 1e6:.0f}", "yes" if same else "NO",
        ])
    text = f"### One thread and {cores}\n\n`pentimento optimize`, wall seconds with start, decoding, features and table. "
    text += "The memory that a pair may take is tested by `cargo test --test memory`.\n\n"
    return text + table(["", "1 thread", f"{cores} threads", "speed-up", "peak MB", "same bytes"], rows)


def stages_section():
    out = run("cargo", "bench", "--quiet", "--locked", "--bench", "search", cwd=ROOT, env={**os.environ, "RAYON_NUM_THREADS": "1"})
    lines = [line.rstrip() for line in out.splitlines() if "Mitem" not in line and "Timer" not in line]
    cut = [re.sub(r"\s*│[^│]*│[^│]*$", "", line) for line in lines if line.strip()]
    text = "### Stages\n\n`RAYON_NUM_THREADS=1 make bench`, a golden pair tiled to a megapixel. `untouched` reads, cuts and "
    text += "compares once; `a blur` adds one blur and one combination; `five strengths` four more combinations and "
    text += "comparisons; `five blurs` four more of all three.\n\n"
    return text + "```\n" + "\n".join(cut) + "\n```\n\n"


def callgrind(program, *arguments):
    """Counts the instructions of a run by function and source file. Inlined ones count for the outer function."""
    out = WORK / "callgrind.out"
    run("valgrind", "--tool=callgrind", "--dump-line=yes", f"--callgrind-out-file={out}", program, *arguments)
    counts, names, at, is_call = {}, {}, {}, False
    for line in out.read_text().splitlines():
        if m := re.match(r"(c?)(fn|fl|fi|fe|ob)=\((\d+)\) ?(.*)", line):
            kind = m[2] if m[2] in ("fn", "ob") else "fl"
            name = names.setdefault((kind, m[3]), m[4])
            at[kind] = at.get(kind) if m[1] else name
        elif line.startswith("calls="):
            is_call = True
        elif re.match(r"[+\-*\d]", line):
            if not is_call:
                place = at["fn"], at["fl"]
                counts[place] = counts.get(place, 0) + int(line.split()[1])
            is_call = False
    return counts


# Each row of the table: its name, part of the function's name, part of the file's name.
INSTRUCTIONS = [
    ("row step: window sums and SSIM (`kernel/avx2.rs`)", "avx2::take_row", ""),
    ("combination of own and blurred samples (`unsharp_mask.rs`)", "compare_tile", "unsharp_mask.rs"),
    ("blurs, shared by five candidates (`gaussian_blur.rs`)", "compare_tile", "gaussian_blur.rs"),
    ("reading, cutting, the reference's side, shared by all (`kernel.rs`, `exhaustive.rs`, `same_size.rs`)", "compare_tile", "src/search/"),
    ("iterators and slices of the standard library in these", "compare_tile", ""),
    ("the rest", "", ""),
]


def instructions_section(bench, size, damaged, reference, least):
    """Takes half the difference of three runs and one, so that start and decoding drop out."""
    n = int(size[0]) * int(size[1]) * 3 * 40
    counts = [callgrind(bench, damaged, reference, runs, "seed", "fastest") for runs in (1, 3)]
    groups = dict.fromkeys((what for what, _, _ in INSTRUCTIONS), 0.0)
    for place in counts[1]:
        what = next(what for what, fn, fl in INSTRUCTIONS if fn in place[0] and fl in place[1])
        groups[what] += (counts[1][place] - counts[0].get(place, 0)) / 2 / n
    total = sum(groups.values())
    rows = [[what, f"{count:.2f}", f"{100 * count / total:.0f} %"] for what, count in groups.items()]
    rows.append(["together", f"{total:.2f}", "100 %"])
    limit = [sum(callgrind(WORK / "Avx2", *size, WORK / "d.bgr", WORK / "u.bgr", runs).values()) for runs in (1, 3)]
    rows.append(["the fused C, AVX2", f"{(limit[1] - limit[0]) / 2 / n:.2f}", ""])
    text = "### Instructions\n\nInstructions per sample and candidate of the search of 40. Callgrind counts them and runs the AVX2 "
    text += "level (it has no AVX-512). Load on the machine does not change them.\n\n"
    text += table(["", "instructions", "share"], rows)
    ghz = clock()
    cycles = {name: least[what] / 120e6 * 1e9 * ghz for name, what in [("we", "Avx2 seed"), ("the C", LIMITS["Avx2"])]}
    text += f"At {ghz:.2f} GHz (counted by dependent multiplications) we take {cycles['we']:.2f} cycles for them, "
    text += f"{total / cycles['we']:.1f} instructions per cycle; the C {cycles['the C']:.2f} cycles, "
    return text + f"{(limit[1] - limit[0]) / 2 / n / cycles['the C']:.1f} per cycle.\n\n"


def clock():
    """Returns cycles per nanosecond, by dependent multiplications of three cycles each (CPUs skip additions)."""
    source = """#include <stdio.h>
#include <time.h>
int main(void) {
  unsigned long x = 3;
  struct timespec a, b;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
  for (long i = 0; i < 100000000; i++) __asm__ volatile(
    "imul %0, %0\\n imul %0, %0\\n imul %0, %0\\n imul %0, %0" : "+r"(x));
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
  printf("%f\\n", 12e8 / ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)));
}"""
    (WORK / "clock.c").write_text(source)
    run("gcc", "-O2", WORK / "clock.c", "-o", WORK / "clock")
    return max(float(run(WORK / "clock")) for _ in range(ROUNDS))


def machine():
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())[1]
    commit = run("git", "describe", "--always", "--dirty", cwd=ROOT).strip()
    gcc = run("gcc", "-dumpversion").strip()
    rustc = run("rustc", "--version", cwd=ROOT).split()[1]
    caches = run("lscpu", "--caches=NAME,ONE-SIZE").split()[2:]
    sizes = ", ".join(f"{a} {b}" for a, b in zip(caches[::2], caches[1::2]))
    date = datetime.date.today().isoformat()
    return f"{date}, commit {commit}, {cpu} ({os.cpu_count()} cores; {sizes}), rustc {rustc}, gcc {gcc}.\n\n"


def main():
    peers, pairs, large, document = (pathlib.Path(a).resolve() for a in sys.argv[1:])
    bench = install(peers)
    damaged = sorted((pairs / "kodak_synthetic/damaged").iterdir())[0]
    reference = pairs / "kodak_synthetic/undamaged" / damaged.name
    size, least = side_by_side(peers, bench, damaged, reference)
    linear, folder = linear_section(bench, sorted(large.iterdir())[0])
    text = "## Searching, measured\n\n" + machine() + search_section(size, least) + linear
    text += parallel_section(pairs, folder) + stages_section()
    text += instructions_section(bench, size, damaged, reference, least)
    text = text.rstrip() + "\n"
    print(text)
    kept = document.read_text().partition(MARKER)[0] if document.exists() else ""
    document.parent.mkdir(exist_ok=True)
    document.write_text(kept + MARKER + "\n" + text)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
