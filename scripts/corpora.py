#!/usr/bin/env python3
"""corpora.py FOLDER [DETAILS]: tries the release binary on every file of a folder and reports what an archive would meet.

Each file is restored in three ways: as predicted, with given parameters, and unchanged into another lossless format. Each run is a
process of its own with a time limit. The pixels of the unchanged picture are compared with those that Pillow reads, or libvips where
Pillow cannot; both are optional. The report groups what was refused by its message, without names and numbers, and lists what differs,
crashed, or took too long. It stands on standard output and, with all rows, in DETAILS (target/corpora).

The exit code is 1 if something crashed or took too long. A refusal or a difference is for people to judge, so it does not count.

Environment: PENTIMENTO (the program, target/release/pentimento), JOBS (2), SECONDS_MAX (60 for each run), and CORPORA_PYTHON (a
Python that has Pillow; without it, target/corpora-venv is made).
"""

import collections
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PROGRAM = pathlib.Path(os.environ.get("PENTIMENTO", TARGET / "release/pentimento")).resolve()
JOBS = int(os.environ.get("JOBS", "2"))
SECONDS_MAX = float(os.environ.get("SECONDS_MAX", "60"))
# What compares: Pillow reads most files, libvips the rest. Later versions do as well.
READERS = ["pillow>=11", "pyvips[binary]>=3"]
WAYS = {
    "predicted": [],
    "given": ["--color", "on", "--sigma", "1", "--strength", "1"],
    "unchanged": ["--color", "off", "--sigma", "1", "--strength", "0"],
}
SKIPPED = {".md", ".txt", ".json", ".html", ".py", ".sh"}


def has_pillow(python):
    """Whether this Python has Pillow."""
    try:
        return subprocess.run([python, "-c", "import PIL"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def python_with_readers():
    """Returns a Python that has Pillow, from an environment of its own if need be. None if there is none."""
    named = os.environ.get("CORPORA_PYTHON")
    for python in [named or sys.executable, TARGET / "corpora-venv/bin/python"]:
        if has_pillow(python):
            return str(python)
    if named:
        sys.exit(f"{named} has no Pillow")
    venv = TARGET / "corpora-venv"
    try:
        subprocess.run([sys.executable, "-m", "venv", venv], check=True, capture_output=True)
        for reader in READERS:
            install = [venv / "bin/python", "-m", "pip", "install", "--quiet", reader]
            subprocess.run(install, check=True, capture_output=True)
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"no comparison of pixels: Pillow cannot be installed ({error})", file=sys.stderr)
    return str(venv / "bin/python") if has_pillow(venv / "bin/python") else None


class Run:
    """One run of the program on one file."""

    def __init__(self, path, way, folder):
        # PNG holds every picture that is read without loss. A PNG that is written as PNG would be copied.
        self.output = None
        arguments = [PROGRAM, "restore", path, "--force", *WAYS[way]]
        if way == "unchanged":
            with open(path, "rb") as file:
                is_png = file.read(4) == b"\x89PNG"
            self.output = folder / ("unchanged.tiff" if is_png else "unchanged.png")
            arguments += ["-o", self.output]
        else:
            arguments += ["--out-dir", folder / way]
        with tempfile.TemporaryFile() as said:
            began = time.monotonic()
            arguments = [str(argument) for argument in arguments]
            child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
            killer = threading.Timer(SECONDS_MAX, child.kill)
            killer.start()
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            killer.cancel()
            self.seconds = time.monotonic() - began
            said.seek(0)
            self.said = said.read().decode(errors="replace")
        self.code = child.returncode
        self.mebibytes = usage.ru_maxrss / 1024
        self.timed_out = self.code < 0 and self.seconds >= SECONDS_MAX
        if self.output is None:
            written = [p for p in (folder / way).rglob("*") if p.is_file()] if (folder / way).exists() else []
            self.output = written[0] if written else None
        elif not self.output.exists():
            self.output = None
        # Lines about the file, without its name.
        head = f"{path}: "
        self.lines = [line[len(head) :] for line in self.said.splitlines() if line.startswith(head)]

    def crash(self):
        """Why the run counts as a crash, or None."""
        if self.timed_out:
            return None
        if self.code < 0:
            return f"signal {-self.code}"
        if "panicked at" in self.said:
            return "panic: " + next(line for line in self.said.splitlines() if "panicked at" in line)
        if self.code not in (0, 1):
            return f"exit code {self.code}"
        if self.code == 0 and self.output is None:
            return "exit code 0 without an output"
        if self.code == 1 and not self.lines:
            return "exit code 1 without a line about the file"
        return None


def grouped(message):
    """A message without what differs from file to file."""
    message = re.sub(r'"[^"]*"', '"…"', message)
    message = re.sub(r"0x[0-9a-fA-F]+", "N", message)
    return re.sub(r"\d+(?:[.,]\d+)*", "N", message)


# --- comparing, in the Python that has Pillow -----------------------------------------------------------------------------------


def picture(path):
    """Reads a picture as RGBA of 8 bits, turned as EXIF says. Returns it with the name of how it was stored."""
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = 1 << 28
    try:
        image = Image.open(path)
        image.load()
        mode = f"{image.format} {image.mode}"
    except Exception:
        import pyvips

        image = pyvips.Image.new_from_file(str(path)).autorot()
        mode = f"libvips {image.interpretation}"
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            image.write_to_file(file.name)
            image = Image.open(file.name)
            image.load()
        return rgba(image), mode
    n = getattr(image, "n_frames", 1)
    return rgba(ImageOps.exif_transpose(image)), mode + (f", {n} frames" if n > 1 else "")


def rgba(image):
    """A picture of any mode as RGBA of 8 bits, by the upper eight bits of 16."""
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda v: v * (1 / 256) + 0).convert("L")
    elif image.mode == "F":
        image = image.point(lambda v: v * 255.99 + 0).convert("L")
    elif image.mode in ("La", "RGBa"):
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    elif image.mode in ("CMYK", "LAB", "YCbCr", "HSV"):
        image = image.convert("RGB")
    return image.convert("RGBA")


def compare(path, output):
    """Prints how the pixels of two files differ, on one line."""
    from PIL import ImageChops, ImageStat

    try:
        expected, mode = picture(path)
    except Exception as error:
        return f"unread\t{type(error).__name__}: {' '.join(str(error).split())}"
    found, _ = picture(output)
    if expected.size != found.size:
        return f"size\t{mode}: {expected.size[0]}×{expected.size[1]}, not {found.size[0]}×{found.size[1]}"
    difference = ImageChops.difference(expected, found)
    worst = max(high for _, high in difference.getextrema())
    mean = max(ImageStat.Stat(difference).mean)
    if worst == 0:
        return f"same\t{mode}"
    channels = "".join(name for name, (_, high) in zip("RGBA", difference.getextrema()) if high)
    return f"differs\t{mode}: at most {worst}, {mean:.3f} in the mean of the worst channel, in {channels}"


def compare_lines():
    """Serves `compare` for lines of two tab-separated paths."""
    import warnings

    warnings.simplefilter("ignore")
    for line in sys.stdin:
        path, output = line.rstrip("\n").split("\t")
        try:
            answer = compare(path, output)
        except Exception as error:
            answer = f"unread\tthe output: {type(error).__name__}: {' '.join(str(error).split())}"
        print(answer, flush=True)


class Comparer:
    """A process that compares, started again when a reader crashes in it."""

    def __init__(self, python):
        self.python = python
        self.lock = threading.Lock()
        self.child = None

    def __call__(self, path, output):
        if self.python is None:
            return "unread", "no Pillow"
        with self.lock:
            if self.child is None or self.child.poll() is not None:
                self.child = subprocess.Popen(
                    [self.python, __file__, "--compare"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
            try:
                self.child.stdin.write(f"{path}\t{output}\n")
                self.child.stdin.flush()
                answer = self.child.stdout.readline().rstrip("\n")
            except OSError:
                answer = ""
            if not answer:
                self.child.wait()
                return "unread", "the reader crashed"
            kind, _, text = answer.partition("\t")
            return kind, text


# --- the report -----------------------------------------------------------------------------------------------------------------


def tried(path, compared):
    """Restores a file in all ways."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        runs = {way: Run(path, way, folder) for way in WAYS}
        outcome = ("", "")
        unchanged = runs["unchanged"]
        if unchanged.code == 0 and unchanged.output:
            outcome = compared(path, unchanged.output)
        return path, runs, outcome


def table(title, rows, head):
    """A Markdown table with a title, or nothing without rows."""
    if not rows:
        return []
    lines = [f"## {title}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return lines + [""]


def main():
    if sys.argv[1:] == ["--compare"]:
        return compare_lines()
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1]).resolve()
    details = pathlib.Path(sys.argv[2] if len(sys.argv) == 3 else TARGET / "corpora")
    if not PROGRAM.exists():
        sys.exit(f"{PROGRAM} is missing: cargo build --release --locked --bin pentimento")
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix.lower() not in SKIPPED)
    if not paths:
        sys.exit(f"{folder} has no files")
    shutil.rmtree(details, ignore_errors=True)
    details.mkdir(parents=True)
    comparer = Comparer(python_with_readers())
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        results = list(pool.map(lambda path: tried(path, comparer), paths))
    seconds = time.monotonic() - began

    name = lambda path: str(path.relative_to(folder))
    refused, notes = collections.defaultdict(list), collections.defaultdict(list)
    differing, sizes, crashed, timeouts, unread, disagreeing = [], [], [], [], [], []
    n_same = n_restored = 0
    for path, runs, (kind, text) in results:
        for way, run in runs.items():
            if run.timed_out:
                timeouts.append((name(path), way, f"{run.seconds:.0f} s"))
            elif reason := run.crash():
                crashed.append((name(path), way, reason))
                (details / "crashed").mkdir(exist_ok=True)
                (details / "crashed" / (name(path).replace("/", "__") + f".{way}.txt")).write_text(run.said)
        codes = {way: run.code for way, run in runs.items()}
        if all(code == 1 for code in codes.values()):
            said = "; ".join(runs["given"].lines)
            refused[grouped(said)].append((name(path), said))
        elif all(code == 0 for code in codes.values()):
            n_restored += 1
        else:
            said = {line for run in runs.values() if run.code == 1 for line in run.lines}
            ways = ", ".join(f"{way} {code}" for way, code in codes.items())
            disagreeing.append((name(path), ways, "; ".join(sorted(said))))
        for line in {line for run in runs.values() if run.code == 0 for line in run.lines}:
            notes[grouped(line)].append((name(path), line))
        if kind == "same":
            n_same += 1
        elif kind == "differs":
            differing.append((name(path), text))
        elif kind == "size":
            sizes.append((name(path), text))
        elif kind == "unread":
            unread.append((name(path), text))

    every = [(run.mebibytes, name(path), way) for path, runs, _ in results for way, run in runs.items()]
    slowest = max((run.seconds, name(path), way) for path, runs, _ in results for way, run in runs.items())
    peak = max(every)
    n_refused = sum(map(len, refused.values()))
    by_number = lambda groups: sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    count = lambda groups: [(len(files), text, files[0][0]) for text, files in by_number(groups)]
    report = [
        f"# {len(paths)} files of {folder.name}",
        "",
        f"{n_restored} restored in all ways, {n_refused} refused in all ways, {len(disagreeing)} in some. "
        f"Of {n_same + len(differing) + len(sizes)} compared, {n_same} have the same pixels, {len(differing)} differ, "
        f"{len(sizes)} have another size; {len(unread)} have nothing to compare with. "
        f"{len(crashed)} runs crashed, {len(timeouts)} took more than {SECONDS_MAX:.0f} s.",
        "",
        f"Most memory: {peak[0]:.0f} MiB ({peak[1]}, {peak[2]}). "
        f"Longest run: {slowest[0]:.1f} s ({slowest[1]}, {slowest[2]}). All: {seconds:.0f} s.",
        "",
        *table("Crashed", crashed, ["file", "way", "reason"]),
        *table("Timeouts", timeouts, ["file", "way", "time"]),
        *table("Refused", count(refused), ["files", "message", "for example"]),
        *table("Refused in some ways", disagreeing, ["file", "exit codes", "message"]),
        *table("Another size", sizes, ["file", "expected, found"]),
        *table("Other pixels", differing, ["file", "difference"]),
        *table("Notes", count(notes), ["files", "note", "for example"]),
    ]
    print("\n".join(report))
    (details / "report.md").write_text("\n".join(report))
    for title, groups in (("refused", refused), ("notes", notes)):
        rows = [f"{file}\t{line}\n" for files in groups.values() for file, line in files]
        (details / f"{title}.tsv").write_text("".join(sorted(rows)))
    (details / "unread.tsv").write_text("".join(f"{file}\t{text}\n" for file, text in unread))
    rows = [f"{mebibytes:.1f}\t{file}\t{way}\n" for mebibytes, file, way in sorted(every, reverse=True)]
    (details / "memory.tsv").write_text("".join(rows))
    print(f"All rows stand in {details}.")
    return 1 if crashed or timeouts else 0


if __name__ == "__main__":
    sys.exit(main())
