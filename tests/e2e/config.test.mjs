// SPDX-License-Identifier: Apache-2.0
// The configuration file: what check and every command say of mistakes, a server that runs by a file
// alone, and SIGHUP.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe } from "node:test";
import {
  INBOX_TOKEN, PROGRAM, ROOT, Server, Wire, configFile, eventually, folder, freshNumber, importRecords, patiently, run, test, verifyd,
} from "./harness.mjs";

const BOTH = ["otp.send", "otp.verify"];
const PROVIDER = "deliver: {providers: [{name: inbox, type: inbox}]}";
// Shown where clients ask, too: to the harness.
const INBOX = `${PROVIDER}\ninbox: {token: ${INBOX_TOKEN}}`;
const AUTH = "app:a secret of the shop";
const RECORDS = [
  { type: "tenant", id: "shop" },
  { type: "client", name: "app", tenant: "shop", secret: "a secret of the shop", scopes: BOTH },
];
const KEY_ONE = "0123456789abcdef".repeat(4);
const KEY_TWO = "fedcba9876543210".repeat(4);

// A server by these lines, with a tenant; limits off unless a test wants them.
async function start(lines, options = {}) {
  const data = options.data ?? folder();
  await importRecords(data, RECORDS);
  return Server.start({ ...options, data, config: configFile(lines) });
}

function rewrite(server, lines) {
  writeFileSync(server.config, lines.map((line) => line + "\n").join(""));
}

const events = (lines, event) => lines.filter((line) => line.event === event);

// ---- check ---------------------------------------------------------------------------------------

describe("check", () => {
  const FIVE = [
    "listen: [\"127.0.0.1:8080\", \"localhost:80\"]",
    "retention: 30",
    "code:",
    "  length: 3",
    "  lenght: 6",
    "limits: {breaker: {window: 1h}}",
  ];
  test("five mistakes, five lines with file and line", async () => {
    const file = configFile(FIVE);
    const { code, stdout, stderr } = await verifyd(["check", "-c", file]);
    assert.equal(code, 2);
    assert.equal(stdout, "");
    const lines = stderr.trimEnd().split("\n");
    assert.equal(lines.length, 5, stderr);
    for (const [i, [line, words]] of Object.entries([
      [1, /listen: .*"localhost:80"/],
      [2, /retention: .*1d to 3650d.*"30"/],
      [4, /code\.length: .*4 to 10.*"3"/],
      [5, /code\.lenght is not a setting; did you mean code\.length\?/],
      [6, /limits\.breaker is not in this version/],
    ])) {
      assert.ok(lines[i].startsWith(`${file}:${line}: `), lines[i]);
      assert.match(lines[i], words);
    }
  });
  for (const command of ["serve", "import", "backup", "migrate"])
    test(`${command} says the same and does nothing`, async () => {
      const file = configFile(FIVE);
      const data = folder();
      const { code, stderr } = await verifyd([command, "-c", file, "--data", data, ...(command === "backup" ? ["x"] : [])]);
      assert.equal(code, 2);
      assert.equal(stderr, (await verifyd(["check", "-c", file])).stderr);
      assert.ok(!existsSync(data));
    });
  test("a sound file: exit 0, and nothing is made", async () => {
    const file = configFile(["data: var"]);
    const { code, stdout, stderr } = await verifyd(["check", "-c", file], { cwd: path.dirname(file) });
    assert.deepEqual([code, stdout, stderr], [0, `${file}: no mistakes\n`, ""]);
    assert.deepEqual(readdirSync(path.dirname(file)), ["verifyd.yaml"]);
  });
  test("warnings: exit 0, and which rule", async () => {
    const file = configFile(["code: {ttl: 1h, length: 4}"]);
    const { code, stderr } = await verifyd(["check", "-c", file]);
    assert.equal(code, 0);
    assert.equal(stderr.match(/:1: warning: code.*NIST SP 800-63B-4/g).length, 2);
  });
  test("the file with every key and its default", async () => {
    const file = path.join(ROOT, "docs/verifyd.yaml");
    assert.equal((await verifyd(["check", "-c", file])).code, 0);
    // The same with every key given.
    const lines = readFileSync(file, "utf8").split("\n").map((line) => line.replace(/^( *)#([a-z0-9_]+:)/, "$1$2"));
    const { code, stderr } = await verifyd(["check", "-c", configFile(lines)]);
    assert.equal(code, 0, stderr);
    assert.ok(lines.filter((line) => /^ *[a-z0-9_]+: ./.test(line)).length > 30);
  });
  test("the examples of the page", async () => {
    const page = readFileSync(path.join(ROOT, "docs/configuration.md"), "utf8");
    const examples = [...page.matchAll(/```yaml\n(.*?)```/gs)];
    assert.ok(examples.length > 0);
    for (const [, text] of examples) {
      const { code, stderr } = await verifyd(["check", "-c", configFile(text.trimEnd().split("\n"))]);
      assert.equal(code, 0, stderr);
    }
  });
  for (const command of ["serve", "check", "import", "migrate"])
    test(`${command} without a file: exit 2, and its path`, async () => {
      const { code, stdout, stderr } = await verifyd([command, "-c", "/no/such/file.yaml"]);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, /^\/no\/such\/file\.yaml: .*No such file/);
    });
  test("the default file is /etc/verifyd/verifyd.yaml", async () => {
    const { stdout, stderr } = await verifyd(["check"]);
    // A machine may have one.
    assert.match(stdout + stderr, /^\/etc\/verifyd\/verifyd\.yaml:/);
    if (!existsSync("/etc/verifyd/verifyd.yaml")) assert.match(stderr, /-c.*serve --dev/);
  });
  test("--dev reads no file, but one that -c names", async () => {
    assert.equal((await verifyd(["check", "--dev"])).code, 0);
    assert.equal((await verifyd(["check", "--dev", "-c", configFile(["x: 1"])])).code, 2);
  });
});

// ---- values from elsewhere -----------------------------------------------------------------------

describe("values from files and the environment", () => {
  test("a key that others may read is refused", async () => {
    const file = configFile(["secret_keys: [{id: k1, key: {file: k1.key}}]"]);
    const key = path.join(path.dirname(file), "k1.key");
    writeFileSync(key, KEY_ONE + "\n");
    for (const mode of [0o644, 0o640, 0o604, 0o660]) {
      chmodSync(key, mode);
      for (const command of ["check", "serve"]) {
        const { code, stderr } = await verifyd([command, "-c", file, "--data", folder()]);
        assert.equal(code, 2);
        assert.match(stderr, /:1: secret_keys\[\]\.key: k1\.key: others may read it; chmod 600/);
        assert.ok(!stderr.includes(KEY_ONE.slice(0, 8)));
      }
    }
    chmodSync(key, 0o600);
    assert.equal((await verifyd(["check", "-c", file])).code, 0);
  });
  test("from anywhere: paths are the file's, not the caller's", async () => {
    const file = configFile(["retention: {file: days}", "code: {length: {env: VERIFYD_TEST_LENGTH}}"]);
    writeFileSync(path.join(path.dirname(file), "days"), "7d\n");
    const env = { VERIFYD_TEST_LENGTH: "8" };
    assert.equal((await verifyd(["check", "-c", file], { env })).code, 0);
    assert.equal((await verifyd(["check", "-c", "verifyd.yaml"], { env, cwd: path.dirname(file) })).code, 0);
    const { code, stderr } = await verifyd(["check", "-c", file]);
    assert.equal(code, 2);
    assert.match(stderr, /:2: code\.length: there is no variable VERIFYD_TEST_LENGTH/);
  });
  test("the server goes by them", async () => {
    const server = await start([INBOX, "code: {length: {env: VERIFYD_TEST_LENGTH}}"], { env: { VERIFYD_TEST_LENGTH: "9" } });
    assert.match((await server.send({}, { auth: AUTH })).code, /^\d{9}$/);
    await server.stop();
  });
});

// ---- secret keys ---------------------------------------------------------------------------------

describe("secret keys", () => {
  const keys = (...pairs) => [INBOX, "secret_keys:", ...pairs.map(([id, key]) => `  - {id: ${id}, key: ${key}}`)];
  test("the first writes, all read", async () => {
    const data = folder();
    const first = await start(keys(["one", KEY_ONE]), { data });
    const old = await first.send({}, { auth: AUTH });
    const kept = await first.send({}, { auth: AUTH });
    await first.stop([KEY_ONE]);
    const second = await start(keys(["two", KEY_TWO], ["one", KEY_ONE]), { data });
    assert.equal((await second.validate(old.id, { code: old.code }, { auth: AUTH })).json.status, "CodeVerified");
    const young = await second.send({}, { auth: AUTH });
    await second.stop([KEY_ONE, KEY_TWO]);
    // Without the old key its codes can be checked no more, those of the new one can.
    const third = await start(keys(["two", KEY_TWO]), { data });
    assert.equal((await third.validate(young.id, { code: young.code }, { auth: AUTH })).json.status, "CodeVerified");
    assert.notEqual((await third.validate(kept.id, { code: kept.code }, { auth: AUTH })).json?.status, "CodeVerified");
    await third.stop();
  });
  test("with keys of the file no secret.key is made", async () => {
    const data = folder();
    const server = await Server.start({ data, config: configFile(keys(["one", KEY_ONE])) });
    assert.ok(!existsSync(path.join(data, "secret.key")));
    await server.stop();
  });
  test("data/secret.key can move into the file", async () => {
    const data = folder();
    const first = await start([INBOX], { data });
    const sent = await first.send({}, { auth: AUTH });
    await first.stop();
    const second = await start(keys(["two", KEY_TWO], ["local", `{file: ${JSON.stringify(path.join(data, "secret.key"))}}`]), { data });
    assert.equal((await second.validate(sent.id, { code: sent.code }, { auth: AUTH })).json.status, "CodeVerified");
    await second.stop();
  });
});

// ---- serve by a file -----------------------------------------------------------------------------

describe("serve without --dev", () => {
  test("sends and checks, within limits", async () => {
    const server = await start([INBOX]);
    const to = freshNumber();
    const sent = await server.send({ to }, { auth: AUTH });
    assert.equal((await server.validate(sent.id, { code: sent.code }, { auth: AUTH })).json.status, "CodeVerified");
    const again = freshNumber();
    assert.equal((await server.create({ to: again }, { auth: AUTH })).status, 202);
    const refused = await server.create({ to: again }, { auth: AUTH });
    assert.equal(refused.status, 400);
    assert.equal(refused.headers["retry-after"], "30");
    // What --dev has and this has not.
    assert.equal((await server.create({ to }, { auth: "demo:demo-secret" })).status, 401);
    assert.equal((await server.call("GET", "/", { auth: null })).status, 404);
    await server.stop();
  });
  test("warnings stand in the log of a start", async () => {
    const server = await start([INBOX, "code: {length: 5}"]);
    const [told] = events(server.log.split("\n").slice(0, -1).map((line) => JSON.parse(line)), "configuration");
    assert.equal(told.level, "warning");
    assert.match(told.what, /verifyd\.yaml:3: warning: code: fewer/);
    assert.match((await server.send({}, { auth: AUTH })).code, /^\d{5}$/);
    await server.stop();
  });
  test("without a provider: a send is a fault, and there is no inbox", async () => {
    const server = await start([]);
    assert.equal((await server.create({ to: freshNumber() }, { auth: AUTH })).status, 503);
    assert.equal((await server.call("GET", "/inbox", { auth: null })).status, 404);
    assert.equal((await server.call("GET", "/inbox/api/messages", { auth: null })).status, 404);
    assert.equal((await server.call("GET", "/healthz", { auth: null })).status, 200);
    await server.stop();
  });
  test("an API that is off owns no path", async () => {
    const server = await start([INBOX, "dotdigital: {enabled: false}"]);
    const answer = await server.create({ to: freshNumber() }, { auth: AUTH });
    assert.deepEqual([answer.status, answer.text], [404, "not found\n"]);
    assert.equal((await server.call("GET", "/webapi/verify", { auth: null })).status, 404);
    await server.stop();
  });
  test("numbers.require: valid", async () => {
    const lines = (word) => [INBOX, `numbers: {require: ${word}}`];
    const server = await start(lines("possible"));
    // As long as numbers of that country are, in a range that nobody has.
    const send = () => server.create({ to: "441111111111" }, { auth: AUTH });
    assert.equal((await send()).status, 202);
    rewrite(server, lines("valid"));
    await server.reload();
    const refused = await send();
    assert.equal(refused.status, 400);
    assert.match(refused.text, /"property":"to"/);
    await server.stop();
  });
  test("net: a head that comes too slowly, one that is too large", async () => {
    const server = await start(["net: {head_timeout: 1s, head: 1KiB, target: 256, fields: 8}"]);
    const late = await server.exchange("GET / HTTP/1.1\r\n");
    assert.equal(late.answers[0].status, 408);
    const wide = await server.exchange(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(1024)}\r\n\r\n`);
    assert.equal(wide.answers[0].status, 431);
    const long = await server.exchange(`GET /${"x".repeat(256)} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.equal(long.answers[0].status, 414);
    const many = await server.exchange(`GET / HTTP/1.1\r\nHost: a\r\n${"X: y\r\n".repeat(8)}\r\n`);
    assert.equal(many.answers[0].status, 431);
    await server.stop();
  });
  test("without a tenant: a command that makes one, and works when pasted", async () => {
    const file = configFile([INBOX]);
    const data = folder();
    const server = await Server.start({ config: file, data });
    await eventually("the guide", () => server.stdout, (text) => /^END\n/m.test(text));
    const guide = server.stdout;
    const command = guide.slice(guide.indexOf("secret="));
    const env = { PATH: `${path.dirname(PROGRAM)}:${process.env.PATH}` };
    const { code, stdout, stderr } = await run("sh", ["-c", command], { env });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /2 records imported/);
    const secret = /: ([0-9a-f]{32})$/m.exec(stdout)[1];
    const auth = `app:${secret}`;
    // Seen within a second.
    await eventually("the client", () => server.create({ to: freshNumber() }, { auth }), ({ status }) => status === 202);
    await server.stop([secret]);
    const second = await Server.start({ config: file, data });
    await second.stop();
    assert.equal(second.stdout, "");
  });
});

// ---- the inbox -----------------------------------------------------------------------------------

describe("inbox.token", () => {
  const TOKEN = "a-token-of-the-tests";
  let server;
  before(async () => {
    server = await start([PROVIDER, `inbox: {token: ${TOKEN}}`], { listen: "0.0.0.0:0" });
    server.address = `127.0.0.1:${server.port}`;
  });
  after(() => server.stop([TOKEN]));
  const ask = (headers, target = "/inbox/api/messages") => server.call("GET", target, { auth: null, headers });
  const basic = (pair) => "Basic " + Buffer.from(pair).toString("base64");

  test("without it nothing is shown", async () => {
    for (const target of ["/inbox", "/inbox/inbox.js", "/inbox/api/messages", "/inbox/api/latest"]) {
      const { status, headers, text } = await ask({}, target);
      assert.equal(status, 401, target);
      assert.match(headers["www-authenticate"], /^Basic realm=/);
      assert.doesNotMatch(text, /<html|\[/);
    }
    assert.equal((await server.call("DELETE", "/inbox/api/messages", { auth: null })).status, 401);
  });
  test("as a password of any name, or as Bearer, from any host", async () => {
    for (const value of [basic(`:${TOKEN}`), basic(`me:${TOKEN}`), `Bearer ${TOKEN}`, `bearer ${TOKEN}`])
      assert.equal((await ask({ Authorization: value, Host: "verify.example.com" })).status, 200, value);
  });
  test("nothing else will do", async () => {
    for (const value of [basic(TOKEN), basic(`${TOKEN}:`), basic(`me:${TOKEN}x`), basic(`me:${TOKEN.slice(1)}`), `Bearer ${TOKEN}x`, "Bearer ", "Bearer", `Token ${TOKEN}`, basic("")])
      assert.equal((await ask({ Authorization: value })).status, 401, value);
  });
  test("elsewhere than on loopback there must be one", async () => {
    const { code, stderr } = await verifyd(["serve", "-c", configFile([PROVIDER]), "--data", folder(), "--listen", "0.0.0.0:0"]);
    assert.equal(code, 2);
    assert.match(stderr, /0\.0\.0\.0:0 would show the inbox.*inbox\.token/);
  });
});

// ---- SIGHUP --------------------------------------------------------------------------------------

describe("SIGHUP", () => {
  const send = (server) => server.create({ to: freshNumber() }, { auth: AUTH });

  test("a right file counts at once, for who was signed in too", async () => {
    const server = await start([INBOX]);
    assert.equal((await send(server)).status, 202);
    rewrite(server, [INBOX, "dotdigital: {create_status: 201, unverified_label: Waiting}", "code: {length: 8}"]);
    const lines = await server.reload();
    assert.equal(events(lines, "reloaded").length, 1);
    assert.deepEqual(events(lines, "needs-restart"), []);
    const sent = await server.send({}, { auth: AUTH });
    assert.equal(sent.answer.status, 201);
    assert.equal(sent.answer.json.status, "Waiting");
    assert.match(sent.code, /^\d{8}$/);
    rewrite(server, [INBOX, "dotdigital: {enabled: false}"]);
    await server.reload();
    assert.equal((await send(server)).status, 404);
    rewrite(server, [INBOX]);
    await server.reload();
    assert.equal((await send(server)).status, 202);
    await server.stop();
  });
  test("a wrong file changes nothing, and each mistake is told", async () => {
    const server = await start([INBOX, "dotdigital: {create_status: 201}"]);
    rewrite(server, [INBOX, "dotdigital: {create_status: 202}", "code: {length: 3}", "colour: blue"]);
    const lines = await server.reload();
    const told = events(lines, "configuration");
    assert.deepEqual(told.map(({ level }) => level), ["error", "error"]);
    assert.match(told[0].what, /verifyd\.yaml:4: code\.length: /);
    assert.match(told[1].what, /verifyd\.yaml:5: colour /);
    const [refused] = events(lines, "reload");
    assert.deepEqual([refused.level, refused.mistakes, refused.consequence], ["error", 2, "nothing was changed"]);
    assert.equal((await send(server)).status, 201);
    await server.stop();
  });
  test("a file that is gone, or no YAML, changes nothing", async () => {
    const server = await start([INBOX, "dotdigital: {create_status: 201}"]);
    rewrite(server, ["dotdigital: {create_status: 202"]);
    assert.equal(events(await server.reload(), "reload").length, 1);
    const file = server.config;
    server.config = path.join(path.dirname(file), "other.yaml");
    writeFileSync(server.config, "");
    await run("mv", [file, file + ".gone"]);
    assert.equal(events(await server.reload(), "reload").length, 1);
    assert.equal((await send(server)).status, 201);
    await server.stop();
  });
  test("what needs a start is named and stays", async () => {
    const server = await start([INBOX]);
    rewrite(server, [`inbox: {token: ${INBOX_TOKEN}}`, "data: elsewhere", "wal_pages: 200", `secret_keys: [{id: a, key: ${KEY_ONE}}]`, "net: {head: 2KiB}", "dotdigital: {create_status: 201}"]);
    const lines = await server.reload();
    // --data beats the file's, so that it has not changed.
    assert.deepEqual(events(lines, "needs-restart").map(({ key }) => key), ["wal_pages", "secret_keys", "net.head", "deliver.providers"]);
    assert.equal(events(lines, "reloaded").length, 1);
    const sent = await server.send({}, { auth: AUTH });
    assert.equal(sent.answer.status, 201);
    assert.equal((await server.validate(sent.id, { code: sent.code }, { auth: AUTH })).json.status, "CodeVerified");
    await server.stop([KEY_ONE]);
  });
  test("what stays must go with what is new: else nothing changes", async () => {
    const token = "a-token-of-the-tests";
    const server = await start([PROVIDER, `inbox: {token: ${token}}`], { listen: "0.0.0.0:0" });
    server.address = `127.0.0.1:${server.port}`;
    // The provider stays until a start, and would then be shown to everybody.
    rewrite(server, []);
    const lines = await server.reload();
    assert.match(events(lines, "configuration")[0].what, /would show the inbox/);
    assert.equal(events(lines, "reloaded").length, 0);
    assert.equal((await server.call("GET", "/inbox/api/messages", { auth: null })).status, 401);
    await server.stop([token]);
  });
  test("times of connections follow", async () => {
    const server = await start([]);
    const waiting = await Wire.open(server);
    assert.equal((await waiting.ask("GET", "/healthz")).status, 200);
    const closed = new Promise((resolve) => waiting.socket.on("close", resolve));
    rewrite(server, ["net: {idle: 1s}"]);
    await server.reload();
    await patiently("the end of an idle connection", closed);
    await server.stop();
  });
  test("limits of a tenant are laid over the new ones", async () => {
    const server = await start([INBOX, "limits: {resend_delay: {first: 10s}}"]);
    await importRecords(server.data, [{ type: "tenant", id: "shop", settings: { limits: { sends_per_number: ["1/1h", "1/24h"] } } }]);
    const to = freshNumber();
    await eventually("the tenant's limit", () => server.create({ to }, { auth: AUTH }), ({ status, headers }) => status === 400 && Number(headers["retry-after"]) > 3000);
    rewrite(server, [INBOX, "limits: {enabled: false}"]);
    await server.reload();
    assert.equal((await server.create({ to }, { auth: AUTH })).status, 202);
    await server.stop();
  });
  test("many, under load: every request is answered, and the last one counts", async () => {
    const server = await start([INBOX]);
    let stopped = false;
    const statuses = new Set();
    const load = Array.from({ length: 8 }, async () => {
      while (!stopped) statuses.add((await send(server)).status);
    });
    for (let i = 0; i < 12; i++) {
      const wanted = 201 + (i % 2);
      rewrite(server, [INBOX, `dotdigital: {create_status: ${wanted}}`]);
      if (i % 3 === 0) server.child.kill("SIGHUP"); // one more, while it may be under way
      await server.reload();
      await eventually("the new status", () => send(server), ({ status }) => status === wanted);
    }
    stopped = true;
    await Promise.all(load);
    assert.deepEqual([...statuses].sort(), [201, 202]);
    await server.stop();
  });
  test("and then SIGTERM at once", async () => {
    const server = await start([INBOX]);
    for (let i = 0; i < 5; i++) server.child.kill("SIGHUP");
    await server.stop();
  });
});

// ---- the service manager -------------------------------------------------------------------------

// Prints what comes to a datagram socket, a line each; Node has none.
const LISTENER = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace("@", chr(0), 1))
print("bound", flush=True)
while True:
    print(s.recv(4096).decode().replace(chr(10), " "), flush=True)
`;

describe("systemd", () => {
  for (const kind of ["a path", "an abstract name"])
    test(`ready, reloading, stopping, by ${kind}`, async () => {
      const socket = kind === "a path" ? path.join(path.dirname(folder()), "notify") : `@verifyd-test-${process.pid}`;
      const listener = spawn("python3", ["-c", LISTENER, socket], { stdio: ["ignore", "pipe", "inherit"] });
      let heard = "";
      listener.stdout.setEncoding("utf8").on("data", (text) => (heard += text));
      const words = () => heard.split("\n").filter(Boolean);
      const comes = (n) => eventually(`${n} words`, words, (all) => all.length >= n);
      try {
        await comes(1);
        const server = await start([INBOX], { env: { NOTIFY_SOCKET: socket } });
        await comes(2);
        await server.reload();
        await comes(4);
        rewrite(server, ["x: 1"]);
        await server.reload();
        await comes(6);
        await server.stop();
        const all = await comes(7);
        assert.deepEqual(all.map((word) => word.replace(/USEC=\d+/, "USEC=N")), [
          "bound", "READY=1",
          "RELOADING=1 MONOTONIC_USEC=N", "READY=1",
          "RELOADING=1 MONOTONIC_USEC=N", "READY=1",
          "STOPPING=1",
        ]);
      } finally {
        listener.kill();
      }
    });
  test("a socket that is not there stops nobody", async () => {
    const server = await start([INBOX], { env: { NOTIFY_SOCKET: "/no/such/socket" } });
    await eventually("its warning", () => server.log, (log) => /"event":"notify".*\n/.test(log));
    await server.stop();
  });
});
