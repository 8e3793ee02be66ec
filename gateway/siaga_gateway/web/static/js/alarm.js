// The alarm sound, made by WebAudio. Browsers keep it silent until a click: `running` tells, and the page says so.

import { pattern, urgency } from "./sounds.js";

const NOT_OVER_MS = 1200; // a new call waits until the one that sounds can be told from it
const DEAD_EVERY_MS = 5000;
const SECURITY_EVERY_MS = 5000;
const LEVEL = 0.6;

const PEAK = { square: 0.5, sawtooth: 0.75 }; // of one loudness to the ear; other shapes: 1

let context = null;
let calls = new Map(); // what rings: incident -> {sound, level}
let dead = false;
let soundedAt = -Infinity;
let nextAt = -Infinity;
const heardAt = new Map(); // when each sound was heard last
let once = []; // calls that wait for their turn
let tolledAt = -Infinity;
let warnedAt = -Infinity;
let changed = () => {};

function beep(frequency, after, length, shape = "square", level = LEVEL) {
  const at = context.currentTime + after;
  const tone = context.createOscillator();
  const gain = context.createGain();
  tone.type = shape;
  tone.frequency.value = frequency;
  const peak = level * (PEAK[shape] ?? 1);
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(peak, at + 0.015);
  gain.gain.setValueAtTime(peak, at + length - 0.03);
  gain.gain.linearRampToValueAtTime(0, at + length);
  tone.connect(gain).connect(context.destination);
  tone.start(at);
  tone.stop(at + length);
}

function play({ tones }) {
  for (const { frequency, after, length, shape, level } of tones) beep(frequency, after, length, shape, level);
}

function ring(call) {
  const sounded = pattern(call.sound, call.level);
  soundedAt = performance.now();
  heardAt.set(call.sound, soundedAt);
  nextAt = soundedAt + sounded.every;
  play(sounded);
}

function deadLink() {
  beep(294, 0, 0.6, "triangle");
  beep(220, 0.7, 0.9, "triangle");
}

/** Somebody may press in a button's name: falling tones, like no other sound of this page. */
function security() {
  for (const [index, frequency] of [1760, 1319, 988].entries()) beep(frequency, index * 0.16, 0.14, "sawtooth", 0.8);
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
  if (running()) nextAt = performance.now() + (test ? 1400 : 0);
  return running();
}

/** What rings now, [{id, sound, level}]. A call that is new, or more urgent than before, sounds at once. */
export function setCalls(list) {
  const next = new Map(list.filter(({ sound }) => sound).map((call) => [call.id, call]));
  const risen = [...next.values()].filter((call) => urgency(call) > urgency(calls.get(call.id) ?? { sound: "" }));
  calls = next;
  const loudest = most(risen);
  once = once.filter(({ id }) => id === undefined || calls.has(id));
  const same = (call) => call.sound === loudest.sound && call.level === loudest.level;
  if (loudest && running() && !once.some(same)) once.unshift(loudest); // in its own voice, also beside a more urgent one
  beat();
}

function most(list) {
  return list.reduce((before, call) => (before && urgency(before) >= urgency(call) ? before : call), null);
}

/** A call of an incident that may have been acknowledged already: once, after what sounds just now. */
export function callAgain(sound = "first") {
  if (!running() || performance.now() - (heardAt.get(sound) ?? -Infinity) < pattern(sound).every) return;
  heardAt.set(sound, performance.now());
  once.push({ sound, level: 0 });
  beat();
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
  const loudest = most([...calls.values()]);
  if (once.length && at - soundedAt >= NOT_OVER_MS) ring(once.shift());
  else if (loudest && at >= nextAt) ring(loudest);
  if (dead && at - tolledAt >= DEAD_EVERY_MS) {
    tolledAt = at;
    deadLink();
  }
}
