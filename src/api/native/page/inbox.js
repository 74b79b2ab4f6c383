// SPDX-License-Identifier: Apache-2.0
"use strict";
// Shows messages as they come: one question to the server is always open, for what came after the
// newest one shown. Text is only ever set as text.

const list = document.getElementById("messages");
const empty = document.getElementById("empty");
const state = document.getElementById("state");
const SHOWN_MAX = 500;
let newest = "";

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// The text with each occurrence of the code marked.
function textOf(message) {
  const text = element("p", "text");
  const parts = message.code ? message.text.split(message.code) : [message.text];
  parts.forEach((part, i) => {
    if (i > 0) text.append(element("mark", "", message.code));
    text.append(part);
  });
  return text;
}

function show(message) {
  const item = element("li");
  const about = element("div", "about");
  about.append(element("span", "", "to " + message.to + " from " + message.from));
  const at = element("time", "", new Date(message.at).toLocaleTimeString());
  at.dateTime = message.at;
  about.append(at);
  item.append(about, textOf(message));
  list.prepend(item);
  while (list.children.length > SHOWN_MAX) list.lastChild.remove();
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function listen() {
  for (;;) {
    try {
      const query = new URLSearchParams({ since: newest, wait: newest ? "30" : "0" });
      const answer = await fetch("/inbox/api/messages?" + query);
      if (!answer.ok) throw new Error(String(answer.status));
      const messages = await answer.json();
      state.textContent = "";
      for (const message of messages.reverse()) {
        show(message);
        newest = message.id;
      }
      empty.hidden = list.children.length > 0;
      if (!newest) newest = "0";
    } catch (error) {
      state.textContent = "The server does not answer; trying again.";
      await pause(1000);
    }
  }
}

listen();
