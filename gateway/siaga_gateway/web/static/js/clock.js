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

/** The site's zone at a time, [from when, s east of UTC, label]: told by the gateway, whatever this computer knows. */
function zoneAt(ms) {
  return settings.zone.findLast(([from]) => from <= ms) ?? settings.zone[0];
}

/** [`23-11-2026`, `14:03:27`, `WITA`] */
function local(ms) {
  const [, offset, label] = zoneAt(ms);
  const [day, time] = new Date(ms + offset * 1000).toISOString().split("T");
  return [day.split("-").reverse().join("-"), time.slice(0, 8), label];
}

/** `14:03:27 WITA`, with its day where that is another than today. */
export function clockTime(ms) {
  const [day, time, label] = local(ms);
  return day === local(now())[0] ? `${time} ${label}` : `${day} ${time} ${label}`;
}

let today = local(now())[0];

/** At midnight what was a time of today becomes one of yesterday. */
function turnPage() {
  const [day] = local(now());
  if (day === today) return;
  today = day;
  for (const element of document.querySelectorAll("time[data-at]")) show(element, clockTime(Number(element.dataset.at)));
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

/** Fill in every age under `root`: `data-ago` (… ago), `data-since` (how long already), `data-due` (in …). What has
 *  `data-until` goes when that is over. */
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
  for (const element of root.querySelectorAll("[data-until]")) {
    if (Number(element.dataset.until) <= at) element.remove(); // the gateway would refuse it
  }
  for (const element of root.querySelectorAll("[data-due]")) {
    const left = Number(element.dataset.due) - at;
    show(element, left < 1000 ? text("due_now") : text("in_time", { time: duration(left) }));
  }
}

export function startClock() {
  const clock = document.getElementById("clock");
  const beat = () => {
    show(clock, clockTime(now()));
    turnPage();
    showAges();
  };
  beat();
  setInterval(beat, 1000);
}
