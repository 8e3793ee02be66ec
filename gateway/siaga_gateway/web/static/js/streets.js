// Streets under everything else: the site's own file of tiles (PMTiles) or tile server, in the schema of Protomaps or of
// OpenMapTiles, or as pictures. Styled here, so that they have the colours of the theme; letters are the browser's own.

import { settings } from "./settings.js";
import { colour } from "./theme.js";

const FILE = "/map/streets.pmtiles";
const LONGEST_MS = 10_000;
const READER = "/static/vendor/pmtiles/pmtiles.js";
const FONT = ["DejaVu Sans, Noto Sans, Segoe UI, Arial, sans-serif"];
const SCALE = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
const told = settings.streets ?? null;
let protocol = null; // what reads the site's file
/** Whether there are streets to be seen: how near the map goes depends on it. */
export const STREETS = told !== null;

/** Return the source of the streets for the map; throws if what reads the file cannot be loaded. */
export async function openStreets(library) {
  if (!STREETS) return {};
  const { schema, tiles, least, deepest, bounds, attribution } = told;
  // A tile server's bounds are not known, and the library takes no null for that.
  const source = { minzoom: least, maxzoom: deepest, attribution, ...(bounds === null ? {} : { bounds }) };
  if (schema === "raster") Object.assign(source, { type: "raster", tileSize: 256 });
  else source.type = "vector";
  if (tiles !== null) return { streets: { ...source, tiles: [tiles] } };
  await reader();
  protocol = new window.pmtiles.Protocol();
  library.addProtocol("pmtiles", protocol.tile);
  return { streets: { ...source, tiles: [`pmtiles://${location.origin}${FILE}/{z}/{x}/{y}`] } };
}

/** Whether the tile `at` ({z, x, y}; null: any) or the site's file can be read now. */
export async function streetsAnswer(at) {
  const { z, x, y } = at ?? { z: 0, x: 0, y: 0 };
  const url = told.tiles?.replace("{z}", z).replace("{x}", x).replace("{y}", y) ?? FILE;
  try {
    const signal = AbortSignal.timeout(LONGEST_MS);
    const answer = await fetch(url, { signal, cache: "no-store", headers: told.tiles === null ? { Range: "bytes=0-126" } : {} });
    await answer.arrayBuffer();
    if (!answer.ok && answer.status !== 404) return false; // a server has no tile where there is nothing
  } catch (error) {
    console.warn("no streets yet:", error);
    return false;
  }
  protocol?.tiles.clear(); // a head that could not be read would be remembered as such
  return true;
}

function reader() {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = READER;
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${READER} cannot be loaded`));
    document.head.append(script);
  });
}

// Where each schema keeps what is drawn: layer, and which of it.
const kind = ["coalesce", ["get", "kind"], ["get", "pmap:kind"], ""];
const detail = ["coalesce", ["get", "kind_detail"], ["get", "pmap:kind_detail"], ""];
const klass = ["coalesce", ["get", "class"], ""];
const among = (value, ...names) => ["in", value, ["literal", names]];
const SCHEMAS = {
  protomaps: {
    water: ["water", ["!=", ["geometry-type"], "Point"]],
    green: ["landuse", among(kind, "park", "forest", "wood", "nature_reserve", "grass", "cemetery", "golf_course")],
    building: ["buildings", true],
    rail: ["roads", among(kind, "rail")],
    path: ["roads", among(kind, "path")],
    minor: ["roads", among(kind, "minor_road", "other")],
    medium: ["roads", ["all", among(kind, "major_road", "medium_road"), ["!", among(detail, "trunk", "primary")]]],
    main: ["roads", ["any", among(kind, "highway"), ["all", among(kind, "major_road"), among(detail, "trunk", "primary")]]],
    border: ["boundaries", true],
    roadName: ["roads", ["all", ["has", "name"], ["!", among(kind, "rail", "ferry")]]],
    hospital: ["pois", among(kind, "hospital", "clinic", "police", "fire_station", "school", "university", "place_of_worship", "marketplace")],
    town: ["places", ["any", among(kind, "locality"), among(detail, "city", "town")]],
    quarter: ["places", among(kind, "neighbourhood", "macrohood")],
  },
  openmaptiles: {
    water: ["water", true],
    green: ["landcover", among(klass, "wood", "grass", "farmland")],
    building: ["building", true],
    rail: ["transportation", among(klass, "rail", "transit")],
    path: ["transportation", among(klass, "path", "track")],
    minor: ["transportation", among(klass, "minor", "service", "busway", "raceway")],
    medium: ["transportation", among(klass, "secondary", "tertiary")],
    main: ["transportation", among(klass, "motorway", "trunk", "primary")],
    border: ["boundary", ["<=", ["coalesce", ["get", "admin_level"], 2], 6]],
    roadName: ["transportation_name", ["has", "name"]],
    hospital: ["poi", among(klass, "hospital", "police", "fire_station", "school", "college", "place_of_worship", "shop")],
    town: ["place", among(klass, "city", "town", "village", "hamlet")],
    quarter: ["place", among(klass, "suburb", "quarter", "neighbourhood")],
  },
};

const wide = (...stops) => ["interpolate", ["exponential", 1.5], ["zoom"], ...stops];

/** Return the layers of the streets in the colours of the theme that is shown. */
export function streetLayers() {
  if (!STREETS) return [];
  if (told.schema === "raster") {
    return [{ id: "streets", type: "raster", source: "streets", paint: { "raster-brightness-max": parseFloat(colour("map-picture-light")), "raster-saturation": parseFloat(colour("map-picture-colour")) } }];
  }
  const of = SCHEMAS[told.schema];
  const layer = (id, type, what, rest) => ({ id: `street-${id}`, type, source: "streets", "source-layer": of[what][0], filter: of[what][1], ...rest });
  const road = (what, minzoom, name, widths, edge) => [
    layer(`${what}-edge`, "line", what, { minzoom: Math.max(minzoom, 12), layout: { "line-cap": "round", "line-join": "round" }, paint: { "line-color": colour("map-road-edge"), "line-width": wide(...edge) } }),
    layer(what, "line", what, { minzoom, layout: { "line-cap": "round", "line-join": "round" }, paint: { "line-color": colour(name), "line-width": wide(...widths) } }),
  ];
  const words = (id, what, minzoom, size, name, layout = {}) => layer(id, "symbol", what, {
    minzoom,
    layout: { "text-field": ["coalesce", ["get", "name:id"], ["get", "name"], ["get", "name:latin"], ""], "text-font": FONT, "text-size": size * SCALE, ...layout },
    paint: { "text-color": colour(name), "text-halo-color": colour("map-halo"), "text-halo-width": 1.6 },
  });
  const roads = [
    road("minor", 11, "map-road", [11, 0.4, 14, 2.5, 18, 14], [12, 0, 14, 4, 18, 17]),
    road("medium", 9, "map-road", [9, 0.6, 14, 4, 18, 20], [12, 2.4, 14, 5.6, 18, 23]),
    road("main", 6, "map-road-main", [6, 0.8, 14, 5.5, 18, 24], [12, 3.4, 14, 7.4, 18, 27]),
  ];
  return [
    // Coasts of two sources never agree: where streets begin it is the tiles that say what is water.
    { id: "street-land", type: "background", minzoom: GROUND_UNTIL, paint: { "background-color": colour("map-land") } },
    layer("green", "fill", "green", { paint: { "fill-color": colour("map-green") } }),
    layer("water", "fill", "water", { paint: { "fill-color": colour("map-sea") } }),
    layer("building", "fill", "building", { minzoom: 14, paint: { "fill-color": colour("map-building") } }),
    layer("path", "line", "path", { minzoom: 14, paint: { "line-color": colour("map-road"), "line-width": wide(14, 0.8, 18, 3), "line-dasharray": [2, 1.5] } }),
    ...roads.map(([edge]) => edge),
    ...roads.map(([, line]) => line),
    layer("rail", "line", "rail", { minzoom: 9, paint: { "line-color": colour("map-rail"), "line-width": wide(9, 0.8, 18, 3), "line-dasharray": [3, 2] } }),
    layer("border", "line", "border", { paint: { "line-color": colour("map-coast"), "line-width": 1, "line-dasharray": [4, 2, 1, 2] } }),
    words("name", "roadName", 13, 12, "map-words", { "symbol-placement": "line", "text-letter-spacing": 0.02 }),
    words("sight", "hospital", 15, 11.5, "map-hamlet", { "text-offset": [0, 0.8], "text-max-width": 8 }),
    words("quarter", "quarter", 11, 12.5, "map-hamlet"),
    words("town", "town", 4, 14, "map-words"),
  ];
}

/** How deep the built-in coast and towns are drawn: where streets begin they would only contradict. */
export const GROUND_UNTIL = STREETS ? Math.max(told.least, 9) : 24;
