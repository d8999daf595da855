#!/usr/bin/env python3
"""Holds the includes to the order of folders in docs/architecture.md: a file includes its own folder and those below.

A public header belongs to the folder that has a source of the same name, or to the one that the page names; one that
belongs to none is a contract, which stands with the lowest folder. So does all in unfold/ops.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/architecture.md"
INCLUDE = re.compile(r'^\s*#\s*include\s+"((?:host|kernels|unfold)/[^"]+)"', re.MULTILINE)


def read_order():
    """Levels of folders and owners of public headers, from the page."""
    text = PAGE.read_text()
    match = re.search(r"```order\n(.*?)```", text, re.DOTALL)
    if match is None:
        sys.exit(f"{PAGE}: has no block that begins with ```order")
    levels, owners = {}, {}
    for n, line in enumerate(match.group(1).splitlines()):
        for word in line.split():
            folder, _, header = word.partition("=")
            levels[folder] = n
            if header:
                owners[header] = folder
    return levels, owners


def folder_of(path):
    parts = path.parts
    return parts[0] if parts[0] == "kernels" else parts[1]


def main():
    levels, owners = read_order()
    contracts = max(levels, key=levels.get)
    patterns = ("host/*/**/*.?pp", "kernels/**/*.*", "include/unfold/**/*.hpp", "include/unfold/*.def")
    files = [p.relative_to(ROOT) for pattern in patterns for p in ROOT.glob(pattern) if p.name != "CMakeLists.txt"]
    for path in files:
        if path.parts[0] == "host" and path.suffix == ".cpp" and folder_of(path) != "cli":
            owners.setdefault(path.stem, folder_of(path))

    def public_folder(path):  # of "include/unfold/model.hpp" and "unfold/model.hpp"
        return contracts if path.parent.name == "ops" else owners.get(path.stem, contracts)

    faults = []
    for path in files:
        is_public = path.parts[0] == "include"
        folder = public_folder(path) if is_public else folder_of(path)
        if folder not in levels:
            faults.append(f"{path}: the folder {folder} is not in {PAGE.relative_to(ROOT)}")
            continue
        for included in INCLUDE.findall((ROOT / path).read_text()):
            target = pathlib.PurePosixPath(included)
            other = public_folder(target) if target.parts[0] == "unfold" else folder_of(target)
            if other != folder and levels.get(other, 0) <= levels[folder]:
                faults.append(f"{path} ({folder}) includes {included} ({other})")
    for fault in sorted(faults):
        print(fault)
    print(f"{len(files)} files, {len(faults)} includes against the order of {PAGE.relative_to(ROOT)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
