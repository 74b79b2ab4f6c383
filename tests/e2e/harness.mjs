// SPDX-License-Identifier: Apache-2.0
// Starts and stops the real program, and speaks to it as its clients do.
//
//   const server = await Server.start();          serve --dev on a free port, data in a temp folder
//   await server.create({ to: "447700900123" });  the dotdigital API, over kept connections
//   await server.message(to);                     waits in the inbox for a message to that number
//   await server.stop();                          SIGTERM; exit code 0 and a dark log, or it throws
//
// VERIFYD names the program; VERIFYD_MEMORY the tests' own server on the memory store, which else
// stands in tests/ beside it. Nothing here waits for a time: it waits for a line, an answer or an
// end, and gives up after PATIENCE_MS so that what never comes is a failed test and not a hung one.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { test as nodeTest } from "node:test";
import { fileURLToPath } from "node:url";
import { agentNew, ask, socketOpen, socketReady, transportFlags } from "./transport.mjs";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const PROGRAM = path.resolve(process.env.VERIFYD ?? path.join(ROOT, "build/verifyd"));
export const MEMORY_PROGRAM = path.resolve(
  process.env.VERIFYD_MEMORY ?? path.join(path.dirname(PROGRAM), "tests/verifyd-memory"),
);
export const DEMO = "demo:demo-secret";
// inbox.token of configurations whose messages a test reads: without --dev it shows the inbox.
export const INBOX_TOKEN = "of-the-end-to-end-tests";
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const PATIENCE_MS = 120_000;
const LOG_SHOWN = 20; // lines of a server's log that a failed test prints

// ---- what is left behind -------------------------------------------------------------------------

const folders = new Set();
const running = new Set();

// With a blank in its name, since people have those.
export function folder() {
  const made = mkdtempSync(path.join(os.tmpdir(), "verifyd e2e "));
  folders.add(made);
  return path.join(made, "var");
}

// A configuration file of these lines; with the data in `data`, when that is given.
export function configFile(lines = [], { data } = {}) {
  const file = path.join(path.dirname(folder()), "verifyd.yaml");
  const all = [...(data ? [`data: ${JSON.stringify(data)}`] : []), ...lines];
  writeFileSync(file, all.map((line) => line + "\n").join(""), { mode: 0o600 });
  return file;
}

process.on("exit", () => {
  for (const server of running) server.child.kill("SIGKILL");
  for (const made of folders) rmSync(made, { recursive: true, force: true });
});

// A test that shows what the servers wrote when it fails.
export function test(name, body) {
  return nodeTest(name, async (t) => {
    try {
      await body(t);
    } catch (error) {
      for (const server of running)
        console.error(`log of ${server.address}:\n${server.log.trimEnd().split("\n").slice(-LOG_SHOWN).join("\n")}`);
      // Left running, they must not keep this process from its end, which ends them.
      for (const { child } of running) for (const part of [child, child.stdout, child.stderr]) part.unref();
      throw error;
    }
  });
}

// What it resolves to, or a failure that says what did not come.
export async function patiently(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing came within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

// Asks again until the answer passes; what it is asked of paces it.
export async function eventually(what, ask, passes) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (passes(answer)) return answer;
    assert.ok(Date.now() < end, `${what}: still ${JSON.stringify(answer)}`);
    await new Promise(setImmediate); // what was asked may not have waited for anything
  }
}

// The wall clock itself is what is waited for.
export async function clockPasses(ms) {
  while (Date.now() <= ms) await new Promise((resolve) => setTimeout(resolve, ms - Date.now() + 1));
}

// ---- commands ------------------------------------------------------------------------------------

// Runs a program to its end.
export async function run(program, args, { input = "", cwd, env, uid, gid } = {}) {
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, uid, gid, stdio: "pipe" });
  const result = { code: null, signal: null, stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text) => (result.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (result.stderr += text));
  child.stdin.on("error", () => {}); // it may end without reading
  child.stdin.end(input);
  [result.code, result.signal] = await patiently(`${program} ${args.join(" ")}`, once(child, "close"));
  return result;
}

export const verifyd = (args, options) => run(PROGRAM, args, options);

// Lays records into the store of a data folder, whether or not a server has it open.
export async function importRecords(data, records) {
  const lines = records.map((record) => JSON.stringify(record) + "\n").join("");
  const result = await verifyd(["import", "--dev", "--data", data, "-"], { input: lines });
  assert.equal(result.code, 0, `import: ${result.stderr}`);
  return result;
}

// Rows of a question to the database, which a server may have open, as objects.
export async function sql(data, question) {
  const result = await run("sqlite3", ["-readonly", "-json", path.join(data, "verifyd.db"), question]);
  assert.equal(result.code, 0, `sqlite3: ${result.stderr}`);
  return result.stdout.trim() ? JSON.parse(result.stdout) : [];
}

// ---- numbers -------------------------------------------------------------------------------------

// From ranges that are set aside for fiction. `i` counts from 0; there are 78,800 of them.
export function numberAt(i) {
  if (i < 1000) return "447700900" + String(i).padStart(3, "0");
  const area = 201 + Math.floor((i - 1000) / 100);
  assert.ok(area <= 978, "too many numbers");
  return `1${area}55501${String(i % 100).padStart(2, "0")}`;
}

let numbersTaken = 0;
// A number that nobody else in this file has.
export const freshNumber = () => numberAt(numbersTaken++);

export function basic(pair) {
  return "Basic " + Buffer.from(pair).toString("base64");
}

// ---- answers -------------------------------------------------------------------------------------

// The first whole answer in `bytes`: { answer, used }, or null when there is more to come.
export function answerOf(bytes, { head = false } = {}) {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [line, ...fields] = bytes.toString("latin1", 0, end).split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1]);
  assert.ok(status, `no status line: ${line}`);
  const headers = {};
  for (const field of fields) {
    const colon = field.indexOf(":");
    headers[field.slice(0, colon).toLowerCase()] = field.slice(colon + 1).trim();
  }
  const bare = head || status < 200 || status === 204 || status === 304;
  assert.ok(bare || "content-length" in headers, `neither a length nor an end: ${line}`);
  const used = end + 4 + (bare ? 0 : Number(headers["content-length"]));
  if (bytes.length < used) return null;
  const text = bytes.toString("utf8", end + 4, used);
  return { answer: { status, headers, text, json: jsonOf(headers, text) }, used };
}

// All whole answers in `bytes`, and what is left.
export function answersOf(bytes) {
  const answers = [];
  for (let found; (found = answerOf(bytes)); bytes = bytes.subarray(found.used)) answers.push(found.answer);
  return { answers, rest: bytes };
}

function jsonOf(headers, text) {
  return headers["content-type"]?.startsWith("application/json") ? JSON.parse(text) : undefined;
}

// ---- a connection of our own ---------------------------------------------------------------------

// One connection that is kept, with as many requests on it at a time as one likes: for many of
// them, at speed. A request whose answer never comes is rejected with an error of code LOST.
export class Wire {
  static async open(server) {
    const wire = new Wire();
    wire.host = server.address;
    wire.waiting = [];
    wire.bytes = Buffer.alloc(0);
    wire.socket = socketOpen(server);
    await patiently("connect", once(wire.socket, socketReady(server)));
    wire.socket.on("data", (bytes) => wire.#take(bytes));
    wire.socket.on("error", () => {}); // `close` follows
    wire.socket.on("close", () => wire.#lose());
    return wire;
  }

  // The bytes of a request.
  encode(method, target, { auth = DEMO, body, headers = {} } = {}) {
    const lines = [`${method} ${target} HTTP/1.1`, `Host: ${this.host}`];
    if (auth) lines.push(`Authorization: ${basic(auth)}`);
    const payload = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
    if (body !== undefined) lines.push("Content-Type: application/json", `Content-Length: ${Buffer.byteLength(payload)}`);
    for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
    return lines.join("\r\n") + "\r\n\r\n" + payload;
  }

  ask(method, target, options) {
    return this.raw(this.encode(method, target, options));
  }

  // Writes bytes that will have one answer.
  raw(bytes) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      if (this.socket.destroyed) this.#lose();
      else this.socket.write(bytes);
    });
  }

  close() {
    this.socket.destroy();
  }

  #take(bytes) {
    this.bytes = this.bytes.length ? Buffer.concat([this.bytes, bytes]) : bytes;
    for (let found; (found = answerOf(this.bytes)); ) {
      this.bytes = this.bytes.subarray(found.used);
      const waiter = this.waiting.shift();
      assert.ok(waiter, "an answer that nobody asked for");
      waiter.resolve(found.answer);
    }
  }

  #lose() {
    for (const waiter of this.waiting.splice(0))
      waiter.reject(Object.assign(new Error("the connection was lost"), { code: "LOST" }));
  }
}

// ---- the server ----------------------------------------------------------------------------------

export class Server {
  // Resolves once it accepts; rejects with its log when it ends instead.
  // With `config`, a configuration file: by it and not by --dev. `ca`: of the certificate that its
  // configuration names.
  static async start({ data = folder(), args = [], program = PROGRAM, listen = "127.0.0.1:0", config, env, ca } = {}) {
    const common = ["--listen", listen, "--data", data, ...(config || args.includes("-c") ? [] : transportFlags())];
    const words = program !== PROGRAM ? ["--data", data] : ["serve", ...(config ? ["-c", config] : ["--dev"]), ...common];
    const server = new Server();
    server.data = data;
    server.config = config;
    server.ca = ca;
    server.inboxAuth = config ? `tests:${INBOX_TOKEN}` : null;
    server.log = server.stdout = "";
    server.newest = ""; // id of the newest message that `message` has given
    server.child = spawn(program, [...words, ...args], { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
    running.add(server);
    // --dev says it on stdout for people; the log says it always.
    const said = () => (config ? /"event":"listening","address":"((?:https?:\/\/)?[^"]*)".*\n/.exec(server.log) : /^listening on (.*)\n/m.exec(server.stdout));
    server.ended = once(server.child, "close").then(([code, signal]) => {
      running.delete(server);
      server.agent?.destroy();
      server.session?.destroy();
      return { code, signal };
    });
    const accepts = new Promise((resolve, reject) => {
      server.child.on("error", reject);
      server.child.stderr.setEncoding("utf8").on("data", (text) => {
        server.log += text;
        if (said()) resolve();
      });
      server.child.stdout.setEncoding("utf8").on("data", (text) => {
        server.stdout += text;
        if (said()) resolve();
      });
      server.ended.then(({ code, signal }) => reject(new Error(`it ended with ${code ?? signal}:\n${server.log}`)));
    });
    await patiently("listening on", accepts);
    const [, scheme, address] = /^(?:(https?):\/\/)?(.*)$/.exec(said()[1]);
    server.secure = scheme === "https";
    server.address = address;
    server.port = Number(/:(\d+)$/.exec(server.address)[1]);
    server.agent = agentNew(server);
    return server;
  }

  // SIGTERM. `secrets`: further texts that its log must not hold.
  async stop(secrets = []) {
    this.child.kill("SIGTERM");
    const { code, signal } = await patiently("the end", this.ended);
    assert.equal(code, 0, `it ended with ${code ?? signal}:\n${this.log}`);
    assertDark(this.log, secrets);
    assert.equal(this.stdout.match(/listening on/g)?.length, this.config ? undefined : 1);
  }

  // SIGHUP; waits until it has read its configuration. Resolves to the lines that it logged since.
  async reload() {
    const before = this.log.length;
    const since = () => this.log.slice(before).split("\n").slice(0, -1).map((line) => JSON.parse(line));
    this.child.kill("SIGHUP");
    return eventually("the reload", since, (lines) => lines.some(({ event }) => ["reload", "reloaded"].includes(event)));
  }

  // SIGKILL.
  async kill() {
    this.child.kill("SIGKILL");
    const { signal } = await patiently("the end", this.ended);
    assert.equal(signal, "SIGKILL", `it had ended before:\n${this.log}`);
    assertDark(this.log);
  }

  // One request by Node's own client, over the transport that was chosen. `body`: text or bytes as they are, anything else as JSON.
  // `auth`: "name:secret", null for none.
  call(method, target, { auth = DEMO, headers = {}, body, agent = this.agent } = {}) {
    const all = { ...headers };
    if (auth !== null) all.Authorization ??= basic(auth);
    let payload;
    if (body !== undefined) {
      payload = typeof body === "string" || Buffer.isBuffer(body) ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
      if (!("Content-Type" in all)) all["Content-Type"] = "application/json";
      if (!("Transfer-Encoding" in all)) all["Content-Length"] = payload.length;
    }
    for (const name of Object.keys(all)) if (all[name] === undefined) delete all[name];
    const answer = ask(this, { method, target, headers: all, payload, agent });
    return patiently(`${method} ${target}`, answer).then(({ status, headers: fields, body: octets }) => {
      const text = octets.toString("utf8");
      return { status, headers: fields, text, bytes: octets, json: jsonOf(fields, text) };
    });
  }

  // What comes back for these bytes on a connection of their own, until the server closes it; with
  // `answers`, until that many final ones have come.
  async exchange(bytes, { answers = Infinity, halfClose = false } = {}) {
    const socket = socketOpen(this);
    const parts = [];
    const over = new Promise((resolve) => {
      socket.on("error", () => {});
      socket.on("close", () => resolve(true));
      socket.on("data", (part) => {
        parts.push(part);
        if (answers === Infinity) return;
        const final = answersOf(Buffer.concat(parts)).answers.filter(({ status }) => status >= 200);
        if (final.length >= answers) resolve(false);
      });
    });
    socket.write(bytes);
    if (halfClose) socket.end();
    const closed = await patiently("what comes back", over);
    socket.destroy();
    return { ...answersOf(Buffer.concat(parts)), closed };
  }

  create(body, options = {}) {
    return this.call("POST", "/webapi/verify", { body, ...options });
  }

  validate(id, body, options = {}) {
    return this.call("PUT", `/webapi/verify/${id}/validate`, { body, ...options });
  }

  // The newest message to this number; waits for one.
  async message(to, { since = "" } = {}) {
    const query = new URLSearchParams({ to, since, wait: "30" });
    const answer = await this.call("GET", `/inbox/api/latest?${query}`, { auth: this.inboxAuth });
    assert.equal(answer.status, 200, `no message came to ${to}`);
    return answer.json;
  }

  // Sends a code and waits for it: { id, to, code, text, from, answer }.
  async send(body = {}, options = {}) {
    const to = body.to ?? freshNumber();
    const before = await this.call("GET", `/inbox/api/latest?to=${encodeURIComponent(to)}`, { auth: this.inboxAuth });
    const answer = await this.create({ ...body, to }, options);
    assert.ok(answer.status === 202 || answer.status === 201, `${answer.status} ${answer.text}`);
    const message = await this.message(answer.json.phoneNumber, { since: before.json?.id });
    return { ...message, id: answer.json.requestId, to: answer.json.phoneNumber, answer };
  }
}

// Another code than this one, of the same length; `i` makes up to nine different ones.
export function wrong(code, i = 1) {
  return code.slice(0, -1) + String((Number(code.at(-1)) + i) % 10);
}

// ---- the log -------------------------------------------------------------------------------------

// Each line is JSON with its time, level and event, and no line holds six digits in a row, which
// every code and every number would be, or one of `secrets`.
export function assertDark(log, secrets = []) {
  for (const line of log.split("\n")) {
    if (!line) continue;
    let entry;
    try {
      entry = JSON.parse(line);
    } catch {
      assert.fail(`a line of the log is no JSON: ${line}`);
    }
    assert.match(entry.time, MOMENT, line);
    assert.ok(["error", "warning", "info"].includes(entry.level), line);
    assert.ok(entry.event, line);
    const { time, request, data, ...rest } = entry;
    assert.ok(request === undefined || request === "-" || UUID.test(request), line);
    const text = JSON.stringify(rest);
    assert.doesNotMatch(text, /\d{6}/, line);
    if (entry.number && entry.number !== "-") assert.match(entry.number, /^\+\d{0,3}\*+\d{2}$/, line);
    for (const secret of [...secrets, "demo-secret"]) assert.ok(!text.includes(secret), line);
  }
}
