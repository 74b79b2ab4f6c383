// SPDX-License-Identifier: Apache-2.0
// Whether the time of an answer of the manage API tells who exists: calls about known and unknown
// people, one after the other on one connection, limits on. Prints medians and their ratio.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";

const PEOPLE = Number(process.env.PEOPLE ?? 5000); // each is asked about twice a row of the table
const folder = mkdtempSync(path.join(os.tmpdir(), "verifyd-bench-"));
const program = process.env.VERIFYD;
const number = (i) => `+1${201 + Math.floor(i / 100)}55501${String(i % 100).padStart(2, "0")}`;

const records = [
  { type: "tenant", id: "t", settings: { limits: { enabled: true, calls_per_client: ["60000/1s"] } } },
  { type: "client", tenant: "t", name: "c", secret: "s3cret", scopes: ["otp.send", "otp.verify"] },
  ...Array.from({ length: PEOPLE }, (_, i) => ({ type: "user", tenant: "t", id: `u${i}`, userName: `known${i}`, phone: number(i) })),
];
const imported = spawn(program, ["import", "--dev", "--data", folder, "-"], { stdio: ["pipe", "inherit", "inherit"] });
imported.stdin.end(records.map((record) => JSON.stringify(record) + "\n").join(""));
if ((await once(imported, "close"))[0] !== 0) process.exit(1);

const server = spawn(program, ["serve", "--dev", "--listen", "127.0.0.1:0", "--data", folder], { stdio: ["ignore", "pipe", "ignore"] });
let out = "";
server.stdout.setEncoding("utf8");
while (!/listening on .*:(\d+)/.test(out)) out += (await once(server.stdout, "data"))[0];
const socket = net.connect({ host: "127.0.0.1", port: Number(/listening on .*:(\d+)/.exec(out)[1]), noDelay: true });
await once(socket, "connect");

// One request, its status and how long it took, in microseconds.
let bytes = "", told;
socket.setEncoding("latin1");
socket.on("data", (part) => {
  bytes += part;
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return;
  const length = Number(/content-length: (\d+)/i.exec(bytes.slice(0, end))[1]);
  if (bytes.length < end + 4 + length) return;
  const status = Number(bytes.slice(9, 12));
  bytes = bytes.slice(end + 4 + length);
  told(status);
});
const authorization = "Basic " + Buffer.from("c:s3cret").toString("base64");
async function call(name, body) {
  const text = JSON.stringify(body);
  const answer = new Promise((resolve) => (told = resolve));
  const begun = process.hrtime.bigint();
  socket.write(`POST /manage/v2/user/${name} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
  const status = await answer;
  return [status, Number(process.hrtime.bigint() - begun) / 1000];
}

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
async function row(what, name, body, expected, rounds) {
  const times = { known: [], unknown: [] };
  for (let round = 0; round < rounds; round++)
    for (let i = 0; i < PEOPLE; i++)
      // Which comes first changes, so that neither profits.
      for (const kind of (i + round) % 2 ? ["known", "unknown"] : ["unknown", "known"]) {
        const [status, us] = await call(name, { userName: `${kind}${i}`, ...body });
        if (status !== expected) throw new Error(`${what}: ${status} for ${kind}`);
        times[kind].push(us);
      }
  const [known, unknown] = [median(times.known), median(times.unknown)];
  const calls = times.known.length + times.unknown.length;
  console.log(`uniform ${what}: ${calls} calls, median known ${known.toFixed(1)} us, unknown ${unknown.toFixed(1)} us, ratio ${(known / unknown).toFixed(3)}`);
}

await call("send/otp", { userName: "warm" });
await row("validate, no code sent", "validate/otp", { otp: "000000" }, 400, 2);
await row("send", "send/otp", {}, 200, 1);
await row("validate, wrong code", "validate/otp", { otp: "0000" }, 400, 2);
socket.destroy();
server.kill("SIGTERM");
await once(server, "close");
rmSync(folder, { recursive: true, force: true });
