// The lock of the screen, for every window of the session: whatever is known of people is covered, what rings goes on
// ringing and is counted on the cover, and what was being typed stays where it is. The gateway refuses a locked session all
// else; here it only goes out of sight.

const EVERY_MS = 5000; // what rings is asked for at least so often, and whether anybody has touched the computer
const DEADLINE_MS = 4000;
const UNLOCK_MS = 35_000; // passwords are checked one after the other
const RETRY_MS = 1000; // twice as long after each failure, to EVERY_MS
const SIGNED_OUT_MS = 60_000; // somebody may sign in again in another window
const TOUCHED_MS = 10_000; // other windows are told so often that somebody is here

const panel = document.getElementById("lock");
const form = document.getElementById("unlock");
const problem = document.getElementById("lock-problem");
const box = document.getElementById("lock-rings");
const missed = document.getElementById("lock-again");
const operator = form.elements.username.value; // whose page this is
const after = Number(panel.dataset.after); // ms without anybody, 0: never by itself
const always = panel.dataset.always !== undefined; // a page that is nothing but the lock
const channel = new BroadcastChannel("siaga lock");

if (document.getElementById("banners")) {
  const banners = document.getElementById("banners");
  new ResizeObserver(() => { panel.style.top = `${banners.offsetHeight}px`; }).observe(banners); // it stands below them
}

let told = { locked: () => {}, rings: () => {}, opened: () => {}, signedOut: () => {} };
let busy = () => false;
let touchedAt = Date.now();
let toldAt = 0;
let asking = false;
let again = false;
let waiting = null; // the one timer that asks once more
let retryMs = RETRY_MS;
let closed = []; // dialogs that were open
let focused = null;

/** `locked()`, `rings(calls)` whenever it was asked what rings, `opened()`, `signedOut()`. `ringsNow()`: nobody locks a
 * screen by doing nothing while a call rings. */
export function listen(listener, ringsNow = () => false) {
  told = { ...told, ...listener };
  busy = ringsNow;
}

/** Whether the screen is locked. */
export function locked() {
  return document.body.classList.contains("locked");
}

/** Cover the page: another window locked it, or the gateway says that it is locked. */
export function cover() {
  if (locked()) return;
  focused = document.activeElement;
  closed = [...document.querySelectorAll("dialog[open]")]; // they would lie over everything
  for (const dialog of closed) dialog.close();
  document.body.classList.add("locked");
  for (const part of covered()) part.inert = true;
  panel.hidden = false;
  say("");
  form.elements.password.value = "";
  form.elements.password.focus();
  told.locked();
  clearTimeout(waiting);
  waiting = null;
  retryMs = RETRY_MS;
  read();
}

/** Somebody called of whom a unit or a desk knows already: it does not go on ringing, so the cover keeps saying it. */
export function calledAgain() {
  if (locked()) missed.hidden = false;
}

function uncover() {
  if (always) {
    location.replace("/");
    return;
  }
  if (!locked()) return;
  document.body.classList.remove("locked");
  panel.hidden = true;
  missed.hidden = true;
  form.elements.password.value = "";
  for (const part of covered()) part.inert = false;
  for (const dialog of closed) dialog.showModal();
  touchedAt = Date.now();
  focused?.focus({ preventScroll: true });
  told.opened();
}

function covered() {
  return document.querySelectorAll("body > :not(#lock, #banners, #flash, #announce, script)");
}

/** Lock every window. It is covered at once; the gateway is told until it knows. */
export function lock() {
  if (locked()) return;
  cover();
  channel.postMessage("locked");
  tell();
}

async function tell() {
  if (!locked()) return;
  try {
    const answer = await fetch("/lock", { method: "POST", signal: AbortSignal.timeout(DEADLINE_MS) });
    if (answer.ok || answer.status < 500) return; // signed out, or without a password: nothing more is shown either way
    throw new Error(`HTTP ${answer.status}`);
  } catch (error) {
    console.warn("the gateway does not know yet that the screen is locked:", error);
    setTimeout(tell, RETRY_MS);
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  say("");
  try {
    const body = new URLSearchParams({ username: operator, password: form.elements.password.value });
    const answer = await fetch("/unlock", { method: "POST", body, signal: AbortSignal.timeout(UNLOCK_MS) });
    if (answer.status === 401) location.assign("/sign-in");
    else if (answer.status === 409) location.reload(); // somebody else signed in: this page is not his
    else if (answer.ok) opened();
    else say(answer.status < 500 || answer.status === 503 ? await answer.text() : panel.dataset.failed);
  } catch (error) {
    console.warn("the lock could not be opened:", error);
    say(panel.dataset.failed);
  } finally {
    button.disabled = false;
    if (!panel.hidden) form.elements.password.select();
  }
});

/** The gateway has opened the lock. */
function opened() {
  channel.postMessage({ opened: operator });
  uncover();
}

function say(words) {
  problem.textContent = words;
  problem.hidden = !words;
}

async function whatRings() {
  const answer = await fetch("/ringing", { cache: "no-store", signal: AbortSignal.timeout(DEADLINE_MS) });
  if (answer.status === 401) {
    retryMs = SIGNED_OUT_MS;
    told.signedOut();
    cover(); // no session, no lock; but nothing of anybody stays in sight
  }
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return answer.json();
}

/** Ask what rings; one question at a time, and one more where something came meanwhile. While the gateway fails it is
 * asked by one timer alone. */
export async function read() {
  if (panel.hidden || panel.dataset.rings === undefined || waiting !== null) return;
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  again = false;
  try {
    const found = await whatRings();
    retryMs = RETRY_MS;
    if (!panel.hidden) show(found);
  } catch (error) {
    console.warn("what rings could not be read:", error); // what rang goes on ringing
    waiting = setTimeout(() => {
      waiting = null;
      read();
    }, retryMs);
    retryMs = retryMs < EVERY_MS ? Math.min(2 * retryMs, EVERY_MS) : EVERY_MS;
  } finally {
    asking = false;
  }
  if (again) read();
}

function show({ calls: rings, title, lines }) {
  box.hidden = !rings.length;
  const words = box.querySelector("strong");
  if (words.textContent !== title) words.textContent = title;
  box.querySelector("ul").replaceChildren(...lines.map((line) => {
    const element = document.createElement("li");
    element.textContent = line;
    return element;
  }));
  told.rings(rings);
}

channel.addEventListener("message", ({ data }) => {
  if (data === "locked") cover();
  else if (data.opened === operator) uncover();
  else if (data.opened !== undefined && locked()) location.reload(); // what stands under the cover was another's
  else if (data === "touched") touchedAt = Date.now();
});

for (const kind of ["pointerdown", "pointermove", "keydown", "wheel"]) {
  document.addEventListener(kind, () => {
    touchedAt = Date.now();
    if (!after || touchedAt - toldAt < TOUCHED_MS) return;
    toldAt = touchedAt;
    channel.postMessage("touched");
  }, { capture: true, passive: true });
}
document.addEventListener("keydown", (event) => {
  if (event.key !== "F10" || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (!event.repeat && !always) lock();
});
for (const button of document.querySelectorAll("[data-lock]")) button.addEventListener("click", lock);
const idle = () => after && !always && !locked() && !busy() && Date.now() - touchedAt >= after;

/** Nobody has touched the computer: lock it, unless a call rings, here or in another window. A page that does not hear
 * calls itself asks the gateway; without its answer a ringing console might be covered, so it waits for one. */
async function lockWhenIdle() {
  if (!idle()) return;
  try {
    if (panel.dataset.rings !== undefined && (await whatRings()).calls.length) return;
    if (idle()) lock();
  } catch (error) {
    console.warn("not locked: whether a call rings could not be read:", error);
  }
}

setInterval(() => {
  read();
  lockWhenIdle();
}, EVERY_MS);
if (always) read();
