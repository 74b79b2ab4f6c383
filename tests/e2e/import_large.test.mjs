// SPDX-License-Identifier: Apache-2.0
// 100,000 records at once: the time and memory that it takes, and what those feel who call a server
// on the same store meanwhile. None of them fails; how long the longest one waits is printed.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe } from "node:test";
import { PROGRAM, Server, Wire, folder, importRecords, numberAt, sql, test, verifyd } from "./harness.mjs";

const LINES = 100_000;
const CALLERS = 8;

const now = () => Number(process.hrtime.bigint()) / 1e6;

// The import of a file, and the most memory that it had.
async function importFile(data, file) {
  const begun = now();
  const child = spawn(PROGRAM, ["import", "--dev", "--data", data, file], { stdio: ["ignore", "pipe", "pipe"] });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) child[name].setEncoding("utf8").on("data", (text) => (texts[name] += text));
  let peak = 0;
  const look = setInterval(() => {
    try {
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "latin1"))?.[1] ?? 0));
    } catch {} // it has ended
  }, 50);
  const [code] = await once(child, "close");
  clearInterval(look);
  assert.equal(code, 0, texts.stderr);
  assert.equal(texts.stdout, `${LINES} records imported\n`);
  return { ms: now() - begun, peak };
}

// Calls until told to stop; the longest answer of creates and of checks, in ms.
async function callers(server) {
  const wires = await Promise.all(Array.from({ length: CALLERS }, () => Wire.open(server)));
  await wires[0].ask("PUT", "/webapi/verify/none/validate", { body: { code: "1" } }); // signed in
  const seen = { answers: 0, longest: 0, stop: false };
  let next = 0;
  seen.ended = Promise.all(
    wires.map(async (wire) => {
      while (!seen.stop) {
        const begun = now();
        const { status, text } = await wire.ask("POST", "/webapi/verify", { body: { to: numberAt(next++ % 70_000) } });
        assert.equal(status, 202, text);
        seen.longest = Math.max(seen.longest, now() - begun);
        seen.answers++;
      }
      wire.close();
    }),
  );
  return seen;
}

function file(data, records) {
  const name = path.join(path.dirname(data), "records.jsonl");
  writeFileSync(name, records.map((record) => JSON.stringify(record) + "\n").join(""));
  return name;
}

describe(`an import of ${LINES} records`, () => {
  const users = Array.from({ length: LINES }, (_, i) => ({
    type: "user", tenant: "shop", id: `user-${i}`, userName: `person${i}`, firstName: "Ada", email: `ada${i}@example.com`,
    emailVerified: true, phone: `+${numberAt(i % 70_000)}`, roles: ["A"], custom: { i },
  }));

  test("users, into a store of their own", async (t) => {
    const data = folder();
    await importRecords(data, [{ type: "tenant", id: "shop" }]);
    const { ms, peak } = await importFile(data, file(data, users));
    const [{ n }] = await sql(data, "SELECT count(*) AS n FROM user");
    assert.equal(n, LINES);
    t.diagnostic(`${LINES} users in ${Math.round(ms)} ms, ${Math.round(peak / 1024)} MiB at most`);
    const again = await importFile(data, file(data, users));
    t.diagnostic(`the same once more, over what is there: ${Math.round(again.ms)} ms, ${Math.round(again.peak / 1024)} MiB`);
    const { stdout, stderr } = await verifyd(["export", "--dev", "--data", data]);
    assert.equal(stdout.split("\n").length - 1, LINES + 1, stderr);
  });

  test("beside a server that is called all the time", async (t) => {
    const server = await Server.start();
    await importRecords(server.data, [{ type: "tenant", id: "shop" }]);
    const before = await callers(server);
    while (before.answers < 2000) await new Promise(setImmediate);
    before.stop = true;
    await before.ended;
    const during = await callers(server);
    const { ms, peak } = await importFile(server.data, file(server.data, users));
    during.stop = true;
    await during.ended;
    t.diagnostic(
      `${Math.round(ms)} ms, ${Math.round(peak / 1024)} MiB; ${during.answers} answers meanwhile, longest ${Math.round(during.longest)} ms ` +
        `(without an import ${Math.round(before.longest)} ms)`,
    );
    await server.stop();
  });
});
