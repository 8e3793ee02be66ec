// The map: every open incident as a dot with its accuracy, a pulse where nobody has acknowledged yet. It only adds to
// the page: where WebGL is missing the rest works on, and the place that is looked for is written where the map would be.

import { AREAS, AREA_SOURCES, areaLayers } from "./areas.js";
import { SITE, calm, covered, note, openMap } from "./base-map.js";
import { COVERAGE_SOURCES, coverageLayers } from "./coverage-layers.js";
import { INCIDENT_SOURCES, MANY, accuracyData, incidentData, incidentLayers } from "./incident-layers.js";
import { LayerSwitch } from "./layer-switch.js";
import { tips } from "./map-tip.js";
import { addSearch } from "./map-search.js";
import { showPlace } from "./place-card.js";
import { settings, text } from "./settings.js";
import { STREETS } from "./streets.js";
import { TRACK_SOURCES, addTrack, showTrack, trackLayers } from "./track.js";
import { UNIT_SOURCES, addUnits, unitLayers } from "./units.js";

// Around an incident that is looked at: nearer, a map without streets has neither town nor coast to go by.
const LEAST_M = STREETS ? 120 : 4000;
const PULSES = 40; // beyond so many the dots alone have to do
const CLOSEST = 17;
const MANY_EVERY_MS = 200; // so seldom thousands are drawn anew while they move: each time takes most of a frame

const features = new Map(); // incident id -> {id, title, state, at: [lon, lat], accuracy, duress, place}
const pulses = new Map(); // incident id -> Marker
let library = null;
let map = null; // while it can be drawn on
let missing = false; // this browser draws no map
let selected = null;
let selectedTitle = "";
let looked = { id: null, at: null }; // where the map last went to
let chosen = () => {};
let pending = null;
let rested = null; // once the map has stood still

const coverage = settings.coverage ? new LayerSwitch({ name: "coverage", source: "cells", url: settings.coverage, failed: "no_coverage" }) : null;
const SOURCES = { ...COVERAGE_SOURCES, ...AREA_SOURCES, ...TRACK_SOURCES, ...INCIDENT_SOURCES, ...UNIT_SOURCES };
const layers = () => [...coverageLayers(), ...areaLayers(), ...trackLayers(), ...unitLayers(), ...incidentLayers()];

/** Build the map; `choose(id)` is called for a click on an incident. */
export async function start(choose) {
  chosen = choose;
  try {
    library = await openMap("map", SOURCES, layers, { made, ready, lost });
  } catch (error) {
    console.warn("no map:", error);
    missing = true;
    note(text("no_map"), "map");
    showPlace(features.get(selected));
  }
}

function made(fresh, from) {
  library = from;
  fresh.addControl(AREAS.button(fresh), "top-right");
  addUnits(fresh, from);
  if (coverage !== null) {
    fresh.addControl(coverage.button(fresh), "top-right");
    tips(fresh, from, ["cell"], (told) => text("coverage_cell", told));
  }
  addTrack(fresh, from);
  addSearch(fresh, from, { move: go, home: () => look(features.get(selected)) });
  for (const layer of ["incident", "incident-ring", "chosen"]) {
    fresh.on("click", layer, (event) => chosen(Number(event.features[0].properties.id)));
    pointed(fresh, layer);
  }
  fresh.on("click", "cluster", async ({ features: [cluster] }) => {
    const zoom = await fresh.getSource("incidents").getClusterExpansionZoom(cluster.properties.cluster_id);
    go({ center: cluster.geometry.coordinates, zoom: Math.min(zoom + 0.2, fresh.getMaxZoom()) });
  });
  pointed(fresh, "cluster");
  fresh.on("moveend", () => {
    clearTimeout(rested);
    rested = setTimeout(() => { if (map === fresh && features.size > MANY) drawAccuracy(); }, 150); // not for each step of a hand
  });
}

function pointed(fresh, layer) {
  fresh.on("mouseenter", layer, () => { fresh.getCanvas().style.cursor = "pointer"; });
  fresh.on("mouseleave", layer, () => { fresh.getCanvas().style.cursor = ""; });
}

function ready(fresh) {
  const first = looked.id === null;
  map = fresh;
  map.addImage("room", { width: 30, height: 30, data: new Uint8Array(30 * 30 * 4) });
  draw();
  if (selected !== null && first) select(selected, selectedTitle);
}

function lost() {
  map = null;
  for (const marker of pulses.values()) marker.remove();
  pulses.clear();
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
      near: dataset.near ?? "", code: dataset.code,
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
  const feature = features.get(id);
  const at = feature?.at ?? null;
  if (missing) showPlace(feature);
  if (map === null) return;
  if (!feature) note(text("nowhere", { title }));
  else note(covered(at) ? null : text("outside", { title }));
  showTrack(map, id, at);
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
  const radius = Math.max(1.5 * (feature.accuracy ?? 0), LEAST_M);
  const box = library.LngLatBounds.fromLngLat(new library.LngLat(...feature.at), radius);
  go(map.cameraForBounds(box, { padding: 40, maxZoom: CLOSEST }));
}

function go(there) {
  map[calm.matches ? "jumpTo" : "easeTo"]({ ...there, duration: 700 });
}

// A burst changes many cards: draw once for all of them.
function plan() {
  if (pending === null) {
    pending = setTimeout(() => {
      pending = null;
      draw();
      if (missing) showPlace(features.get(selected));
    }, features.size > MANY ? MANY_EVERY_MS : 30);
  }
}

function shown() {
  return [...features.values()].filter((feature) => feature.state !== "closed" || feature.id === selected);
}

function draw() {
  if (map === null) return;
  const all = shown();
  const rest = all.filter((feature) => feature.id !== selected);
  map.getSource("chosen").setData(incidentData(all.filter((feature) => feature.id === selected)));
  map.getSource("incidents").setClusterOptions({ cluster: rest.length > MANY });
  map.getSource("incidents").setData(incidentData(rest));
  drawAccuracy(all);
  drawPulses(all);
  map.getContainer().dataset.incidents = String(all.length);
}

function drawAccuracy(all = shown()) {
  const seen = all.length > MANY ? map.getBounds() : null; // thousands of circles would only hide each other
  const near = seen !== null && map.getZoom() > 11;
  map.getSource("accuracy").setData(accuracyData(
    all.filter((feature) => feature.id === selected || seen === null || (near && seen.contains(feature.at))), selected));
}

function drawPulses(all) {
  const open = all.length > MANY ? all.filter((feature) => feature.id === selected) : all;
  const beating = new Map(open.filter((feature) => feature.state === "open").slice(0, PULSES).map((feature) => [feature.id, feature]));
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
