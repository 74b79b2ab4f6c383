# SPDX-License-Identifier: Apache-2.0
"""What the checks here share: where the files are, and how a check is reported (TAP)."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NOT_OURS = (".git", "node_modules", "var", "__pycache__")


def files_of(*folders):
    """Every file of ours below the folders, relative to the root; of the whole tree without any."""
    for folder in folders or ("",):
        for path, inner, names in os.walk(os.path.join(ROOT, folder)):
            relative = os.path.relpath(path, ROOT)
            inner[:] = sorted(
                name for name in inner
                if name not in NOT_OURS and not (relative == "." and name.startswith("build")))
            for name in sorted(names):
                yield os.path.normpath(os.path.join(relative, name))


def text_of(path):
    """None for what is not text."""
    with open(os.path.join(ROOT, path), "rb") as file:
        octets = file.read()
    if b"\0" in octets:
        return None
    return octets.decode("utf-8", errors="replace")


class Cases:
    """One case a rule; a rule that is broken says where."""

    def __init__(self):
        self.lines = []
        self.failed = 0

    def add(self, name, broken):
        number = len(self.lines) + 1
        self.failed += bool(broken)
        self.lines.append("\n".join(
            [f"{'not ok' if broken else 'ok'} {number} - {name}"] + [f"# {line}" for line in broken]))

    def close(self, picture=""):
        """Prints the report, and the picture when something failed."""
        print(f"1..{len(self.lines)}")
        print("\n".join(self.lines))
        if self.failed and picture:
            print("\n".join(f"# {line}" for line in picture.splitlines()))
        sys.exit(1 if self.failed else 0)
