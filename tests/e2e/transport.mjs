// SPDX-License-Identifier: Apache-2.0
// What the tests reach a server by, chosen by one switch: VERIFYD_TRANSPORT is
//
//   http1   HTTP/1.1 in clear, unless something else is said
//   h2c     HTTP/2 in clear, with prior knowledge
//   tls1    HTTP/1.1 over TLS
//   tls2    HTTP/2 over TLS, by ALPN
//
// What a test writes as octets of HTTP/1.1 itself stays that, over TLS where there is TLS: every
// port speaks both. A test file that says "Over every transport" at its head is run over all four.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import tls from "node:tls";

export const TRANSPORT = process.env.VERIFYD_TRANSPORT ?? "http1";
assert.ok(["http1", "h2c", "tls1", "tls2"].includes(TRANSPORT), `no transport ${TRANSPORT}`);
const SECURE = TRANSPORT.startsWith("tls");
const HTTP2 = TRANSPORT === "h2c" || TRANSPORT === "tls2";

// ---- certificates --------------------------------------------------------------------------------

let place; // of the certificates
process.on("exit", () => place && rmSync(place, { recursive: true, force: true }));

// A certificate that signs itself, for 127.0.0.1 and these names: { certificate, key } are paths,
// `pem` the certificate's text.
export function certificateMake(name, names = ["localhost"], { algorithm = "ec" } = {}) {
  place ??= mkdtempSync(path.join(os.tmpdir(), "verifyd certificates "));
  const made = { certificate: path.join(place, `${name}.pem`), key: path.join(place, `${name}.key`) };
  const alt = ["IP:127.0.0.1", ...names.map((each) => `DNS:${each}`)].join(",");
  const kind = algorithm === "ec" ? ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"] : ["-newkey", "rsa:2048"];
  execFileSync(
    "openssl",
    ["req", "-x509", ...kind, "-nodes", "-days", "2", "-subj", `/CN=${name}`, "-addext", `subjectAltName=${alt}`,
      "-keyout", made.key, "-out", made.certificate],
    { stdio: "pipe" },
  );
  chmodSync(made.key, 0o600);
  made.pem = readFileSync(made.certificate, "utf8");
  return made;
}

// Lays a configuration beside the certificates; its path.
export function configurationLay(name, text) {
  place ??= mkdtempSync(path.join(os.tmpdir(), "verifyd certificates "));
  const file = path.join(place, name);
  writeFileSync(file, text);
  return file;
}

let common; // the certificate of every server that says nothing else

// What `serve` is told for this transport, unless a test has a configuration of its own.
export function transportFlags() {
  if (!SECURE) return [];
  common ??= certificateMake("common");
  const lines = `tls: {certificate: "${common.certificate}", key: "${common.key}"}\n`;
  return ["-c", configurationLay("transport.yaml", lines)];
}

// ---- connections ---------------------------------------------------------------------------------

const secureOptions = (server) => ({ ca: server.ca ?? common?.pem });

// For octets of HTTP/1.1.
export function socketOpen(server) {
  const options = { host: "127.0.0.1", port: server.port, noDelay: true };
  return server.secure ? tls.connect({ ...options, ...secureOptions(server) }) : net.connect(options);
}
export const socketReady = (server) => (server.secure ? "secureConnect" : "connect");

export function agentNew(server) {
  return server.secure ? new https.Agent({ keepAlive: true, ...secureOptions(server) }) : new http.Agent({ keepAlive: true });
}

// ---- requests ------------------------------------------------------------------------------------

const UNKNOWN_TO_HTTP2 = ["connection", "keep-alive", "transfer-encoding"];

function sessionOf(server, fresh) {
  if (!fresh && server.session && !server.session.closed && !server.session.destroyed) return server.session;
  const session = http2.connect(`${server.secure ? "https" : "http"}://${server.address}`, secureOptions(server));
  session.on("error", () => {}); // its requests say it
  session.on("goaway", () => session.close());
  session.unref();
  if (!fresh) server.session = session;
  return session;
}

function http2Ask(server, { method, target, headers, payload, agent }) {
  const session = sessionOf(server, agent === false);
  const fields = { ":method": method, ":path": target };
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (!UNKNOWN_TO_HTTP2.includes(lower)) fields[lower === "host" ? ":authority" : lower] = value;
  }
  return new Promise((resolve, reject) => {
    const stream = session.request(fields, { endStream: payload === undefined });
    const parts = [];
    let answer;
    stream.on("response", (got) => {
      const { ":status": status, ...rest } = got;
      answer = { status, headers: rest };
    });
    stream.on("data", (part) => parts.push(part));
    stream.on("error", reject);
    stream.on("end", () => answer && resolve({ ...answer, body: Buffer.concat(parts) }));
    stream.on("close", () => {
      if (agent === false) session.close();
      reject(new Error("the stream was lost"));
    });
    session.on("close", () => reject(new Error("the connection was lost")));
    if (payload !== undefined) stream.end(payload);
  });
}

function http1Ask(server, { method, target, headers, payload, agent }) {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: server.port, method, path: target, headers, agent };
    const maker = server.secure ? https : http;
    const request = maker.request(server.secure ? { ...options, ...secureOptions(server) } : options, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }));
    });
    request.on("error", reject);
    request.end(payload);
  });
}

// One request: { status, headers, body }. `agent`: false for a connection of its own.
export const ask = (server, request) => (HTTP2 ? http2Ask(server, request) : http1Ask(server, request));
