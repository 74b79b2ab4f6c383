// SPDX-License-Identifier: Apache-2.0
// verifyd import: what is a mistake and how it is told, all or nothing, what replacing keeps, and
// what a running server sees of it.
// Over every transport.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe } from "node:test";
import { Server, configFile, eventually, folder, freshNumber, importRecords, sql, test, verifyd } from "./harness.mjs";

// A server without --dev whose file says nothing: every setting as it is built in.
const CONFIG = configFile();
const BOTH = ["otp.send", "otp.verify"];
// PHC strings of the same password by this very program, taken from its own store.
const hashOf = async (data, name) => (await sql(data, `SELECT secret_hash FROM client WHERE name = '${name}'`))[0].secret_hash;

// ---- mistakes ------------------------------------------------------------------------------------

const tenant = (more = "") => `{"type":"tenant","id":"shop"${more}}`;
const client = (more = "") => `{"type":"client","name":"app","tenant":"known"${more}}`;
const number = (more = "", phone = "+447700900123") => `{"type":"number","tenant":"known","phone":"${phone}"${more}}`;
const settings = (json) => tenant(`,"settings":${json}`);

const mistakes = [
  // name, the line, what the message must say
  ["no JSON", "x", /not a JSON object/],
  ["cut", '{"type":"tenant"', /not a JSON object/],
  ["an array", "[]", /not a JSON object/],
  ["bytes after it", tenant() + "x", /not a JSON object/],
  ["two on a line", tenant() + tenant(), /not a JSON object/],
  ["a trailing comma", tenant(","), /./],
  ["single quotes", "{'type':'tenant','id':'shop'}", /./],
  ["a byte order mark", "\ufeff" + tenant(), /./],
  ["not UTF-8", Buffer.from([0x22, 0xff, 0x22]), /./],
  ["no type", '{"id":"shop"}', /"type" must be/],
  ["an unknown type", '{"type":"shop","id":"shop"}', /"type" must be/],
  ["a type of another type", '{"type":1}', /"type" must be/],
  ["17 levels", settings("[".repeat(16) + "]".repeat(16)), /./],
  ["a line that is too long", tenant(`,"name":"${"x".repeat(1 << 20)}"`), /longer than \d+ octets/],
  ["a member twice", tenant(',"id":"shop"'), /twice|duplicate/i],
  ["tenant: an unknown member", tenant(',"colour":"red"'), /colour/],
  ["tenant: no id", '{"type":"tenant"}', /"id"/],
  ["tenant: an empty id", '{"type":"tenant","id":""}', /"id"/],
  ["tenant: an id of 65", `{"type":"tenant","id":"${"x".repeat(65)}"}`, /"id"/],
  ["tenant: a sign in its id", '{"type":"tenant","id":"a b"}', /"id"/],
  ["tenant: an id that is none", '{"type":"tenant","id":1}', /"id" must be a text/],
  ["tenant: settings that are none", settings('"x"'), /settings/],
  ["tenant: an unknown setting", settings('{"code":{"size":6}}'), /code\.size/],
  ["tenant: an unknown section", settings('{"colour":"red"}'), /colour/],
  ["tenant: a setting of the server", settings('{"retention":"1d"}'), /retention/],
  ["tenant: a code that is too short", settings('{"code":{"length":3}}'), /code\.length.*4 to 10/],
  ["tenant: a length that is no number", settings('{"code":{"length":"x"}}'), /code\.length/],
  ["tenant: a life without a unit", settings('{"code":{"ttl":600}}'), /code\.ttl/],
  ["tenant: attempts without end", settings('{"code":{"attempts":0}}'), /code\.attempts/],
  ["tenant: a status that is none", settings('{"dotdigital":{"create_status":200}}'), /create_status.*201 to 202/],
  ["tenant: a rate that is none", settings('{"limits":{"sends_per_number":["3 in 10"]}}'), /sends_per_number/],
  ["tenant: limits that are neither on nor off", settings('{"limits":{"enabled":"maybe"}}'), /limits\.enabled/],
  ["client: an unknown member", client(',"password":"x"'), /password/],
  ["client: no name", '{"type":"client","tenant":"known"}', /"name"/],
  ["client: a colon in its name", '{"type":"client","tenant":"known","name":"a:b"}', /"name".*colon/],
  ["client: a control character in its name", '{"type":"client","tenant":"known","name":"a\\u0000b"}', /"name"/],
  ["client: a name of 201", `{"type":"client","tenant":"known","name":"${"x".repeat(201)}"}`, /"name"/],
  ["client: no tenant", '{"type":"client","name":"new"}', /tenant/],
  ["client: a tenant that nobody knows", '{"type":"client","name":"new","tenant":"nobody"}', /"nobody" is not known/],
  ["client: an empty secret", client(',"secret":""'), /"secret"/],
  ["client: a secret that is too long", client(`,"secret":"${"x".repeat(1025)}"`), /"secret"/],
  ["client: a PHC string that is none", client(',"secret":"$argon2id$v=19$m=65536,t=2,p=1$x"'), /PHC/],
  ["client: a PHC string of another kind", client(',"secret":"$argon2i$v=19$m=65536,t=3,p=1$c29tZXNhbHQ$x"'), /PHC/],
  ["client: a PHC string that costs too much", client(',"secret":"$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"'), /PHC/],
  ["client: an unknown scope", client(',"scopes":["otp.send","otp.sing"]'), /otp\.sing.*otp\.send/],
  ["client: scopes that are no list", client(',"scopes":"otp.send"'), /"scopes" must be a list of texts/],
  ["client: scopes of numbers", client(',"scopes":[1]'), /"scopes" must be a list of texts/],
  ["client: roles of numbers", client(',"roles":[1]'), /"roles" must be a list of texts/],
  ["client: disabled that is a text", client(',"disabled":"yes"'), /"disabled" must be true or false/],
  ["number: an unknown member", number(',"status":"dead"'), /status/],
  ["number: no tenant", '{"type":"number","phone":"+447700900123"}', /tenant/],
  ["number: a tenant that nobody knows", '{"type":"number","tenant":"nobody","phone":"+447700900123"}', /"nobody" is not known/],
  ["number: no phone", '{"type":"number","tenant":"known"}', /"phone"/],
  ["number: a national one", number("", "07700900123"), /"phone".*international/],
  ["number: one that is too long", number("", "+4477009001234567"), /"phone"/],
  ["number: a state that is none", number(',"state":"asleep"'), /"state" must be dead or landline/],
  ["number: a code that is too short", number(',"code":"123"'), /"code" must be 4 to 10/],
  ["number: a code that is too long", number(',"code":"12345678901"'), /"code" must be 4 to 10/],
  ["number: a code with a blank", number(',"code":"12 34"'), /"code"/],
  ["number: a code that is a number", number(',"code":123456'), /"code" must be a text/],
  ["number: failures that are some", number(',"failures":3'), /"failures" can only be reset/],
];

describe("mistakes: FILE:LINE, exit 2, nothing stored", () => {
  const data = folder();
  const file = path.join(path.dirname(data), "records.jsonl");
  const counts = () => sql(data, "SELECT (SELECT count(*) FROM tenant) AS tenants, (SELECT count(*) FROM client) AS clients, (SELECT count(*) FROM line) AS lines");
  before(() => importRecords(data, [{ type: "tenant", id: "known" }]));

  async function refused(lines, at, message) {
    writeFileSync(file, Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.from("\n")])));
    const { code, stdout, stderr } = await verifyd(["import", "-c", CONFIG, "--data", data, file]);
    assert.equal(code, 2, stderr);
    assert.equal(stdout, "");
    const told = stderr.trimEnd().split("\n");
    assert.equal(told.length, at.length, stderr);
    at.forEach((line, i) => assert.ok(told[i].startsWith(`${file}:${line}: `), told[i]));
    assert.match(told[0].slice(file.length), message);
    assert.deepEqual(await counts(), [{ tenants: 1, clients: 0, lines: 0 }]);
  }

  for (const [name, line, message] of mistakes)
    test(name, () => refused(['{"type":"tenant","id":"good"}', line, '{"type":"tenant","id":"better"}'], [2], message));

  test("every mistake is told, in the order of lines; empty lines count", () =>
    refused(["", "x", "  ", tenant(), '{"type":"tenant","id":"a b"}', client(',"disabled":1'), ""], [2, 5, 6], /not a JSON object/));
  test("one identity twice", async () => {
    await refused([tenant(), client(), tenant()], [3], /tenant shop stands twice/);
    await refused([client(), client()], [2], /client app stands twice/);
    await refused([number(), number("", "44 7700 900123")], [2], /stands twice/);
  });
  test("standard input has a name too", async () => {
    for (const words of [["-"], []]) {
      const { code, stderr } = await verifyd(["import", "-c", CONFIG, "--data", data, ...words], { input: "x\n" });
      assert.equal(code, 2);
      assert.match(stderr, /^\(standard input\):1: /);
    }
  });
  test("no mistake holds a secret", async () => {
    const { code, stderr } = await verifyd(["import", "-c", CONFIG, "--data", data], {
      input: '{"type":"client","name":"a:b","tenant":"known","secret":"correct horse"}\n{"type":"client","secret":"correct horse","secret":1}\n',
    });
    assert.equal(code, 2);
    assert.ok(!stderr.includes("correct horse"), stderr);
  });
  test("looser limits than the server's", async () => {
    const loose = '{"type":"tenant","id":"shop","settings":{"limits":{"enabled":false}}}\n';
    const strict = await verifyd(["import", "-c", CONFIG, "--data", data], { input: loose });
    assert.equal(strict.code, 2);
    assert.match(strict.stderr, /limits\.enabled.*looser/);
    // Under --dev the server's own are off.
    assert.equal((await verifyd(["import", "--dev", "--data", folder()], { input: loose })).code, 0);
  });
  test("codes that leave a published rule are warned of, and taken", async () => {
    const tenants = [
      { code: { length: 5, ttl: "1h" } },
      { dotdigital: { code: { length: 4 } } },
      { code: { length: 6, ttl: "10m" } },
      { code: { length: 4, alphabet: "upper-digits" } },
    ];
    const input = tenants.map((settings, i) => JSON.stringify({ type: "tenant", id: `t${i}`, settings }) + "\n").join("");
    const { code, stderr } = await verifyd(["import", "-c", CONFIG, "--data", folder()], { input });
    assert.equal(code, 0);
    const lines = stderr.trimEnd().split("\n");
    assert.equal(lines.length, 3, stderr);
    for (const [i, start] of [":1: warning: settings: code: fewer", ":1: warning: settings: code.ttl: longer", ":2: warning: settings: code: fewer"].entries())
      assert.ok(lines[i].startsWith(`(standard input)${start}`), lines[i]);
  });
});

// ---- what is taken -------------------------------------------------------------------------------

describe("what is taken", () => {
  test("an empty input", async () => {
    const { code, stdout } = await verifyd(["import", "-c", CONFIG, "--data", folder()], { input: "" });
    assert.deepEqual([code, stdout], [0, "0 records imported\n"]);
  });
  test("no line end at the end, CR LF, empty lines, a file by name", async () => {
    const data = folder();
    const file = path.join(path.dirname(data), "records.jsonl");
    writeFileSync(file, `${tenant()}\r\n\r\n\n${'{"type":"client","name":"app","tenant":"shop"}'}`);
    const { code, stdout, stderr } = await verifyd(["import", "-c", CONFIG, "--data", data, file]);
    assert.deepEqual([code, stdout, stderr], [0, "2 records imported\n", ""]);
  });
  test("a reference to a line further down", async () => {
    const data = folder();
    await importRecords(data, [{ type: "client", name: "app", tenant: "shop", secret: "x" }, { type: "number", tenant: "shop", phone: "447700900123" }, { type: "tenant", id: "shop" }]);
    assert.deepEqual(await sql(data, "SELECT number FROM line"), [{ number: "447700900123" }]);
  });
  test("secrets are hashed; a PHC string is taken as it is", async () => {
    const data = folder();
    await importRecords(data, [{ type: "tenant", id: "shop" }, { type: "client", name: "one", tenant: "shop", secret: "open sesame", scopes: BOTH }]);
    const hash = await hashOf(data, "one");
    assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    await importRecords(data, [{ type: "client", name: "two", tenant: "shop", secret: hash, scopes: BOTH }]);
    assert.equal(await hashOf(data, "two"), hash);
    const server = await Server.start({ data });
    for (const name of ["one", "two"]) assert.equal((await server.create({ to: freshNumber() }, { auth: `${name}:open sesame` })).status, 202);
    assert.equal((await server.create({ to: freshNumber() }, { auth: `two:${hash}` })).status, 401);
    await server.stop(["open sesame", hash]);
  });
  test("thousands of lines at once", async () => {
    const data = folder();
    const records = [{ type: "tenant", id: "shop" }];
    for (let i = 0; i < 5000; i++) records.push({ type: "client", name: `client ${i}`, tenant: "shop", scopes: BOTH });
    const { stdout } = await importRecords(data, records);
    assert.equal(stdout, "5001 records imported\n");
    assert.deepEqual(await sql(data, "SELECT count(*) AS n FROM client"), [{ n: 5000 }]);
  });
});

// ---- beside a running server ---------------------------------------------------------------------

describe("beside a running server", () => {
  let server;
  before(async () => (server = await Server.start()));
  after(() => server.stop());

  const lay = (...records) => importRecords(server.data, records);
  const status = (auth) => server.create({ to: freshNumber() }, { auth }).then((answer) => answer.status);
  // The contract says within a second; how long it takes is not judged here.
  const becomes = (auth, wanted) => eventually(`${auth} answers ${wanted}`, () => status(auth), (found) => found === wanted);

  test("a new client may call", async () => {
    await lay({ type: "tenant", id: "shop" }, { type: "client", name: "new", tenant: "shop", secret: "one", scopes: BOTH });
    await becomes("new:one", 202);
  });
  test("a client that was asked for before it was there", async () => {
    assert.equal(await status("late:one"), 401);
    await lay({ type: "client", name: "late", tenant: "shop", secret: "one", scopes: BOTH });
    await becomes("late:one", 202);
  });
  test("disabled, and enabled again with all it had", async () => {
    await lay({ type: "client", name: "on", tenant: "shop", secret: "one", scopes: BOTH });
    await becomes("on:one", 202);
    await lay({ type: "client", name: "on", disabled: true });
    await becomes("on:one", 401);
    await lay({ type: "client", name: "on", disabled: false });
    await becomes("on:one", 202);
  });
  test("a new secret ends the old one", async () => {
    await lay({ type: "client", name: "turn", tenant: "shop", secret: "one", scopes: BOTH });
    await becomes("turn:one", 202);
    await lay({ type: "client", name: "turn", secret: "two" });
    await becomes("turn:one", 401);
    assert.equal(await status("turn:two"), 202);
  });
  test("scopes taken away", async () => {
    await lay({ type: "client", name: "less", tenant: "shop", secret: "one", scopes: BOTH });
    await becomes("less:one", 202);
    await lay({ type: "client", name: "less", scopes: ["otp.verify"] });
    await becomes("less:one", 401);
  });
  test("members not given keep their value", async () => {
    await lay({ type: "tenant", id: "keep", name: "The shop", settings: { dotdigital: { create_status: 201 } } });
    await lay({ type: "client", name: "keep", tenant: "keep", secret: "one", scopes: BOTH, roles: ["a"], permissions: ["b"] });
    await lay({ type: "tenant", id: "keep", name: "Another" }, { type: "client", name: "keep" });
    assert.deepEqual(await sql(server.data, "SELECT name, settings FROM tenant WHERE id = 'keep'"), [
      { name: "Another", settings: '{"dotdigital":{"create_status":201}}' },
    ]);
    assert.deepEqual(await sql(server.data, "SELECT tenant, scopes, roles, permissions, disabled FROM client WHERE name = 'keep'"), [
      { tenant: "keep", scopes: 3, roles: '["a"]', permissions: '["b"]', disabled: 0 },
    ]);
    await becomes("keep:one", 201);
  });
  test("settings take hold", async () => {
    await lay({ type: "tenant", id: "set" }, { type: "client", name: "set", tenant: "set", secret: "one", scopes: BOTH });
    await becomes("set:one", 202);
    await lay({ type: "tenant", id: "set", settings: { dotdigital: { create_status: 201 }, code: { length: 8 } } });
    await becomes("set:one", 201);
    assert.match((await server.send({}, { auth: "set:one" })).code, /^\d{8}$/);
  });
  test("a number record takes hold, keeps what it had, and ends", async () => {
    const to = freshNumber();
    const create = () => server.create({ to }, { auth: "new:one" });
    const sent = () => create().then(({ json }) => json.numberStatus);
    assert.equal(await sent(), "On");
    await lay({ type: "number", tenant: "shop", phone: `+${to}`, code: "123456" });
    await eventually("a fixed code", create, ({ status: found }) => found === 202);
    await lay({ type: "number", tenant: "shop", phone: `+${to}`, state: "dead" });
    await eventually("dead", sent, (found) => found === "Dead");
    await lay({ type: "number", tenant: "shop", phone: `+${to}`, state: "landline" });
    await eventually("landline", sent, (found) => found === "NotProvisioned");
    assert.deepEqual(await sql(server.data, `SELECT state, test_number FROM lines WHERE number = '${to}'`), [{ state: "landline", test_number: 1 }]);
  });
  test("a mistake changes nothing for those who call", async () => {
    const { code } = await verifyd(["import", "--dev", "--data", server.data], {
      input: '{"type":"client","name":"new","disabled":true}\n{"type":"client","name":"on","colour":"red"}\n',
    });
    assert.equal(code, 2);
    assert.equal(await status("new:one"), 202);
  });
  test("imports while calls are under way: none fails", async () => {
    let done = false;
    const calls = [];
    const caller = async () => {
      while (!done) calls.push(await status("new:one"));
    };
    const callers = [caller(), caller(), caller(), caller()];
    for (let i = 0; i < 10; i++) await lay({ type: "tenant", id: `more-${i}` }, { type: "client", name: `more-${i}`, tenant: `more-${i}`, secret: "x" });
    done = true;
    await Promise.all(callers);
    assert.deepEqual([...new Set(calls)], [202]);
  });
});
