// SPDX-License-Identifier: Apache-2.0
// What the tests of the dotdigital contract share: who calls, and what answers look like.
import assert from "node:assert/strict";
import { MOMENT, Server, UUID, folder, importRecords } from "./harness.mjs";

export const UNAUTHORIZED = "No authorization header supplied or invalid username or password";
const BOTH = ["otp.send", "otp.verify"];

// One tenant a setting, each with a client of the same name whose secret is "secret".
const tenants = {
  plain: {},
  // what clients grown from two of the vendor's samples need
  created: { dotdigital: { create_status: 201 } },
  label: { dotdigital: { unverified_label: "CodeUnverified" } },
  nofrom: { dotdigital: { default_from: "" } },
  from: { dotdigital: { default_from: "ORCHARD" } },
  off: { dotdigital: { number_status: "Off" } },
  ttlmax: { dotdigital: { ttl_max: "1h" } },
  ttl: { code: { ttl: "3m" } },
  eight: { code: { length: 8 } },
  four: { dotdigital: { code: { length: 4 } } },
  upper: { code: { alphabet: "upper" } },
  two: { code: { attempts: 2 } },
  limited: { limits: { enabled: true } },
  window: { limits: { enabled: true, resend_delay: { first: "0s", growth: [] }, sends_per_number: ["2/10m"] } },
  guesses: { limits: { enabled: true, guesses_per_number: ["3/15m"] } },
  waits: { limits: { enabled: true, failure_waits: { after: 2, first: "20s" } } },
  closed: { dotdigital: { enabled: false } },
};

export const SECRETS = ["a:b :c d", " blanks ", "pässwörd ☎", "s3cret-of-app"];

const clients = [
  { name: "app", secret: "s3cret-of-app", scopes: BOTH },
  { name: "second", secret: "secret", scopes: BOTH },
  { name: "colons", secret: "a:b :c d", scopes: BOTH },
  { name: "blanks in name", secret: " blanks ", scopes: BOTH },
  { name: "zoë", secret: "pässwörd ☎", scopes: BOTH },
  { name: "sender", secret: "secret", scopes: ["otp.send"] },
  { name: "checker", secret: "secret", scopes: ["otp.verify"] },
  { name: "nothing", secret: "secret", scopes: [] },
  { name: "manage", secret: "secret", scopes: ["manage.otp.send", "manage.otp.verify"] },
  { name: "disabled", secret: "secret", scopes: BOTH, disabled: true },
  { name: "secretless", scopes: BOTH },
];

export const NUMBERS = {
  dead: "447700900990",
  landline: "447700900991",
  fixed: "447700900992",
  limited: "447700900993",
};

const records = [
  ...Object.entries(tenants).flatMap(([id, settings]) => [
    { type: "tenant", id, settings },
    { type: "client", tenant: id, name: id, secret: "secret", scopes: BOTH },
  ]),
  ...clients.map((client) => ({ type: "client", tenant: "plain", ...client })),
  { type: "number", tenant: "plain", phone: `+${NUMBERS.dead}`, state: "dead" },
  { type: "number", tenant: "plain", phone: `+${NUMBERS.landline}`, state: "landline" },
  { type: "number", tenant: "plain", phone: `+${NUMBERS.fixed}`, code: "271828" },
  { type: "number", tenant: "limited", phone: `+${NUMBERS.limited}`, code: "314159" },
];

// A server that knows them all, before it starts.
export async function startServer() {
  const data = folder();
  await importRecords(data, records);
  return Server.start({ data });
}

// ---- what answers look like ----------------------------------------------------------------------

const MEMBERS = ["requestId", "phoneNumber", "status", "numberStatus", "created"];

// The object of an accepted create, or of a check; `expected` names members that must be so.
export function assertVerifyCode(answer, status, expected = {}) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers["content-type"], "application/json; charset=utf-8");
  const members = "verified" in answer.json ? [...MEMBERS, "verified"] : MEMBERS;
  assert.deepEqual(Object.keys(answer.json), members);
  assert.ok(Object.values(answer.json).every((value) => typeof value === "string"));
  assert.match(answer.json.requestId, UUID);
  assert.match(answer.json.phoneNumber, /^[1-9]\d{6,14}$/);
  assert.match(answer.json.created, MOMENT);
  assert.equal("verified" in answer.json, answer.json.status === "CodeVerified");
  if (answer.json.verified) assert.match(answer.json.verified, MOMENT);
  for (const [name, value] of Object.entries(expected)) assert.equal(answer.json[name], value, name);
}

// An array of failures, in this order, each "property failureCode".
export function assertFailures(answer, expected) {
  assert.equal(answer.status, 400, answer.text);
  assert.equal(answer.headers["content-type"], "application/json; charset=utf-8");
  assert.ok(Array.isArray(answer.json));
  for (const item of answer.json) {
    assert.deepEqual(Object.keys(item), ["property", "failureCode", "details"]);
    assert.ok(item.details.length > 0);
  }
  assert.deepEqual(
    answer.json.map(({ property, failureCode }) => `${property} ${failureCode}`),
    expected,
  );
}

// Status and bare text.
export function assertText(answer, status) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers["content-type"], "text/plain; charset=utf-8");
  assert.ok(answer.text.length > 0);
}

export function assertUnauthorized(answer) {
  assertText(answer, 401);
  assert.equal(answer.text, UNAUTHORIZED);
  assert.equal(answer.headers["www-authenticate"], 'Basic realm="verify"');
}

export function assertGone(answer) {
  assert.equal(answer.status, 204, answer.text);
  assert.equal(answer.headers["content-type"], undefined);
  assert.equal(answer.text, "");
}

export function assertThrottled(answer, property, most) {
  assertFailures(answer, [`${property} Throttled`]);
  assert.match(answer.headers["retry-after"], /^[1-9]\d*$/);
  assert.ok(Number(answer.headers["retry-after"]) <= most, answer.headers["retry-after"]);
}
