// How often the signal was weak, cell by cell: on the map of the survey, and upon the console's.

import { FONT, SCALE, collection } from "./base-map.js";
import { colour } from "./theme.js";

const byWeak = (strong, mixed, weak) => ["step", ["get", "weak"], strong, 10, mixed, 50, weak];
const kind = () => byWeak(colour("strong"), colour("mixed"), colour("weak")); // as .swatch has them
export const COVERAGE_SOURCES = { cells: { type: "geojson", data: collection([]) } };
// The edge tells them apart where colours do not: the weaker, the thicker.
export const coverageLayers = () => [
  { id: "cell", type: "fill", source: "cells", paint: { "fill-color": kind(), "fill-opacity": byWeak(0.3, 0.42, 0.55) } },
  { id: "cell-edge", type: "line", source: "cells", paint: { "line-color": kind(), "line-width": byWeak(0.5, 1.5, 3.5) } },
  {
    id: "cell-signal", type: "symbol", source: "cells", minzoom: 12, // where a label fits into its cell
    layout: { "text-field": ["concat", ["to-string", ["get", "dbm"]], " dBm"], "text-font": FONT, "text-size": 12 * SCALE },
    paint: { "text-color": colour("map-words"), "text-halo-color": colour("map-halo"), "text-halo-width": 1.6 },
  },
];
