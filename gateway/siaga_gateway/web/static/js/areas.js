// Stations and the areas for which they answer, on a map: fetched when somebody wants to see them.

import { FONT, MapButton, SCALE, collection, note } from "./base-map.js";
import { text } from "./settings.js";
import { colour } from "./theme.js";

const URL = "/places/areas.geojson";
export const AREA_SOURCES = { areas: { type: "geojson", data: collection([]) } };
const named = (what, minzoom, size, offset) => ({
  id: `${what}-name`, type: "symbol", source: "areas", minzoom, filter: ["==", ["get", "what"], what],
  layout: { "text-field": ["get", "name"], "text-font": FONT, "text-size": size * SCALE, "text-offset": [0, offset], "text-optional": true },
  paint: { "text-color": colour(what === "label" ? "map-area" : "map-words"), "text-halo-color": colour("map-halo"), "text-halo-width": 1.6 },
});
export const areaLayers = () => [
  { id: "area", type: "fill", source: "areas", filter: ["==", ["get", "what"], "area"], paint: { "fill-color": colour("map-area"), "fill-opacity": 0.07 } },
  { id: "area-edge", type: "line", source: "areas", filter: ["==", ["get", "what"], "area"], paint: { "line-color": colour("map-area"), "line-width": 1.3, "line-opacity": 0.8 } },
  { id: "station", type: "circle", source: "areas", filter: ["==", ["get", "what"], "station"], paint: { "circle-radius": 4.5 * SCALE, "circle-color": "#ffffff", "circle-stroke-color": colour("map-station"), "circle-stroke-width": 2.5 } },
  named("label", 6, 12, 0),
  named("station", 9, 12, 1.1),
];

/** Fetch them, and draw them. Returns whether that went well; if not, the map says so. */
export async function showAreas(map) {
  try {
    const answer = await fetch(URL, { headers: { Accept: "application/geo+json" } });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    map.getSource("areas").setData(await answer.json());
    note(null, "areas");
    return true;
  } catch (error) {
    console.warn("no areas:", error);
    note(text("no_areas"), "areas");
    return false;
  }
}

let shown = false; // also on the map that replaces this one

/** The button that shows and hides them. */
export function areasButton(map) {
  const control = new MapButton("map-areas", text("areas"), async () => {
    control.button.disabled = true;
    if (shown) map.getSource("areas").setData(collection([]));
    shown = !shown && (await showAreas(map));
    control.button.setAttribute("aria-pressed", String(shown));
    control.button.disabled = false;
  });
  control.button.setAttribute("aria-pressed", String(shown));
  map.on("load", () => { if (shown) showAreas(map); });
  return control;
}
