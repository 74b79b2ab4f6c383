// SPDX-License-Identifier: Apache-2.0
// export, erase and log, beside a running server and without one: what comes out goes in again, what
// is forgotten is gone within a second and from the files, what happened is told with its true reason.
import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe } from "node:test";
import { Server, eventually, folder, freshNumber, importRecords, sql, test, verifyd, wrong } from "./harness.mjs";

const on = (data, ...words) => verifyd([words[0], "--dev", "--data", data, ...words.slice(1)]);
async function ok(data, ...words) {
  const { code, stdout, stderr } = await on(data, ...words);
  assert.equal(code, 0, stderr);
  return stdout;
}

const VALUE = "0123456789abcdef0123456789abcdef";

// Every record with every member, after which nothing is left that export would say otherwise.
function everything(phone) {
  return [
    { type: "tenant", id: "shop", name: "The shop", kii: { appKey: "k", clientId: "c", clientSecret: "kii secret" }, settings: { code: { length: 8 } } },
    { type: "client", tenant: "shop", name: "app", secret: "app secret", scopes: ["otp.send"], roles: ["A"], permissions: ["B"], disabled: true },
    {
      type: "user", tenant: "shop", id: "u", userName: "ada", uuid: "5b0c2a52-7d0c-4d0e-8a39-1f2f3a4b5c6d", password: "user secret", firstName: "A", lastName: "B",
      nickName: "C", displayName: "D", email: "a@example.com", textNumber: "1", country: "GB", locale: "en", roles: ["R"], permissions: ["P"],
      passwordExpires: "soon", latestInviteStatus: "S", latestInviteDate: "T", latestInviteUUID: "U", userRolloutStage: "V", custom: { a: { b: [1] } },
      phone: `+${phone}`, phoneVerified: true, emailVerified: true, forcePasswordChange: true, disabled: true, lastLoginTimestamp: "2026-01-02T03:04:05.678Z",
    },
    { type: "key", tenant: "shop", value: VALUE, user: "ada", expiresAt: "2030-01-01T00:00:00Z" },
    { type: "system", tenant: "shop", id: "s", secret: "system secret", signing: "required", allowPlainSecret: true },
    { type: "number", tenant: "shop", phone: `+${phone}`, state: "landline", code: "246810" },
  ];
}

describe("export", () => {
  test("what comes out goes in again, and comes out the same", async () => {
    const data = folder();
    const phone = freshNumber();
    await importRecords(data, everything(phone));
    const first = await ok(data, "export");
    assert.deepEqual(first.trim().split("\n").map((line) => JSON.parse(line).type), ["tenant", "client", "user", "key", "system", "number"]);
    for (const secret of ["secret\"", "app secret", "user secret", "kii secret", "system secret", VALUE, "246810", "argon2"]) assert.ok(!first.includes(secret), secret);
    const user = JSON.parse(first.split("\n")[2]);
    const { password, ...given } = everything(phone)[2];
    assert.deepEqual(user, given);
    const other = folder();
    const file = path.join(path.dirname(other), "records.jsonl");
    writeFileSync(file, first);
    assert.equal(await ok(other, "import", file), "6 records imported\n");
    assert.equal(await ok(other, "export"), first);
    assert.equal(await ok(data, "import", file), "6 records imported\n");
    assert.equal(await ok(data, "export"), first);
  });
  test("beside a running server; and of one number", async () => {
    const server = await Server.start();
    const phone = freshNumber();
    await importRecords(server.data, everything(phone));
    const all = await ok(server.data, "export");
    assert.match(all, /"id":"demo".*\n[^]*"id":"shop"/);
    const lines = (await ok(server.data, "export", `+${phone}`)).trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(lines.map(({ type, tenant }) => [type, tenant]), [["user", "shop"], ["number", "shop"]]);
    assert.equal(await ok(server.data, "export", freshNumber()), "");
    await server.stop();
  });
  test("a number that is none, and a pipe that is closed", async () => {
    const { code, stderr } = await on(folder(), "export", "07700900123");
    assert.equal(code, 2);
    assert.match(stderr, /"07700900123" is not an international number, as \+447700900123 is/);
  });
});

describe("log", () => {
  let server;
  before(async () => (server = await Server.start()));
  after(() => server.stop());

  test("asked, checked, and the true reason, oldest first", async () => {
    const sent = await server.send();
    await server.validate(sent.id, { code: wrong(sent.code) });
    await server.validate(sent.id, { code: sent.code });
    const lines = await eventually("its events", async () => (await ok(server.data, "log", `+${sent.to}`)).trim().split("\n"), ({ length }) => length >= 3);
    const fields = lines.map((line) => line.split("\t"));
    for (const [time, , , tenant, api, record] of fields) {
      assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.deepEqual([tenant, api, record], ["demo", "dotdigital", sent.id]);
    }
    assert.deepEqual(fields.map(([, kind, reason]) => [kind, reason]).slice(0, 3), [["asked", "sent"], ["checked", "wrong"], ["checked", "approved"]]);
    assert.deepEqual([...fields].sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0)), fields);
    assert.ok(!lines.join().includes(sent.to) && !lines.join().includes(sent.code));
  });
  test("of a number that nothing happened to: nothing", async () => {
    assert.equal(await ok(server.data, "log", freshNumber()), "");
  });
  test("without a number: usage", async () => {
    const { code, stderr } = await on(server.data, "log");
    assert.equal(code, 2);
    assert.match(stderr, /see verifyd help log/);
  });
});

describe("erase", () => {
  // Where a number stands in the files of a folder.
  const filesWith = (data, text) => readdirSync(data).filter((name) => readFileSync(path.join(data, name)).includes(text));

  test("a live code dies, users and records go, beside a running server", async () => {
    const server = await Server.start();
    const phone = freshNumber();
    await importRecords(server.data, everything(phone).filter(({ type }) => type !== "number"));
    const sent = await server.send({ to: phone });
    const kept = await server.send();
    const told = await ok(server.data, "erase", `+${phone}`);
    assert.equal(told, "forgotten: 1 users, 1 verifications, 0 messages\n".replace("0 messages", /(\d+) messages/.exec(told)[0]));
    await eventually("the code is dead", () => server.validate(sent.id, { code: sent.code }), ({ status }) => status === 204 || status === 404);
    assert.equal((await server.validate(kept.id, { code: kept.code })).json.status, "CodeVerified");
    assert.deepEqual(await sql(server.data, `SELECT (SELECT count(*) FROM user WHERE id = 'u') AS users, (SELECT count(*) FROM key WHERE user = 'u') AS keys`), [{ users: 0, keys: 0 }]);
    assert.equal(await ok(server.data, "export", phone), "");
    assert.equal(await ok(server.data, "erase", phone), "forgotten: 0 users, 0 verifications, 0 messages\n");
    // What happened is still told, without the number.
    assert.match(await ok(server.data, "log", phone), /\tasked\tsent\tdemo\t/);
    // The next backup has none of it, but what is spent on the number while that counts.
    const copy = path.join(path.dirname(server.data), "copy");
    await ok(server.data, "backup", copy);
    const rows = await sql(server.data, `SELECT count(*) AS n FROM verification WHERE number = '${phone}'`);
    assert.deepEqual(rows, [{ n: 0 }]);
    await server.stop();
  });
  test("without a server; a second server of the same folder knows nothing of it", async () => {
    const data = folder();
    const phone = freshNumber();
    await importRecords(data, everything(phone));
    assert.ok(filesWith(data, phone).length > 0);
    assert.match(await ok(data, "erase", phone), /^forgotten: 1 users, 0 verifications, 0 messages\n$/);
    assert.deepEqual(filesWith(data, phone), []);
    assert.deepEqual((await ok(data, "export")).trim().split("\n").map((line) => JSON.parse(line).type), ["tenant", "client", "system"]);
  });
});
