// The map: an offline base map, every open incident as a dot with its accuracy circle, a pulse where nobody
// has acknowledged yet. It only adds to the page: where WebGL is missing the rest works on.

import { AREA_SOURCES, areaLayers, areasButton } from "./areas.js";
import { FONT, SCALE, SITE, calm, collection, covered, note, openMap } from "./base-map.js";
import { text } from "./settings.js";
import { colour } from "./theme.js";

const CLOSEST = 9.8; // when it goes to an incident by itself: near enough to act, far enough to see towns
const PULSES = 40; // beyond so many the dots alone have to do

const STATES = ["open", "seen", "assigned", "on_scene"];
// Beside its colour each state has a sign, as the legend shows: not everybody tells the colours apart.
const SIGNS = Object.fromEntries(STATES.map((state) => [state, document.querySelector(`.legend .dot.${state}`).textContent]));
const rank = (state) => [...STATES, "closed"].indexOf(state);
const of = (values) => ["match", ["get", "state"], ...STATES.flatMap((state) => [state, values(state)]), values("closed")];

const SOURCES = {
  accuracy: { type: "geojson", data: collection([]) },
  incidents: { type: "geojson", data: collection([]) },
};
const layers = () => [
  { id: "accuracy", type: "fill", source: "accuracy", paint: { "fill-color": of(colour), "fill-opacity": ["case", ["get", "selected"], 0.2, 0.1] } },
  { id: "accuracy-edge", type: "line", source: "accuracy", paint: { "line-color": of(colour), "line-width": 1.5, "line-opacity": ["case", ["get", "selected"], 0.95, 0.45] } },
  { id: "incident-ring", type: "circle", source: "incidents", filter: ["get", "selected"], paint: { "circle-radius": 18 * SCALE, "circle-color": "rgba(0,0,0,0)", "circle-stroke-color": colour("map-words"), "circle-stroke-width": 2.5 } },
  { id: "duress-ring", type: "circle", source: "incidents", filter: ["get", "duress"], paint: { "circle-radius": 13 * SCALE, "circle-color": "rgba(0,0,0,0)", "circle-stroke-color": colour("duress"), "circle-stroke-width": 3 } },
  { id: "incident", type: "circle", source: "incidents", layout: { "circle-sort-key": ["-", of(rank)] }, paint: { "circle-radius": 8.5 * SCALE, "circle-color": of(colour), "circle-stroke-color": colour("dot-edge"), "circle-stroke-width": 2 } },
  {
    id: "incident-name", type: "symbol", source: "incidents",
    layout: { "text-field": ["get", "title"], "text-font": FONT, "text-size": 13 * SCALE, "text-variable-anchor": ["top", "bottom", "left", "right"], "text-radial-offset": 1.3,
      // Nothing to see: it keeps the names of towns off the dot.
      "icon-image": "room", "icon-allow-overlap": true, "text-optional": true },
    paint: { "text-color": colour("map-words"), "text-halo-color": colour("map-halo"), "text-halo-width": 1.8 },
  },
  {
    // Last, so that it is placed first; where dots lie upon each other the gravest one's sign is shown.
    id: "incident-sign", type: "symbol", source: "incidents",
    layout: { "text-field": of((state) => SIGNS[state] ?? ""), "text-font": FONT, "text-size": 13 * SCALE, "text-padding": 0, "symbol-sort-key": of(rank) },
    paint: { "text-color": of((state) => colour(`on-${state}`)) },
  },
];

const features = new Map(); // incident id -> {id, title, state, at: [lon, lat], accuracy}
const pulses = new Map(); // incident id -> Marker
let library = null;
let map = null;
let ready = false;
let selected = null;
let selectedTitle = "";
let looked = { id: null, at: null }; // where the map last went to
let chosen = () => {};
let pending = null;

/** Build the map; `choose(id)` is called for a click on an incident. */
export async function start(choose) {
  chosen = choose;
  try {
    [library, map] = await openMap("map", { ...AREA_SOURCES, ...SOURCES }, () => [...areaLayers(), ...layers()]);
  } catch (error) {
    console.warn("no map:", error);
    map = null;
    note(text("no_map"));
    return;
  }
  map.addControl(areasButton(map), "top-right");
  map.on("load", () => {
    ready = true;
    map.addImage("room", { width: 30, height: 30, data: new Uint8Array(30 * 30 * 4) });
    draw();
    if (selected !== null) select(selected, selectedTitle);
  });
  for (const layer of ["incident", "incident-ring"]) {
    map.on("click", layer, (event) => chosen(Number(event.features[0].properties.id)));
    map.on("mouseenter", layer, () => { map.getCanvas().style.cursor = "pointer"; });
    map.on("mouseleave", layer, () => { map.getCanvas().style.cursor = ""; });
  }
}

/** Put these cards on the map; closed ones are drawn only while they are selected. */
export function update(cards) {
  for (const { dataset } of cards) {
    const id = Number(dataset.id);
    if (dataset.latitude === undefined) {
      features.delete(id);
      continue;
    }
    features.set(id, {
      id, title: dataset.title, state: dataset.state,
      at: [Number(dataset.longitude), Number(dataset.latitude)],
      accuracy: dataset.accuracy === undefined ? null : Number(dataset.accuracy),
      duress: dataset.duress !== undefined,
    });
  }
  plan();
}

/** Keep only incidents that are still in the queue, and the selected one. */
export function keep(ids) {
  for (const id of features.keys()) if (!ids.has(id) && id !== selected) features.delete(id);
  plan();
}

/** Mark an incident, and go there: when it is another one, when its place becomes known, when it moves out of sight. */
export function select(id, title) {
  selected = id;
  selectedTitle = title;
  plan();
  if (!ready) return;
  const feature = features.get(id);
  const at = feature?.at ?? null;
  if (!feature) note(text("nowhere", { title }));
  else note(covered(at) ? null : text("outside", { title }));
  const before = looked;
  looked = { id, at };
  // Any other refresh must not pull the map from under the operator's hand.
  if (before.id !== id || (at === null) !== (before.at === null)) look(feature);
  else if (at !== null && String(at) !== String(before.at) && covered(at) && !map.getBounds().contains(at)) look(feature);
}

function look(feature) {
  if (!feature || !covered(feature.at)) {
    map.fitBounds(SITE, { padding: 24, animate: !calm.matches });
    return;
  }
  const radius = Math.max(feature.accuracy ?? 0, 400);
  const box = library.LngLatBounds.fromLngLat(new library.LngLat(...feature.at), radius * 4);
  const there = map.cameraForBounds(box, { padding: 40, maxZoom: CLOSEST });
  map[calm.matches ? "jumpTo" : "easeTo"]({ ...there, duration: 700 });
}

// A burst changes many cards: draw once for all of them.
function plan() {
  if (pending === null) {
    pending = setTimeout(() => {
      pending = null;
      draw();
    }, 30);
  }
}

function shown() {
  return [...features.values()].filter((feature) => feature.state !== "closed" || feature.id === selected);
}

function draw() {
  if (!ready) return;
  const all = shown();
  map.getSource("incidents").setData(collection(all.map((feature) => ({
    type: "Feature", geometry: { type: "Point", coordinates: feature.at },
    properties: { id: feature.id, state: feature.state, title: feature.title, duress: feature.duress, selected: feature.id === selected },
  }))));
  map.getSource("accuracy").setData(collection(all.filter((feature) => feature.accuracy).map((feature) => ({
    type: "Feature", geometry: { type: "Polygon", coordinates: [circle(feature.at, feature.accuracy)] },
    properties: { state: feature.state, selected: feature.id === selected },
  }))));
  const beating = new Map(all.filter((feature) => feature.state === "open").slice(0, PULSES).map((feature) => [feature.id, feature]));
  for (const [id, marker] of pulses) {
    if (beating.has(id)) continue;
    marker.remove();
    pulses.delete(id);
  }
  for (const [id, feature] of beating) {
    if (!pulses.has(id)) pulses.set(id, new library.Marker({ element: pulse() }).setLngLat(feature.at).addTo(map));
    else pulses.get(id).setLngLat(feature.at);
  }
}

function pulse() {
  const element = document.createElement("div");
  element.className = "pulse";
  element.setAttribute("aria-hidden", "true");
  element.append(document.createElement("i"));
  return element;
}

/** A circle of `metres` around a point, as a ring of 48 corners. */
function circle([longitude, latitude], metres) {
  const north = metres / 111195;
  const east = north / Math.cos((latitude * Math.PI) / 180);
  return Array.from({ length: 49 }, (_, corner) => {
    const turn = ((corner % 48) * Math.PI) / 24;
    return [longitude + east * Math.sin(turn), latitude + north * Math.cos(turn)];
  });
}
