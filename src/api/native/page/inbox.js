// SPDX-License-Identifier: Apache-2.0
"use strict";
// The inbox page: shows messages as they come. One question to the server is always open, for what
// came after the newest message shown. What others wrote is only ever set as text.

const SHOWN_MAX = 500; // as many as the server keeps
const WAIT_S = 30;
const PAUSE_MS = 1000; // between two tries when the server is gone, doubled up to:
const PAUSE_MAX_MS = 8000;
const COPIED_MS = 1500;

const at = (id) => document.getElementById(id);
const list = at("messages");
const filter = at("filter");
const messages = new WeakMap(); // of the list's elements
let newest = ""; // its id
let unseen = 0; // came while the page was hidden
let listed = false; // the first answer has come

// ---- a message -------------------------------------------------------------------------------------

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

// The text with each occurrence of the code marked.
function fillText(paragraph, { text, code }) {
  const pieces = code ? text.split(code) : [text];
  pieces.forEach((piece, i) => {
    if (i > 0) paragraph.append(element("mark", code));
    paragraph.append(piece);
  });
  for (const mark of paragraph.querySelectorAll("mark")) mark.title = "Copy";
}

// What stands in the text for programs: the last line that a browser reads, and the line by which
// an Android app is found.
function machineLines({ text, code }) {
  const facts = [];
  const lines = text.split("\n");
  const web = /^@(\S+) #(\S+)( [@%]\S+)?$/.exec(lines.at(-1));
  if (web && web[2] === code) facts.push([`WebOTP for ${web[1]}`]);
  else if (web) facts.push(["WebOTP line with another code", true]);
  if (lines.some((line) => /^[A-Za-z0-9+/]{11}$/.test(line))) {
    const octets = new TextEncoder().encode(text).length;
    facts.push([`SMS Retriever, ${octets} of 140 octets`, octets > 140]);
  }
  return facts;
}

function fillFacts(facts, message) {
  const { alphabet, units, units_max, parts, outsider } = message.sms;
  const add = (text, warns) => facts.appendChild(element("li", text, warns ? "warn" : ""));
  const name = add(alphabet);
  if (outsider) name.append(" because of ", element("bdi", visible(outsider)));
  add(`${units} of ${units_max} ${outsider ? "units" : "septets"}`);
  add(parts === 1 ? "1 part" : `${parts} parts`, parts > 1);
  for (const [text, warns] of machineLines(message)) add(text, warns);
}

// A character that cannot be seen by its number.
function visible(character) {
  const number = character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  return /^[\p{L}\p{N}\p{P}\p{S}]$/u.test(character) ? character : `U+${number}`;
}

function fillTime(time, iso) {
  const date = new Date(iso);
  const today = date.toDateString() === new Date().toDateString();
  time.textContent = date.toLocaleString(undefined, { dateStyle: today ? undefined : "medium", timeStyle: "medium" });
  time.dateTime = time.title = iso;
}

function itemOf(message) {
  const item = at("message").content.firstElementChild.cloneNode(true);
  const find = (selector) => item.querySelector(selector);
  find(".to bdi").textContent = message.to;
  find(".from bdi").textContent = message.from;
  find(".from").hidden = !message.from;
  fillTime(find("time"), message.at);
  fillText(find(".text"), message);
  fillFacts(find(".facts"), message);
  find(".copy bdi").textContent = message.code;
  find(".copy").hidden = !message.code;
  messages.set(item, message);
  return item;
}

// ---- the list --------------------------------------------------------------------------------------

// A filter of digits and what people put between them is a number; anything else is words.
function matches({ to, from, text }) {
  const wanted = filter.value.trim();
  if (/^[\d\s()+./-]*$/.test(wanted)) return to.includes(wanted.replace(/\D/g, ""));
  return `${from}\n${text}`.toLowerCase().includes(wanted.toLowerCase());
}

const shown = () => [...list.children].filter((item) => !item.hidden);
const focused = () => document.activeElement.closest(".message");

// One message at a time, with its buttons, is where Tab goes.
function makeCurrent(item) {
  for (const other of list.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
  for (const part of item ? [item, ...item.querySelectorAll("button")] : []) part.tabIndex = 0;
}

function refresh() {
  for (const item of list.children) item.hidden = !matches(messages.get(item));
  const visibles = shown();
  const all = list.children.length;
  at("empty").hidden = !listed || all > 0;
  at("unmatched").hidden = !all || visibles.length > 0;
  at("unmatched-of").textContent = all === 1 ? "1 message" : `${all} messages`;
  at("clear").disabled = !all;
  if (!focused()) makeCurrent(visibles[0]);
  document.title = `${unseen ? `(${unseen}) ` : ""}Inbox · verifyd`;
}

function show(arrived) {
  for (const message of arrived) {
    const item = itemOf(message);
    item.classList.toggle("fresh", listed);
    list.prepend(item);
    newest = message.id;
  }
  while (list.children.length > SHOWN_MAX) list.lastElementChild.remove();
  if (listed && document.hidden) unseen += arrived.length;
  if (listed && arrived.length) {
    const { to, code } = arrived.at(-1);
    say(`New message to ${to}` + (code ? `, code ${[...code].join(" ")}` : ""));
  }
  listed = true;
  refresh();
}

function setFilter(value) {
  filter.value = value;
  const address = new URL(location);
  if (value) address.searchParams.set("to", value);
  else address.searchParams.delete("to");
  history.replaceState(null, "", address);
  refresh();
}

// ---- the server ------------------------------------------------------------------------------------

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function setState(state, text) {
  at("state").dataset.state = state;
  at("state").textContent = text;
}

async function ask(method, query = "") {
  const answer = await fetch(`/inbox/api/messages${query}`, { method });
  if (!answer.ok) throw new Error((await answer.text()).trim() || String(answer.status));
  return method === "GET" ? answer.json() : undefined;
}

async function listen() {
  for (let wait = 0, delay = PAUSE_MS; ; ) {
    try {
      const arrived = await ask("GET", `?sms=1&since=${newest}&wait=${wait}`);
      setState("live", "Live");
      show(arrived.reverse());
      wait = WAIT_S;
      delay = PAUSE_MS;
    } catch (error) {
      const gone = error instanceof TypeError; // what fetch says when nobody answered
      setState("lost", gone ? "The server does not answer, trying again" : error.message);
      wait = 0; // so that one sees at once when it is back
      await pause(delay);
      delay = Math.min(2 * delay, PAUSE_MAX_MS);
    }
  }
}

async function clearAll() {
  at("sure").close();
  try {
    await ask("DELETE");
    list.replaceChildren();
    unseen = 0;
    say("The inbox is empty");
    refresh();
  } catch (error) {
    setState("lost", `Not cleared: ${error.message}`);
  }
}

// ---- copying ---------------------------------------------------------------------------------------

// To those who listen and do not look.
function say(text) {
  at("said").textContent = text;
}

// Without the permission, or on an address that is not trustworthy, there is the older way.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.body.appendChild(element("textarea", text, "unseen"));
    const before = document.activeElement;
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    before.focus({ preventScroll: true });
    return copied;
  }
}

async function copyFrom(button, label, text) {
  const copied = await copy(text);
  say(copied ? `Copied ${[...text].join(" ")}` : "Copying is not allowed here");
  label.textContent = copied ? "Copied" : "Not allowed";
  clearTimeout(button.timer);
  button.timer = setTimeout(() => (label.textContent = "Copy"), COPIED_MS);
}

function copyCode(item) {
  const message = item && messages.get(item);
  if (!message?.code) return;
  const button = item.querySelector(".copy");
  copyFrom(button, button.querySelector("span"), message.code);
}

// ---- hands -----------------------------------------------------------------------------------------

function move(step) {
  const items = shown();
  const next = items[focused() ? items.indexOf(focused()) + step : 0];
  if (!next) return;
  makeCurrent(next);
  next.focus();
}

function showAll() {
  setFilter("");
  if (document.activeElement === filter) filter.blur();
}

const keys = {
  j: () => move(1),
  ArrowDown: () => move(1),
  k: () => move(-1),
  ArrowUp: () => move(-1),
  c: () => copyCode(focused() ?? shown()[0]),
  Enter: () => copyCode(focused()),
  "/": () => filter.select(),
  Escape: showAll,
};

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || at("sure").open) return;
  if (target === filter && !["Escape", "ArrowDown"].includes(key)) return;
  if (key === "Enter" && target.matches("button, a")) return; // what it presses
  if (!Object.hasOwn(keys, key)) return;
  event.preventDefault();
  keys[key]();
});

list.addEventListener("click", ({ target }) => {
  const item = target.closest(".message");
  if (target.closest("mark, .copy")) copyCode(item);
  else if (target.closest(".to")) setFilter(messages.get(item).to);
});
list.addEventListener("focusin", ({ target }) => makeCurrent(target.closest(".message")));
filter.addEventListener("input", () => setFilter(filter.value));
at("show-all").addEventListener("click", showAll);
at("clear").addEventListener("click", () => at("sure").showModal());
at("sure-no").addEventListener("click", () => at("sure").close());
at("sure-yes").addEventListener("click", clearAll);
at("copy-command").addEventListener("click", ({ currentTarget }) => copyFrom(currentTarget, currentTarget, at("command").textContent));
document.addEventListener("visibilitychange", () => {
  unseen = 0;
  refresh();
});

at("command").textContent =
  `curl -u demo:demo-secret -H 'Content-Type: application/json' \\\n  -d '{"to":"447700900123"}' ${location.origin}/webapi/verify`;
filter.value = new URLSearchParams(location.search).get("to") ?? "";
listen();
