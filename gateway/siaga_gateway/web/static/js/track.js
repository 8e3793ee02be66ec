// Where the button of the incident that is looked at has been: each fix with its time, numbered, the last one filled.

import { FONT, SCALE, collection, note } from "./base-map.js";
import { geojson } from "./layer-switch.js";
import { tips } from "./map-tip.js";
import { text } from "./settings.js";
import { colour } from "./theme.js";

const EMPTY = collection([]);
export const TRACK_SOURCES = { track: { type: "geojson", data: EMPTY } };
const fix = ["==", ["get", "what"], "fix"];
export const trackLayers = () => [
  { id: "track", type: "line", source: "track", filter: ["==", ["get", "what"], "line"], layout: { "line-cap": "round", "line-join": "round" }, paint: { "line-color": colour("map-track"), "line-width": 2.5, "line-dasharray": [1.5, 1.8] } },
  {
    id: "track-fix", type: "circle", source: "track", filter: fix,
    paint: { "circle-radius": ["case", ["get", "last"], 6, 4.5], "circle-color": ["case", ["get", "last"], colour("map-track"), colour("map-halo")], "circle-stroke-color": colour("map-track"), "circle-stroke-width": 2 },
  },
  {
    id: "track-time", type: "symbol", source: "track", filter: fix, minzoom: 12,
    layout: { "text-field": ["concat", ["to-string", ["get", "number"]], " · ", ["get", "when"]], "text-font": FONT, "text-size": 11.5 * SCALE, "text-variable-anchor": ["left", "right", "top", "bottom"], "text-radial-offset": 0.9, "symbol-sort-key": ["-", ["get", "number"]] },
    paint: { "text-color": colour("map-words"), "text-halo-color": colour("map-halo"), "text-halo-width": 1.8 },
  },
];

let shown = null; // incident, and where its button was when its path was fetched
let data = EMPTY;

/** Whoever points at a fix is told when it was. */
export function addTrack(map, library) {
  tips(map, library, ["track-fix"], ({ words }) => words);
  map.on("load", () => map.getSource("track").setData(data));
}

/** Show the path of an incident; asked again only once it has moved. `at`: where it is now, null: nobody knows. */
export async function showTrack(map, id, at) {
  const asked = `${id} ${at}`;
  if (shown === asked) return;
  if (shown?.split(" ")[0] !== String(id)) draw(map, EMPTY);
  shown = asked;
  if (at === null) {
    draw(map, EMPTY);
    return;
  }
  try {
    const found = await geojson(`/incidents/${id}/track.geojson`);
    if (shown !== asked) return;
    draw(map, found.features.length > 1 ? found : EMPTY); // one fix is where the incident's own dot is
    note(null, "track");
  } catch (error) {
    if (shown !== asked) return;
    shown = null; // the next refresh asks again
    console.warn("no path:", error);
    note(text("no_track"), "track");
  }
}

function draw(map, found) {
  data = found;
  map.getSource("track")?.setData(found);
  map.getContainer().dataset.track = String(found.features.length);
}
