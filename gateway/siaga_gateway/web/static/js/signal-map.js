// The survey map: cells by how often the signal was weak there. Without a map the table says the same.

import { FONT, collection, note, openMap } from "./base-map.js";
import { settings, text } from "./settings.js";

const COLOUR = ["step", ["get", "weak"], "#4aa3ff", 10, "#ffd25e", 50, "#ff5a52"]; // as .swatch has them
const SOURCES = { cells: { type: "geojson", data: collection([]) } };
const LAYERS = [
  { id: "cell", type: "fill", source: "cells", paint: { "fill-color": COLOUR, "fill-opacity": 0.42 } },
  { id: "cell-edge", type: "line", source: "cells", paint: { "line-color": COLOUR, "line-width": 1 } },
  {
    id: "cell-signal", type: "symbol", source: "cells", minzoom: 12, // where a label fits into its cell
    layout: { "text-field": ["concat", ["to-string", ["get", "dbm"]], " dBm"], "text-font": FONT, "text-size": 12 },
    paint: { "text-color": "#ffffff", "text-halo-color": "#0b1320", "text-halo-width": 1.6 },
  },
];

/** Fetch the cells, draw them, and show all of them. */
async function show(map) {
  try {
    const answer = await fetch(settings.cells, { headers: { Accept: "application/geo+json" } });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    const cells = await answer.json();
    map.getSource("cells").setData(cells);
    const corners = cells.features.map(({ geometry }) => geometry.coordinates[0]);
    const [west, south] = corners.map(([corner]) => corner).reduce((a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1])]);
    const [east, north] = corners.map(([, , corner]) => corner).reduce((a, b) => [Math.max(a[0], b[0]), Math.max(a[1], b[1])]);
    map.fitBounds([[west, south], [east, north]], { padding: 40, maxZoom: 11, animate: false });
    document.getElementById("map").dataset.cells = String(cells.features.length);
  } catch (error) {
    console.warn("no cells:", error);
    note(text("no_cells"));
  }
}

async function start() {
  try {
    const [, map] = await openMap("map", SOURCES, LAYERS);
    map.on("load", () => show(map));
  } catch (error) {
    console.warn("no map:", error);
    note(text("no_map"));
  }
}

if (document.getElementById("map") !== null) start();
