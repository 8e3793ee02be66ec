// Who else has which call open, and telling the gateway what this page shows.

import { settings, text } from "./settings.js";

const AGAIN_MS = 10000; // the gateway forgets a page that says nothing for twice as long
const DEADLINE_MS = 4000;
// Without a secure context there is no randomUUID; it only has to be another one than other pages'.
const page = Array.from(crypto.getRandomValues(new Uint8Array(12)), (each) => each.toString(16).padStart(2, "0")).join("");

let others = {}; // incident -> names
let told = null; // what this page said last
let toldAt = -Infinity;
let telling = false;

/** Names of operators by the incident that is open at their console. */
export function update(at) {
  others = at;
  show();
}

/** Fill in who else has it open, on the cards and in the detail; after each change of either. */
export function show(places = document.querySelectorAll(".card-place, #detail article")) {
  for (const place of places) {
    const line = place.querySelector(".at-desk");
    if (!line) continue;
    const names = (others[place.dataset.id] ?? []).filter((name) => name !== settings.operator);
    const words = names.length ? text("at_desk", { names: names.join(", ") }) : "";
    if (line.textContent !== words) line.textContent = words;
    line.hidden = !words;
  }
}

/** Once a second: say what this page shows, where that has changed or was said long ago. */
export async function beat(open) {
  if (!settings.tells_presence || telling) return;
  const shown = document.hidden ? null : open;
  if (shown === told && (shown === null || performance.now() - toldAt < AGAIN_MS)) return;
  telling = true;
  try {
    const answer = await fetch("/presence", { method: "POST", body: form(shown), signal: AbortSignal.timeout(DEADLINE_MS) });
    // A call that cannot be named is not asked about again and again: the next one is.
    if (answer.status < 500) [told, toldAt] = [shown, performance.now()];
  } catch (error) {
    console.warn("what this page shows could not be told:", error); // the next beat says it again
  } finally {
    telling = false;
  }
}

function form(shown) {
  return new URLSearchParams(shown === null ? { console: page } : { console: page, incident: shown });
}

addEventListener("pagehide", () => {
  if (told !== null) navigator.sendBeacon("/presence", form(null));
  told = null;
});
