// SPDX-License-Identifier: Apache-2.0
// Looks for many secrets, in all the spellings they may be kept in, through any amount of bytes.
//
//   const hunt = new Hunt();
//   hunt.add("code", "K7PQ2M4X9Z");              as it is, base64, hexadecimal, UTF-16
//   hunt.search("the log", bytes);               [{ kind, spelling, place, at }], and counted
//
// Every spelling is at least WINDOW bytes long; a table of bits says of each WINDOW bytes whether a
// spelling may begin so, which all but some bytes in a thousand answer at once. So the price is per
// byte searched, and hardly depends on how many secrets there are.
import assert from "node:assert/strict";
import { closeSync, openSync, readSync } from "node:fs";

const WINDOW = 8;
const TABLE_BITS = 24;
const PIECE = 1 << 24; // bytes of a file looked at together
const SPELLING_MAX = 512; // bytes: pieces overlap by so many

function slot(bytes, at) {
  const low = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  const high = bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16) | (bytes[at + 7] << 24);
  return (Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b)) >>> (32 - TABLE_BITS);
}

// What base64 makes of `bytes` whatever stands before and after them: which of its symbols depend on
// them alone, for each of the three ways they may fall into groups of three.
function base64Spellings(bytes) {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes, Buffer.alloc(2)]).toString("base64");
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
}

function spellings(bytes) {
  const text = bytes.toString("latin1");
  const swapped = Buffer.from(text, "utf16le").swap16();
  const all = [
    ["as it is", bytes],
    ["hexadecimal", Buffer.from(bytes.toString("hex"))],
    ["HEXADECIMAL", Buffer.from(bytes.toString("hex").toUpperCase())],
    ["UTF-16LE", Buffer.from(text, "utf16le")],
    ["UTF-16BE", swapped],
  ];
  for (const made of base64Spellings(bytes)) {
    all.push(["base64", Buffer.from(made)]);
    const url = made.replaceAll("+", "-").replaceAll("/", "_");
    if (url !== made) all.push(["base64url", Buffer.from(url)]);
  }
  return all;
}

export class Hunt {
  #bits = new Uint8Array(1 << (TABLE_BITS - 3));
  #buckets = new Map(); // slot -> [{ kind, spelling, bytes }]
  hits = [];
  searched = new Map(); // place -> bytes

  // A secret: text or bytes, of at least WINDOW bytes. `kind` is what a hit is reported as.
  add(kind, secret) {
    for (const [spelling, bytes] of spellings(Buffer.from(secret))) {
      assert.ok(bytes.length >= WINDOW && bytes.length <= SPELLING_MAX, `${kind}: ${spelling} of ${bytes.length} bytes`);
      const at = slot(bytes, 0);
      this.#bits[at >> 3] |= 1 << (at & 7);
      if (!this.#buckets.has(at)) this.#buckets.set(at, []);
      this.#buckets.get(at).push({ kind, spelling, bytes });
    }
  }

  // What is found in `bytes`, which is remembered in `hits` too. `kinds`: only these.
  search(place, bytes, kinds = null) {
    const buffer = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
    const found = [];
    this.searched.set(place, (this.searched.get(place) ?? 0) + buffer.length);
    for (let at = 0; at + WINDOW <= buffer.length; at++) {
      const which = slot(buffer, at);
      if (!(this.#bits[which >> 3] & (1 << (which & 7)))) continue;
      for (const { kind, spelling, bytes: wanted } of this.#buckets.get(which))
        if ((!kinds || kinds.includes(kind)) && buffer.compare(wanted, 0, wanted.length, at, Math.min(at + wanted.length, buffer.length)) === 0)
          found.push({ kind, spelling, place, at });
    }
    this.hits.push(...found);
    return found;
  }

  // A file of any size, piece by piece.
  searchFile(place, file, kinds = null) {
    const found = [];
    const seen = new Set();
    const piece = Buffer.allocUnsafe(PIECE + SPELLING_MAX);
    const fd = openSync(file, "r");
    try {
      for (let at = 0, got; (got = readSync(fd, piece, 0, piece.length, at)) > 0; at += PIECE)
        for (const hit of this.search(place, piece.subarray(0, got), kinds)) {
          hit.at += at;
          const key = `${hit.at} ${hit.kind} ${hit.spelling}`;
          if (!seen.has(key)) found.push(hit);
          seen.add(key);
        }
    } finally {
      closeSync(fd);
    }
    return found;
  }
}
