// SPDX-License-Identifier: Apache-2.0
// Runs the dashboard's script beside a page of the test's own, and prints what the page shows: the text of its status,
// and of each section, tag by tag, after each time that the form is sent. Reads a JSON object from standard input:
// `answers` (for each time: path to status and body; the body null: it is no JSON), `token`, `days`.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

class Node {
  constructor(name) {
    Object.assign(this, { name, attributes: {}, children: [], listeners: {}, value: "" });
    const classes = this.classes = new Set();
    this.classList = { toggle: (name, on) => on ? classes.add(name) : classes.delete(name) };
  }
  setAttribute(name, value) { this.attributes[name] = String(value); }
  append(...children) { this.children.push(...children); }
  replaceChildren(...children) { this.children = children; }
  addEventListener(name, listener) { this.listeners[name] = listener; }
  set textContent(text) { this.children = [text]; }
}

const told = JSON.parse(readFileSync(0, "utf8"));
const ids = Object.fromEntries(["entry", "token", "days", "show", "status", "topics"].map((id) => [id, new Node(id)]));
const calls = [];
let answers = {};

globalThis.document = {
  createElement: (name) => new Node(name),
  createElementNS: (_, name) => new Node(name),
  getElementById: (id) => ids[id],
};
globalThis.fetch = async (path, options) => {
  calls.push({ path, authorization: options.headers.Authorization });
  const { status, body } = answers[path.split("?")[0]];
  return { ok: status === 200, status, json: async () => body === null ? JSON.parse("<") : body };
};

await import(pathToFileURL(process.argv[2]));
ids.token.value = told.token;
ids.days.value = told.days;

const shown = (node) => typeof node === "object"
  ? { name: node.name, attributes: node.attributes, children: node.children.map(shown) } : String(node);

for (answers of told.answers) {
  let prevented = false;
  const asked = ids.entry.listeners.submit({ preventDefault: () => { prevented = true; } });
  const busy = ids.show.disabled;
  await asked;
  console.log(JSON.stringify({
    prevented, busy, ready: !ids.show.disabled, calls: calls.splice(0), status: ids.status.children.join(""),
    failed: ids.status.classes.has("failed"), topics: ids.topics.children.map(shown),
  }));
}
