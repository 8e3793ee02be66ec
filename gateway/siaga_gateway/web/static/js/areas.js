// Stations and the areas for which they answer, on a map: fetched when somebody wants to see them.

import { FONT, SCALE, collection } from "./base-map.js";
import { LayerSwitch } from "./layer-switch.js";
import { colour } from "./theme.js";

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

export const AREAS = new LayerSwitch({ name: "areas", source: "areas", url: "/places/areas.geojson", failed: "no_areas" });
