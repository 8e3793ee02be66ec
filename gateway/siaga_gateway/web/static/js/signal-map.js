// The survey map: cells by how often the signal was weak there. Without a map the table says the same.

import { note, openMap } from "./base-map.js";
import { COVERAGE_SOURCES, coverageLayers } from "./coverage-layers.js";
import { geojson } from "./layer-switch.js";
import { settings, text } from "./settings.js";

/** Fetch the cells, draw them, and show all of them. */
async function show(map) {
  try {
    const cells = await geojson(settings.cells);
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
    await openMap("map", COVERAGE_SOURCES, coverageLayers, { ready: show });
  } catch (error) {
    console.warn("no map:", error);
    note(text("no_map"), "map");
  }
}

if (document.getElementById("map") !== null) start();
