#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the pages promise is there: files they link to, commands they name, rooms and fuzzers that
must be listed somewhere."""

import glob
import os
import re

from tap import ROOT, Cases, files_of, text_of


def links_broken(pages):
    for page in pages:
        for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
            if re.match(r"[a-z]+:|#", target):
                continue
            path = os.path.join(ROOT, os.path.dirname(page), target.split("#")[0])
            if not os.path.exists(path):
                yield f"{page}: {target}"


def targets_unknown(pages):
    """`make X` in backticks or at the start of a line of code."""
    known = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    for page in pages:
        for target in re.findall(r"(?:`|^ *(?:\$ )?)make ([a-z-]+)", text_of(page), re.MULTILINE):
            if target not in known:
                yield f"{page}: make {target}"


def targets_untold():
    """The Makefile's first comment lists every target."""
    text = text_of("Makefile")
    told = re.match(r"(?:#.*\n)+", text).group(0)
    for target in re.findall(r"^([a-z-]+):", text, re.MULTILINE):
        if target != "build" and not re.search(rf"\bmake {target}\b", told):
            yield f"Makefile: {target}"


def fuzzers_alone():
    """A target without a corpus, or the reverse."""
    for path in glob.glob(os.path.join(ROOT, "fuzz", "fuzz_*.c")):
        name = os.path.basename(path)[len("fuzz_"):-len(".c")]
        if not os.path.isdir(os.path.join(ROOT, "fuzz", "corpus", name)):
            yield f"fuzz/fuzz_{name}.c has no fuzz/corpus/{name}"
        if f"'fuzz_{name}'" not in text_of("fuzz/meson.build"):
            yield f"fuzz/meson.build does not name fuzz_{name}"
    for path in glob.glob(os.path.join(ROOT, "fuzz", "corpus", "*")):
        name = os.path.basename(path)
        if not os.path.exists(os.path.join(ROOT, "fuzz", f"fuzz_{name}.c")):
            yield f"fuzz/corpus/{name} has no fuzz_{name}.c"


def sources_forgotten():
    """A .c file that no meson.build names would never be compiled."""
    for path in files_of("src", "tests", "bench"):
        if not path.endswith(".c"):
            continue
        folder, name = os.path.dirname(path), os.path.basename(path)
        lists, up = "", folder
        while up:
            if os.path.exists(os.path.join(ROOT, up, "meson.build")):
                lists += text_of(os.path.join(up, "meson.build"))
            up = os.path.dirname(up)
        lists += text_of("meson.build")
        if not re.search(rf"['/]{re.escape(name[:-2])}(\.c)?'", lists):
            yield path


def main():
    pages = [path for path in files_of() if path.endswith(".md")]
    cases = Cases()
    cases.add("every link between pages leads somewhere", list(links_broken(pages)))
    cases.add("every make target a page names exists", list(targets_unknown(pages)))
    cases.add("the Makefile tells of every target", list(targets_untold()))
    cases.add("every fuzzer has its corpus and is built", list(fuzzers_alone()))
    cases.add("every source file is compiled", list(sources_forgotten()))
    cases.close()


main()
