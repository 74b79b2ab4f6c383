// SPDX-License-Identifier: Apache-2.0
// One tenant's credentials against everything that is another's: nothing is seen, nothing changes.
// Both have clients, users, numbers and codes of the same names and ids.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { Server, folder, importRecords, sql, test, wrong } from "./harness.mjs";

const SECRETS = ["s3cretA", "s3cretB"];
const A = "a:s3cretA", B = "b:s3cretB";
const UUID = (n) => `00000000-0000-4000-8000-00000000000${n}`;
const TABLES = ["tenant", "client", "user", "key", "session", "system", "line", "verification", "failures"];
let server, theirs;

const person = (tenant, id, n, phone) => ({ type: "user", tenant, id, uuid: UUID(n), userName: id, firstName: `${id} of ${tenant}`, phone });

before(async () => {
  const data = folder();
  await importRecords(data, [
    { type: "tenant", id: "ta" }, { type: "tenant", id: "tb" },
    { type: "client", tenant: "ta", name: "a", secret: "s3cretA", scopes: ["otp.send", "otp.verify", "user.read", "user.write"] },
    { type: "client", tenant: "tb", name: "b", secret: "s3cretB", scopes: ["otp.send", "otp.verify", "user.read", "user.write"] },
    // Of the same id and name, of the same number, and one whom only B has.
    person("ta", "ada", 1, "+12015550101"), person("tb", "ada", 1, "+12015550102"),
    person("ta", "bob", 2, "+12015550103"), person("tb", "eve", 3, "+12015550103"),
    person("tb", "zoe", 4, "+12015550104"),
  ]);
  server = await Server.start({ data });
  theirs = { request: await server.send({ to: "12015550105" }, { auth: B }) };
  for (const [name, phone] of [["ada", "+12015550102"], ["eve", "+12015550103"], ["zoe", "+12015550104"]]) {
    const answer = await server.call("POST", "/manage/v2/user/send/otp", { auth: B, body: { userName: name } });
    assert.equal(answer.status, 200);
    theirs[name] = (await server.message(phone)).code;
  }
});
after(() => server.stop(SECRETS));

// Everything that tenant B has, as it stands in the store.
async function rowsOfB() {
  const rows = {};
  for (const table of TABLES) {
    const column = table === "tenant" ? "id" : "tenant";
    rows[table] = await sql(server.data, `SELECT * FROM ${table} WHERE ${column} = 'tb' ORDER BY 1, 2`);
  }
  return rows;
}
const validate = (body, auth = A) => server.call("POST", "/manage/v2/user/validate/otp", { auth, body });

describe("another tenant's", () => {
  const attempts = {
    "request id, right code": () => server.validate(theirs.request.id, { code: theirs.request.code }, { auth: A }),
    "request id, wrong code": () => server.validate(theirs.request.id, { code: wrong(theirs.request.code) }, { auth: A }),
    "user of a name that we have too": () => validate({ userName: "ada", otp: theirs.ada }),
    "user by name": () => validate({ userName: "eve", otp: theirs.eve }),
    "user by number": () => validate({ phoneNumber: "+12015550104", otp: theirs.zoe }),
    "user by a number that one of ours has": () => validate({ phoneNumber: "+12015550103", otp: theirs.eve }),
    "user by both": () => validate({ userName: "zoe", phoneNumber: "+12015550104", otp: theirs.zoe }),
    "user, a send": () => server.call("POST", "/manage/v2/user/send/otp", { auth: A, body: { userName: "zoe" } }),
    "user, a send by number": () => server.call("POST", "/manage/v2/user/send/otp", { auth: A, body: { phoneNumber: "+12015550104" } }),
    "users' stages": () => server.call("POST", "/manage/v2/user/list/rolloutStage", { auth: A, body: { rolloutStage: "moved", userUuids: [UUID(3), UUID(4)] } }),
    "client's name with our secret": () => server.create({ to: "12015550106" }, { auth: "b:s3cretA" }),
  };
  for (const [name, attempt] of Object.entries(attempts))
    test(name, async () => {
      const before = await rowsOfB();
      const messages = (await server.call("GET", "/inbox/api/messages", { auth: null })).json.length;
      const answer = await attempt();
      // Neither a name, nor a number, nor a state of theirs is in the answer.
      assert.doesNotMatch(answer.text, / of tb|CodeVerified|CodeLocked|5550102|moved/);
      assert.ok(answer.status !== 200 || /apiRequestId/.test(answer.text), answer.text);
      assert.deepEqual(await rowsOfB(), before);
      assert.equal((await server.call("GET", "/inbox/api/messages", { auth: null })).json.length, messages);
    });

  test("and what it was is still good for whose it is", async () => {
    assert.equal((await server.validate(theirs.request.id, { code: theirs.request.code }, { auth: B })).json.status, "CodeVerified");
    for (const [name, first] of [["ada", "ada of tb"], ["eve", "eve of tb"], ["zoe", "zoe of tb"]])
      assert.equal((await validate({ userName: name, otp: theirs[name] }, B)).json.user.firstName, first);
  });
});
