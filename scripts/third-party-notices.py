#!/usr/bin/env python3
"""Prints THIRD-PARTY-NOTICES.md: every crate that the program contains, its licence and its licence texts.

Reads `cargo metadata` of the locked dependencies (normal and build edges, this platform) and the licence files that
the crates ship. Texts that several crates share word for word are printed once.
"""
import hashlib
import json
import pathlib
import subprocess

PLATFORM = "x86_64-unknown-linux-gnu"
NAMES = ("LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE", "README.ijg")


def metadata():
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", PLATFORM]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def shipped(meta):
    """Returns the ids of packages that the root needs, without dev-dependencies."""
    nodes = {node["id"]: node for node in meta["resolve"]["nodes"]}
    root = meta["resolve"]["root"]
    found, queue = set(), [root]
    while queue:
        for dep in nodes[queue.pop()]["deps"]:
            if all(kind["kind"] == "dev" for kind in dep["dep_kinds"]):
                continue
            if dep["pkg"] not in found:
                found.add(dep["pkg"])
                queue.append(dep["pkg"])
    return found


def texts(package):
    """Yields the licence texts of a crate, and those of C sources that it carries (two levels down)."""
    folder = pathlib.Path(package["manifest_path"]).parent
    for pattern in ("*", "*/*", "*/*/*"):
        for path in sorted(folder.glob(pattern)):
            if path.is_file() and path.name.upper().startswith(tuple(n.upper() for n in NAMES)):
                if path.suffix.lower() in ("", ".md", ".txt", ".ijg", ".apache-2.0", ".mit"):
                    yield path.read_text(errors="replace").strip()


def main():
    meta = metadata()
    ids = shipped(meta)
    own = set(meta["workspace_members"])
    packages = sorted((p for p in meta["packages"] if p["id"] in ids - own), key=lambda p: (p["name"], p["version"]))
    print("# Third-party notices\n")
    print("Pentimento contains the following crates and, through turbojpeg-sys and libwebp-sys, the C libraries")
    print("libjpeg-turbo (IJG, BSD-3-Clause, zlib) and libwebp (BSD-3-Clause). This software is based in part on the")
    print("work of the Independent JPEG Group. Made by `make notices`.\n")
    print("| crate | version | licence |\n|---|---|---|")
    shared = {}
    for package in packages:
        print(f"| {package['name']} | {package['version']} | {package['license'] or 'see its text'} |")
        for text in texts(package):
            key = hashlib.sha256(" ".join(text.split()).encode()).hexdigest()
            shared.setdefault(key, (text, []))[1].append(f"{package['name']} {package['version']}")
    for text, users in sorted(shared.values(), key=lambda item: item[1]):
        print(f"\n## {', '.join(dict.fromkeys(users))}\n\n```text\n{text}\n```")


if __name__ == "__main__":
    main()
