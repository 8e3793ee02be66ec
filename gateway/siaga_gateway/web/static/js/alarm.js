// What sounds when. How it comes out: web-audio.js, and audio-element.js where that is dead.

import * as second from "./audio-element.js";
import { pattern, urgency } from "./sounds.js";
import * as first from "./web-audio.js";

const NOT_OVER_MS = 1200; // a new call waits until the one that sounds can be told from it
const DEAD_EVERY_MS = 5000;
const SECURITY_EVERY_MS = 5000;

const TEST = [523, 659, 784].map((frequency, index) => ({ frequency, after: index * 0.3, length: 0.22, shape: "sine", level: 0.6 }));
const DEAD_LINK = [
  { frequency: 294, after: 0, length: 0.6, shape: "triangle", level: 0.6 },
  { frequency: 220, after: 0.7, length: 0.9, shape: "triangle", level: 0.6 },
];
// Somebody may press in a button's name: falling tones, like no other sound of this page.
const SECURITY = [1760, 1319, 988].map((frequency, index) => ({ frequency, after: index * 0.16, length: 0.14, shape: "sawtooth", level: 0.8 }));

let wanted = false; // duty has begun
let ran = false;
let calls = new Map(); // what rings: incident -> {sound, level}
let dead = false;
let soundedAt = -Infinity;
let nextAt = -Infinity;
const heardAt = new Map(); // when each sound was heard last
let once = []; // calls that wait for their turn
let tolledAt = -Infinity;
let warnedAt = -Infinity;
let changed = () => {};

function play(tones) {
  if (first.running()) first.play(tones);
  else second.play(tones, changed);
}

function ring(call) {
  const sounded = pattern(call.sound, call.level);
  soundedAt = performance.now();
  heardAt.set(call.sound, soundedAt);
  // A less urgent call that sounds once holds back nothing that goes on ringing.
  const loudest = most([...calls.values()]) ?? call;
  nextAt = soundedAt + Math.min(sounded.every, pattern(loudest.sound, loudest.level).every);
  play(sounded.tones);
}

/** How it sounds: `on`, `second` (by the second way only), or `off`. */
export function state() {
  if (first.running()) return "on";
  return wanted && second.works() ? "second" : "off";
}

/** Called whenever the sound starts or stops. */
export function onChange(listener) {
  changed = listener;
  first.onChange(noticed);
}

function noticed() {
  const runs = first.running();
  if (runs && !ran) nextAt = Math.min(nextAt, performance.now()); // what rings has not been heard
  ran = runs;
  changed();
}

/** After a click: make or wake the sound, and play the test tones. True when it runs. */
export async function start({ test = true } = {}) {
  wanted = true;
  const runs = await first.start({ clicked: test });
  if (runs && test) first.play(TEST);
  if (runs) nextAt = performance.now() + (test ? 1400 : 0);
  else if (test) second.play(TEST, changed);
  return runs;
}

/** Listen for loudspeakers that come and go. */
export const followDevices = first.followDevices;

/** What rings now, [{id, sound, level}]. A call that is new, or more urgent than before, sounds at once: then it is true. */
export function setCalls(list) {
  const next = new Map(list.filter(({ sound }) => sound).map((call) => [call.id, call]));
  const risen = [...next.values()].filter((call) => urgency(call) > urgency(calls.get(call.id) ?? { sound: "" }));
  calls = next;
  const loudest = most(risen);
  once = once.filter(({ id }) => id === undefined || calls.has(id));
  const same = (call) => call.sound === loudest.sound && call.level === loudest.level;
  if (loudest && wanted && !once.some(same)) once.unshift(loudest); // in its own voice, also beside a more urgent one
  sound();
  return risen.length > 0;
}

function most(list) {
  return list.reduce((before, call) => (before && urgency(before) >= urgency(call) ? before : call), null);
}

/** A call of an incident that may have been acknowledged already: once, after what sounds just now. */
export function callAgain(name = "first") {
  if (!wanted || performance.now() - (heardAt.get(name) ?? -Infinity) < pattern(name).every) return;
  heardAt.set(name, performance.now());
  once.push({ sound: name, level: 0 });
  sound();
}

/** A sign that a button's key was copied: once, however many come. */
export function warn() {
  if (!wanted || performance.now() - warnedAt < SECURITY_EVERY_MS) return;
  warnedAt = performance.now();
  play(SECURITY);
}

export function setDead(now) {
  if (now && !dead) tolledAt = -Infinity;
  dead = now;
  sound();
}

/** Once a second, from the worker: the page's own timers sleep in the background. */
export function beat() {
  if (!wanted) return;
  if (first.running() !== ran) noticed();
  first.watch();
  sound();
}

function sound() {
  if (!wanted) return;
  const at = performance.now();
  const loudest = most([...calls.values()]);
  if (once.length && at - soundedAt >= NOT_OVER_MS) ring(once.shift());
  else if (loudest && at >= nextAt) ring(loudest);
  if (dead && at - tolledAt >= DEAD_EVERY_MS) {
    tolledAt = at;
    play(DEAD_LINK);
  }
}
