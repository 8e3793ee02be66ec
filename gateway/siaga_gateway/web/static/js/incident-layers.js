// Incidents on a map: dots by their state, how sure each place is, and groups where there are many.

import { FONT, SCALE, collection } from "./base-map.js";
import { colour } from "./theme.js";

/** Beyond so many, those that would hide each other are one dot with their number. */
export const MANY = 50;
const LEAST_PX = 14; // of a ring about a dot: no accuracy is too good to be seen
const DEEPEST = 20; // zoom
const EQUATOR_M = 40075016.686 / 512; // a pixel's width at zoom 0, on the equator

const STATES = ["open", "seen", "assigned", "on_scene"];
// Beside its colour each state has a sign, as the legend shows: not everybody tells the colours apart.
const SIGNS = Object.fromEntries(STATES.map((state) => [state, document.querySelector(`.legend .dot.${state}`)?.textContent ?? ""]));
const rank = (state) => [...STATES, "closed"].indexOf(state);
const of = (values) => ["match", ["get", "state"], ...STATES.flatMap((state) => [state, values(state)]), values("closed")];
const worst = (values) => ["match", ["get", "worst"], ...STATES.flatMap((state, number) => [number, values(state)]), values("closed")];
const alone = ["!", ["has", "point_count"]];
const steps = (value) => ["interpolate", ["linear"], ["zoom"], ...Array.from({ length: DEEPEST + 1 }, (_, zoom) => [zoom, value(zoom)]).flat()];

export const INCIDENT_SOURCES = {
  accuracy: { type: "geojson", data: collection([]) },
  incidents: {
    type: "geojson", data: collection([]), cluster: false, clusterRadius: 46, clusterMaxZoom: 14,
    clusterProperties: {
      worst: ["min", ["get", "rank"]],
      duress: ["max", ["case", ["get", "duress"], 1, 0]],
    },
  },
  chosen: { type: "geojson", data: collection([]) }, // the selected one: never part of a group
};

export const incidentLayers = () => [
  { id: "accuracy", type: "fill", source: "accuracy", paint: { "fill-color": of(colour), "fill-opacity": ["case", ["get", "selected"], 0.2, 0.1] } },
  { id: "accuracy-edge", type: "line", source: "accuracy", paint: { "line-color": of(colour), "line-width": 1.5, "line-opacity": ["case", ["get", "selected"], 0.95, 0.45] } },
  ...dots("incidents", ""),
  {
    id: "cluster-duress", type: "circle", source: "incidents", filter: ["all", ["has", "point_count"], [">", ["get", "duress"], 0]],
    paint: { "circle-radius": size(5), "circle-color": "rgba(0,0,0,0)", "circle-stroke-color": colour("duress"), "circle-stroke-width": 3 },
  },
  {
    id: "cluster", type: "circle", source: "incidents", filter: ["has", "point_count"],
    paint: { "circle-radius": size(0), "circle-color": worst(colour), "circle-stroke-color": colour("dot-edge"), "circle-stroke-width": 2.5 },
  },
  {
    id: "cluster-count", type: "symbol", source: "incidents", filter: ["has", "point_count"],
    layout: { "text-field": ["concat", worst((state) => SIGNS[state] ?? ""), " ", ["to-string", ["get", "point_count"]]], "text-font": FONT, "text-size": 14 * SCALE, "text-allow-overlap": true, "text-ignore-placement": true },
    paint: { "text-color": worst((state) => colour(`on-${state}`)) },
  },
  { id: "incident-ring", type: "circle", source: "chosen", paint: { "circle-radius": 18 * SCALE, "circle-color": "rgba(0,0,0,0)", "circle-stroke-color": colour("map-words"), "circle-stroke-width": 2.5 } },
  ...dots("chosen", "chosen-"),
];

function size(more) {
  return ["step", ["get", "point_count"], (16 + more) * SCALE, 20, (20 + more) * SCALE, 100, (25 + more) * SCALE, 1000, (30 + more) * SCALE];
}

function dots(source, prefix) {
  const id = (name) => (prefix && name === "incident" ? "chosen" : `${prefix}${name}`);
  return [
    {
      id: id("least-accuracy"), type: "circle", source, filter: ["all", alone, ["has", "reach"]],
      paint: {
        "circle-radius": LEAST_PX * SCALE, "circle-color": "rgba(0,0,0,0)", "circle-stroke-color": of(colour), "circle-stroke-width": 1.5,
        "circle-stroke-opacity": steps((zoom) => ["case", ["<", ["*", ["get", "reach"], 2 ** zoom], LEAST_PX * SCALE], 0.9, 0]),
      },
    },
    { id: id("duress-ring"), type: "circle", source, filter: ["all", alone, ["get", "duress"]], paint: { "circle-radius": 13 * SCALE, "circle-color": "rgba(0,0,0,0)", "circle-stroke-color": colour("duress"), "circle-stroke-width": 3 } },
    { id: id("incident"), type: "circle", source, filter: alone, layout: { "circle-sort-key": ["-", of(rank)] }, paint: { "circle-radius": 8.5 * SCALE, "circle-color": of(colour), "circle-stroke-color": colour("dot-edge"), "circle-stroke-width": 2 } },
    {
      id: id("incident-name"), type: "symbol", source, filter: alone,
      layout: { "text-field": ["get", "title"], "text-font": FONT, "text-size": 13 * SCALE, "text-variable-anchor": ["top", "bottom", "left", "right"], "text-radial-offset": 1.3,
        // Nothing to see: it keeps the names of towns off the dot.
        "icon-image": "room", "icon-allow-overlap": true, "text-optional": true },
      paint: { "text-color": colour("map-words"), "text-halo-color": colour("map-halo"), "text-halo-width": 1.8 },
    },
    {
      // Last, so that it is placed first; where dots lie upon each other the gravest one's sign is shown.
      id: id("incident-sign"), type: "symbol", source, filter: alone,
      layout: { "text-field": of((state) => SIGNS[state] ?? ""), "text-font": FONT, "text-size": 13 * SCALE, "text-padding": 0, "symbol-sort-key": of(rank) },
      paint: { "text-color": of((state) => colour(`on-${state}`)) },
    },
  ];
}

export function incidentData(features) {
  return collection(features.map(({ id, state, title, duress, accuracy, at }) => ({
    type: "Feature", geometry: { type: "Point", coordinates: at },
    properties: { id, state, title, duress, rank: rank(state), ...(accuracy ? { reach: accuracy / (EQUATOR_M * Math.cos((at[1] * Math.PI) / 180)) } : {}) },
  })));
}

export function accuracyData(features, selected) {
  return collection(features.filter(({ accuracy }) => accuracy).map(({ id, state, at, accuracy }) => ({
    type: "Feature", geometry: { type: "Polygon", coordinates: [circle(at, accuracy)] },
    properties: { state, selected: id === selected },
  })));
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
