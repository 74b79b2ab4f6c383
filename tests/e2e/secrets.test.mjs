// SPDX-License-Identifier: Apache-2.0
// The hunt for secrets. Ten thousand verifications with codes of ten letters and digits, which occur
// nowhere by chance: right and wrong guesses, locked, expired and pending ones, requests that fail.
// Then every code, every guess, every client's secret and the server's key is looked for, in every
// spelling, wherever the program writes or keeps anything; and every number where none may stand.
//
// The inbox shows codes, which is what it is for. Its texts are deleted before memory is searched.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createPrivateKey, hkdfSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync } from "node:fs";
import http2 from "node:http2";
import os from "node:os";
import path from "node:path";
import { after, before, describe } from "node:test";
import { Hunt } from "./hunt.mjs";
import { PROGRAM, Server, Wire, basic, clockPasses, configFile, eventually, folder, importRecords, numberAt, patiently, run, test, verifyd } from "./harness.mjs";
import { certificateMake, configurationLay } from "./transport.mjs";

const VERIFICATIONS = 10_000;
const CHUNK = 400; // the inbox keeps 500 texts
const WIRES = 8;
const ATTEMPTS = 3;
const SHORT_MS = 1000; // life of the codes that expire
const PT_LOAD = 1; // elf(5)
const SYMBOLS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
// What sub-keys are derived for (core/keyring.c).
const KEY_USES = ["code", "chosen code", "number", "phantom", "token", "record token", "proof", "seal"].map((use) => `verifyd ${use}`);
const BOTH = ["otp.send", "otp.verify"];

const data = folder();
const temporary = path.dirname(data);
const hunt = new Hunt();
const answers = []; // what was answered that is no success, as text
const totals = { verified: 0, locked: 0, expired: 0, pending: 0, refused: 0 };
const secretOf = () => randomBytes(18).toString("base64url");
const clients = { long: secretOf(), short: secretOf() };
const wrongSecret = secretOf();
let server;
let wires;
let taken = 0;
let pending; // the last ones, verified at the end

const code10 = () => Array.from(randomBytes(10), (octet) => SYMBOLS[octet % SYMBOLS.length]).join("");

async function ask(i, method, target, client, options) {
  const auth = client && `${client}:${clients[client]}`;
  const answer = await wires[i % WIRES].ask(method, target, { auth, ...options });
  note(answer);
  return answer;
}

function note({ status, text, headers }) {
  if (status < 400) return;
  totals.refused++;
  answers.push(text, JSON.stringify(headers));
}

// The same over HTTP/2, on one connection.
function askHttp2(session, method, target, client, body) {
  const request = session.request({
    ":method": method, ":path": target, authorization: basic(`${client}:${clients[client]}`), "content-type": "application/json",
  });
  return patiently(`${method} ${target}`, new Promise((resolve, reject) => {
    let text = "";
    let status;
    request.on("response", (headers) => (status = headers[":status"]));
    request.setEncoding("utf8").on("data", (part) => (text += part));
    request.on("end", () => resolve({ status, json: text ? JSON.parse(text) : undefined }));
    request.on("error", reject);
    request.end(JSON.stringify(body));
  }));
}

// A chunk that is verified over HTTP/2, each after a wrong guess.
async function judgeHttp2(chunk, url) {
  const session = http2.connect(url, { rejectUnauthorized: false });
  for (const v of chunk) {
    const wrong = code10();
    hunt.add("guess", wrong);
    const target = `/webapi/verify/${v.id}/validate`;
    const missed = await askHttp2(session, "PUT", target, v.client, { code: wrong });
    assert.equal(missed.json.status, "CodeNotVerified");
    const { json } = await askHttp2(session, "PUT", target, v.client, { code: v.code });
    assert.equal(json.status, "CodeVerified");
    totals.verified++;
  }
  session.close();
  await patiently("the end of HTTP/2", once(session, "close"));
}

const guess = (i, v, code) => ask(i, "PUT", `/webapi/verify/${v.id}/validate`, v.client, { body: { code } });

// A wrong one, of which no trace may stay either.
async function miss(i, v) {
  const code = code10();
  hunt.add("guess", code);
  const { json } = await guess(i, v, code);
  return json?.status;
}

// Sends a chunk of codes and reads them in the inbox, which is then emptied.
async function send(client, n) {
  const numbers = Array.from({ length: n }, () => numberAt(taken++));
  const made = await Promise.all(numbers.map((to, i) => ask(i, "POST", "/webapi/verify", client, { body: { to } })));
  let codes;
  await eventually("texts", () => ask(0, "GET", "/inbox/api/messages", null), ({ json }) => {
    codes = new Map(json.map(({ to, code }) => [to.replace("+", ""), code]));
    return numbers.every((to) => codes.has(to));
  });
  await ask(0, "DELETE", "/inbox/api/messages", null);
  return made.map(({ status, text, json: answer }, i) => {
    assert.equal(status, 202, text);
    const code = codes.get(numbers[i]);
    assert.match(code, /^[0-9A-Z]{10}$/);
    hunt.add("code", code);
    hunt.add("number", numbers[i]);
    return { client, code, to: numbers[i], id: answer.requestId };
  });
}

// Half are verified at once, a quarter after a wrong guess, the others are locked.
async function judge(v, i) {
  if (i % 4 === 3) {
    let told;
    for (let n = 0; n < ATTEMPTS; n++) told = await miss(i, v);
    assert.equal(told, "CodeLocked");
    totals.locked++;
    return;
  }
  if (i % 4 === 1) await miss(i, v);
  const { json } = await guess(i, v, v.code);
  assert.equal(json.status, "CodeVerified");
  totals.verified++;
}

// Requests that fail, each with a code, a number or a secret in a place where it does not belong.
async function fail(v, i) {
  const wrong = code10();
  hunt.add("guess", wrong);
  const body = `{"code":"${wrong}"`;
  const failures = [
    ["PUT", `/webapi/verify/${v.id}/validate`, { body }], // cut JSON
    ["PUT", `/webapi/verify/${v.id}/validate`, { body: { code: [wrong] } }],
    ["PUT", `/webapi/verify/${wrong}/validate`, { body: { code: v.code } }],
    ["PUT", `/webapi/verify/${v.id}/validate`, { body: { code: wrong.repeat(20) } }],
    ["PATCH", `/webapi/verify/${v.id}/validate?code=${wrong}`, {}],
    ["POST", "/webapi/verify", { body: { to: `${v.to}x${wrong}` } }],
    ["POST", "/webapi/verify", { body: { to: v.to, templateText: wrong } }],
    ["POST", "/webapi/verify", { body: { to: v.to, [wrong]: 1, validUntil: wrong } }],
    ["POST", `/nowhere/${wrong}`, { body: { code: v.code } }],
    ["GET", `/webapi/verify/${v.id}?code=${v.code}`, {}],
    ["POST", "/webapi/verify", { body: { to: v.to }, auth: `long:${wrongSecret}` }],
    ["POST", "/webapi/verify", { body: { to: v.to }, auth: `nobody:${wrongSecret}` }],
    ["POST", "/webapi/verify", { body: { to: v.to }, headers: { Authorization: `Bearer ${wrongSecret}` }, auth: null }],
    ["POST", "/webapi/verify", { body: "x".repeat(70_000) + wrong }],
  ];
  const [method, target, options] = failures[i % failures.length];
  // Some close the connection: each has one of its own.
  const answer = await server.call(method, target, { auth: `long:${clients.long}`, ...options, headers: { ...options.headers, Connection: "close" } });
  assert.ok(answer.status < 500, answer.text);
  note(answer);
}

function readlinkOrNone(name) {
  try {
    return readlinkSync(name);
  } catch {
    return ""; // closed meanwhile
  }
}

function found(hits) {
  const counts = {};
  for (const { kind, spelling, place } of hits) {
    const key = `${place}: ${kind} ${spelling}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

const nothing = (hits) => assert.deepEqual(found(hits), {});

const filesBelow = (top) =>
  readdirSync(top, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(path.join(top, entry.name)) : entry.isFile() ? [path.join(top, entry.name)] : [],
  );

const SECRET = ["code", "guess", "secret"];

// The data folder as it lies there now: database, log, index of the log, and the key's own file.
function searchFiles(when) {
  for (const file of filesBelow(temporary)) {
    const isKey = path.basename(file) === keyFile;
    nothing(hunt.searchFile(`files ${when}`, file, isKey ? SECRET : [...SECRET, "key"]));
  }
}

let keyFile;

function learnKey() {
  for (const file of readdirSync(data)) {
    const text = statSync(path.join(data, file)).size === 65 ? readFileSync(path.join(data, file), "latin1").trim() : "";
    if (!/^[0-9a-f]{64}$/.test(text)) continue;
    keyFile = file;
    const key = Buffer.from(text, "hex");
    hunt.add("key", key);
    for (const use of KEY_USES) hunt.add("key", Buffer.from(hkdfSync("sha256", key, "", use, 32)));
  }
  assert.ok(keyFile, "no key in the data folder");
}

// The pieces of a core that are memory: { address, bytes }. (The registers of each thread are there too,
// which hold what was copied last until something else is.)
function memoryOf(core) {
  const pieces = [];
  const [table, size, n] = [Number(core.readBigUInt64LE(32)), core.readUInt16LE(54), core.readUInt16LE(56)];
  for (let i = 0; i < n; i++) {
    const at = table + i * size;
    const [offset, address, length] = [8, 16, 32].map((member) => Number(core.readBigUInt64LE(at + member)));
    if (core.readUInt32LE(at) === PT_LOAD) pieces.push({ address, bytes: core.subarray(offset, offset + length) });
  }
  return pieces;
}

// Why no core can be taken here, or "".
function coreWithheld() {
  if (process.env.ASAN_OPTIONS) return "a sanitizer's memory is all of the address space";
  const scope = "/proc/sys/kernel/yama/ptrace_scope";
  const restricted = existsSync(scope) && readFileSync(scope, "latin1").trim() !== "0";
  return restricted && process.getuid() !== 0 ? `${scope} lets only root take one` : "";
}

// A core of the running program, as gdb takes one: without pages marked do-not-dump.
async function searchCore(t, when) {
  const withheld = coreWithheld();
  if (withheld) return t.skip(withheld);
  const made = mkdtempSync(path.join(os.tmpdir(), "verifyd core "));
  try {
    const { code, stderr } = await run("gcore", ["-o", path.join(made, "core"), String(server.child.pid)]);
    const [core] = readdirSync(made);
    assert.ok(code === 0 && core, `gcore: ${stderr}`);
    const pieces = memoryOf(readFileSync(path.join(made, core)));
    assert.ok(pieces.length > 10);
    nothing(pieces.flatMap(({ bytes }) => hunt.search(`core ${when}`, bytes, [...SECRET, "key"])));
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

describe("secrets stay dark", () => {
  before(async () => {
    const code = { length: 10, alphabet: "upper-digits", attempts: ATTEMPTS };
    for (const [name, secret] of Object.entries(clients)) {
      await importRecords(data, [
        { type: "tenant", id: name, settings: { code: name === "short" ? { ...code, ttl: `${SHORT_MS / 1000}s` } : code } },
        { type: "client", tenant: name, name, secret, scopes: BOTH },
      ]);
      hunt.add("secret", secret);
      hunt.add("secret", basic(`${name}:${secret}`).slice("Basic ".length));
    }
    hunt.add("secret", wrongSecret);
    // In clear, and over TLS, whose key is looked for too.
    const certificate = certificateMake("hunt");
    const file = configurationLay("hunt.yaml", `tls: {certificate: "${certificate.certificate}", key: "${certificate.key}"}\n`);
    const { d } = createPrivateKey(readFileSync(certificate.key)).export({ format: "jwk" });
    hunt.add("key", Buffer.from(d, "base64url"));
    server = await Server.start({ data, listen: "http://127.0.0.1:0", args: ["--listen", "https://127.0.0.1:0", "-c", file] });
    wires = await Promise.all(Array.from({ length: WIRES }, () => Wire.open(server)));
    learnKey();
  });
  after(() => server?.child.kill("SIGKILL"));

  test("the hunt finds what there is to find, in every spelling", () => {
    const tried = new Hunt();
    const code = "K7PQ2M4X9Z"; // its hexadecimal has letters, and so two cases
    tried.add("code", code);
    // Nothing that would be part of a spelling: a zero makes UTF-16 of one kind the other.
    const around = (inner) => Buffer.concat([Buffer.alloc(1000, "!"), Buffer.from(inner), Buffer.alloc(1000, "!")]);
    const cases = { "as it is": code, hexadecimal: Buffer.from(code).toString("hex"), "UTF-16LE": Buffer.from(code, "utf16le") };
    cases.HEXADECIMAL = cases.hexadecimal.toUpperCase();
    cases["UTF-16BE"] = Buffer.from(code, "utf16le").swap16();
    for (const [spelling, inner] of Object.entries(cases))
      assert.deepEqual(tried.search("x", around(inner)).map(({ spelling: told, at }) => [told, at]), [[spelling, 1000]]);
    for (const text of ["", "a", "ab"]) {
      const [hit, ...more] = tried.search("x", around(Buffer.from(`${text}${code}!?`).toString("base64")));
      assert.equal(hit.spelling, "base64");
      assert.equal(more.length, 0);
    }
    nothing(tried.search("x", around(code.slice(1))));
  });

  test(`${VERIFICATIONS} verifications`, async () => {
    while (taken < VERIFICATIONS - 3 * CHUNK) await Promise.all((await send("long", CHUNK)).map(judge));
    const expiring = await send("short", CHUNK);
    pending = await send("long", CHUNK);
    for (const [i, v] of pending.entries()) await fail(v, i);
    await clockPasses(Date.now() + SHORT_MS);
    for (const [i, v] of expiring.entries()) {
      const { status, json } = await guess(i, v, v.code);
      assert.notEqual(json?.status, "CodeVerified", `${status}`);
      totals.expired++;
    }
    totals.pending = pending.length;
    const [, secure] = await eventually("https", () => /"address":"(https:[^"]*)"/.exec(server.log), (found) => found);
    const last = await send("long", CHUNK);
    await judgeHttp2(last.slice(0, CHUNK / 2), `http://${server.address}`);
    await judgeHttp2(last.slice(CHUNK / 2), secure);
    assert.equal(taken, VERIFICATIONS);
  });

  test("while codes are pending: database, its log, temporary files", () => searchFiles("while pending"));
  test("while codes are pending: memory", (t) => searchCore(t, "while pending"));

  test("the pending ones are verified: all codes are final", async () => {
    await Promise.all(pending.map(async (v, i) => {
      const { json } = await guess(i, v, v.code);
      assert.equal(json.status, "CodeVerified");
      totals.verified++;
    }));
  });

  test("afterwards: database, its log, temporary files", () => searchFiles("afterwards"));
  test("afterwards: memory", (t) => searchCore(t, "afterwards"));

  test("a backup", async () => {
    const copy = path.join(temporary, "backup");
    const { code, stdout, stderr } = await verifyd(["backup", "--dev", "--data", data, copy]);
    assert.equal(code, 0, stderr);
    nothing(hunt.search("backup's output", stdout + stderr));
    nothing(hunt.searchFile("backup", copy, [...SECRET, "key"]));
  });

  test("events and final messages: no code, no secret, no number either", async () => {
    const { code, stdout, stderr } = await run("sqlite3", ["-readonly", path.join(data, "verifyd.db"), ".dump event", ".dump message"]);
    assert.equal(code, 0, stderr);
    assert.ok(stdout.split("INSERT INTO").length > 2 * VERIFICATIONS);
    nothing(hunt.search("events, messages", stdout));
  });

  test("an export", async () => {
    const { code, stdout, stderr } = await verifyd(["export", "--dev", "--data", data]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /"type":"client"/);
    // Numbers stand in it where users have them.
    nothing(hunt.search("export", stdout + stderr, [...SECRET, "key"]));
  });
  test("metrics, answers that are no success", async () => {
    const metrics = await server.call("GET", "/metrics", { auth: null });
    nothing(hunt.search("metrics", metrics.text));
    assert.ok(totals.refused > CHUNK / 2, `${totals.refused}`);
    nothing(hunt.search("errors", answers.join("\n")));
  });

  test("environment, command line, names of open files", () => {
    const of = `/proc/${server.child.pid}`;
    nothing(hunt.search("environment", readFileSync(`${of}/environ`)));
    nothing(hunt.search("command line", readFileSync(`${of}/cmdline`)));
    nothing(hunt.search("open files", readdirSync(`${of}/fd`).map((fd) => readlinkOrNone(`${of}/fd/${fd}`)).join("\n")));
  });

  test("the log, to its last line", async () => {
    server.child.kill("SIGTERM");
    const { code } = await patiently("the end", server.ended);
    assert.equal(code, 0, server.log.slice(-1000));
    assert.ok(server.log.split("\n").length > VERIFICATIONS);
    nothing(hunt.search("log", server.log));
    nothing(hunt.search("standard output", server.stdout, SECRET)); // it shows how to ask about a number
  });

  test("what was searched", () => {
    const kinds = { ...totals, answers: answers.length };
    console.log(`verifications: ${VERIFICATIONS} ${JSON.stringify(kinds)}`);
    for (const [place, bytes] of hunt.searched) console.log(`${place}: 0 hits in ${bytes} bytes`);
    assert.equal(hunt.hits.length, 0);
  });
});

test("a server that is not for trying out leaves no core", async () => {
  const own = folder();
  const file = configFile(["listen: ['127.0.0.1:0']"], { data: own });
  const child = spawn(PROGRAM, ["serve", "-c", file], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "close");
  try {
    let log = "";
    const listens = new Promise((resolve) => child.stderr.setEncoding("utf8").on("data", (text) => (log += text).includes('"listening"') && resolve()));
    await patiently("listening", Promise.race([listens, ended.then(() => assert.fail(log))]));
    assert.match(readFileSync(`/proc/${child.pid}/limits`, "latin1"), /^Max core file size +0 +0 /m);
    // What is not dumpable belongs to root, whoever it runs as; root itself sees no difference.
    assert.equal(statSync(`/proc/${child.pid}/environ`).uid, 0);
  } finally {
    child.kill("SIGTERM");
    await patiently("the end", ended);
  }
});
