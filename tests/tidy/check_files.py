#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What every file keeps to."""

import re

from tap import Cases, files_of, text_of

LINES_MAX = 1000
CODE = r"\.(c|h|py|js|mjs|sh)$"
TABLE = r"\.def$"
COMMENT = {"c": r"/\* %s \*/", "h": r"/\* %s \*/", "py": r"# %s", "sh": r"# %s", "js": r"// %s",
           "mjs": r"// %s"}
LICENCE = "SPDX-License-Identifier: Apache-2.0"

# Put together from halves, so that this file does not hold them.
UNFINISHED = r"\b(TO" r"DO|FIX" r"ME)\b"
WORKPLACE = r"(?<![\w.])/wo" r"rk/|\.\./sha" r"red\b"
REGISTRIES = r"registry\.npm" r"js|deb\.deb" r"ian\.org|pypi\.o" r"rg|proxy\.gol" r"ang"


def licensed(path, text):
    """The line stands first, or second after a #! line."""
    wanted = COMMENT[path.rsplit(".", 1)[1]] % LICENCE
    lines = text.splitlines()[:2] + ["", ""]
    return re.fullmatch(wanted, lines[1] if lines[0].startswith("#!") else lines[0])


def opens_with_a_comment(path, text):
    """What it is and is not: for headers, which are read first."""
    return not path.endswith(".h") or re.match(r"/\* SPDX[^\n]*\n/\* \S", text)


def main():
    unlicensed, silent, long, unfinished, workplace, registries = [], [], [], [], [], []
    for path in files_of():
        text = text_of(path)
        if text is None or path.startswith("fuzz/corpus/"):
            continue
        generated = path.startswith("src/plan/")
        if re.search(CODE, path):
            if not licensed(path, text):
                unlicensed.append(path)
            if not opens_with_a_comment(path, text):
                silent.append(path)
        if re.search(f"{CODE}|{TABLE}", path) and not generated:
            lines = text.count("\n")
            if lines > LINES_MAX:
                long.append(f"{path}: {lines}")
        for pattern, found in ((UNFINISHED, unfinished), (WORKPLACE, workplace),
                               (REGISTRIES, registries)):
            for number, line in enumerate(text.splitlines(), 1):
                if re.search(pattern, line):
                    found.append(f"{path}:{number}: {line.strip()[:80]}")
    cases = Cases()
    cases.add("every source file begins with its licence line", unlicensed)
    cases.add("every header says what it is for", silent)
    cases.add(f"no source file is longer than {LINES_MAX} lines", long)
    cases.add("nothing is marked as unfinished", unfinished)
    cases.add("no file names the place it was written in", workplace)
    cases.add("no file names a package registry", registries)
    cases.close()


main()
