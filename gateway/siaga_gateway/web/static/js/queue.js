// The queue of cards: reads changed cards from the gateway and puts each where it belongs.

import { showAges } from "./clock.js";

const PAUSE_MS = 120; // between two readings while a burst lasts; the first one is immediate
const AT_ONCE = 100;
const RETRY_MS = 1000;
const CLOSED_SHOWN = 20;
const DEADLINE_MS = 4000; // a kept connection may have died unseen: give it up soon and ask again by another

const groups = Object.fromEntries(["unseen", "active", "closed"].map((name) => [name, document.getElementById(`group-${name}`)]));
const changed = new Set();
let everything = false;
let reading = false;
let timer = null;
let told = { cards: () => {}, failed: () => {}, signedOut: () => {}, locked: () => {}, resynced: () => {} };

/** `cards(elements, fresh)` after each change, `failed(boolean)`, `signedOut()`, `locked()`: of the screen, `resynced(lastId)`. */
export function listen(listener) {
  told = { ...told, ...listener };
}

export function cards() {
  return [...document.querySelectorAll("#queue .card-place")];
}

export function card(id) {
  return document.getElementById(`incident-${id}`);
}

export function unseen() {
  return groups.unseen.querySelectorAll(".card-place").length;
}

/** These incidents changed: read them again soon. */
export function touch(ids) {
  for (const id of ids) changed.add(id);
  plan(0);
}

/** Read the whole queue again. */
export function resync() {
  everything = true;
  plan(0);
}

function plan(pause) {
  if (!reading && timer === null) timer = setTimeout(read, pause);
}

async function read() {
  timer = null;
  const all = everything;
  const ids = all ? [] : [...changed].slice(0, AT_ONCE);
  if (!all && !ids.length) return;
  reading = true;
  everything = false;
  if (all) changed.clear();
  for (const id of ids) changed.delete(id);
  let pause = PAUSE_MS;
  try {
    const answer = await fetch(all ? "/incidents" : `/incidents?ids=${ids.join(",")}`, {
      cache: "no-store", signal: AbortSignal.timeout(DEADLINE_MS),
    });
    if (answer.status === 401) return told.signedOut();
    if (answer.status === 423) return told.locked();
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    apply(await answer.text(), all);
    told.failed(false);
  } catch (error) {
    console.warn("the queue could not be read:", error);
    if (all) everything = true;
    for (const id of ids) changed.add(id);
    pause = RETRY_MS;
    told.failed(true);
  } finally {
    reading = false;
  }
  if (everything || changed.size) plan(pause);
}

function apply(html, all) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const box = template.content.firstElementChild;
  const fresh = [];
  const incoming = [...box.children];
  for (const element of incoming) {
    const before = card(element.dataset.id);
    if (!before && element.dataset.group === "unseen") fresh.push(element);
    place(element, before);
  }
  if (all) {
    const there = new Set(incoming.map((element) => element.id));
    for (const element of cards()) if (!there.has(element.id)) element.remove();
  }
  while (groups.closed.children.length > CLOSED_SHOWN) groups.closed.lastElementChild.remove();
  told.cards(incoming, fresh);
  if (all) told.resynced(box.dataset.last === "" ? null : Number(box.dataset.last));
}

function place(element, before) {
  showAges(element);
  const held = before?.contains(document.activeElement);
  if (before) carry(before, element);
  const current = before?.querySelector(".card").getAttribute("aria-current");
  if (current) element.querySelector(".card").setAttribute("aria-current", current);
  const group = groups[element.dataset.group];
  if (before?.closest("[id^='group-']") === group && before.dataset.rank === element.dataset.rank) {
    if (!before.isEqualNode(element)) before.replaceWith(element);
    else return;
  } else {
    before?.remove();
    insert(group, element);
  }
  if (held) element.querySelector(".card").focus({ preventScroll: true });
}

/** What this page has set on a card stays until it is set anew. */
function carry(before, element) {
  element.hidden = before.hidden;
  const [sign, next] = [before, element].map((each) => each.querySelector(".unread"));
  if (sign && next) next.hidden = sign.hidden;
}

// By bisection: a queue of a thousand must not be walked for every card of a burst.
export function insert(group, element) {
  const others = group.children;
  let low = 0;
  let high = others.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (others[middle].dataset.rank < element.dataset.rank) low = middle + 1;
    else high = middle;
  }
  group.insertBefore(element, others[low] ?? null);
}
