// The wall: asks every two seconds, for ever, and says so when it hears nothing. Each answer replaces what stood there, so
// that a night leaves nothing behind; nothing is loaded anew while the gateway does not answer.

const settings = JSON.parse(document.getElementById("settings").textContent);
const ANSWER_MS = 6000; // longer no answer is waited for
const DAY_MS = 24 * 3600 * 1000; // then the page begins anew, whatever the browser has gathered
const STEPS = [[0, 0], [3, 0], [6, 2], [6, 5], [3, 6], [0, 5]]; // px, a minute each: no line burns into the screen
const began = performance.now();
const words = document.body.dataset;
const board = document.getElementById("board");

let ahead = settings.now - Date.now(); // ms that the gateway's clock is ahead of this computer's
let offset = settings.offset; // s east of UTC
let heard = performance.now();
let heardAt = settings.now;
let known = new Set();

const now = () => Date.now() + ahead;
const clock = (ms) => new Date(ms + offset * 1000).toISOString().slice(11, 19);

function age(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n) => String(n).padStart(2, "0");
  return s < 3600 ? `${two(Math.floor(s / 60))}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor((s % 3600) / 60))}:${two(s % 60)}`;
}

function paint() {
  document.getElementById("wall-clock").textContent = `${clock(now())} ${settings.label}`;
  for (const element of board.querySelectorAll("[data-since]")) element.textContent = age(now() - Number(element.dataset.since));
  const stale = performance.now() - heard > settings.stale;
  const banner = document.getElementById("wall-stale");
  if (stale && banner.hidden) banner.textContent = words.stale.replace("#", clock(heardAt));
  banner.hidden = !stale;
  document.body.classList.toggle("stale", stale);
  const link = document.getElementById("wall-link");
  link.dataset.state = stale ? "dead" : "up";
  const said = stale ? words.stale.replace("#", clock(heardAt)) : words.up;
  if (link.textContent !== said) link.textContent = said;
}

/** What does not fit is counted: the most urgent stand first. */
function fit() {
  const room = board.querySelector(".wall-calls");
  const cards = [...room.querySelectorAll(".wall-call")];
  const more = board.querySelector(".wall-more");
  let left = Number(more.dataset.more);
  if (innerWidth > 700) {
    for (const card of cards.reverse()) {
      if (room.scrollHeight <= room.clientHeight + 1 || card === room.firstElementChild) break;
      card.hidden = true;
      left += 1;
    }
  }
  more.hidden = left === 0;
  more.textContent = words.more.replace("#", left);
}

async function look() {
  try {
    const answer = await fetch("/wall/board", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
    if (answer.status === 401 || answer.status === 403) location.reload(); // the token has ended: the page says so
    if (!answer.ok) return;
    const [sent, east, run] = (answer.headers.get("X-Siaga-Now") ?? "").split(" ");
    board.innerHTML = await answer.text();
    ahead = Number(sent) - Date.now();
    offset = Number(east);
    heard = performance.now();
    heardAt = Number(sent);
    paint();
    fit();
    ring();
    if (run !== settings.run || heard - began > DAY_MS) location.reload(); // another version, or a day: it answers now
  } catch (error) {
    console.info("the gateway does not answer:", error.name); // the page says so itself
  }
}

// --- the sound: off until somebody switches it on ---------------------------------------------------------------------

let audio = null;
const button = document.getElementById("wall-sound");
button.addEventListener("click", () => {
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
  button.textContent = on ? button.dataset.on : button.dataset.off;
  if (on) {
    audio ??= new AudioContext();
    void audio.resume();
    tone();
  }
});

function tone() {
  const [source, volume] = [audio.createOscillator(), audio.createGain()];
  source.frequency.value = 880;
  volume.gain.value = 0.3;
  source.connect(volume).connect(audio.destination);
  source.start();
  source.stop(audio.currentTime + 0.35);
}

/** A call that was not there, once; the consoles go on ringing. */
function ring() {
  const rings = new Set([...board.querySelectorAll("[data-rings]")].map((card) => card.dataset.id));
  const fresh = [...rings].some((id) => !known.has(id));
  known = rings;
  if (fresh && button.getAttribute("aria-pressed") === "true") tone();
}

// --- for ever -----------------------------------------------------------------------------------------------------------

async function forEver() {
  for (;;) {
    const next = performance.now() + settings.every;
    await look();
    await new Promise((done) => setTimeout(done, Math.max(200, next - performance.now())));
  }
}

let step = 0;
setInterval(() => {
  const [x, y] = STEPS[(step += 1) % STEPS.length];
  document.documentElement.style.setProperty("--shift-x", `${x}px`);
  document.documentElement.style.setProperty("--shift-y", `${y}px`);
}, 60_000);

async function stayAwake() {
  try {
    if (document.visibilityState === "visible") await navigator.wakeLock?.request("screen");
  } catch (error) {
    console.info("the screen may go to sleep:", error.name); // a setting of that computer's
  }
}
document.addEventListener("visibilitychange", stayAwake);
addEventListener("resize", () => {
  for (const card of board.querySelectorAll(".wall-call")) card.hidden = false;
  fit();
});
void stayAwake();
setInterval(paint, 1000);
paint();
fit();
ring();
void forEver();
