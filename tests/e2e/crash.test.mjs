// SPDX-License-Identifier: Apache-2.0
// kill -9 under load, again and again on the same data. What was answered before the kill must hold
// after it: no record is missing, no guess is given back, nothing succeeds twice. Of the requests
// that had no answer yet each was carried out whole or not at all.
//
// Each worker sends a code, reads it in the inbox (which the kill empties), and makes some guesses,
// noting every answer; at a random answer the program is killed, and started again.
import assert from "node:assert/strict";
import { before, describe } from "node:test";
import { Server, Wire, folder, numberAt, sql, test } from "./harness.mjs";

const ROUNDS = 20;
const WORKERS = 24;
const ATTEMPTS = 5;
const ANSWERS_MIN = 300; // before a kill
const ANSWERS_MORE = 600; // at most that many further ones, at random

const data = folder();
const used = []; // { id, code } of all rounds that were verified
const totals = { answers: 0, killed: 0, records: 0, verified: 0, unanswered: 0, slowest: 0 };
let taken = 0; // numbers

const wrongOf = (code, i) => code.slice(0, -1) + String((Number(code.at(-1)) + i) % 10);

// One record's life, as far as its client knows it: answered guesses that were evaluated, and
// whether one was under way when the server went.
class Life {
  evaluated = 0;
  doubtful = 0;
  verified = false;
  locked = false;

  constructor(id) {
    this.id = id;
  }

  // Sends a guess and notes what is answered.
  async guess(wire, code) {
    this.doubtful++;
    const right = code === this.code;
    if (right) this.doubtfulRight = true;
    const { status, json } = await wire.ask("PUT", `/webapi/verify/${this.id}/validate`, { body: { code } });
    this.doubtful--;
    if (right) this.doubtfulRight = false;
    if (status === 204) return "gone";
    assert.equal(status, 200);
    assert.ok(["CodeNotVerified", "CodeLocked", "CodeVerified"].includes(json.status), json.status);
    this.evaluated++;
    if (json.status === "CodeVerified") {
      assert.ok(right, "a wrong code was verified");
      assert.ok(!this.verified, "verified twice");
      this.verified = true;
    }
    if (json.status === "CodeLocked") this.locked = true;
    return json.status;
  }

  get ended() {
    return this.verified || this.locked;
  }
}

// ---- load ----------------------------------------------------------------------------------------

async function lifetimes(wire, lives, count) {
  let newest = "";
  for (;;) {
    // A number of its own, so that its message is found without doubt.
    const to = numberAt(taken++ % 70_000);
    const made = await wire.ask("POST", "/webapi/verify", { body: { to } });
    assert.equal(made.status, 202);
    const life = new Life(made.json.requestId);
    lives.push(life);
    count();
    const query = new URLSearchParams({ to, since: newest, wait: "30" });
    const message = await wire.ask("GET", `/inbox/api/latest?${query}`, { auth: null });
    // Under this much load a message may have left the inbox before it was asked for.
    if (message.status === 200) {
      life.code = message.json.code;
      newest = message.json.id;
    }
    const wishes = Math.floor(Math.random() * (ATTEMPTS + 2));
    for (let i = 1; i <= wishes && !life.ended && life.code; i++) {
      await life.guess(wire, i === wishes && Math.random() < 0.5 ? life.code : wrongOf(life.code, i));
      count();
    }
  }
}

async function loadAndKill(server) {
  const lives = [];
  const wires = await Promise.all(Array.from({ length: WORKERS }, () => Wire.open(server)));
  await wires[0].ask("PUT", "/webapi/verify/none/validate", { body: { code: "1" } }); // signed in
  const until = ANSWERS_MIN + Math.floor(Math.random() * ANSWERS_MORE);
  const begun = process.hrtime.bigint();
  let answers = 0;
  let killed;
  const count = () => {
    if (++answers === until) killed = server.kill();
  };
  const ends = await Promise.allSettled(wires.map((wire) => lifetimes(wire, lives, count)));
  await killed;
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
  for (const { reason } of ends) if (reason.code !== "LOST") throw reason;
  return { lives, answers, rate: Math.round(answers / seconds) };
}

// ---- what must hold afterwards -------------------------------------------------------------------

// Spends what a record has left, and judges it.
async function judge(wire, life) {
  const before = life.evaluated;
  const name = JSON.stringify(life);
  if (life.ended) {
    for (const code of [life.code, wrongOf(life.code, 1)]) assert.equal(await life.guess(wire, code), "gone", name);
    return;
  }
  // Half of them try the right one first, when it is known.
  const rightFirst = life.code && Math.random() < 0.5;
  const known = life.code ?? "000000";
  const mayHaveEnded = before + life.doubtful >= ATTEMPTS || life.doubtfulRight;
  const doubtful = life.doubtful;
  const first = await life.guess(wire, rightFirst ? life.code : wrongOf(known, 7));
  if (first === "gone") assert.ok(mayHaveEnded, `missing: ${name}`);
  while (!life.ended && (await life.guess(wire, wrongOf(known, 8))) !== "gone");
  assert.ok(life.evaluated <= ATTEMPTS, `a try was given back: ${name}, now ${life.evaluated}`);
  if (!life.verified && !mayHaveEnded && life.code)
    assert.ok(life.evaluated + doubtful >= ATTEMPTS, `a try was lost: ${name}, now ${life.evaluated}`);
  if (life.code) assert.equal(await life.guess(wire, life.code), "gone", name);
}

async function judgeAll(server, lives) {
  const wires = await Promise.all(Array.from({ length: WORKERS }, () => Wire.open(server)));
  const left = [...lives];
  await Promise.all(
    wires.map(async (wire) => {
      for (let life; (life = left.pop()); ) await judge(wire, life);
      wire.close();
    }),
  );
}

// Whatever was not answered is there whole or not at all: each record has its one event and its
// number's budget, and as many tries as events say that it was checked.
async function assertWhole(server) {
  assert.deepEqual(await sql(server.data, "PRAGMA integrity_check"), [{ integrity_check: "ok" }]);
  const broken = await sql(
    server.data,
    `SELECT v.id FROM verifications v
       LEFT JOIN budget b ON b.number = v.number
       LEFT JOIN (SELECT verification, sum(kind = 'asked') AS asked, sum(kind = 'checked') AS checked
                    FROM events GROUP BY 1) e ON e.verification = v.id
      WHERE b.version IS NULL OR e.asked IS NOT 1 OR e.checked IS NOT v.tries OR v.tries > ${ATTEMPTS}
         OR (v.state = 'locked') <> (v.tries = ${ATTEMPTS} AND v.state <> 'approved')
     UNION ALL SELECT verification FROM events WHERE kind IN ('asked', 'checked') AND verification NOT IN (SELECT id FROM verifications)`,
  );
  assert.deepEqual(broken, []);
}

// ---- rounds --------------------------------------------------------------------------------------

describe("kill -9 under load", () => {
  let server;
  before(async () => (server = await Server.start({ data })));

  for (let round = 1; round <= ROUNDS; round++)
    test(`round ${round}`, async (t) => {
      const { lives, answers, rate } = await loadAndKill(server);
      const begun = process.hrtime.bigint();
      server = await Server.start({ data });
      const ms = Math.round(Number(process.hrtime.bigint() - begun) / 1e6);
      const unanswered = lives.filter(({ doubtful }) => doubtful).length;
      t.diagnostic(`${answers} answers at ${rate}/s, ${lives.length} records, ${unanswered} guesses in doubt; ready again in ${ms} ms`);
      await assertWhole(server);
      await judgeAll(server, lives);
      await assertWhole(server);
      for (const life of lives) if (life.verified) used.push(life);
      totals.answers += answers;
      totals.records += lives.length;
      totals.unanswered += unanswered;
      totals.killed++;
      totals.verified = used.length;
      totals.slowest = Math.max(totals.slowest, ms);
    });

  test("no code of any round succeeds again", async (t) => {
    assert.ok(used.length > 0);
    const wire = await Wire.open(server);
    const statuses = await Promise.all(
      used.map(({ id, code }) => wire.ask("PUT", `/webapi/verify/${id}/validate`, { body: { code } }).then(({ status }) => status)),
    );
    wire.close();
    assert.ok(statuses.every((status) => status === 204));
    t.diagnostic(`${totals.killed} kills, ${totals.answers} answers, ${totals.records} records, ${totals.verified} verified, ${totals.unanswered} guesses in doubt, slowest start ${totals.slowest} ms`);
    await server.stop();
  });
});
