// The gateway's clock, kept beside this computer's: all ages and times on the page are the gateway's.

import { settings, text } from "./settings.js";

let ahead = settings.now - Date.now(); // ms that the gateway's clock is ahead of this computer's

export function tickFromServer(nowMs) {
  ahead = nowMs - Date.now();
}

/** Unix ms by the gateway's clock. */
export function now() {
  return Date.now() + ahead;
}

const wib = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: "Asia/Jakarta",
});

/** `14:03:27 WIB` */
export function clockTime(ms) {
  return `${wib.format(ms)} WIB`;
}

/** `2 mnt`, `1 jam 5 mnt`: the two largest units. */
export function duration(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return text("s", { n: s });
  if (s < 3600) return text("m", { n: Math.floor(s / 60) });
  const [large, small, unit, part] = s < 86400 ? ["h", "m", 3600, 60] : ["d", "h", 86400, 3600];
  const rest = Math.floor((s % unit) / part);
  return text(large, { n: Math.floor(s / unit) }) + (rest ? ` ${text(small, { n: rest })}` : "");
}

function show(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

/** Fill in every age under `root`: `data-ago` (… ago) and `data-since` (how long already). */
export function showAges(root = document) {
  const at = now();
  for (const element of root.querySelectorAll("[data-ago]")) {
    const age = at - Number(element.dataset.ago);
    show(element, age < 5000 ? text("now") : text("ago", { age: duration(age) }));
    if (element.dataset.oldAfter) element.classList.toggle("old", age > Number(element.dataset.oldAfter) * 1000);
  }
  for (const element of root.querySelectorAll("[data-since]")) {
    show(element, duration(at - Number(element.dataset.since)));
  }
}

export function startClock() {
  const clock = document.getElementById("clock");
  const beat = () => {
    show(clock, clockTime(now()));
    showAges();
  };
  beat();
  setInterval(beat, 1000);
}
