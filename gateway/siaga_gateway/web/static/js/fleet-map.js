// The map of the fleet: the buttons that the list shows, by what is wrong with them. It is drawn when somebody unfolds it;
// the list below says the same to who does not see it.

import { FONT, SCALE, collection, note, openMap } from "./base-map.js";
import { geojson } from "./layer-switch.js";
import { tips } from "./map-tip.js";
import { settings, text } from "./settings.js";
import { colour } from "./theme.js";

const STATES = ["silent", "trouble", "well", "off"]; // the worst first: a group looks like its worst
const SIGNS = { silent: "!", trouble: "▲", well: "", off: "–" };
const COLOURS = { silent: "open", trouble: "seen", well: "on_scene", off: "closed" };
const of = (values) => ["match", ["get", "state"], ...STATES.slice(0, -1).flatMap((state) => [state, values(state)]), values("off")];
const worst = (values) => ["match", ["get", "worst"], ...STATES.slice(0, -1).flatMap((state, rank) => [rank, values(state)]), values("off")];
const alone = ["!", ["has", "point_count"]];
const group = ["has", "point_count"];
const fill = (state) => colour(COLOURS[state]);
const words = (state) => colour(`on-${COLOURS[state]}`);

const SOURCES = {
  fleet: {
    type: "geojson", data: collection([]), cluster: true, clusterRadius: 40, clusterMaxZoom: 15,
    clusterProperties: {
      worst: ["min", of((state) => STATES.indexOf(state))],
      silent: ["+", ["case", ["==", ["get", "state"], "silent"], 1, 0]],
    },
  },
};
const layers = () => [
  {
    id: "fleet-group", type: "circle", source: "fleet", filter: group,
    paint: {
      "circle-radius": ["step", ["get", "point_count"], 15 * SCALE, 20, 19 * SCALE, 200, 24 * SCALE, 2000, 30 * SCALE],
      "circle-color": worst(fill), "circle-stroke-color": colour("dot-edge"), "circle-stroke-width": 2,
    },
  },
  {
    id: "fleet-count", type: "symbol", source: "fleet", filter: group,
    layout: {
      "text-field": ["case", [">", ["get", "silent"], 0], ["concat", "!", ["to-string", ["get", "silent"]], "/", ["to-string", ["get", "point_count"]]], ["to-string", ["get", "point_count"]]],
      "text-font": FONT, "text-size": 13 * SCALE, "text-allow-overlap": true, "text-ignore-placement": true,
    },
    paint: { "text-color": worst(words) },
  },
  {
    id: "fleet", type: "circle", source: "fleet", filter: alone, layout: { "circle-sort-key": ["-", of((state) => STATES.indexOf(state))] },
    paint: {
      "circle-radius": of((state) => (state === "silent" ? 10 : 7) * SCALE), "circle-color": of(fill),
      // Where it is only known to have been lately, it is a ring.
      "circle-opacity": ["case", ["get", "mounted"], 1, 0.35],
      "circle-stroke-color": ["case", ["get", "mounted"], colour("dot-edge"), of(fill)], "circle-stroke-width": 2,
    },
  },
  {
    id: "fleet-sign", type: "symbol", source: "fleet", filter: alone,
    layout: { "text-field": of((state) => SIGNS[state]), "text-font": FONT, "text-size": 12 * SCALE, "text-padding": 0, "symbol-sort-key": of((state) => STATES.indexOf(state)) },
    paint: { "text-color": of(words), "text-halo-color": of(fill), "text-halo-width": 1 },
  },
];

function made(map, library) {
  tips(map, library, ["fleet"], (told) => told.words);
  map.on("click", "fleet", ({ features: [found] }) => location.assign(`/maintenance/buttons/${found.properties.id}`));
  map.on("click", "fleet-group", async ({ features: [found] }) => {
    const zoom = await map.getSource("fleet").getClusterExpansionZoom(found.properties.cluster_id);
    map.easeTo({ center: found.geometry.coordinates, zoom: Math.min(zoom + 0.2, map.getMaxZoom()) });
  });
  for (const layer of ["fleet", "fleet-group"]) {
    map.on("mouseenter", layer, () => { map.getCanvas().style.cursor = "pointer"; });
    map.on("mouseleave", layer, () => { map.getCanvas().style.cursor = ""; });
  }
}

async function show(map) {
  try {
    const found = await geojson(settings.fleet);
    const { features } = found;
    map.getSource("fleet").setData(collection(features));
    document.getElementById("map").dataset.devices = String(features.length);
    note(features.length === 0 ? text("fleet_none") : found.more ? text("fleet_most", { n: features.length }) : null, "fleet");
    if (features.length === 0) return;
    const [longitudes, latitudes] = [0, 1].map((axis) => features.map(({ geometry }) => geometry.coordinates[axis]));
    const least = (list) => list.reduce((a, b) => Math.min(a, b));
    const most = (list) => list.reduce((a, b) => Math.max(a, b));
    map.fitBounds([[least(longitudes), least(latitudes)], [most(longitudes), most(latitudes)]], { padding: 40, maxZoom: 13, animate: false });
  } catch (error) {
    console.warn("no fleet:", error);
    note(text("no_fleet"), "fleet");
  }
}

const fold = document.getElementById("fleet-map");
let opened = false;

async function start() {
  if (!fold.open || opened) return;
  opened = true;
  try {
    await openMap("map", SOURCES, layers, { made, ready: show });
  } catch (error) {
    console.warn("no map:", error);
    note(text("no_map"), "map");
  }
}

fold.addEventListener("toggle", start);
start();
