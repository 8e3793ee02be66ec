// The detail of one incident. A refresh changes only the parts that differ, so that nothing that an operator is typing
// is ever wiped.

import { showAges } from "./clock.js";

const DEADLINE_MS = 4000; // a kept connection may have died unseen: give it up soon and ask again by another
const RETRY_MS = 1000;

const WITH_FORMS = ["steps", "notes", "messages"];
const drafts = new Map(); // articles left with text in them, by incident; in memory alone

const box = document.getElementById("detail");
let chosen = null;
let wanted = 0; // counts requests: an answer that was overtaken is dropped
let asking = false;
let parts = new Map(); // the server's text of each part as last shown
let told = { shown: () => {}, failed: () => {}, signedOut: () => {}, locked: () => {} };

/** `shown(article)` after each change, `failed(boolean)`, `signedOut()`, `locked()`: of the screen. */
export function listen(listener) {
  told = { ...told, ...listener };
}

/** The id of the incident that is shown, or null. */
export function current() {
  return chosen;
}

export async function open(id) {
  chosen = id;
  await refresh();
}

/** Read the shown incident again. */
export async function refresh() {
  const id = chosen;
  if (id === null) return;
  const mine = ++wanted;
  try {
    const answer = await fetch(`/incidents/${id}`, { cache: "no-store", signal: AbortSignal.timeout(DEADLINE_MS) });
    if (answer.status === 401) return told.signedOut();
    if (answer.status === 423) return told.locked();
    if (!answer.ok && answer.status !== 404) throw new Error(`HTTP ${answer.status}`);
    const html = await answer.text();
    if (mine === wanted) show(html);
    told.failed(false);
  } catch (error) {
    console.warn("the incident could not be read:", error);
    told.failed(true);
    if (mine === wanted) setTimeout(() => mine === wanted && refresh(), RETRY_MS);
  }
}

/** Read again who was told, while an outcome is awaited: that makes no entry in the journal. */
export async function refreshCalls() {
  const id = chosen;
  if (id === null || asking || !box.querySelector('[data-part="calls"][data-waiting]')) return;
  asking = true;
  const before = wanted;
  try {
    const answer = await fetch(`/incidents/${id}/calls`, { cache: "no-store", signal: AbortSignal.timeout(DEADLINE_MS) });
    if (answer.status === 401) return told.signedOut();
    if (answer.status === 423) return told.locked();
    if (!answer.ok) return;
    const template = document.createElement("template");
    template.innerHTML = await answer.text();
    if (before !== wanted) return;
    for (const part of [...template.content.querySelectorAll("[data-part]")]) {
      const name = part.dataset.part;
      const words = part.outerHTML;
      if (parts.get(name) === words) continue;
      replace(box.querySelector("article"), template.content, name, false);
      parts.set(name, words);
    }
    showAges(box);
  } catch (error) {
    console.warn("who was told could not be read:", error); // the next beat asks again
  } finally {
    asking = false;
  }
}

/** Show the server's detail; `own`: it is the answer to a step that this operator has just done. */
export function show(html, { own = false } = {}) {
  wanted += 1; // whatever is under way is older than this
  const template = document.createElement("template");
  template.innerHTML = html;
  const next = template.content.firstElementChild;
  const shown = box.querySelector("article");
  if (!next?.dataset.id) {
    box.replaceChildren(template.content);
    parts = new Map();
    return;
  }
  chosen = Number(next.dataset.id);
  const texts = new Map([...next.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part.outerHTML]));
  if (shown?.dataset.id !== next.dataset.id) {
    if (shown && isTyped(shown)) drafts.set(shown.dataset.id, shown);
    box.replaceChildren(next);
    box.scrollTop = 0;
    goOnWriting(next); // first: htmx reads the addresses of forms once
    prepare(box);
  } else {
    if (own) document.getElementById("message").replaceChildren();
    for (const [name, text] of texts) {
      if (parts.get(name) !== text || (own && WITH_FORMS.includes(name))) replace(shown, next, name, own);
    }
  }
  parts = texts;
  showAges(box);
  told.shown(next);
}

/** Whether there is text that was written and not sent. */
function isTyped(article) {
  return [...article.querySelectorAll("form:not([data-sent]) :is(textarea, input:not([type=radio], [type=checkbox], [type=hidden]))")].some((field) => field.value.trim());
}

/** What was written before another incident was looked at. */
function goOnWriting(article) {
  const draft = drafts.get(article.dataset.id);
  if (!draft) return;
  drafts.delete(article.dataset.id);
  for (const name of WITH_FORMS) {
    const [before, after] = [draft, article].map((each) => each.querySelector(`[data-part="${name}"]`));
    if (before && after) keepTyped(before, after, false);
  }
}

function replace(shown, next, name, own) {
  const before = shown.querySelector(`[data-part="${name}"]`);
  const after = next.querySelector(`[data-part="${name}"]`);
  if (name === "steps") {
    const message = document.getElementById("message");
    // What was refused because of another operator's step stays until it is dealt with: it holds what was written.
    const stays = message.querySelector(".overtaken");
    if (before.dataset.signature !== after.dataset.signature && !stays) message.replaceChildren();
  }
  keepTyped(before, after, own);
  const focused = before.contains(document.activeElement) ? document.activeElement : null;
  const selector = focused && handle(focused);
  before.replaceWith(after);
  prepare(after);
  if (focused) (after.querySelector(selector) ?? after.querySelector("button, input, summary") ?? box).focus({ preventScroll: true });
}

function handle(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (element.hasAttribute("href")) return `[href="${CSS.escape(element.getAttribute("href"))}"]`;
  if (element.dataset.step) return `[data-step="${element.dataset.step}"]`;
  if (element.name) return `[name="${element.name}"]${["radio", "checkbox"].includes(element.type) ? `[value="${CSS.escape(element.value)}"]` : ""}`;
  return element.tagName.toLowerCase();
}

/** What was typed goes on, with what its form had shown: the gateway is to say who was faster, not to overwrite it. */
function keepTyped(before, after, own) {
  for (const field of before.querySelectorAll("input:not([type=hidden]), textarea, select")) {
    const twin = after.querySelector(handle(field));
    const form = field.form;
    if (!twin || (own && form?.dataset.sent)) continue; // what was sent is no draft any more
    const ticked = field.type === "checkbox";
    const typed = field.type === "radio" ? field.checked : ticked ? field.checked !== field.defaultChecked : field.value;
    if (!typed) continue;
    if (field.type === "radio" || ticked) twin.checked = field.checked;
    else twin.value = field.value;
    if (form?.dataset.sent) twin.form.dataset.sent = form.dataset.sent;
    const fold = twin.closest("details");
    if (fold) fold.open = true;
    if (!own && stepOf(form) === stepOf(twin.form)) twin.form.setAttribute("hx-post", form.getAttribute("hx-post"));
  }
  for (const fold of before.querySelectorAll("details[data-keep]")) {
    const twin = after.querySelector(`details[data-keep="${fold.dataset.keep}"]`);
    if (twin && fold.open) twin.open = true;
  }
}

/** Which step a form is for: its address without what the page had shown. */
export function stepOf(form) {
  return form.getAttribute("hx-post").split("?")[0];
}

function prepare(root) {
  window.htmx.process(root);
}

/** A problem above the operator's buttons. */
export function problem(words) {
  const place = document.getElementById("message");
  if (!place) return;
  const line = document.createElement("p");
  line.className = "problem";
  line.textContent = words;
  place.replaceChildren(line);
}
