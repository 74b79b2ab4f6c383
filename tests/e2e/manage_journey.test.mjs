// SPDX-License-Identifier: Apache-2.0
// The manage API as its users live with it: from the imported person to the log-in, races, restarts.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { Server, Wire, clockPasses, folder, importRecords, sql, test, wrong } from "./harness.mjs";
import { SECRETS, SHOP, assertErrors, assertUser, client, codeFor, freshPerson, startServer, validate } from "./manage.mjs";

describe("the journey", () => {
  test("import, send, 4 wrong, right, again; 5 wrong, right fails, a new send works; expiry", async () => {
    const data = folder();
    await importRecords(data, [
      { type: "tenant", id: "garage", settings: { manage: { code: { ttl: "3s" } } } },
      client("app", "garage"),
      { type: "user", tenant: "garage", userName: "eve", firstName: "Eve", phone: "+447700900001" },
    ]);
    const server = await Server.start({ data });
    const options = { auth: "app:s3cret" };
    const eve = { userName: "eve", phone: "+447700900001" };
    const check = (otp) => validate(server, { userName: "eve", phoneNumber: eve.phone, otp }, options);

    let code = await codeFor(server, eve, options);
    for (let i = 1; i <= 4; i++) assertErrors(await check(wrong(code, i)), [160001]);
    const user = assertUser(await check(code), { firstName: "Eve", userName: "eve", phone: eve.phone, lastLoginTimestamp: "" });
    assertErrors(await check(code), [160001]);

    const before = code;
    code = await codeFor(server, eve, options);
    assert.notEqual(code, before);
    for (let i = 1; i <= 5; i++) assertErrors(await check(wrong(code, i)), [160001]);
    assertErrors(await check(code), [160001]);
    code = await codeFor(server, eve, options);
    const second = assertUser(await check(code), { uuid: user.uuid });
    assert.ok(Date.parse(second.lastLoginTimestamp) > 0);

    const sent = Date.now();
    code = await codeFor(server, eve, options);
    await clockPasses(sent + 3500);
    assertErrors(await check(code), [160001]);
    await server.stop(SECRETS);
  });

  test("a restart between send and validate keeps the code and its tries", async () => {
    const data = folder();
    let server = await startServer([], { data });
    const who = freshPerson();
    const code = await codeFor(server, who);
    for (let i = 1; i <= 4; i++) assertErrors(await validate(server, { userName: who.userName, otp: wrong(code, i) }), [160001]);
    const other = freshPerson();
    const otherCode = await codeFor(server, other);
    for (let i = 1; i <= 4; i++) await validate(server, { userName: other.userName, otp: wrong(otherCode, i) });
    await server.kill();
    server = await Server.start({ data });
    assertUser(await validate(server, { userName: who.userName, otp: code }));
    // The other one's fifth was his last.
    assertErrors(await validate(server, { userName: other.userName, otp: wrong(otherCode, 5) }), [160001]);
    assertErrors(await validate(server, { userName: other.userName, otp: otherCode }), [160001]);
    await server.stop(SECRETS);
  });

  test("what a restart does not forget: whose guesses are spent", async () => {
    const data = folder();
    let server = await startServer([{ type: "user", tenant: "tight", id: "t", userName: "t", phone: "+12015550100" }], { data });
    const auth = "tight:s3cret";
    for (let i = 0; i < 10; i++) assertErrors(await validate(server, { userName: "nobody", otp: `22220${i}` }, { auth }), [160001]);
    assertErrors(await validate(server, { userName: "nobody", otp: "222222" }, { auth }), [160002]);
    // Merged each second: then it is on disk.
    for (;;) {
      const [{ n }] = await sql(data, "SELECT coalesce(sum(count), 0) AS n FROM tally");
      if (n >= 10) break;
    }
    await server.kill();
    server = await Server.start({ data });
    // Heard of with the first merge after it was asked for again.
    for (let i = 0; ; i++) {
      const answer = await validate(server, { userName: "nobody", otp: "333333" }, { auth });
      if (answer.json.errors[0].errorCode === 160002) break;
      assert.ok(i < 10, "ten more were evaluated");
      await clockPasses(Date.now() + 1100);
    }
    await server.stop(SECRETS);
  });
});

describe("races", () => {
  let server;
  before(async () => (server = await startServer()));
  after(() => server.stop(SECRETS));

  test("two equal right requests at once: exactly one is let in, 200 rounds", async () => {
    const wires = await Promise.all([Wire.open(server), Wire.open(server)]);
    for (let round = 0; round < 200; round++) {
      const who = freshPerson();
      const code = await codeFor(server, who);
      const answers = await Promise.all(
        wires.map((wire) => wire.ask("POST", "/manage/v2/user/validate/otp", { auth: SHOP, body: { userName: who.userName, otp: code } })),
      );
      assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400], `round ${round}`);
    }
    for (const wire of wires) wire.close();
    const [{ n }] = await sql(server.data, "SELECT count(*) AS n FROM verification WHERE state = 2 AND purpose = 3");
    assert.equal(n, 200);
  });

  test("40 guesses at once, one of them right: at most five evaluated, at most one let in", async () => {
    const wires = await Promise.all(Array.from({ length: 8 }, () => Wire.open(server)));
    for (let round = 0; round < 20; round++) {
      const who = freshPerson();
      const code = await codeFor(server, who);
      const guesses = Array.from({ length: 40 }, (_, i) => (i === round * 2 ? code : String(100000 + i)));
      const answers = await Promise.all(
        guesses.map((otp, i) => wires[i % 8].ask("POST", "/manage/v2/user/validate/otp", { auth: SHOP, body: { userName: who.userName, otp } })),
      );
      const right = answers.filter(({ status }) => status === 200).length;
      assert.ok(right <= 1);
      const [row] = await sql(server.data, `SELECT tries, state FROM verification WHERE purpose = 3 AND number = '${who.phone.slice(1)}'`);
      assert.ok(row.tries <= 5, `${row.tries} evaluated`);
      assert.equal(row.state === 2, right === 1);
    }
    for (const wire of wires) wire.close();
  });
});

describe("where its paths stand", () => {
  const start = async (yaml) => {
    const { writeFileSync, mkdirSync } = await import("node:fs");
    const data = folder();
    mkdirSync(data, { recursive: true, mode: 0o700 });
    const file = `${data}.yaml`;
    writeFileSync(file, yaml);
    return Server.start({ data, args: ["-c", file] });
  };
  const status = async (server, target) => (await server.call("POST", target, { auth: null, body: {} })).status;

  test("manage.prefix", async () => {
    const server = await start("manage: {prefix: /api/people}\n");
    assert.equal(await status(server, "/api/people/v2/user/send/otp"), 401);
    assert.equal(await status(server, "/manage/v2/user/send/otp"), 404);
    assert.equal(await status(server, "/api/people/else"), 404);
    assert.match((await server.call("POST", "/api/people/else", { auth: null })).text, /160004/);
    assert.doesNotMatch((await server.call("POST", "/api/peoples/v2/user/send/otp", { auth: null })).text, /160004/);
    await server.stop();
  });
  test("no prefix: three paths at the root and nothing else", async () => {
    const server = await start('manage: {prefix: ""}\n');
    for (const path of ["send/otp", "validate/otp", "list/rolloutStage"]) assert.equal(await status(server, `/v2/user/${path}`), 401);
    assert.equal((await server.call("GET", "/v2/user/send/otp", { auth: null })).status, 405);
    const other = await server.call("POST", "/v2/user/other", { auth: null });
    assert.equal(other.text, "not found\n");
    assert.equal(await status(server, "/webapi/verify"), 401);
    await server.stop();
  });
  test("not served: nobody's", async () => {
    const server = await start("manage: {enabled: false}\n");
    const answer = await server.call("POST", "/manage/v2/user/send/otp", { auth: null, body: {} });
    assert.equal(answer.status, 404);
    assert.equal(answer.text, "not found\n");
    await server.stop();
  });
});
