#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the #include lines of src/ and compares the arrows between the rooms with those allowed.

    net -> api -> core <- store          main.c, serve.c, tool.c -> everything
                   ^----- deliver        ops  <- any room but base, wire, core and plan
    net, store, deliver -> io            wire <- net, api, store, deliver, ops
                                         base <- all
"""

import os
import re

from tap import ROOT, Cases, files_of, text_of

# Who may include whom, beside themselves. What lies in src/ itself stands above all.
ALLOWED = {
    "base": "",
    "plan": "base",
    "wire": "base plan",
    "core": "base",
    "ops": "base wire core",
    "io": "base ops",
    "store": "base wire core io ops",
    "deliver": "base wire core io ops",
    "api": "base wire core ops",
    "net": "base wire api io ops",
}

# Other people's headers that only some files may name.
FOREIGN = {
    "openssl/": r"base/secret\.c|io/.*",
    "sodium.h": r"base/password\.c",
    "uv.h": r"io/.*",
    "sqlite3.h": r"store/.*",
    "yaml.h": r"ops/yaml\.c",
    "libpq-fe.h": r"store/.*",
    "curl/": r"deliver/.*",
    "nghttp2/": r"net/.*",
    "sys/epoll.h": r"io/.*",
}


def includes():
    """(file below src/, line number, what it includes)"""
    for path in files_of("src"):
        if not re.search(r"\.(c|h|def)$", path):
            continue
        for number, line in enumerate(text_of(path).splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
            if match:
                yield path[len("src/"):], number, match.group(1)


def main():
    arrows, wrong, foreign = {}, {}, []
    rooms = sorted(name for name in os.listdir(os.path.join(ROOT, "src"))
                   if os.path.isdir(os.path.join(ROOT, "src", name)))
    for file, number, header in includes():
        where = f"src/{file}:{number}: {header}"
        for start, who in FOREIGN.items():
            if header.startswith(start) and not re.fullmatch(who, file):
                foreign.append(where)
        room, other = file.split("/")[0], header.split("/")[0]
        above = "/" not in header and os.path.exists(os.path.join(ROOT, "src", header))
        if room not in rooms or not (above or other in rooms):
            continue
        arrows.setdefault(room, set()).add(other)
        if other != room and other not in ALLOWED.get(room, "").split():
            wrong.setdefault(room, []).append(where)

    cases = Cases()
    for room in rooms:
        cases.add(f"{room} includes what it may", wrong.get(room, []) if room in ALLOWED
                  else [f"src/{room} is no room: say in {os.path.basename(__file__)} what it may include"])
    cases.add("other people's headers stand where they may", foreign)
    cases.close("\n".join(["What was found:"] + [
        f"{room:8} -> {' '.join(sorted(arrows.get(room, set()) - {room})) or '(nothing)'}"
        for room in rooms]))


main()
