// Major incidents: a head above the calls of each, and the steps that are taken for several of them at once. New calls
// stay where they stand, on top; only those under way are gathered below their head.

import * as queue from "./queue.js";
import { text } from "./settings.js";

const AT_ONCE = 100; // as many calls as the gateway takes in one request
const DEADLINE_MS = 20000;

const template = document.getElementById("major-head");
const lists = { unseen: document.getElementById("group-unseen"), active: document.getElementById("group-active") };
const folded = new Set(); // numbers of major incidents whose calls under way are hidden
let signedOut = () => {};

export function start(onSignedOut) {
  signedOut = onSignedOut;
  document.addEventListener("focusin", ({ target }) => {
    if (target.id === "major") offerCalls();
  });
  regroup();
}

/** Put heads where they belong, after cards have changed. */
export function regroup() {
  const majors = found();
  const focused = document.activeElement;
  for (const head of document.querySelectorAll("#queue .major-group")) {
    const calls = majors.get(head.dataset.number);
    for (const card of head.querySelectorAll(".card-place")) {
      if (!calls || card.dataset.major !== head.dataset.number) queue.insert(lists.active, card);
    }
    if (!calls?.[head.dataset.list].length) head.remove();
  }
  for (const [number, calls] of majors) {
    for (const list of ["unseen", "active"]) if (calls[list].length) show(number, list, calls);
  }
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
}

/** The open calls of each major incident that has several, by its number. */
function found() {
  const majors = new Map();
  for (const card of document.querySelectorAll("#group-unseen [data-major], #group-active [data-major]")) {
    const number = card.dataset.major;
    if (!majors.has(number)) majors.set(number, { unseen: [], active: [] });
    majors.get(number)[card.dataset.group].push(card);
  }
  for (const [number, { unseen, active }] of majors) if (unseen.length + active.length < 2) majors.delete(number);
  return majors;
}

/** Below the field for a number: the open calls, by their titles. */
function offerCalls() {
  const options = document.querySelectorAll("#group-unseen .card-place, #group-active .card-place");
  document.getElementById("open-calls").replaceChildren(...[...options].map((card) => new Option(title(card), card.dataset.id)));
}

function title(card) {
  const [name, near] = [".title", ".label"].map((part) => card.querySelector(part)?.textContent);
  return [card.dataset.id, name, near].filter(Boolean).join(" · ");
}

function show(number, list, calls) {
  const rank = calls[list].map((card) => card.dataset.rank).reduce((one, other) => (other < one ? other : one));
  const head = document.getElementById(`major-${list}-${number}`) ?? made(number, list);
  if (head.dataset.rank !== rank || !head.isConnected) {
    head.remove();
    head.dataset.rank = rank;
    queue.insert(lists[list], head);
  }
  if (list === "active") {
    const members = head.querySelector(".members");
    for (const card of calls.active) if (card.parentElement !== members) queue.insert(members, card);
  }
  fill(head, number, list, calls);
}

function made(number, list) {
  const head = template.content.firstElementChild.cloneNode(true);
  head.id = `major-${list}-${number}`;
  Object.assign(head.dataset, { number, list });
  const [seen, form, close, fold, members] = [".major-seen", ".major-assign", ".major-close", ".major-fold", ".members"].map((name) => head.querySelector(name));
  if (list === "unseen") {
    for (const part of [form, close, fold, members]) part?.remove();
    seen?.addEventListener("click", () => step(head, "seen", calls(head, () => true)));
    return head;
  }
  members.id = `members-${number}`;
  fold.setAttribute("aria-controls", members.id);
  fold.addEventListener("click", () => {
    if (!folded.delete(number)) folded.add(number);
    regroup();
  });
  if (!seen) return head; // whoever only reads has the calls together, and no step
  seen.remove();
  form.action = `/majors/${number}/assign`;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    step(head, "assign", calls(head, waits), new FormData(form), () => form.reset());
  });
  close.addEventListener("toggle", () => {
    close.querySelector(".picks").replaceChildren();
    if (close.open) regroup();
  });
  close.addEventListener("change", () => count(close));
  close.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.target;
    const shown = picked(close).slice(0, AT_ONCE).map((tick) => tick.value);
    step(head, "close", shown, new FormData(form), () => { close.open = false; form.reset(); });
  });
  return head;
}

function fill(head, number, list, { unseen, active }) {
  const all = [...unseen, ...active];
  const levels = all.filter((card) => card.dataset.level).map((card) => Number(card.dataset.level));
  const near = all.map((card) => card.dataset.near).find(Boolean);
  const facts = [
    unseen.length ? text("major_new", { n: unseen.length }) : "",
    levels.length ? text("major_level", { level: Math.max(...levels) }) : "",
    near ?? "",
  ];
  say(head.querySelector(".major-title"), text("major", { number, n: all.length }));
  say(head.querySelector(".major-facts"), facts.filter(Boolean).join(" · "));
  if (list === "unseen") {
    const seen = head.querySelector(".major-seen");
    if (seen) say(seen, text("major_seen", { n: Math.min(AT_ONCE, unseen.length) }));
    return;
  }
  const fold = head.querySelector(".major-fold");
  const hidden = folded.has(number);
  head.classList.toggle("folded", hidden);
  fold.setAttribute("aria-expanded", String(!hidden));
  say(fold, text(hidden ? "major_show" : "major_hide", { n: active.length }));
  const form = head.querySelector(".major-assign");
  if (!form) return;
  const waiting = active.filter(waits).length;
  form.hidden = !waiting;
  say(head.querySelector(".major-assign button"), text("major_assign", { n: Math.min(AT_ONCE, waiting) }));
  const close = head.querySelector(".major-close");
  say(close.querySelector("summary"), text("major_close_open"));
  if (close.open) listCalls(close, all);
}

/** All calls, to be ticked for closing: at first all that may be; later what was ticked and has not changed since. */
function listCalls(close, all) {
  const picks = close.querySelector(".picks");
  const first = !picks.children.length;
  const before = new Map([...picks.children].map((pick) => [pick.dataset.id, pick]));
  picks.replaceChildren(...all.map((card) => pick(card, before.get(card.dataset.id), first)));
  count(close);
}

function pick(card, known, first) {
  const item = known ?? document.createElement("li");
  if (!known) {
    item.dataset.id = card.dataset.id;
    item.innerHTML = '<label class="choice"><input type="checkbox"> <span><span></span> <small></small></span></label>';
    item.querySelector("input").checked = first;
  }
  const [tick, name, why] = ["input", "span span", "small"].map((part) => item.querySelector(part));
  const doubt = card.dataset.doubt ?? "";
  const changed = Boolean(known) && tick.value !== card.dataset.shown && tick.checked;
  if (doubt || changed) tick.checked = false;
  tick.disabled = Boolean(doubt);
  tick.value = card.dataset.shown;
  say(name, title(card));
  if (doubt || changed || tick.checked) say(why, doubt || (changed ? text("major_changed") : ""));
  return item;
}

function picked(close) {
  return [...close.querySelectorAll(".picks input:checked")];
}

function count(close) {
  const ticks = [...close.querySelectorAll(".picks input")];
  const n = Math.min(AT_ONCE, picked(close).length);
  say(close.querySelector(".major-picked"), text("major_picked", { n: ticks.filter((tick) => !tick.disabled).length, all: ticks.length }));
  const button = close.querySelector("form > button");
  say(button, text("major_close", { n }));
  button.disabled = !n;
}

function say(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

/** Whether a call was seen, and no unit is assigned yet. */
function waits(card) {
  return card.dataset.state === "seen";
}

/** This head's calls as the page shows them now: what comes later is nobody's step. */
function calls(head, wanted) {
  const cards = lists[head.dataset.list].querySelectorAll(`[data-major="${head.dataset.number}"]`);
  return [...cards].filter(wanted).slice(0, AT_ONCE).map((card) => card.dataset.shown);
}

async function step(head, name, shown, form = new FormData(), taken = () => {}) {
  if (!shown.length || head.ariaBusy === "true") return;
  const number = head.dataset.number;
  const problem = head.querySelector(".problem");
  head.ariaBusy = "true"; // a second click would be a second step
  problem.hidden = true;
  form.set("calls", shown.join(","));
  try {
    const answer = await fetch(`/majors/${number}/${name}`, {
      method: "POST", body: new URLSearchParams(form), signal: AbortSignal.timeout(DEADLINE_MS),
    });
    if (answer.status === 401) return signedOut();
    if (!answer.ok) throw new Error(text("step_error", { status: answer.status }));
    const { done, left } = await answer.json();
    const words = text(left.length ? "major_left" : "major_done", { number, n: done.length, left: left.length });
    document.getElementById("announce").textContent = words;
    if (left.length) report(problem, words);
    else taken();
  } catch (error) {
    console.warn("a step for a major incident failed:", error);
    report(problem, error.name === "Error" ? error.message : text("step_failed"));
  } finally {
    head.ariaBusy = "false";
    queue.touch(shown.map((each) => Number(each.split(":")[0])));
  }
}

function report(place, words) {
  place.hidden = false;
  place.textContent = words;
}
