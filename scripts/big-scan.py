#!/usr/bin/env python3
"""big-scan.py PENTIMENTO FOLDER [MEGAPIXELS [KIND…]]

Makes a TIFF of 16 bits per sample and 600 megapixels in FOLDER: a faded scene with texture, 3.6 GB. Restores it with colour alone,
with colour and sharpening, and as predicted. Prints seconds and the most memory that was resident. Checks that the memory stays
below 1 GiB. Deletes its files. KIND: strips (not packed), tiles (not packed), one (a single strip, packed by Deflate).
"""

import array
import os
import random
import struct
import subprocess
import sys
import time
import zlib

RESIDENT_MAX = 1 << 30


def rows(width, height):
    """Gives rows of little-endian RGB samples: light and shade in fields, grain, and dyes that have faded unevenly."""
    random.seed(16)
    grain = [random.randrange(2500) for _ in range(3 * width + 997)]
    patterns = []
    for k in range(24):
        row = array.array("H", bytes(6 * width))
        for x in range(width):
            light = 6000 + 900 * ((x * 31 // width + k) % 24) + 4000 * (x * (k % 5 + 1) // width)
            g = (3 * x + 331 * k) % (3 * width)
            row[3 * x] = min(65535, 16000 + light * 10 // 10 + grain[g])
            row[3 * x + 1] = min(65535, 12000 + light * 7 // 10 + grain[g + 1])
            row[3 * x + 2] = min(65535, 21000 + light * 4 // 10 + grain[g + 2])
        if sys.byteorder == "big":
            row.byteswap()
        patterns.append(row.tobytes())
    for y in range(height):
        pattern = patterns[y * 24 // height if y % 3 else y // 7 % 24]
        shift = 6 * (y * y * 7 // 3 % width)
        yield pattern[shift:] + pattern[:shift]


def write(path, width, height, kind):
    """Writes the file of a kind; its directory stands at the end."""
    stride = 6 * width
    with open(path, "wb", buffering=1 << 22) as out:
        out.write(b"II*\0\0\0\0\0")
        offsets, lengths, more = [], [], []
        compression, rows_per_strip = 1, 8

        def put(segment):
            offsets.append(out.tell())
            lengths.append(len(segment))
            out.write(segment)

        if kind == "tiles":
            side = 256
            more = [(322, 4, [side]), (323, 4, [side])]
            band = []

            def put_tiles():
                blank = b"\0" * (6 * side)
                for x in range(0, stride, 6 * side):
                    tile = [row[x : x + 6 * side].ljust(6 * side, b"\0") for row in band]
                    put(b"".join(tile + [blank] * (side - len(band))))
                band.clear()

            for row in rows(width, height):
                band.append(row)
                if len(band) == side:
                    put_tiles()
            if band:
                put_tiles()
        elif kind == "one":
            compression, rows_per_strip = 8, height
            packer = zlib.compressobj(1)
            offsets = [out.tell()]
            for row in rows(width, height):
                out.write(packer.compress(row))
            out.write(packer.flush())
            lengths = [out.tell() - offsets[0]]
        else:
            strip = []
            for row in rows(width, height):
                strip.append(row)
                if len(strip) == rows_per_strip:
                    put(b"".join(strip))
                    strip.clear()
            if strip:
                put(b"".join(strip))
        tiled = kind == "tiles"
        entries = [(256, 4, [width]), (257, 4, [height]), (258, 3, [16] * 3), (259, 3, [compression]), (262, 3, [2])]
        entries += [(324 if tiled else 273, 4, offsets), (277, 3, [3]), (325 if tiled else 279, 4, lengths)]
        entries += more if tiled else [(278, 4, [rows_per_strip])]
        directory = []
        for tag, type_, values in sorted(entries):
            data = struct.pack("<%d%s" % (len(values), "H" if type_ == 3 else "I"), *values)
            if len(data) > 4:
                out.write(b"\0" * (out.tell() % 2))
                at = out.tell()
                out.write(data)
                data = struct.pack("<I", at)
            directory.append(struct.pack("<HHI", tag, type_, len(values)) + data.ljust(4, b"\0"))
        out.write(b"\0" * (out.tell() % 2))
        at = out.tell()
        out.write(struct.pack("<H", len(directory)) + b"".join(directory) + b"\0\0\0\0")
        out.seek(4)
        out.write(struct.pack("<I", at))


def run(pentimento, source, target, arguments):
    """Restores the file. Returns seconds, the most resident bytes, and what the program printed."""
    command = [pentimento, "restore", source, "-o", target, "--force", *arguments]
    started = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{' '.join(command)}: {said}")
    return time.monotonic() - started, usage.ru_maxrss * 1024, said.strip()


def main():
    pentimento, folder = sys.argv[1:3]
    megapixels = float(sys.argv[3]) if len(sys.argv) > 3 else 600
    kinds = sys.argv[4:] or ["strips"]
    os.makedirs(folder, exist_ok=True)
    source, target = (os.path.join(folder, name) for name in ("big-scan.tif", "big-scan.restored.tif"))
    ways = [
        ("colour", ["--color", "on", "--sigma", "1", "--strength", "0"]),
        ("colour, sharpening sigma 1.2", ["--color", "on", "--sigma", "1.2", "--strength", "0.8"]),
        ("colour, sharpening sigma 20", ["--color", "on", "--sigma", "20", "--strength", "0.5"]),
        ("predicted, assume=faded", ["--assume", "faded"]),
    ]
    most = 0
    try:
        for kind in kinds:
            height = int((megapixels * 1e6 * 2 / 3) ** 0.5)
            width = int(megapixels * 1e6 / height)
            started = time.monotonic()
            write(source, width, height, kind)
            size = os.path.getsize(source)
            print(f"{kind}: {width}×{height}, {size / 1e9:.2f} GB, made in {time.monotonic() - started:.0f} s", flush=True)
            for name, arguments in ways:
                seconds, resident, said = run(pentimento, source, target, ["--stream", *arguments])
                most = max(most, resident)
                written = os.path.getsize(target) / 1e9
                print(f"  {name}: {seconds:.1f} s, {resident / 2**20:.0f} MiB resident, {written:.2f} GB written", flush=True)
                print(f"    {said.splitlines()[-1] if said else ''}", flush=True)
    finally:
        for path in (source, target):
            if os.path.exists(path):
                os.remove(path)
    if most > RESIDENT_MAX:
        sys.exit(f"{most} bytes were resident; {RESIDENT_MAX} are allowed")


if __name__ == "__main__":
    main()
