// Stations and the areas for which they answer, on a map: fetched when somebody wants to see them.

import { FONT, MapButton, collection, note } from "./base-map.js";
import { text } from "./settings.js";

const URL = "/places/areas.geojson";
const LINE = "#9db4ff";
export const AREA_SOURCES = { areas: { type: "geojson", data: collection([]) } };
const named = (what, minzoom, size, offset) => ({
  id: `${what}-name`, type: "symbol", source: "areas", minzoom, filter: ["==", ["get", "what"], what],
  layout: { "text-field": ["get", "name"], "text-font": FONT, "text-size": size, "text-offset": [0, offset], "text-optional": true },
  paint: { "text-color": what === "label" ? LINE : "#ffffff", "text-halo-color": "#0b1320", "text-halo-width": 1.6 },
});
export const AREA_LAYERS = [
  { id: "area", type: "fill", source: "areas", filter: ["==", ["get", "what"], "area"], paint: { "fill-color": LINE, "fill-opacity": 0.07 } },
  { id: "area-edge", type: "line", source: "areas", filter: ["==", ["get", "what"], "area"], paint: { "line-color": LINE, "line-width": 1.3, "line-opacity": 0.8 } },
  { id: "station", type: "circle", source: "areas", filter: ["==", ["get", "what"], "station"], paint: { "circle-radius": 4.5, "circle-color": "#ffffff", "circle-stroke-color": "#3555c9", "circle-stroke-width": 2.5 } },
  named("label", 6, 12, 0),
  named("station", 9, 12, 1.1),
];

/** Fetch them, and draw them. Returns whether that went well; if not, the map says so. */
export async function showAreas(map) {
  try {
    const answer = await fetch(URL, { headers: { Accept: "application/geo+json" } });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    map.getSource("areas").setData(await answer.json());
    note(null);
    return true;
  } catch (error) {
    console.warn("no areas:", error);
    note(text("no_areas"));
    return false;
  }
}

/** The button that shows and hides them. */
export function areasButton(map) {
  let shown = false;
  const control = new MapButton("map-areas", text("areas"), async () => {
    control.button.disabled = true;
    if (shown) map.getSource("areas").setData(collection([]));
    shown = !shown && (await showAreas(map));
    control.button.setAttribute("aria-pressed", String(shown));
    control.button.disabled = false;
  });
  control.button.setAttribute("aria-pressed", "false");
  return control;
}
