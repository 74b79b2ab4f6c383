// SPDX-License-Identifier: Apache-2.0
// verifyd backup under load: what is in a copy is a prefix of what happened, whole, and holds all that
// was answered before the backup began; a server starts on it elsewhere and goes on with it.
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { before, describe } from "node:test";
import { Server, Wire, folder, numberAt, sql, test, verifyd } from "./harness.mjs";

const WORKERS = 16;
const BACKUPS = 3;
const ANSWERS_BETWEEN = 1500; // at least, before each backup and after the last

const now = () => Number(process.hrtime.bigint()) / 1e6;
const backup = (data, file) => verifyd(["backup", "--dev", "--data", data, file]);

// ---- load ----------------------------------------------------------------------------------------

// What happened, in the words of those who asked: { begun, ended, id, guess } with `guess` 0 for the
// create, and its number among the guesses otherwise.
const history = [];
let stop = false;
let taken = 100;

async function worker(wire) {
  while (!stop) {
    const begun = now();
    const made = await wire.ask("POST", "/webapi/verify", { body: { to: numberAt(taken++ % 70_000) } });
    assert.equal(made.status, 202);
    const id = made.json.requestId;
    history.push({ begun, ended: now(), id, guess: 0 });
    for (let guess = 1; guess <= 3 && !stop; guess++) {
      const at = now();
      const { status } = await wire.ask("PUT", `/webapi/verify/${id}/validate`, { body: { code: "000" } });
      assert.equal(status, 200);
      history.push({ begun: at, ended: now(), id, guess });
    }
  }
}

async function answers(more) {
  const until = history.length + more;
  while (history.length < until) await new Promise(setImmediate);
}

// ---- a copy --------------------------------------------------------------------------------------

async function restored(server, file) {
  const data = folder();
  mkdirSync(data, { mode: 0o700 });
  copyFileSync(file, path.join(data, "verifyd.db"));
  copyFileSync(path.join(server.data, "secret.key"), path.join(data, "secret.key"));
  return data;
}

// Nobody saw B begin after A had ended, and B is there and A is not.
async function assertPrefix(data, begun) {
  const tries = new Map((await sql(data, "SELECT id, tries FROM verifications")).map((row) => [row.id, row.tries]));
  const isThere = ({ id, guess }) => tries.has(id) && tries.get(id) >= guess;
  const latest = history.reduce((most, step) => (isThere(step) ? Math.max(most, step.begun) : most), begun);
  const missing = history.filter((step) => step.ended < latest && !isThere(step));
  assert.deepEqual(missing, []);
  return { present: history.filter(isThere).length, all: history.length };
}

// Each record has its event, and as many tries as events say that it was checked.
async function assertWhole(data) {
  assert.deepEqual(await sql(data, "PRAGMA integrity_check"), [{ integrity_check: "ok" }]);
  const broken = await sql(
    data,
    `SELECT v.id FROM verifications v
       LEFT JOIN (SELECT verification, sum(kind = 'asked') AS asked, sum(kind = 'checked') AS checked
                    FROM events GROUP BY 1) e ON e.verification = v.id
      WHERE e.asked IS NOT 1 OR e.checked IS NOT v.tries`,
  );
  assert.deepEqual(broken, []);
}

describe("backups under load", () => {
  let server;
  let known; // sent before, checked on each copy
  const copies = [];

  before(async () => {
    server = await Server.start();
    known = await server.send({ to: numberAt(0) });
  });

  test(`${BACKUPS} of them while ${WORKERS} connections create and check`, async (t) => {
    const wires = await Promise.all(Array.from({ length: WORKERS }, () => Wire.open(server)));
    await wires[0].ask("PUT", "/webapi/verify/none/validate", { body: { code: "1" } }); // signed in
    const workers = wires.map(worker);
    for (let i = 0; i < BACKUPS; i++) {
      await Promise.race([answers(ANSWERS_BETWEEN), ...workers]);
      const file = path.join(path.dirname(server.data), `copy ${i}`);
      const begun = now();
      const before = history.length;
      const { code, stdout, stderr } = await backup(server.data, file);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /copy \d: \d+ octets\n.*secret key is not in it/);
      assert.equal(statSync(file).mode & 0o777, 0o600);
      copies.push({ file, begun });
      t.diagnostic(`copy ${i}: ${statSync(file).size} octets in ${Math.round(now() - begun)} ms, ${history.length - before} answers meanwhile`);
    }
    await answers(ANSWERS_BETWEEN);
    stop = true;
    await Promise.all(workers);
    for (const wire of wires) wire.close();
    assert.deepEqual(readdirSync(path.dirname(server.data)).sort(), ["copy 0", "copy 1", "copy 2", "var"]);
  });
  test("what is in a copy is a prefix, and whole", async (t) => {
    assert.equal(copies.length, BACKUPS);
    for (const { file, begun } of copies) {
      const data = await restored(server, file);
      const { present, all } = await assertPrefix(data, begun);
      assert.ok(present < all, "nothing happened after it");
      await assertWhole(data);
      t.diagnostic(`${path.basename(file)}: ${present} of ${all} steps`);
    }
  });
  test("a server starts on a copy and goes on with it", async () => {
    for (const { file } of copies) {
      const other = await Server.start({ data: await restored(server, file) });
      assert.equal((await other.validate(known.id, { code: known.code })).json.status, "CodeVerified");
      await other.send({ to: numberAt(1) });
      await other.stop();
    }
  });
  test("without the key it does not", async () => {
    const data = await restored(server, copies[0].file);
    writeFileSync(path.join(data, "secret.key"), "0".repeat(64) + "\n", { mode: 0o600 });
    const other = await Server.start({ data });
    assert.notEqual((await other.validate(known.id, { code: known.code })).json?.status, "CodeVerified");
    await other.stop();
  });
  test("nothing is overwritten", async () => {
    const { file } = copies[0];
    const was = statSync(file);
    for (const taken of [file, path.dirname(file), path.join(server.data, "verifyd.db")]) {
      const { code, stderr } = await backup(server.data, taken);
      assert.equal(code, 1);
      assert.match(stderr, /is there already; a backup overwrites nothing/);
    }
    assert.deepEqual(statSync(file).mtimeMs, was.mtimeMs);
  });
  test("the end", () => server.stop());
});
