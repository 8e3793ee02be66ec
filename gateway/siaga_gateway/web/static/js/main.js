// The page: ties the link, the queue, the detail, the map and the sound together.

import * as alarm from "./alarm.js";
import * as awake from "./awake.js";
import * as banners from "./banners.js";
import { startClock } from "./clock.js";
import * as detail from "./detail.js";
import * as duty from "./duty.js";
import * as filter from "./filter.js";
import * as heard from "./heard.js";
import * as keys from "./keys.js";
import * as ladder from "./ladder.js";
import * as lock from "./lock.js";
import * as majors from "./majors.js";
import * as map from "./map.js";
import * as presence from "./presence.js";
import * as queue from "./queue.js";
import * as ringing from "./ringing.js";
import { settings, text } from "./settings.js";
import * as steps from "./steps.js";
import * as unread from "./unread.js";

const narrow = matchMedia("(max-width: 760px)");
const pageTitle = document.title;
const link = new Worker("/static/js/live-worker.js");

// --- the link -------------------------------------------------------------------------------------------------------

let linked = false; // it was up once
link.onmessage = ({ data }) => {
  if (data.type === "rows") rows(data.rows);
  else if (data.type === "tick") {
    if (heard.tick(data)) readAll(); // names may have gone, or come back
  } else if (data.type === "link") {
    heard.link(data);
    if (data.state === "up" && linked) readAll(); // the rows come by themselves, but not each step of a ladder
    linked ||= data.state === "up";
  } else if (data.type === "ladders") {
    if (lock.locked()) lock.read();
    else queue.touch(data.ids);
    if (data.ids.includes(detail.current())) later("detail", refreshDetail);
  } else if (data.type === "presence") presence.update(data.at);
  else if (data.type === "reset") {
    readAll();
    readFeed();
  } else if (data.type === "signed_out") heard.signedOut();
  else if (data.type === "beat") {
    awake.beat();
    alarm.beat();
    banners.sessionEnds();
    if (lock.locked()) return; // whoever is away from his desk is at no call: the gateway forgets it by itself
    detail.refreshCalls();
    presence.beat(detail.current());
  }
};

function readAll() {
  if (lock.locked()) {
    lock.read();
    return;
  }
  queue.resync();
  detail.refresh();
}

function refreshDetail() {
  if (!lock.locked()) detail.refresh();
}

function rows(list) {
  const ids = new Set();
  let others = false;
  for (const row of list) {
    if (row.incident !== null) ids.add(row.incident);
    if (row.feed) others = true;
  }
  if (heard.rows(list)) document.getElementById("feed").closest("details").open = true; // which button it is about
  if (ids.size && lock.locked()) lock.read();
  else if (ids.size) queue.touch(ids);
  if (ids.has(detail.current())) later("detail", refreshDetail);
  if (others) later("feed", readFeed);
  if (list.some((row) => row.kind.startsWith("certificate_"))) later("certificates", readCertificates);
  if (list.some((row) => row.kind.startsWith("hand"))) later("handover", readHandover); // over, or taken
}

// A burst asks for the same thing many times: the first at once, then at most three a second.
const planned = new Map();
function later(name, what) {
  const plan = planned.get(name);
  if (plan) {
    plan.again = true;
    return;
  }
  const fresh = { again: false };
  planned.set(name, fresh);
  what();
  setTimeout(() => {
    planned.delete(name);
    if (fresh.again) later(name, what);
  }, 330);
}

const readFeed = () => readPart("feed");
const readCertificates = () => readPart("certificates");
const readHandover = () => readPart("handover", "shift/waiting");

async function readPart(name, path = name) {
  if (lock.locked()) return; // all of it is read once it is opened
  try {
    const answer = await fetch(`/${path}`, { cache: "no-store", signal: AbortSignal.timeout(8000) });
    if (!answer.ok) return;
    document.getElementById(name).innerHTML = await answer.text();
  } catch (error) {
    console.warn(`the part ${name} could not be read:`, error); // the next row asks again; nothing urgent is only there
  }
}

// --- queue, detail, map -----------------------------------------------------------------------------------------------

queue.listen({
  cards(changed, fresh) {
    majors.regroup();
    map.update(changed);
    const there = new Set(queue.cards().map((element) => Number(element.dataset.id)));
    map.keep(there);
    unread.forget(there);
    counts();
    filter.apply(changed);
    presence.show(changed);
    announce(fresh);
    if (detail.current() === null && fresh.length) choose(Number(fresh[0].dataset.id), { focus: false });
    else mark();
    unread.mark(changed, detail.current());
  },
  failed: (failed) => banners.load(!failed),
  signedOut: heard.signedOut,
  locked: lock.cover,
});
detail.listen({
  shown(article) {
    map.update([article]); // it may have no card: a trial, or one that was closed long ago
    map.select(Number(article.dataset.id), article.dataset.title);
    mark();
    readNow();
    presence.show();
  },
  failed: (failed) => banners.load(!failed),
  signedOut: heard.signedOut,
  locked: lock.cover,
});

/** What is open before the operator is read. */
function readNow() {
  const card = queue.card(detail.current());
  if (card) unread.mark([card], detail.current());
}
document.addEventListener("visibilitychange", readNow);

function counts() {
  if (lock.locked()) return; // the cards are old: see lock.js
  const unseen = queue.unseen();
  const active = document.querySelectorAll("#group-active .card-place").length;
  const calls = ladder.calls(queue.cards());
  const again = ladder.showAgain(calls);
  document.getElementById("count-unseen").textContent = unseen;
  document.getElementById("count-above").textContent = unseen;
  document.getElementById("count-active").textContent = active;
  document.getElementById("title-unseen").hidden = unseen === 0;
  document.getElementById("title-active").hidden = active === 0;
  document.getElementById("queue-empty").hidden = unseen + active > 0;
  document.body.classList.toggle("has-unseen", unseen > 0);
  document.title = unseen ? text("title_new", { n: unseen }) : again ? text("title_again", { n: again }) : pageTitle;
  document.getElementById("handover").hidden = calls.length > 0; // it waits until nothing rings
  ringing.show(calls);
  const words = ladder.climbed(calls);
  if (words !== null) document.getElementById("announce").textContent = words;
}

function announce(fresh) {
  if (!fresh.length || lock.locked()) return;
  const words = fresh.length === 1 ? text("new_one", { title: fresh[0].dataset.title }) : text("new_many", { n: fresh.length });
  document.getElementById("announce").textContent = words;
}

function choose(id, { focus = false } = {}) {
  const card = queue.card(id);
  history.replaceState(null, "", `#${id}`);
  detail.open(id);
  if (card) map.select(id, card.dataset.title);
  mark();
  card?.scrollIntoView({ block: "nearest" });
  if (focus) card?.querySelector(".card").focus({ preventScroll: true });
}

/** On a telephone the detail stands under the queue. */
function goToDetail() {
  if (narrow.matches) document.querySelector(".detail").scrollIntoView({ block: "start" });
}

document.getElementById("to-queue").addEventListener("click", () => {
  const card = queue.card(detail.current()) ?? document.querySelector("#queue .card-place");
  (card ?? document.querySelector(".queue")).scrollIntoView({ block: "center" });
  card?.querySelector(".card").focus({ preventScroll: true });
});
document.getElementById("menu").addEventListener("click", ({ currentTarget: button }) => {
  button.setAttribute("aria-expanded", String(button.getAttribute("aria-expanded") !== "true"));
});

function mark() {
  for (const element of document.querySelectorAll('.card[aria-current="true"]')) element.removeAttribute("aria-current");
  queue.card(detail.current())?.querySelector(".card").setAttribute("aria-current", "true");
}

document.getElementById("banner-again").addEventListener("click", (event) => {
  const about = event.target.closest("[data-open]");
  if (!about) return;
  choose(Number(about.dataset.open));
  goToDetail();
});
document.getElementById("queue").addEventListener("click", (event) => {
  const card = event.target.closest(".card-place");
  if (card) choose(Number(card.dataset.id));
  const about = event.target.closest("[data-open]"); // a line of the feed
  if (about) choose(Number(about.dataset.open));
  if (card || about) goToDetail();
});

// --- keyboard -----------------------------------------------------------------------------------------------------------

function press(selector) {
  const target = document.querySelector(`#detail ${selector}`);
  if (!target) return false;
  if (target.tagName === "BUTTON" || target.tagName === "SUMMARY") target.click();
  else target.focus();
  return true;
}

/** Open a fold of the detail, and go to what is in it. */
function unfold(name, selector) {
  const fold = document.querySelector(`#detail details[data-keep="${name}"]`);
  if (!fold) return;
  fold.open = true;
  fold.querySelector(selector).focus();
}

function nextRinging() {
  const rings = (card) => card.dataset.group === "unseen" || card.querySelector(".ladder")?.dataset.ring;
  const cards = queue.cards().filter((card) => card.dataset.group !== "closed" && rings(card));
  if (!cards.length) return;
  const at = cards.findIndex((element) => Number(element.dataset.id) === detail.current());
  choose(Number(cards[(at + 1) % cards.length].dataset.id), { focus: true });
}

/** Open the card above or below the one that is open. */
function neighbour(step) {
  const cards = queue.cards().filter((element) => element.checkVisibility());
  const at = cards.findIndex((element) => Number(element.dataset.id) === detail.current());
  const next = cards[at < 0 ? 0 : at + step];
  if (next) choose(Number(next.dataset.id), { focus: true });
}

/** From card to card; false elsewhere, where the arrows scroll. */
function focusCard(event, step) {
  if (!event.target.closest?.("#queue .card")) return false;
  const cards = queue.cards().filter((element) => element.checkVisibility());
  cards[cards.indexOf(event.target.closest(".card-place")) + step]?.querySelector(".card").focus();
}

const once = (what) => (event) => void (event.repeat || what()); // a key that is held is one step

keys.start(
  {
    F2: once(nextRinging),
    F4: once(() => press('[data-step="seen"], #detail [data-step="acknowledge"]')),
    F7: once(() => press('[data-step="on-scene"]')),
    F8: once(() => {
      const fold = document.querySelector('#detail details[data-keep="reassign"]');
      if (fold) fold.open = true;
      press("#unit");
    }),
    F9: once(() => unfold("close", "input")),
    ArrowDown: (event) => focusCard(event, 1),
    ArrowUp: (event) => focusCard(event, -1),
  },
  // They show and find; none of them takes a step.
  { j: () => neighbour(1), k: () => neighbour(-1), m: once(filter.toggleMine), c: once(() => unfold("call-back", "summary")), "/": once(filter.find) },
  () => duty.waits() || lock.locked(),
);

// --- start --------------------------------------------------------------------------------------------------------------

startClock();
lock.listen(
  {
    locked() {
      document.getElementById("announce").textContent = ""; // it names who called
      document.title = pageTitle;
    },
    rings(calls) {
      document.title = calls.length ? text("title_new", { n: calls.length }) : pageTitle;
      ringing.show(calls);
    },
    opened() {
      readAll();
      readFeed();
      readCertificates();
      readHandover();
    },
    signedOut: heard.signedOut,
  },
  ringing.rings,
);
steps.start(heard.signedOut, lock.cover);
ladder.onSettled(counts);
if (settings.broker_lost !== null) banners.broker(settings.broker_lost);
majors.start(heard.signedOut);
map.start(choose);
map.update(queue.cards());
filter.start(queue.cards, counts);
counts();
unread.mark(queue.cards(), null);
link.postMessage({ type: "start", last: settings.last, watchdog: settings.watchdog });
awake.start(() => {
  link.postMessage({ type: "try" }); // and with it the gateway's clock
  readAll();
});
duty.start();
const first = Number(location.hash.slice(1)) || Number(document.querySelector("#group-unseen .card-place")?.dataset.id);
if (first) choose(first);
