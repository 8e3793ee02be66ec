// The alarm sound, made by WebAudio. Browsers keep it silent until a click: `running` tells, and the page says so.

const NEW_EVERY_MS = 2600;
const DEAD_EVERY_MS = 5000;
const SECURITY_EVERY_MS = 5000;
const LEVEL = 0.6;

let context = null;
let unseen = 0;
let dead = false;
let soundedAt = -Infinity;
let tolledAt = -Infinity;
let warnedAt = -Infinity;
let changed = () => {};

function beep(frequency, after, length, shape = "square", level = LEVEL) {
  const at = context.currentTime + after;
  const tone = context.createOscillator();
  const gain = context.createGain();
  tone.type = shape;
  tone.frequency.value = frequency;
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(level * (shape === "square" ? 0.5 : 1), at + 0.015);
  gain.gain.setValueAtTime(level * (shape === "square" ? 0.5 : 1), at + length - 0.03);
  gain.gain.linearRampToValueAtTime(0, at + length);
  tone.connect(gain).connect(context.destination);
  tone.start(at);
  tone.stop(at + length);
}

function newIncident() {
  for (const [index, frequency] of [880, 1175, 880, 1175].entries()) beep(frequency, index * 0.28, 0.24);
}

function deadLink() {
  beep(294, 0, 0.6, "triangle");
  beep(220, 0.7, 0.9, "triangle");
}

/** Somebody may press in a button's name: falling tones, like no other sound of this page. */
function security() {
  for (const [index, frequency] of [1760, 1319, 988].entries()) beep(frequency, index * 0.16, 0.14, "sawtooth");
}

export function running() {
  return context !== null && context.state === "running";
}

/** Called whenever the browser starts or stops the sound. */
export function onChange(listener) {
  changed = listener;
}

/** After a click: make or wake the sound, and play the test tones. True when it runs. */
export async function start({ test = true } = {}) {
  context ??= new AudioContext({ latencyHint: "interactive" });
  context.onstatechange = () => changed();
  try {
    // resume() stays pending for ever where the browser wants a click first.
    await Promise.race([context.resume(), new Promise((resolve) => setTimeout(resolve, 1500))]);
  } catch {
    // no sound device: `running` stays false and the banner shows
  }
  changed();
  if (running() && test) for (const [index, frequency] of [523, 659, 784].entries()) beep(frequency, index * 0.3, 0.22, "sine");
  if (running()) soundedAt = performance.now() - NEW_EVERY_MS + (test ? 1400 : 0);
  return running();
}

/** How many incidents nobody has acknowledged; more than before sounds at once. */
export function setUnseen(count) {
  if (count > unseen) soundedAt = -Infinity;
  unseen = count;
  beat();
}

/** A call of an incident that may have been acknowledged already: once. */
export function callAgain() {
  if (!running() || performance.now() - soundedAt < NEW_EVERY_MS) return;
  soundedAt = performance.now();
  newIncident();
}

/** A sign that a button's key was copied: once, however many come. */
export function warn() {
  if (!running() || performance.now() - warnedAt < SECURITY_EVERY_MS) return;
  warnedAt = performance.now();
  security();
}

export function setDead(now) {
  if (now && !dead) tolledAt = -Infinity;
  dead = now;
  beat();
}

/** Once a second, from the worker: the page's own timers sleep in the background. */
export function beat() {
  if (!running()) return;
  const at = performance.now();
  if (unseen > 0 && at - soundedAt >= NEW_EVERY_MS) {
    soundedAt = at;
    newIncident();
  }
  if (dead && at - tolledAt >= DEAD_EVERY_MS) {
    tolledAt = at;
    deadLink();
  }
}
