// What must not be overlooked: the strip across the top of the page.

import { clockTime, duration, now } from "./clock.js";
import { settings, text } from "./settings.js";

function show(id, words) {
  const banner = document.getElementById(`banner-${id}`);
  if (words !== null && words !== undefined && banner.textContent !== words) banner.textContent = words;
  banner.hidden = words === null;
}

function chip(id, state, words) {
  const element = document.getElementById(id);
  element.dataset.state = state;
  element.textContent = words;
}

/** silentMs: for how long nothing was heard of the gateway. */
export function link(state, silentMs) {
  chip("link", state, text(`link_${state}`));
  document.body.classList.toggle("stale", state === "dead");
  // The time when the link was last alive, by the gateway's clock.
  show("link", state === "dead" ? text("dead", { time: clockTime(now() - silentMs) }) : null);
  const other = document.getElementById("banner-other"); // only where there is a second machine
  if (other !== null) other.hidden = state !== "dead";
}

export function store(works) {
  show("store", works ? null : text("store_failed"));
}

export function broker(lostMs) {
  show("broker", lostMs === null ? null : text("broker_lost", { time: clockTime(lostMs) }));
}

let troubled = settings.troubles.join();

/** What is wrong with the gateway, by name, as the server tells. True where it is another than before. */
export function troubles(names) {
  for (const banner of document.querySelectorAll("[data-trouble]")) banner.hidden = !names.includes(banner.dataset.trouble);
  const before = troubled;
  troubled = names.join();
  return before !== troubled;
}

export function load(works) {
  show("load", works ? null : text("load_failed"));
}

/** state: on, second (by the second way only), off. */
export function sound(state) {
  chip("sound", state === "on" ? "on" : "off", text(`sound_chip_${state}`));
  const banner = document.getElementById("banner-sound");
  const line = banner.querySelector("span");
  const words = text(state === "second" ? "sound_second" : "sound_off");
  if (line.textContent !== words) line.textContent = words;
  banner.hidden = state === "on";
}

function withLink(words) {
  const banner = document.getElementById("banner-session");
  const again = document.createElement("a");
  again.href = "/sign-in";
  again.textContent = text("sign_in_again");
  banner.replaceChildren(`${words} `, again);
  banner.hidden = false;
  return banner;
}

let over = false;
export function signedOut() {
  if (over) return;
  over = true;
  withLink(text("signed_out")).classList.remove("soon");
  document.body.classList.add("stale");
}

/** From twenty minutes before the session's end on. */
export function sessionEnds() {
  const left = settings.session_ends - now();
  if (!over && left > 0 && left < settings.session_warning) {
    withLink(text("session_ends", { left: duration(left) })).classList.add("soon");
  }
}
