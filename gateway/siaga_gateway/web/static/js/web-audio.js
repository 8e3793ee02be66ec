// The first way to sound: WebAudio. It is believed by its clock, which goes on only while sound comes out, and not by its
// flag: a device that was unplugged or a driver that hangs leaves the flag as it was. What stands still is made anew.

const STUCK_MS = 4000; // without progress for so long it does not sound
const UNWATCHED_MS = 2000; // nobody has looked for so long: the page stood still, and so may the sound have
const AGAIN_MS = 5000; // between two attempts to mend it
const ANSWER_MS = 1500; // resume() stays pending for ever where the browser wants a click first

const PEAK = { square: 0.5, sawtooth: 0.75 }; // of one loudness to the ear; other shapes: 1

let context = null;
let shown = -1; // its clock when somebody looked last, and when that clock had gone on
let movedAt = 0;
let lookedAt = 0;
let triedAt = -Infinity;
let making = null;
let sounded = false; // it ran once: the browser wants no click any more
let speakers = null; // how many there were; null: the browser does not say
let changed = () => {};

/** Called whenever the sound starts or stops, as far as the browser tells. */
export function onChange(listener) {
  changed = listener;
}

function look() {
  const at = performance.now();
  if (at - lookedAt > UNWATCHED_MS) movedAt = at;
  lookedAt = at;
  if (context === null || context.currentTime === shown) return;
  shown = context.currentTime;
  movedAt = at;
}

/** Whether sound comes out. */
export function running() {
  look();
  return context?.state === "running" && performance.now() - movedAt < STUCK_MS && speakers !== 0;
}

/** Sound these tones, [{frequency, after, length, shape, level}] (Hz, s, s, type, 0 to 1), from now on. */
export function play(tones) {
  for (const { frequency, after, length, shape = "square", level } of tones) beep(frequency, after, length, shape, level);
}

function beep(frequency, after, length, shape, level) {
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

/** Make it sound: wake it, or make it anew where it is closed, interrupted, stands still or, once it sounded or `clicked`,
 *  does not wake. True when it runs. */
export async function start({ clicked = false } = {}) {
  triedAt = performance.now();
  const asleep = context?.state === "suspended";
  if (asleep && (await wakes(context))) [movedAt, sounded] = [performance.now(), true];
  else if (!running() && (clicked || sounded || !asleep)) await renew();
  changed();
  return running();
}

/** Mend by itself what has stopped; call once a second. */
export function watch() {
  if (running() || performance.now() - triedAt < AGAIN_MS) return;
  start();
}

/** A new context in place of the old one, unless the old one sounds and the new one would not. */
function renew() {
  making ??= made().finally(() => {
    making = null;
  });
  return making;
}

async function made() {
  let fresh;
  try {
    fresh = new AudioContext({ latencyHint: "interactive" });
  } catch (error) {
    console.warn("no sound device:", error); // tried again
    return;
  }
  const runs = await wakes(fresh);
  const old = context;
  if (!runs && old?.state === "running" && running()) {
    fresh.close().catch(() => {});
    return;
  }
  context = fresh;
  sounded ||= runs;
  shown = -1;
  movedAt = performance.now();
  fresh.onstatechange = () => {
    if (fresh === context) changed();
  };
  fresh.onerror = fresh.onstatechange; // the device is gone
  if (old !== null && old.state !== "closed") old.close().catch(() => {});
}

async function wakes(one) {
  try {
    await Promise.race([one.resume(), new Promise((resolve) => setTimeout(resolve, ANSWER_MS))]);
  } catch {
    // no device, or closed meanwhile: the state tells
  }
  return one.state === "running";
}

/** Follow loudspeakers that come and go. */
export async function followDevices() {
  const devices = navigator.mediaDevices; // absent outside a secure context
  if (!devices?.enumerateDevices) return;
  const count = async () => (await devices.enumerateDevices()).filter(({ kind }) => kind === "audiooutput").length;
  let before = await count().catch(() => 0);
  devices.addEventListener("devicechange", async () => {
    const now = await count().catch(() => before);
    speakers = before > 0 || now > 0 ? now : null; // where none was ever listed, none can be missed
    before = Math.max(before, now);
    if (context !== null && now > 0) await renew(); // to the loudspeaker that there is now
    changed();
  });
}
