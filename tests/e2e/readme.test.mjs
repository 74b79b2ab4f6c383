// SPDX-License-Identifier: Apache-2.0
// What the README tells people to paste, pasted into a shell, and the output it shows.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { run, ROOT, Server, test } from "./harness.mjs";

const readme = readFileSync(path.join(ROOT, "README.md"), "utf8");

// The quick start: the first block of commands that names the API, and the block of output after it.
const [, commands, shown] = readme.match(/```sh\n(api=[^]*?)```[^]*?```\n([^]*?)```/) ?? [];

// Ids, moments and codes differ each time; all else must be as printed.
const blur = (text) =>
  text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, "ID")
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "MOMENT")
    .replace(/\b\d{6}\b/g, "CODE");

for (const shell of ["sh", "bash"])
  test(`the README's quick start, pasted into ${shell}, prints what the README shows`, async () => {
    assert.ok(commands && shown, "the README has a quick start and its output");
    const server = await Server.start();
    const pasted = commands.replace("http://127.0.0.1:8080", `http://${server.address}`);
    assert.notEqual(pasted, commands);
    const result = await run(shell, [], { input: pasted });
    assert.equal(result.stderr, "");
    assert.equal(blur(result.stdout).trim(), blur(shown).trim());
    await server.stop();
  });
