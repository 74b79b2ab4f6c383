// SPDX-License-Identifier: Apache-2.0
// What is wrong with a data folder is told, with the file and what to do, and nothing is repaired
// silently: exit codes and messages as one table at the end. And a disk that fills up under a running
// server, and is emptied again.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, openSync, closeSync, readFileSync, readdirSync, rmSync, statSync, truncateSync,
  unlinkSync, writeFileSync, writeSync,
} from "node:fs";
import path from "node:path";
import { after, before, describe } from "node:test";
import { PROGRAM, ROOT, Server, clockPasses, eventually, folder, importRecords, numberAt, run, sql, test, verifyd, wrong } from "./harness.mjs";

const NOBODY = 65534;
const PAGE = 4096;
const isRoot = process.getuid() === 0;
const RECORDS = [
  { type: "tenant", id: "shop" },
  { type: "client", name: "app", tenant: "shop", secret: "open sesame", scopes: ["otp.send", "otp.verify"] },
];

const MANY = Array.from({ length: 500 }, (_, i) => JSON.stringify({ type: "tenant", id: `t${i}`, name: "x".repeat(900) })).join("\n");

const table = []; // [what is wrong, command, exit code, message]
after(() => {
  console.log("# what is wrong | command | exit | message");
  for (const row of table) console.log(`# ${row.join(" | ")}`);
});

// ---- folders -------------------------------------------------------------------------------------

const database = (data) => path.join(data, "verifyd.db");
const log = (data) => `${database(data)}-wal`;
const key = (data) => path.join(data, "secret.key");

// A folder with records and nobody in it.
async function filled() {
  const data = folder();
  await importRecords(data, RECORDS);
  return data;
}

// The same as a killed server leaves it: what it did is in the log alone.
async function crashed() {
  const server = await Server.start({ data: await filled() });
  for (let i = 0; i < 20; i++) await server.create({ to: numberAt(i) });
  await server.kill();
  return server.data;
}

function overwrite(file, at, octets) {
  const fd = openSync(file, "r+");
  writeSync(fd, octets, 0, octets.length, at);
  closeSync(fd);
}

// What stands in a folder, but for what readers make: an index that they share, an empty log.
function contents(data) {
  if (!existsSync(data) || !statSync(data).isDirectory()) return "";
  const files = readdirSync(data).filter((name) => !/^lock$|-shm$/.test(name) && statSync(path.join(data, name)).size).sort();
  return files.map((name) => `${name} ${createHash("sha256").update(readFileSync(path.join(data, name))).digest("hex")}`).join("\n");
}

// ---- the table -----------------------------------------------------------------------------------

const COMMANDS = {
  serve: (data) => ["serve", "--dev", "--listen", "127.0.0.1:0", "--data", data],
  import: (data) => ["import", "--dev", "--data", data],
  backup: (data) => ["backup", "--dev", "--data", data, path.join(path.dirname(data), "copy")],
  migrate: (data) => ["migrate", "--dev", "--data", data],
};
const ALL = Object.keys(COMMANDS);
const WRITERS = ["serve", "import", "migrate"];

// A program that anybody may run: the build may stand where nobody else may look.
function publicProgram(data) {
  const copy = path.join(path.dirname(data), "verifyd");
  chmodSync(path.dirname(data), 0o755);
  copyFileSync(PROGRAM, copy);
  chmodSync(copy, 0o755);
  return copy;
}

// Each of `commands` on `data` ends with 1, its message fits, and nothing was changed.
async function refused(what, data, message, { commands = ALL, asNobody = false } = {}) {
  const was = contents(data);
  const program = asNobody && isRoot ? publicProgram(data) : PROGRAM;
  const user = asNobody && isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  for (const command of commands) {
    const { code, stderr } = await run(program, COMMANDS[command](data), { input: "", ...user });
    const told = stderr.trimEnd().split("\n");
    const text = command === "serve" ? (JSON.parse(told[0]).failed ?? told[0]) : told[0].replace(`verifyd ${command}: `, "");
    const short = text.replaceAll(path.dirname(data) + "/", "");
    table.push([what, command, code, short]);
    assert.equal(code, 1, `${command}: ${stderr}`);
    assert.match(short, message, command);
    assert.equal(contents(data), was, `${command} changed something`);
  }
}

describe("what is wrong with a data folder is told: exit 1, nothing changed", () => {
  test("a file in its place", async () => {
    const data = folder();
    writeFileSync(data, "");
    await refused("a file in the folder's place", data, /^var: is not a folder; name one with --data$|^var\/verifyd\.db: Not a directory/);
  });
  test("no parent", async () => {
    await refused("no folder above it", path.join(folder(), "var"), /^var: No such file or directory|^var\/verifyd\.db: No such file/);
  });
  test("no store to copy", async () => {
    const data = folder();
    mkdirSync(data);
    await refused("no store", data, /^var\/verifyd\.db: No such file or directory; --data names the folder/, { commands: ["backup"] });
  });

  test("a read-only folder", async () => {
    const data = await filled();
    if (isRoot) for (const name of readdirSync(data)) chownSync(path.join(data, name), NOBODY, NOBODY);
    if (isRoot) chownSync(data, NOBODY, NOBODY);
    chmodSync(data, 0o500);
    await refused("read-only folder", data, /^var\/(lock|verifyd\.db).*(Permission denied|read-?only|unable to open).*look at (its|the directory's|the folder's) owner/, { asNobody: true, commands: WRITERS });
    chmodSync(data, 0o700);
  });
  test("a read-only database", async (t) => {
    if (!isRoot) return t.skip("only root gives files away");
    const data = await filled();
    chownSync(key(data), NOBODY, NOBODY);
    chownSync(data, NOBODY, NOBODY);
    chmodSync(database(data), 0o644);
    await refused("database of another user, may be read", data, /^var\/verifyd\.db: may not be written; look at its owner and mode$/, { asNobody: true, commands: WRITERS });
    chmodSync(database(data), 0o600);
    await refused("database of another user", data, /^var\/verifyd\.db: unable to open database file: Permission denied; look at its owner/, { asNobody: true });
  });
  test("a folder of another user", async (t) => {
    if (!isRoot) return t.skip("only root gives files away");
    const data = await filled();
    await refused("folder of another user", data, /^var.*Permission denied/, { asNobody: true });
  });
  test("a key of another user", async (t) => {
    if (!isRoot) return t.skip("only root gives files away");
    const data = await filled();
    chownSync(key(data), NOBODY, NOBODY);
    await refused("key of another user", data, /^var\/secret\.key: belongs to the user \w+: run verifyd as that user, as with sudo -u/, { commands: WRITERS });
  });
  test("a key that others may read", async () => {
    const data = await filled();
    chmodSync(key(data), 0o640);
    await refused("key that others may read", data, /^var\/secret\.key: others may read it; chmod 600/, { commands: WRITERS });
  });
  test("a key that is gone", async () => {
    const data = await filled();
    unlinkSync(key(data));
    await refused("key gone", data, /^var\/secret\.key: is missing beside verifyd\.db, which needs it: put it back/, { commands: WRITERS });
  });
  test("a damaged key", async () => {
    const data = await filled();
    truncateSync(key(data), 40);
    await refused("key cut", data, /^var\/secret\.key: is not a key/, { commands: WRITERS });
  });

  test("a newer schema", async () => {
    const data = await filled();
    await run("sqlite3", [database(data), "PRAGMA user_version = 999"]);
    await refused("newer schema", data, /^var\/verifyd\.db: has schema 999, this program knows schemas up to \d+; run the newer program/);
  });
  test("an older schema is brought up to this program's", async () => {
    const data = await filled();
    const first = readFileSync(path.join(ROOT, "src/store/schema/sqlite-001.sql"), "utf8");
    for (const command of ["migrate", "serve", "import"]) {
      rmSync(database(data));
      const about = "PRAGMA user_version = 1; PRAGMA application_id = 0x76667964; INSERT INTO tenant VALUES ('old', 1, 'Old', NULL);";
      assert.equal((await run("sqlite3", [database(data)], { input: first + about })).code, 0);
      if (command === "serve") {
        await (await Server.start({ data })).stop();
      } else {
        const { code, stdout, stderr } = await verifyd(COMMANDS[command](data), { input: "" });
        assert.equal(code, 0, stderr);
        table.push(["older schema", command, code, stdout.trim()]);
        if (command === "migrate") assert.match(stdout, /^schema 1, brought to \d+\n$/);
      }
      assert.deepEqual(await sql(data, "SELECT name FROM tenant WHERE id = 'old'"), [{ name: "Old" }]);
      assert.match((await verifyd(COMMANDS.migrate(data))).stdout, /^schema \d+, as this program wants it\n$/);
    }
  });
  test("another program's database", async () => {
    const data = await filled();
    rmSync(database(data));
    await run("sqlite3", [database(data), "CREATE TABLE theirs (a)"]);
    await refused("another program's database", data, /^var\/verifyd\.db: a database of another program; move it away/);
  });
  test("no database at all", async () => {
    const data = await filled();
    writeFileSync(database(data), "x".repeat(3 * PAGE));
    await refused("garbage", data, /^var\/verifyd\.db: not a database; move it away or restore a backup/);
  });

  test("a damaged page, whichever it is", async () => {
    const data = await filled();
    const whole = readFileSync(database(data));
    for (let page = 1; page < whole.length / PAGE; page++) {
      writeFileSync(database(data), whole);
      overwrite(database(data), page * PAGE, Buffer.alloc(PAGE, 0xa5));
      await refused("damaged page", data, /^var\/verifyd\.db: damaged \(.*\); nothing was changed: restore a backup, keep this file/, { commands: ["serve"] });
      if (page > 1) table.pop();
    }
  });
  test("a cut file", async () => {
    const data = await filled();
    truncateSync(database(data), 5 * PAGE);
    await refused("cut file", data, /^var\/verifyd\.db: damaged \(.*\); nothing was changed: restore a backup/);
    truncateSync(database(data), 50);
    await refused("cut within its header", data, /^var\/verifyd\.db: (not a database|damaged)/);
    truncateSync(database(data), 0);
    await refused("cut to nothing", data, /^var\/verifyd\.db: has nothing in it; nothing was changed: restore a backup/);
  });
  test("a log without its database", async () => {
    const data = await crashed();
    unlinkSync(database(data));
    await refused("database gone, log there", data, /^var\/(verifyd\.db-wal: its database is gone; nothing was changed: put verifyd\.db back|secret)/, { commands: WRITERS });
  });
  test("a database cut to nothing beside its log", async () => {
    const data = await crashed();
    truncateSync(database(data), 0);
    await refused("cut to nothing, log there", data, /^var\/verifyd\.db: has nothing in it; nothing was changed/);
  });
  test("a damaged log", async () => {
    const data = await crashed();
    const whole = readFileSync(log(data));
    overwrite(log(data), 32 + 24 + 100, Buffer.from("damage"));
    await refused("damaged log", data, /^var\/verifyd\.db-wal: damaged at octet 32, and what was committed after it cannot be read; nothing was changed: restore a backup/);
    writeFileSync(log(data), whole);
    overwrite(log(data), 8, Buffer.from("damage"));
    await refused("damaged head of the log", data, /^var\/verifyd\.db-wal: damaged at octet 0,/);
    // A cut one is what a power cut leaves: the server starts with what was whole.
    writeFileSync(log(data), whole.subarray(0, whole.length - 100));
    const server = await Server.start({ data });
    const [{ n }] = await sql(data, "SELECT count(*) AS n FROM verification");
    assert.ok(n >= 19, `${n}`);
    await server.stop();
  });
  test("a second server", async () => {
    const server = await Server.start();
    await refused("a second server", server.data, /^var\/lock: another server uses this data directory; end it, or give this one its own/, { commands: ["serve"] });
    await server.stop();
  });
});

// ---- damage in a large file ----------------------------------------------------------------------

// Read through at each start it would keep an operator waiting; so what is damaged is told when it
// is read, and by a backup, which reads everything.
describe("a damaged page of a large file", () => {
  test("starts, answers 503 and says why; a backup refuses it", async () => {
    const data = await filled();
    const rows = `CREATE TABLE padding AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
      SELECT randomblob(3500) FROM n`;
    assert.equal((await run("sqlite3", [database(data), rows])).code, 0);
    assert.ok(statSync(database(data)).size > 32 << 20);
    const [{ rootpage }] = await sql(data, "SELECT rootpage FROM sqlite_schema WHERE name = 'budget'");
    overwrite(database(data), (rootpage - 1) * PAGE, Buffer.alloc(PAGE, 0xa5));
    await refused("damaged page, large file", data, /^var\/verifyd\.db: damaged/, { commands: ["backup"] });
    const server = await Server.start({ data });
    const { status, text } = await server.create({ to: numberAt(0) });
    assert.equal(status, 503, text);
    await eventually("the log says so", () => server.log, (lines) => /"event":"store","why":"[^"]*verifyd\.db: damaged \(/.test(lines));
    table.push(["damaged page, large file", "serve", "503", /"why":"([^"]*verifyd\.db: damaged[^"]*)"/.exec(server.log)[1].replaceAll(path.dirname(data) + "/", "")]);
    await server.stop();
  });
});

// ---- a full disk ---------------------------------------------------------------------------------

const mounted = [];
// Before the harness removes the folder.
process.prependListener("exit", () => {
  for (const at of mounted) execFileSync("umount", ["-l", at]);
});

// A small file system of its own, or null where that is not allowed.
function smallDisk(size) {
  const at = path.dirname(folder());
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", at], { stdio: "ignore" });
  } catch {
    return null;
  }
  mounted.push(at);
  return at;
}

// Takes what room there is, and can give it back.
let ballasts = 0;
function ballast(at) {
  const file = path.join(at, `ballast ${ballasts++}`);
  const fd = openSync(file, "w");
  try {
    for (let size = 1 << 20; size >= 512; size /= 2)
      try {
        for (;;) writeSync(fd, Buffer.alloc(size));
      } catch (error) {
        if (error.code !== "ENOSPC") throw error;
      }
  } finally {
    closeSync(fd);
  }
  return () => unlinkSync(file);
}

function cpuTicks(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").replace(/^.*\) /, "").split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

describe("a full disk", () => {
  let at;
  before(() => (at = smallDisk("16m")));

  test("before the first start", async (t) => {
    if (!at) return t.skip("no file system may be mounted here");
    const data = path.join(at, "var");
    const empty = ballast(at);
    for (const command of ["serve", "import"]) {
      const { code, stderr } = await verifyd(COMMANDS[command](data), { input: "" });
      assert.equal(code, 1);
      table.push(["full disk, first start", command, code, stderr.trim().split("\n")[0].replaceAll(at + "/", "").slice(0, 200)]);
      assert.match(stderr, /var.*(No space left on device|the disk is full)/);
      rmSync(data, { recursive: true, force: true });
    }
    empty();
  });

  test("under a running server, and room again", async (t) => {
    if (!at) return t.skip("no file system may be mounted here");
    const data = path.join(at, "var");
    const server = await Server.start({ data });
    const known = await server.send({ to: numberAt(50) });
    const top = [ballast(at)];

    // The log has room of its own for a while, and is cut when there is none.
    let begun = Date.now();
    let made = 0;
    let refusedAfter;
    for (let inRow = 0; inRow < 50; ) {
      const { status } = await server.create({ to: numberAt(made % 1000) });
      refusedAfter ??= status === 503 ? Date.now() - begun : undefined;
      inRow = status === 503 ? inRow + 1 : 0;
      if (status === 503) top.push(ballast(at));
      else assert.equal(status, 202);
      made += status === 202;
      assert.ok(made < 50_000, "it never filled up");
    }
    const ready = async () => (({ status, text }) => [status, text])(await server.call("GET", "/readyz", { auth: null }));
    assert.deepEqual(await ready(), [503, "store unreachable\n"]);
    assert.deepEqual(await sql(data, "SELECT count(*) AS n FROM verification"), [{ n: made + 1 }]);

    // Nothing is approved that is not on disk; a guess may find room that a start does not.
    const ticks = cpuTicks(server.child.pid);
    const answers = [];
    for (const code of [wrong(known.code), known.code]) {
      const { status, json } = await server.validate(known.id, { code });
      answers.push(json?.status ?? status);
    }
    assert.ok([503, "CodeNotVerified"].includes(answers[0]) && [503, "CodeVerified"].includes(answers[1]), answers.join());
    await clockPasses(Date.now() + 1000);
    const cpu = (cpuTicks(server.child.pid) - ticks) / 100;
    assert.ok(cpu < 0.5, `${cpu} s of CPU in a second of nothing`);
    assert.equal((await server.call("GET", "/healthz", { auth: null })).status, 200);

    // The other commands say so too.
    for (const command of ["import", "backup"]) {
      const args = command === "backup" ? ["backup", "--dev", "--data", data, path.join(at, "copy")] : COMMANDS[command](data);
      const { code, stderr } = await verifyd(args, { input: MANY });
      assert.equal(code, 1, stderr);
      table.push(["full disk, beside a server", command, code, stderr.trim().split("\n").at(-1).replaceAll(at + "/", "")]);
      assert.match(stderr, /the disk is full; make room and try again/);
      assert.ok(!existsSync(path.join(at, "copy")));
    }
    assert.match(server.log, /"event":"store","why":"[^"]*verifyd\.db: the disk is full; make room/);
    table.push(["full disk, running", "serve", "503", /"why":"([^"]*the disk is full[^"]*)"/.exec(server.log)[1].replaceAll(at + "/", "")]);

    for (const empty of top.reverse()) empty();
    begun = Date.now();
    await eventually("it goes on", () => server.create({ to: numberAt(60) }).then(({ status }) => status), (status) => status === 202);
    assert.deepEqual(await ready(), [200, "ok"]);
    const backAfter = Date.now() - begun;
    assert.match(server.log, /"event":"store","back":/);
    if (answers[1] === 503) {
      const { status, json } = await server.validate(known.id, { code: known.code });
      assert.deepEqual([status, json.status], [200, "CodeVerified"]);
    }
    assert.equal((await server.validate(known.id, { code: known.code })).status, 204);
    t.diagnostic(`guesses on a full disk: ${answers.join()}; first 503 ${refusedAfter} ms (${made} creates) after the disk was full; ${cpu} s of CPU in the second after; 202 again ${backAfter} ms after there was room`);
    await server.stop();
    assert.deepEqual(await sql(data, "PRAGMA integrity_check"), [{ integrity_check: "ok" }]);
  });

  test("before a further start", async (t) => {
    if (!at) return t.skip("no file system may be mounted here");
    const data = path.join(at, "var");
    // What the question to the database left, which would be room enough to start.
    for (const name of ["-shm", "-wal"]) rmSync(database(data) + name, { force: true });
    const empty = ballast(at);
    const { code, stderr } = await verifyd(COMMANDS.serve(data));
    table.push(["full disk, further start", "serve", code, stderr.trim().split("\n")[0].replaceAll(at + "/", "").slice(0, 200)]);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /verifyd\.db.*(disk is full|No space left on device)/);
    empty();
    await (await Server.start({ data })).stop();
  });
});
