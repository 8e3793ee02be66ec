// The base map: sea, land and towns, and streets where the site has them, with its controls. What is drawn on it is
// others' business.

import { settings, text } from "./settings.js";
import { GROUND_UNTIL, STREETS, openStreets, streetLayers, streetsAnswer } from "./streets.js";
import { colour, onTheme } from "./theme.js";
import { TileRetry } from "./tile-retry.js";

const LIBRARY = "/static/vendor/maplibre-gl/maplibre-gl.mjs";
const WORKER = "/static/vendor/maplibre-gl/maplibre-gl-worker.mjs";
const COVERED = [[94, -12], [142, 8]]; // by the base map
const LONGEST_MS = 30_000;
const AGAIN_MS = 4000; // how long a browser has to give back its drawing, and between tries to make another map
export const SITE = settings.map === null ? COVERED : [settings.map.slice(0, 2), settings.map.slice(2)];
export const EDGE = around(SITE); // how far the map can be moved
export const FONT = ["DejaVu Sans, Noto Sans, Segoe UI, Arial, sans-serif"];
/** How much larger all is on a screen that is read from afar: the page's own letters say it. */
export const SCALE = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;

let current = null;
/** The map that takes data now; null: none does. */
export const shownMap = () => current;

const VILLAGES_FROM = 8.2; // zoom
let land = null; // once it has come

/** The land, which comes as steps from corner to corner; asked for until it comes. */
async function drawLand() {
  while (land === null) {
    try {
      const answer = await fetch("/static/map/land.json", { signal: AbortSignal.timeout(LONGEST_MS) });
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      const { step, polygons } = await answer.json();
      land = { type: "MultiPolygon", coordinates: polygons.map((rings) => rings.map((steps) => corners(steps, step))) };
    } catch (error) {
      console.warn("no coast:", error);
      await new Promise((after) => setTimeout(after, AGAIN_MS));
    }
  }
  return land;
}

function corners(steps, step) {
  const ring = [];
  let [x, y] = [0, 0];
  for (let at = 0; at < steps.length; at += 2) {
    x += steps[at];
    y += steps[at + 1];
    ring.push([x / step, y / step]);
  }
  ring.push(ring[0]);
  return ring;
}

export const calm = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * Build the map in the element `container`, with these sources and, above its own, what `layers()` returns in the
 * colours of the theme that is shown. `made(map, library)` is called for the map and again for each that replaces it: a
 * browser may take its drawing away at any time, and then everything is made anew where it was. `ready(map)` is called
 * once it takes data, `lost()` when it no longer does. Throws where a browser cannot draw it.
 */
export async function openMap(container, sources, layers, { made = () => {}, ready = () => {}, lost = () => {} } = {}) {
  const library = await import(LIBRARY);
  library.setWorkerUrl(WORKER);
  if (settings.streets_fault) note(settings.streets_fault, "streets");
  const streets = await openStreets(library);
  let map = null;
  let loaded = false;
  let again = null;
  let tiles = null; // of the streets
  let fetched = null; // the map that has its villages

  const repaint = () => {
    if (!loaded) return;
    for (const { id, paint } of [...ground(), ...streetLayers(), ...layers()]) {
      for (const [name, value] of Object.entries(paint ?? {})) if (map.getLayer(id)) map.setPaintProperty(id, name, value);
    }
  };

  /** Without streets the towns and the coast are all there is, however near one looks. */
  function groundUntil(zoom) {
    if (!loaded) return;
    for (const { id, minzoom = 0 } of towns()) map.setLayerZoomRange(id, minzoom, zoom);
    if (map.getLayer("street-land")) map.setLayerZoomRange("street-land", zoom, 24);
  }

  /** Villages are most of what there is to fetch, and a map of a province shows none. */
  function villages(fresh) {
    if (!loaded || map !== fresh || fetched === fresh || fresh.getZoom() < VILLAGES_FROM) return;
    fetched = fresh;
    fresh.getSource("villages").setData("/static/map/villages.json");
  }

  function streetsMissing(missing) {
    note(missing ? text("no_streets") : null, "streets");
    groundUntil(missing ? 24 : GROUND_UNTIL);
  }

  function build(view) {
    const fresh = new library.Map({
      container, style: style({ ...streets, ...sources }, layers()), ...view, maxBounds: EDGE,
      maxZoom: STREETS ? 19 : 16, dragRotate: false, pitchWithRotate: false, touchPitch: false, fadeDuration: 0,
      attributionControl: false,
      locale: { "NavigationControl.ZoomIn": text("zoom_in"), "NavigationControl.ZoomOut": text("zoom_out") },
    });
    map = fresh;
    loaded = false;
    if (tiles?.end()) note(null, "streets");
    const retry = tiles = new TileRetry(fresh, "streets", streetsMissing, streetsAnswer);
    fresh.touchZoomRotate.disableRotation();
    fresh.keyboard.disableRotation();
    fresh.addControl(new library.AttributionControl({ compact: false, customAttribution: text("attribution") }));
    fresh.addControl(new library.NavigationControl({ showCompass: false }), "top-right");
    fresh.addControl(new MapButton("map-home", text("home"), () => fresh.fitBounds(SITE, { padding: 24, animate: !calm.matches })), "top-right");
    fresh.addControl(new library.ScaleControl({ maxWidth: 120 }), "bottom-left");
    made(fresh, library);
    fresh.on("load", () => {
      if (map !== fresh) return;
      loaded = true;
      current = fresh;
      note(null, "map");
      drawLand().then((land) => { if (map === fresh) fresh.getSource("land").setData(land); });
      villages(fresh);
      repaint(); // the theme may have changed since the style was made, and before this nothing can be changed in it
      if (retry.bad) streetsMissing(true);
      ready(fresh);
    });
    fresh.on("zoomend", () => villages(fresh));
    fresh.on("error", ({ sourceId, error, tile }) => {
      console.warn("the map:", sourceId ?? "", error);
      if (sourceId === "streets" && map === fresh) retry.failed(tile);
    });
    fresh.on("sourcedata", ({ sourceId, tile }) => {
      if (sourceId === "streets" && tile?.state === "loaded") retry.came(tile);
    });
    fresh.on("webglcontextlost", () => {
      if (map !== fresh) return;
      loaded = false;
      current = null;
      lost();
      note(text("map_lost"), "map");
      clearTimeout(again);
      again = setTimeout(rebuild, AGAIN_MS);
    });
    // The library restores what it had; what happened meanwhile it does not know.
    fresh.on("webglcontextrestored", () => { if (map === fresh) rebuild(); });
  }

  function rebuild() {
    clearTimeout(again);
    const view = { center: map.getCenter(), zoom: map.getZoom() };
    try {
      map.remove();
    } catch (error) {
      console.warn("the lost map:", error); // it is out of the page, and that is what counts
    }
    document.getElementById(container).replaceChildren();
    try {
      build(view);
    } catch (error) {
      console.warn("no map yet:", error);
      again = setTimeout(rebuild, AGAIN_MS);
    }
  }

  build({ bounds: SITE, fitBoundsOptions: { padding: 24 } });
  onTheme(repaint);
  return library;
}

/** A button among the map's controls. */
export class MapButton {
  constructor(name, words, pressed) {
    this.box = document.createElement("div");
    this.box.className = "maplibregl-ctrl maplibregl-ctrl-group";
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = name;
    this.button.title = words;
    this.button.setAttribute("aria-label", words);
    this.button.onclick = pressed;
    this.box.append(this.button);
  }

  onAdd() {
    return this.box;
  }

  onRemove() {
    this.box.remove();
  }
}

export function covered([longitude, latitude]) {
  const [[west, south], [east, north]] = EDGE;
  return west < longitude && longitude < east && south < latitude && latitude < north;
}

const notes = new Map(); // by whose they are

/** Say something over the map; null: nothing. Each of those who have something to say has a line of its own. */
export function note(words, whose = "shown") {
  if (words === null) notes.delete(whose);
  else notes.set(whose, words);
  const line = document.getElementById("map-note");
  line.hidden = notes.size === 0;
  line.textContent = [...notes.values()].join("\n");
}

export function collection(list) {
  return { type: "FeatureCollection", features: list };
}

/** Half as wide again on each side. */
function around([[west, south], [east, north]]) {
  const [wide, high] = [Math.max((east - west) / 2, 0.5), Math.max((north - south) / 2, 0.5)];
  return [[Math.max(west - wide, -180), Math.max(south - high, -85)], [Math.min(east + wide, 180), Math.min(north + high, 85)]];
}

function town(rank, minzoom, size, words) {
  const source = rank === 3 ? "villages" : "places";
  return [
    {
      id: `town-${rank}`, type: "circle", source, minzoom, maxzoom: GROUND_UNTIL, filter: ["==", ["get", "rank"], rank],
      paint: { "circle-radius": (rank === 1 ? 3.5 : 2.5) * SCALE, "circle-color": colour("map-town"), "circle-opacity": 0.9 },
    },
    {
      id: `town-name-${rank}`, type: "symbol", source, minzoom, maxzoom: GROUND_UNTIL, filter: ["==", ["get", "rank"], rank],
      layout: {
        "text-field": ["get", "name"], "text-font": FONT, "text-size": size * SCALE, "text-variable-anchor": ["left", "right", "top", "bottom"],
        "text-radial-offset": 0.6, "text-justify": "auto", "symbol-sort-key": rank,
        "text-allow-overlap": rank === 1,
      },
      paint: { "text-color": words, "text-halo-color": colour("map-halo"), "text-halo-width": 1.4 },
    },
  ];
}

function style(sources, layers) {
  return {
    version: 8,
    sources: {
      land: { type: "geojson", data: collection([]) },
      places: { type: "geojson", data: "/static/map/towns.json" },
      villages: { type: "geojson", data: collection([]) },
      ...sources,
    },
    layers: [...ground(), ...streetLayers(), ...layers],
  };
}

const towns = () => [
  ...town(3, VILLAGES_FROM, 12, colour("map-hamlet")), ...town(2, 5.6, 12.5, colour("map-words")), ...town(1, 0, 15, colour("map-words")),
];

function ground() {
  return [
    { id: "sea", type: "background", paint: { "background-color": colour("map-sea") } },
    { id: "shallows", type: "line", source: "land", paint: { "line-color": colour("map-shallows"), "line-width": ["interpolate", ["linear"], ["zoom"], 6, 6, 12, 26], "line-blur": ["interpolate", ["linear"], ["zoom"], 6, 4, 12, 16] } },
    { id: "land", type: "fill", source: "land", paint: { "fill-color": colour("map-land") } },
    { id: "coast", type: "line", source: "land", paint: { "line-color": colour("map-coast"), "line-width": 1.1 } },
    ...towns(),
  ];
}
