// SPDX-License-Identifier: Apache-2.0
// Ten seconds or so of writes at full speed: the write-ahead log stays below the bound that the store
// names, though several times as much is written.
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { describe } from "node:test";
import { ROOT, Server, Wire, numberAt, sql, test } from "./harness.mjs";

const CREATES = 100_000;
const CONNECTIONS = 64;
const NUMBERS = 70_000;

// The store's own words: src/store/sqlite.h.
const header = readFileSync(path.join(ROOT, "src/store/sqlite.h"), "utf8");
const named = (name) => Number(new RegExp(`^#define ${name} (\\d+)`, "m").exec(header)[1]);
const FRAME = 4096 + 24; // a page in the log, with its header
const BATCH_PAGES = named("SQLITE_BATCH_MAX") * 12; // what a create writes anew, of each of its trees
const BOUND = (named("WAL_PAGES_DEFAULT") * named("WAL_PAGES_HARD_FACTOR") + BATCH_PAGES) * FRAME;

const size = (file) => {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
};

describe("the write-ahead log", () => {
  test(`${CREATES} creates over ${CONNECTIONS} connections`, async (t) => {
    const server = await Server.start();
    const database = path.join(server.data, "verifyd.db");
    const wires = await Promise.all(Array.from({ length: CONNECTIONS }, () => Wire.open(server)));
    await wires[0].ask("PUT", "/webapi/verify/none/validate", { body: { code: "1" } }); // signed in
    let next = 0;
    let largest = 0;
    const begun = process.hrtime.bigint();
    await Promise.all(
      wires.map(async (wire) => {
        while (next < CREATES) {
          const i = next++;
          const { status, text } = await wire.ask("POST", "/webapi/verify", { body: { to: numberAt((i * 7919) % NUMBERS) } });
          assert.equal(status, 202, text);
          if (i % 64 === 0) {
            largest = Math.max(largest, size(`${database}-wal`));
            assert.ok(largest <= BOUND, `the log has ${largest} octets, more than ${BOUND}`);
          }
        }
      }),
    );
    const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
    t.diagnostic(
      `${CREATES} creates in ${seconds.toFixed(1)} s (${Math.round(CREATES / seconds)}/s); largest log ${largest} octets, ` +
        `bound ${BOUND}; database ${size(database)} octets`,
    );
    for (const wire of wires) wire.close();
    assert.deepEqual(await sql(server.data, "SELECT count(*) AS n FROM verification"), [{ n: CREATES }]);
    await server.stop();
    assert.deepEqual(await sql(server.data, "PRAGMA integrity_check"), [{ integrity_check: "ok" }]);
  });
});
