// SPDX-License-Identifier: Apache-2.0
// One engine behind every API: what is spent through one is spent in all, and a code is good exactly
// where its purpose says. Each API is a column; a new one adds its column and nothing else.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { Server, folder, importRecords, numberAt, sql, test, wrong } from "./harness.mjs";

const AUTH = "cross:s3cret";
const SECRETS = ["s3cret"];

// How each API sends and checks. `send` gives what `check` needs, or "limited"; `check` gives "right",
// "wrong" or "limited" (which an API may not let one tell from "wrong": `limitedLooks`). `purpose`: codes of one
// purpose are checked by all APIs that have it, and by no other.
const COLUMNS = {
  dotdigital: {
    purpose: "number",
    limitedLooks: "limited",
    async send(server, who) {
      const answer = await server.create({ to: who.phone }, { auth: AUTH });
      if (answer.status === 202) return { id: answer.json.requestId };
      assert.equal(answer.status, 400, answer.text);
      assert.equal(answer.json[0].failureCode, "Throttled");
      return "limited";
    },
    async check(server, who, handle, code) {
      // Without a request of its own it can only try an id that is somebody else's.
      const answer = await server.validate(handle?.id ?? (await server.foreignId(who)), { code }, { auth: AUTH });
      if (answer.status === 400) return "limited";
      return answer.status === 200 && answer.json.status === "CodeVerified" ? "right" : "wrong";
    },
  },
  manage: {
    purpose: "login",
    limitedLooks: "wrong",
    async send(server, who) {
      const answer = await server.call("POST", "/manage/v2/user/send/otp", { auth: AUTH, body: { userName: who.userName } });
      if (answer.status === 200) return {};
      assert.equal(answer.status, 403, answer.text);
      assert.equal(answer.json.errors[0].errorCode, 160002);
      return "limited";
    },
    async check(server, who, handle, code) {
      const answer = await server.call("POST", "/manage/v2/user/validate/otp", { auth: AUTH, body: { userName: who.userName, otp: code } });
      return answer.status === 200 ? "right" : "wrong";
    },
  },
};
const NAMES = Object.keys(COLUMNS);
const PAIRS = NAMES.flatMap((one) => NAMES.map((other) => [one, other]));

const PEOPLE = 200;
let taken = 0;
const fresh = () => {
  assert.ok(taken < PEOPLE);
  const i = taken++;
  return { userName: `user${i}`, phone: "+" + numberAt(i) };
};

// What differs between the servers: windows so wide, or so narrow, that one limit shows alone.
async function start(limits) {
  const data = folder();
  await importRecords(data, [
    { type: "tenant", id: "cross", settings: { limits: { enabled: true, ...limits } } },
    { type: "client", tenant: "cross", name: "cross", secret: "s3cret", scopes: ["otp.send", "otp.verify"] },
    ...Array.from({ length: PEOPLE }, (_, i) => ({
      type: "user", tenant: "cross", id: `u${i}`, userName: `user${i}`, phone: "+" + numberAt(i),
    })),
  ]);
  const server = await Server.start({ data });
  server.foreignId = async (who) => {
    const [row] = await sql(
      data, `SELECT id FROM verifications WHERE number = '${who.phone.slice(1)}' ORDER BY created DESC LIMIT 1`,
    );
    return row.id;
  };
  return server;
}

async function codeOf(server, name, who) {
  const before = await server.call("GET", `/inbox/api/latest?to=${encodeURIComponent(who.phone)}`, { auth: null });
  const handle = await COLUMNS[name].send(server, who);
  assert.notEqual(handle, "limited");
  const { code } = await server.message(who.phone, { since: before.json?.id });
  return { handle, code };
}

describe("sends", () => {
  let server;
  before(async () => (server = await start({})));
  after(() => server.stop(SECRETS));
  for (const [one, other] of PAIRS)
    test(`a send through ${one} is spent in ${other}`, async () => {
      const who = fresh();
      assert.notEqual(await COLUMNS[one].send(server, who), "limited");
      assert.equal(await COLUMNS[other].send(server, who), "limited");
      // And somebody else's number is his own.
      assert.notEqual(await COLUMNS[other].send(server, fresh()), "limited");
    });
});

describe("guesses", () => {
  let server;
  before(async () => (server = await start({ resend_delay: { first: "0s", growth: ["0s"], max: "0s" }, guesses_per_number: ["3/15m"] })));
  after(() => server.stop(SECRETS));
  for (const [one, other] of PAIRS)
    test(`guesses through ${one} are spent in ${other}`, async () => {
      const who = fresh();
      const first = await codeOf(server, one, who);
      const second = await codeOf(server, other, who);
      for (let i = 1; i <= 3; i++) assert.equal(await COLUMNS[one].check(server, who, first.handle, wrong(first.code, i)), "wrong");
      assert.equal(await COLUMNS[other].check(server, who, second.handle, second.code), COLUMNS[other].limitedLooks);
      // Another number's are its own.
      const else_ = fresh();
      const third = await codeOf(server, other, else_);
      assert.equal(await COLUMNS[other].check(server, else_, third.handle, third.code), "right");
    });
});

describe("failures in a row", () => {
  let server;
  before(async () => (server = await start({ resend_delay: { first: "0s", growth: ["0s"], max: "0s" }, failure_waits: { after: 3, first: "10m", max: "1h" } })));
  after(() => server.stop(SECRETS));
  for (const [one, other] of PAIRS)
    test(`failures through ${one} hold ${other} up, a new code or not`, async () => {
      const who = fresh();
      const first = await codeOf(server, one, who);
      for (let i = 1; i <= 3; i++) assert.equal(await COLUMNS[one].check(server, who, first.handle, wrong(first.code, i)), "wrong");
      const second = await codeOf(server, other, who);
      assert.equal(await COLUMNS[other].check(server, who, second.handle, second.code), COLUMNS[other].limitedLooks);
    });
});

describe("codes", () => {
  let server;
  before(async () => (server = await start({ resend_delay: { first: "0s", growth: ["0s"], max: "0s" } })));
  after(() => server.stop(SECRETS));
  for (const [one, other] of PAIRS.filter(([a, b]) => a !== b)) {
    const alike = COLUMNS[one].purpose === COLUMNS[other].purpose;
    test(`a code sent by ${one} is ${alike ? "good" : "nothing"} in ${other}`, async () => {
      const who = fresh();
      const { handle, code } = await codeOf(server, one, who);
      assert.equal(await COLUMNS[other].check(server, who, alike ? handle : undefined, code), alike ? "right" : "wrong");
      if (!alike) assert.equal(await COLUMNS[one].check(server, who, handle, code), "right");
    });
  }

  test("a log-in code does not mark the number as verified", async () => {
    const who = fresh();
    const { handle, code } = await codeOf(server, "manage", who);
    assert.equal(await COLUMNS.manage.check(server, who, handle, code), "right");
    const [row] = await sql(server.data, `SELECT count(*) AS n FROM user WHERE phone_verified_ms > 0`);
    assert.equal(row.n, 0);
  });
});
