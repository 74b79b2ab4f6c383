// SPDX-License-Identifier: Apache-2.0
// What the tests of the manage API share: tenants, clients and people of a server, and the shapes of
// its answers.
import assert from "node:assert/strict";
import { Server, UUID, folder, importRecords, numberAt, patiently } from "./harness.mjs";

export const UUID4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
export const SCOPES = ["manage.otp.send", "manage.otp.verify", "manage.user.read"];
export const SHOP = "shop:s3cret";
export const TIGHT = "tight:s3cret";
export const SECRETS = ["s3cret", "otherSecret"];
export const USERS = 400;

// Errors as the answer spells them.
export const ERRORS = {
  100001: [401, "NULL_CREDENTIALS", "Auth credentials are empty or null"],
  100003: [401, "WRONG_CREDENTIAL", "Authorization refused for provided credentials. Wrong username and password."],
  100004: [403, "REQUEST_NOT_AUTHORIZED", "Authentication passed but Authorization failed."],
  100006: [400, "INVALID_REQUEST_DATA", "Incorrect data sent in request"],
  100007: [500, "INTERNAL_SERVER_ERROR", "Internal Server Error"],
  160001: [400, "OTP_VALIDATION_FAILED", "The code could not be validated."],
  160002: [403, "TOO_MANY_REQUESTS", "Too many requests. Try again later."],
  160003: [405, "METHOD_NOT_ALLOWED", "This path takes POST only."],
  160004: [404, "NOT_FOUND", "There is no such path."],
};

// The i-th of the people whom every server here knows.
export const person = (i) => ({ userName: `user${i}`, phone: "+" + numberAt(i), i });
let taken = 0;
export const freshPerson = () => {
  assert.ok(taken < USERS, "too few people");
  return person(taken++);
};

export const client = (name, tenant, scopes = SCOPES, more = {}) => ({
  type: "client", name, tenant, secret: "s3cret", scopes, ...more,
});

export async function startServer(records = [], options = {}) {
  const data = options.data ?? folder();
  const people = [];
  for (let i = 0; i < USERS; i++)
    people.push({
      type: "user", tenant: "garage", id: `u${i}`, uuid: `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`,
      userName: `User${i}`, firstName: `First ${i}`, phone: "+" + numberAt(i), phoneVerified: i % 2 === 0,
    });
  await importRecords(data, [
    { type: "tenant", id: "garage" },
    { type: "tenant", id: "tight", settings: { limits: { enabled: true } } },
    { type: "tenant", id: "other" },
    client("shop", "garage"),
    client("sender", "garage", ["otp.send"]),
    client("verifier", "garage", ["otp.verify"]),
    client("reader", "garage", ["user.read"]),
    client("nothing", "garage", []),
    client("closed", "garage", SCOPES, { disabled: true }),
    client("tight", "tight"),
    client("other", "other", SCOPES, { secret: "otherSecret" }),
    ...people,
    ...records,
  ]);
  return Server.start({ ...options, data });
}

export const post = (server, name, body, { auth = SHOP, headers = {} } = {}) =>
  server.call("POST", `/manage/v2/user/${name}`, { auth, headers, body });
export const validate = (server, body, options) => post(server, "validate/otp", body, options);
export const sendOtp = (server, body, options) => post(server, "send/otp", body, options);

// Sends a code to somebody and waits for it.
export async function codeFor(server, who, options) {
  const before = await server.call("GET", `/inbox/api/latest?to=${encodeURIComponent(who.phone)}`, { auth: null });
  const answer = await sendOtp(server, { userName: who.userName }, options);
  assert.equal(answer.status, 200, answer.text);
  const message = await server.message(who.phone, { since: before.json?.id });
  return message.code;
}

// An answer that failed: its errors are exactly these numbers; `messages` what is added to each.
export function assertErrors(answer, codes, { messages = [], warnings = [] } = {}) {
  const [status] = ERRORS[codes[0]];
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers["content-type"], "application/json");
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.deepEqual(Object.keys(answer.json), ["errors", "warnings", "apiRequestId"]);
  assert.match(answer.json.apiRequestId, UUID4);
  assert.deepEqual(
    answer.json.errors,
    codes.map((code, i) => ({
      errorCode: code, errorTitle: ERRORS[code][1], errorMessage: ERRORS[code][2] + (messages[i] ? `: ${messages[i]}` : ""),
    })),
  );
  assert.deepEqual(answer.json.warnings, warnings);
  if (status === 401) assert.equal(answer.headers["www-authenticate"], 'Basic realm="manage", charset="UTF-8"');
  else assert.equal(answer.headers["www-authenticate"], undefined);
  return answer;
}

export const CLIENT_IP_WARNING = {
  warningCode: 160101, warningTitle: "INVALID_CLIENT_IP", warningMessage: "clientIp header ignored",
};

const MEMBERS = [
  "firstName", "lastName", "userName", "email", "phone", "textNumber", "nickName", "uuid", "passwordExpires",
  "forcePasswordChange", "latestInviteStatus", "latestInviteDate", "latestInviteUUID", "isValid", "lastLoginTimestamp",
  "userRolloutStage",
];

// A 200 of validate/otp: all members, in order, with the types that are published.
export function assertUser(answer, expected = {}, warnings = []) {
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers["content-type"], "application/json");
  assert.equal(answer.headers.vary, "Accept");
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.deepEqual(Object.keys(answer.json), ["errors", "warnings", "apiRequestId", "user"]);
  assert.deepEqual(answer.json.errors, []);
  assert.deepEqual(answer.json.warnings, warnings);
  assert.match(answer.json.apiRequestId, UUID4);
  const { user } = answer.json;
  assert.deepEqual(Object.keys(user), MEMBERS);
  for (const name of MEMBERS)
    assert.equal(typeof user[name], ["forcePasswordChange", "isValid"].includes(name) ? "boolean" : "string", name);
  assert.match(user.uuid, UUID);
  assert.equal(user.isValid, true);
  for (const [name, value] of Object.entries(expected)) assert.deepEqual(user[name], value, name);
  return user;
}

// Whether nothing came for somebody: a later message of somebody else's shows that it would have.
export async function assertNothingCame(server, phone, marker) {
  await codeFor(server, marker);
  const answer = await patiently("inbox", server.call("GET", `/inbox/api/messages?to=${encodeURIComponent(phone)}`, { auth: null }));
  assert.deepEqual(answer.json, []);
}
