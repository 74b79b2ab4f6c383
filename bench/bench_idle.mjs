// SPDX-License-Identifier: Apache-2.0
// What an idle connection costs the server: CONNECTIONS of each kind after one request each, from
// several loopback addresses; the server's resident memory for each, and a client's p99 beside them.
//
//   CONNECTIONS=10000 VERIFYD=build/verifyd node bench/bench_idle.mjs
import { readFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";
import { setTimeout as pause } from "node:timers/promises";
import { block, frame } from "../tests/e2e/floods.mjs";
import { Server } from "../tests/e2e/harness.mjs";
import { certificateMake, configurationLay } from "../tests/e2e/transport.mjs";

const CONNECTIONS = Number(process.env.CONNECTIONS ?? 10_000);
const AT_ONCE = 50;
const made = certificateMake("idle");
const file = configurationLay("idle.yaml", `tls: {certificate: "${made.certificate}", key: "${made.key}"}\n`);

const HTTP1 = Buffer.from("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
const fields = [[":method", "GET"], [":scheme", "http"], [":authority", "a"], [":path", "/healthz"]];
const HTTP2 = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4, 0, 0), frame(4, 1, 0), frame(1, 5, 1, block(fields))]);
const context = tls.createSecureContext({ ca: made.pem });

const memory = (server) => 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${server.child.pid}/status`, "utf8"))[1]);

function open(server, secure, http2, i) {
  const options = { host: "127.0.0.1", port: server.port, localAddress: `127.0.0.${2 + (i % 5)}`, noDelay: true };
  const socket = secure ? tls.connect({ ...options, secureContext: context, checkServerIdentity: () => undefined, ALPNProtocols: http2 ? ["h2"] : ["http/1.1"] }) : net.connect(options);
  const answered = new Promise((resolve, reject) => {
    const word = http2 ? "ok" : "\r\n\r\nok";
    let got = "";
    socket.on("error", reject);
    socket.on("data", (bytes) => (got += bytes.toString("latin1")).includes(word) && resolve(socket));
  });
  socket.write(http2 ? HTTP2 : HTTP1);
  return answered;
}

async function p99(server) {
  const times = [];
  for (let i = 0; i < 300; i++) {
    const began = performance.now();
    await server.call("GET", "/healthz", { auth: null });
    times.push(performance.now() - began);
    await pause(2);
  }
  return times.sort((a, b) => a - b)[296];
}

console.log(`\n${CONNECTIONS} idle connections   bytes each   p99 before   p99 beside them`);
for (const [name, secure, http2] of [["HTTP/1.1, clear", false, false], ["HTTP/2, clear", false, true], ["HTTP/1.1, TLS", true, false], ["HTTP/2, TLS", true, true]]) {
  const server = await Server.start({ args: ["-c", file], listen: `${secure ? "https" : "http"}://127.0.0.1:0`, ca: made.pem });
  const sockets = [];
  for (let i = 0; i < 200; i++) sockets.push(await open(server, secure, http2, i)); // what is made once
  const alone = await p99(server);
  const before = memory(server);
  while (sockets.length < CONNECTIONS + 200) {
    const some = Array.from({ length: AT_ONCE }, (_, i) => open(server, secure, http2, i));
    sockets.push(...(await Promise.all(some)));
  }
  const each = (memory(server) - before) / CONNECTIONS;
  const beside = await p99(server);
  console.log(`${name.padEnd(25)}${String(Math.round(each)).padStart(10)}   ${alone.toFixed(2).padStart(7)} ms   ${beside.toFixed(2).padStart(7)} ms`);
  for (const socket of sockets) socket.destroy();
  await server.kill();
}
process.exit(0);
