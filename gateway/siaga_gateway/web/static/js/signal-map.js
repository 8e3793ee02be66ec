// The survey map: cells by how often the signal was weak there. Without a map the table says the same.

import { FONT, SCALE, collection, note, openMap } from "./base-map.js";
import { settings, text } from "./settings.js";
import { colour } from "./theme.js";

const byWeak = (strong, mixed, weak) => ["step", ["get", "weak"], strong, 10, mixed, 50, weak];
const kind = () => byWeak(colour("strong"), colour("mixed"), colour("weak")); // as .swatch has them
const SOURCES = { cells: { type: "geojson", data: collection([]) } };
// The edge tells them apart where colours do not: the weaker, the thicker.
const layers = () => [
  { id: "cell", type: "fill", source: "cells", paint: { "fill-color": kind(), "fill-opacity": byWeak(0.3, 0.42, 0.55) } },
  { id: "cell-edge", type: "line", source: "cells", paint: { "line-color": kind(), "line-width": byWeak(0.5, 1.5, 3.5) } },
  {
    id: "cell-signal", type: "symbol", source: "cells", minzoom: 12, // where a label fits into its cell
    layout: { "text-field": ["concat", ["to-string", ["get", "dbm"]], " dBm"], "text-font": FONT, "text-size": 12 * SCALE },
    paint: { "text-color": colour("map-words"), "text-halo-color": colour("map-halo"), "text-halo-width": 1.6 },
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
    note(text("no_cells"), "cells");
  }
}

async function start() {
  try {
    await openMap("map", SOURCES, layers, { ready: show });
  } catch (error) {
    console.warn("no map:", error);
    note(text("no_map"), "map");
  }
}

if (document.getElementById("map") !== null) start();
