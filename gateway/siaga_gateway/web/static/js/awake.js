// Keeps the page and the screen from being put to sleep, and says when the page stood still all the same: what it showed
// then was old, and it was silent.

import { clockTime, now } from "./clock.js";
import { text } from "./settings.js";

const STILL_MS = 6000; // beats come once a second
const STEP_MS = 2000; // this computer's clock was set, or the computer slept

const banner = document.getElementById("banner-frozen");
let beatAt = null; // null: not begun; performance.now() and Date.now() of the last beat
let beatClock = null;
let stood = () => {};

/** `stood()`: whatever is shown may be old: the link is to be tried at once, and all read again. */
export function start(listener) {
  stood = listener;
  [beatAt, beatClock] = [performance.now(), Date.now()]; // it may stand still before the first beat
  // A page that holds a lock is not frozen by the browser to save energy or memory (Page Lifecycle).
  navigator.locks?.request(`siaga console ${crypto.getRandomValues(new Uint32Array(2)).join("")}`, () => new Promise(() => {}));
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) keepScreenOn();
  });
  document.getElementById("frozen-read").addEventListener("click", () => {
    banner.hidden = true;
  });
}

/** Once a second. */
export function beat() {
  const [at, clock] = [performance.now(), Date.now()];
  if (beatAt !== null) {
    const still = at - beatAt;
    const slept = clock - beatClock - still; // a sleeping computer stops the one clock, not the other
    if (still > STILL_MS) say(still);
    if (still > STILL_MS || Math.abs(slept) > STEP_MS) stood();
  }
  [beatAt, beatClock] = [at, clock];
}

function say(ms) {
  const to = now();
  const words = text("frozen", { from: clockTime(to - ms), to: clockTime(to) });
  const line = banner.querySelector("span");
  if (line.textContent !== words) line.textContent = words;
  banner.hidden = false;
}

// A screen that goes dark hides an alarm as well as a dead link does.
export async function keepScreenOn() {
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    // refused by the browser or the machine's power settings: those are the administrator's
  }
}
