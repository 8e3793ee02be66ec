// Finds a place by name, coordinates or plus code, and marks it. Nothing moves the map but who chooses a result.

import { AREAS } from "./areas.js";
import { covered, shownMap } from "./base-map.js";
import { text } from "./settings.js";

const LONGEST_MS = 10_000;
const form = document.querySelector(".map-search");
const field = document.getElementById("find");
const clear = document.getElementById("find-clear");
const results = document.getElementById("find-results");
const status = document.getElementById("find-status");

let library = null;
let map = null;
let go = () => {};
let back = () => {};
let mark = null;
let marked = null; // what is marked, also on the map that replaces this one
let asked = 0;

/** `move(camera or bounds)` moves the map, `home()` goes back to the incident that is open. */
export function addSearch(fresh, from, { move, home }) {
  [library, map, go, back] = [from, fresh, move, home];
  form.hidden = false;
  if (marked !== null) put();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (shownMap() === null) return;
  const number = ++asked;
  const { lng, lat } = map.getCenter();
  results.replaceChildren();
  try {
    const body = new URLSearchParams({ q: field.value, latitude: lat, longitude: lng });
    const answer = await fetch("/map/find", { method: "POST", body, signal: AbortSignal.timeout(LONGEST_MS) });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    const { found } = await answer.json();
    if (number === asked) show(found);
  } catch (error) {
    console.warn("the search:", error);
    if (number === asked) status.textContent = text("find_failed");
  }
});

function show(found) {
  status.textContent = found.length ? "" : text("find_none");
  results.replaceChildren(...found.map((each) => {
    const row = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    const detail = document.createElement("small");
    detail.textContent = each.detail;
    button.append(each.name, " ", detail);
    button.addEventListener("click", () => choose(each));
    row.append(button);
    return row;
  }));
  if (found.length === 1) choose(found[0]);
}

async function choose(found) {
  if (shownMap() !== map) return; // it is being made anew
  if (!covered(found.at)) {
    status.textContent = text("find_outside", { name: found.name });
    return;
  }
  status.textContent = `${found.name} · ${found.detail}`;
  results.replaceChildren();
  marked = found;
  clear.hidden = false;
  put();
  const whole = found.what === "area" ? await areaBounds(found.key) : null;
  if (marked !== found || shownMap() !== map) return;
  if (whole !== null) go(map.cameraForBounds(whole, { padding: 40 }));
  else go({ center: found.at, zoom: Math.max(map.getZoom(), found.what === "town" ? 11 : 13) });
  clear.focus({ preventScroll: true });
}

/** The rectangle of a station's area, which is shown from now on. */
async function areaBounds(key) {
  const data = await AREAS.show(map);
  const bounds = new library.LngLatBounds();
  for (const { properties, geometry } of data?.features ?? []) {
    if (properties.what !== "area" || properties.key !== key) continue;
    for (const point of geometry.coordinates.flat(2)) bounds.extend(point);
  }
  return bounds.isEmpty() ? null : bounds;
}

function put() {
  mark?.remove();
  const sign = document.createElement("div");
  sign.className = "map-found";
  sign.append(document.createElement("i"), marked.name);
  mark = new library.Marker({ element: sign, anchor: "bottom" }).setLngLat(marked.at).addTo(map);
}

function end() {
  asked += 1;
  results.replaceChildren();
  status.textContent = "";
  field.value = "";
  field.focus({ preventScroll: true });
  clear.hidden = true;
  mark?.remove();
  mark = null;
  if (marked !== null && shownMap() === map) back();
  marked = null;
}

clear.addEventListener("click", end);
form.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    event.preventDefault();
    event.stopPropagation();
    end();
    return;
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const stops = [field, ...results.querySelectorAll("button")];
  if (!step || stops.length === 1) return;
  event.preventDefault();
  event.stopPropagation();
  const at = stops.indexOf(document.activeElement);
  stops[Math.min(Math.max(at + step, 0), stops.length - 1)].focus();
});
