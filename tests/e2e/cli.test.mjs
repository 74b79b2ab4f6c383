// SPDX-License-Identifier: Apache-2.0
// What the operator touches: the commands, their messages and exit codes, what serve prints, import,
// stopping, and the log.
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe } from "node:test";
import {
  Server, Wire, assertDark, basic, configFile, eventually, folder, freshNumber, importRecords, patiently, run, sql, test, verifyd, wrong,
} from "./harness.mjs";

const BOTH = ["otp.send", "otp.verify"];

// ---- help and usage ------------------------------------------------------------------------------

describe("help", () => {
  const COMMANDS = ["serve", "check", "import", "export", "erase", "log", "backup", "migrate", "number", "version"];
  for (const words of [["help"], ["--help"], ["-h"], ...COMMANDS.map((command) => ["help", command])])
    test(`${words.join(" ")}: on one screen`, async () => {
      const { code, stdout, stderr } = await verifyd(words);
      assert.equal(code, 0);
      assert.equal(stderr, "");
      const lines = stdout.trimEnd().split("\n");
      assert.ok(lines.length <= 24, `${lines.length} lines`);
      for (const line of lines) assert.ok(line.length <= 80, `${line.length} columns: ${line}`);
      if (words[1]) assert.match(stdout, new RegExp(`^verifyd ${words[1]}`));
    });
  test("it names every command", async () => {
    const { stdout } = await verifyd(["help"]);
    for (const command of COMMANDS) assert.match(stdout, new RegExp(`verifyd ${command}\\b`));
  });
  for (const words of [["version"], ["--version"]])
    test(words[0], async () => {
      const { code, stdout } = await verifyd(words);
      assert.equal(code, 0);
      assert.match(stdout, /^verifyd \d+\.\d+\.\d+\n$/);
    });
  test("no command: the help, as a mistake", async () => {
    const { code, stdout, stderr } = await verifyd([]);
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /verifyd serve/);
  });
});

describe("wrong usage: exit 2, and what to do", () => {
  const rows = [
    // words, what the message must say
    [["frobnicate"], /frobnicate.*see verifyd help/],
    [["SERVE"], /SERVE.*see verifyd help/],
    [["help", "frobnicate"], /frobnicate.*see verifyd help/],
    [["version", "x"], /x.*see verifyd help version/],
    [["serve", "-c", "no/such.yaml"], /^no\/such\.yaml: .*No such file/],
    [["check", "-c", "."], /^\.: .*not a regular file/],
    [["serve", "-c"], /missing after -c/],
    [["check", "--listen", "127.0.0.1:0"], /--listen.*see verifyd help check/],
    [["check", "x"], /x.*see verifyd help check/],
    [["serve", "--dev", "--frobnicate"], /--frobnicate.*see verifyd help serve/],
    [["serve", "--dev", "-x"], /-x.*see verifyd help serve/],
    [["serve", "--dev", "x"], /x.*see verifyd help serve/],
    [["serve", "--dev", "--data"], /missing after --data/],
    [["serve", "--dev", "--listen"], /missing after --listen/],
    [["serve", "--dev", "--listen", "8080"], /ADDRESS:PORT.*8080/],
    [["serve", "--dev", "--listen", "localhost:8080"], /ADDRESS:PORT.*localhost/],
    [["serve", "--dev", "--listen", "127.0.0.1:65536"], /ADDRESS:PORT.*65536/],
    [["serve", "--dev", "--listen", "127.0.0.1:"], /ADDRESS:PORT/],
    [["serve", "--dev", "--listen", "::1:8080"], /ADDRESS:PORT/],
    [["serve", "--dev", "--listen", "0.0.0.0:0"], /loopback.*0\.0\.0\.0/],
    [["serve", "--dev", "--listen", "[::]:0"], /loopback.*\[::\]/],
    [["serve", "--dev", "--listen", "192.0.2.1:8080"], /loopback.*192\.0\.2\.1/],
    [["serve", "--dev", "--listen", "127.0.0.1:0", "--listen", "10.0.0.1:80"], /loopback.*10\.0\.0\.1/],
    [["serve", "--dev", ...Array(17).fill(["--listen", "127.0.0.1:0"]).flat()], /too many addresses/],
    [["import", "--frobnicate"], /--frobnicate.*see verifyd help import/],
    [["import", "--listen", "127.0.0.1:0"], /--listen.*see verifyd help import/],
    [["import", "--dev", "a", "b"], /b.*see verifyd help import/],
    [["import", "--dev", "--data", "x", "no such file"], /no such file/],
    [["number", "-x"], /-x[^]*usage: verifyd number/],
    [["number", "-r"], /-r needs a region/],
    [["number", "-r", "ZZ", "1"], /no such region: ZZ/],
  ];
  for (const [words, message] of rows)
    test(words.join(" ").slice(0, 60), async () => {
      const { code, stdout, stderr } = await verifyd(words, { cwd: path.dirname(folder()) });
      assert.equal(code, 2, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, message);
    });
});

// ---- number --------------------------------------------------------------------------------------

describe("number", () => {
  test("arguments", async () => {
    const { code, stdout } = await verifyd(["number", "-r", "GB", "07700 900123", "+1 201-555-0123", "x", "", "00447700900123", "+61 491 570 006"]);
    assert.equal(code, 0);
    const lines = stdout.trimEnd().split("\n").map((line) => line.split("\t"));
    assert.deepEqual(lines[0], ["07700 900123", "+447700900123", "GB", "unknown"]);
    assert.deepEqual(lines[1].slice(0, 3), ["+1 201-555-0123", "+12015550123", "US"]);
    assert.deepEqual(lines[2].slice(0, 2), ["x", "-"]);
    assert.deepEqual(lines[3].slice(0, 2), ["", "-"]);
    assert.deepEqual(lines[4].slice(0, 2), ["00447700900123", "+447700900123"]);
    assert.deepEqual(lines[5].slice(1), ["+61491570006", "AU", "mobile"]);
    assert.equal(lines.length, 6);
  });
  test("alpha-3 regions, and -r without a blank", async () => {
    for (const words of [["-r", "GBR"], ["-rGB"], ["-r", "gb"]]) {
      const { code, stdout } = await verifyd(["number", ...words, "07700900123"]);
      assert.deepEqual([code, stdout], [0, "07700900123\t+447700900123\tGB\tunknown\n"]);
    }
  });
  test("standard input, a line each", async () => {
    const lines = ["+447700900123", "x".repeat(100_000), "07700900123", "", "+447700900124\r", "+447700900125"];
    const { code, stdout } = await verifyd(["number"], { input: lines.join("\n") });
    assert.equal(code, 0);
    const answers = stdout.trimEnd().split("\n").map((line) => line.split("\t")[1]);
    assert.deepEqual(answers, ["+447700900123", "-", "-", "-", "+447700900124", "+447700900125"]);
  });
});

// ---- serve ---------------------------------------------------------------------------------------

describe("serve", () => {
  test("the data folder: made, for its owner alone", async () => {
    const server = await Server.start();
    assert.equal(statSync(server.data).mode & 0o777, 0o700);
    assert.equal(statSync(path.join(server.data, "secret.key")).mode & 0o777, 0o600);
    assert.ok(existsSync(path.join(server.data, "verifyd.db")));
    assert.equal(statSync(path.join(server.data, "verifyd.db")).mode & 0o077, 0);
    await server.stop();
  });
  test("./var is where it is by default", async () => {
    const cwd = path.dirname(folder());
    const { code, stderr } = await verifyd(["import", "--dev", "-"], { cwd, input: '{"type":"tenant","id":"x"}\n' });
    assert.equal(code, 0, stderr);
    assert.ok(existsSync(path.join(cwd, "var/verifyd.db")));
  });
  test("exactly one line says where it listens, with the port it got", async () => {
    const server = await Server.start();
    assert.match(server.stdout.split("\n")[0], /^listening on http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    assert.equal(server.stdout.match(/^listening on/gm).length, 1);
    assert.ok(server.stdout.split("\n").every((line) => line.length <= 100));
    await server.stop();
  });
  test("several addresses, IPv6 too", async () => {
    const server = await Server.start({ args: ["--listen", "127.0.0.2:0"] });
    const found = await eventually("two lines", () => server.stdout.match(/^listening on http:\/\/127\.0\.0\.[12]:\d+$/gm), (lines) => lines?.length === 2);
    assert.equal(found.length, 2);
    server.child.kill("SIGTERM");
    assert.deepEqual(await patiently("the end", server.ended), { code: 0, signal: null });
  });
  test("a port in use: exit 1, and what to do", async () => {
    const server = await Server.start();
    const second = await verifyd(["serve", "--dev", "--listen", server.address, "--data", folder()]);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /--listen 127\.0\.0\.1:0/);
    assert.ok(second.stderr.includes(server.address));
    assert.doesNotMatch(second.stdout, /listening/);
    assertDark(second.stderr);
    await server.stop();
  });
  test("a data folder in use: exit 1", async () => {
    const server = await Server.start();
    const second = await verifyd(["serve", "--dev", "--listen", "127.0.0.1:0", "--data", server.data]);
    assert.equal(second.code, 1);
    assert.ok(second.stderr.includes(server.data), second.stderr);
    assert.equal(second.stdout, "");
    // The first one does not notice.
    assert.equal((await server.create({ to: freshNumber() })).status, 202);
    await server.stop();
    const third = await Server.start({ data: server.data });
    await third.stop();
  });

  const spoilt = [
    // what, how to spoil a data folder, what the message names
    ["is a file", (data) => writeFileSync(data, ""), /var/],
    ["lies in no folder", () => {}, /none/, (data) => path.join(data, "none/var")],
    ["has a key that others may read", (data) => { mkdirSync(data); writeFileSync(path.join(data, "secret.key"), "0".repeat(64) + "\n"); chmodSync(path.join(data, "secret.key"), 0o644); }, /secret\.key/],
    ["has a key that is none", (data) => { mkdirSync(data); writeFileSync(path.join(data, "secret.key"), "x\n", { mode: 0o600 }); }, /secret\.key/],
    ["has a database that is none", (data) => { mkdirSync(data); writeFileSync(path.join(data, "verifyd.db"), "no database".repeat(1000)); }, /verifyd\.db/],
  ];
  for (const [what, spoil, message, place = (data) => data] of spoilt)
    test(`a data folder that ${what}: exit 1, and its name`, async () => {
      const data = place(folder());
      spoil(data);
      const { code, stdout, stderr } = await verifyd(["serve", "--dev", "--listen", "127.0.0.1:0", "--data", data]);
      assert.equal(code, 1, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, message);
      const imported = await verifyd(["import", "-c", configFile(), "--data", data, "-"]);
      assert.equal(imported.code, 1, imported.stderr);
      assert.match(imported.stderr, message);
    });

  test("the guide: its curl works when pasted", async () => {
    const server = await Server.start();
    // To the end of what is printed: its last line says how it stops.
    await eventually("the guide", () => server.stdout, (text) => /stops\.\n/.test(text));
    assert.ok(server.stdout.includes(`http://${server.address}/inbox`));
    const pasted = /^ *curl (?:.*\\\n)*.*$/gm;
    const commands = server.stdout.match(pasted);
    // One for each API, which begins with its send.
    const paste = async (command) => {
      const { code, stdout, stderr } = await run("sh", ["-c", command], { env: { no_proxy: "*" } });
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout);
    };
    assert.equal(commands.length, 2);
    const made = await paste(commands.find((command) => command.includes("/webapi/verify")));
    assert.equal(made.status, "CodeNotVerified");
    const { code: typed } = await server.message(made.phoneNumber);
    assert.equal((await server.validate(made.requestId, { code: wrong(typed) })).json.status, "CodeNotVerified");
    assert.equal((await server.validate(made.requestId, { code: typed })).json.status, "CodeVerified");
    assert.equal((await server.validate(made.requestId, { code: typed })).status, 204);

    const newest = (await server.call("GET", "/inbox/api/latest", { auth: null })).json.id;
    const sent = await paste(commands.find((command) => command.includes("/manage/v2/user/send/otp")));
    assert.deepEqual(sent.errors, []);
    const { code: otp } = await server.message("447700900123", { since: newest });
    const login = { userName: "ada", phoneNumber: "+447700900123", otp };
    const answer = await server.call("POST", "/manage/v2/user/validate/otp", { body: login });
    assert.equal(answer.json.user.firstName, "Ada");
    await server.stop();
  });
  test("limits are off, tries are not", async () => {
    const server = await Server.start();
    const to = freshNumber();
    for (let i = 0; i < 15; i++) assert.equal((await server.create({ to })).status, 202);
    for (let i = 0; i < 5; i++) {
      const sent = await server.send({ to });
      for (let j = 1; j <= 4; j++) await server.validate(sent.id, { code: wrong(sent.code, j) });
      assert.equal((await server.validate(sent.id, { code: wrong(sent.code, 5) })).json.status, "CodeLocked");
    }
    await server.stop();
  });
  test("its records of --dev are not laid over what is there", async () => {
    const data = folder();
    await importRecords(data, [{ type: "tenant", id: "demo" }, { type: "client", name: "demo", tenant: "demo", secret: "mine", scopes: BOTH }]);
    const server = await Server.start({ data });
    assert.equal((await server.create({ to: freshNumber() })).status, 401);
    assert.equal((await server.create({ to: freshNumber() }, { auth: "demo:mine" })).status, 202);
    await server.stop();
  });
  test("nor beside somebody who has their names", async () => {
    const data = folder();
    await importRecords(data, [{ type: "tenant", id: "demo" }, { type: "user", tenant: "demo", id: "mine", userName: "Ada", firstName: "Mine" }]);
    const server = await Server.start({ data });
    assert.deepEqual(await sql(data, "SELECT id, first_name FROM user"), [{ id: "mine", first_name: "Mine" }]);
    await server.stop();
  });
  test("what was sent lives on after a stop", async () => {
    const first = await Server.start();
    const sent = await first.send();
    const spent = await first.send();
    for (let i = 1; i <= 4; i++) await first.validate(spent.id, { code: wrong(spent.code, i) });
    const used = await first.send();
    await first.validate(used.id, { code: used.code });
    await first.stop();
    const second = await Server.start({ data: first.data });
    assert.equal((await second.validate(sent.id, { code: sent.code })).json.status, "CodeVerified");
    assert.equal((await second.validate(spent.id, { code: wrong(spent.code, 5) })).json.status, "CodeLocked");
    assert.equal((await second.validate(used.id, { code: used.code })).status, 204);
    await second.stop();
  });
});

// ---- stopping ------------------------------------------------------------------------------------

// Every request here is known to be under way before the signal.
describe("stopping", () => {
  for (const signal of ["SIGTERM", "SIGINT"])
    test(`${signal}: who waits is answered, exit 0`, async () => {
      const server = await Server.start();
      const wires = await Promise.all(Array.from({ length: 8 }, () => Wire.open(server)));
      const held = [];
      for (const wire of wires) {
        const health = wire.encode("GET", "/healthz");
        const poll = wire.encode("GET", "/inbox/api/latest?wait=30", { auth: null });
        // In one segment: once the first is answered, the second has been read.
        const first = wire.raw(health + poll);
        held.push(wire.raw(""));
        await first;
      }
      server.child.kill(signal);
      for (const { status, headers } of await patiently("answers", Promise.all(held))) {
        assert.equal(status, 404);
        assert.equal(headers.connection, "close");
      }
      await server.stop();
    });
  test("a request whose body is on its way is finished", async () => {
    const server = await Server.start();
    const body = JSON.stringify({ to: freshNumber() });
    const wire = await Wire.open(server);
    const head = wire.encode("POST", "/webapi/verify", { headers: { Expect: "100-continue", "Content-Length": body.length } });
    assert.equal((await wire.raw(head)).status, 100);
    server.child.kill("SIGTERM");
    // It accepts no more: then it has seen the signal.
    await eventually("no more is accepted", () => Wire.open(server).then((other) => other.close() ?? "accepted", ({ code }) => code), (code) => code === "ECONNREFUSED");
    const answer = await wire.raw(body);
    assert.equal(answer.status, 202);
    assert.equal(answer.headers.connection, "close");
    await server.stop();
    assert.equal((await sql(server.data, "SELECT count(*) AS n FROM verification"))[0].n, 1);
  });
  test("idle connections are closed", async () => {
    const server = await Server.start();
    const wire = await Wire.open(server);
    assert.equal((await wire.ask("GET", "/healthz")).status, 200);
    const lost = wire.raw("").catch(({ code }) => code);
    await server.stop();
    assert.equal(await lost, "LOST");
  });
  test("SIGHUP changes nothing", async () => {
    const server = await Server.start();
    server.child.kill("SIGHUP");
    await eventually("a line of the log", () => server.log, (log) => log.includes("nothing-to-reload"));
    assert.equal((await server.create({ to: freshNumber() })).status, 202);
    await server.stop();
  });
  test("two signals are as one", async () => {
    const server = await Server.start();
    server.child.kill("SIGTERM");
    await server.stop();
  });
});

// ---- the log -------------------------------------------------------------------------------------

describe("the log", () => {
  test("a line an event, numbers masked, and nothing that is secret", async () => {
    const data = folder();
    const secret = "correct horse 7 battery";
    await importRecords(data, [
      { type: "tenant", id: "shop" },
      { type: "client", name: "app", tenant: "shop", secret, scopes: BOTH },
    ]);
    const server = await Server.start({ data });
    const auth = `app:${secret}`;
    const used = [];
    for (let i = 0; i < 10; i++) {
      const body = `text ${i} for a person: {{code}}`;
      const sent = await server.send({ from: "Orchard", body }, { auth });
      await server.validate(sent.id, { code: wrong(sent.code) }, { auth });
      await server.validate(sent.id, { code: sent.code }, { auth });
      await server.validate(sent.id, { code: sent.code }, { auth });
      used.push(sent.code, sent.to, wrong(sent.code), "for a person");
    }
    // What people put where it does not belong.
    await server.call("PUT", `/webapi/verify/${used[0]}/validate`, { body: { code: used[0] }, auth });
    await server.call("POST", `/webapi/verify?to=${used[1]}&password=${encodeURIComponent(secret)}`, { body: "{", auth });
    await server.call("GET", `/${used[1]}/${used[0]}`, { auth });
    await server.create({ to: used[1] }, { auth: `${used[1]}:${used[0]}` });
    await server.exchange(`GET /${used[1]} HTTP/9.9\r\n\r\n`);
    const { log } = server;
    await server.stop([...used, secret, basic(auth).slice(6)]);
    const lines = log.trimEnd().split("\n").map((line) => JSON.parse(line));
    const send = lines.find(({ event }) => event === "send");
    assert.equal(send.tenant, "shop");
    assert.equal(send.api, "dotdigital");
    assert.equal(send.outcome, "sent");
    assert.equal(send.number, `+44******${used[1].slice(-2)}`);
    assert.equal(typeof send.ms, "number");
    const outcomes = lines.filter(({ event }) => event === "check").map(({ outcome }) => outcome);
    assert.deepEqual(new Set(outcomes), new Set(["wrong", "approved", "used"]));
    assert.ok(!server.stdout.includes(secret));
  });
  test("on disk: no code, no secret", async () => {
    const data = folder();
    await importRecords(data, [{ type: "number", tenant: "shop", phone: "+447700900123", code: "KWXYZQ7" }, { type: "tenant", id: "shop" }, { type: "client", name: "app", tenant: "shop", secret: "correct horse 7 battery", scopes: BOTH }]);
    const server = await Server.start({ data });
    // Letters, since six digits are found in any megabyte.
    await importRecords(data, [{ type: "tenant", id: "shop", settings: { code: { alphabet: "upper", length: 10 } } }]);
    const auth = "app:correct horse 7 battery";
    let sent = await server.send({}, { auth });
    while (!/^[A-Z]{10}$/.test(sent.code)) sent = await server.send({}, { auth });
    await server.create({ to: "447700900123" }, { auth });
    for (const file of ["verifyd.db", "verifyd.db-wal"]) {
      const bytes = readFileSync(path.join(data, file)).toString("latin1");
      for (const secret of [sent.code, "KWXYZQ7", "correct horse 7 battery"]) assert.ok(!bytes.includes(secret), file);
    }
    await server.stop();
  });
});

