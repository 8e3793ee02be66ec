// The map of the page of places: stations and areas, and the place that is tried. A click on it fills in the place.

import { AREAS, AREA_SOURCES, areaLayers } from "./areas.js";
import { covered, note, openMap } from "./base-map.js";
import { text } from "./settings.js";

const field = document.getElementById("at");
let library = null;
let map = null;
let marker = null;

const typed = () => field.value.split(",").map(Number).reverse();

function mark(at) {
  marker?.remove();
  marker = new library.Marker({ color: "#ff5a52" }).setLngLat(at).addTo(map);
}

function made(fresh, from) {
  [library, map] = [from, fresh];
  map.on("click", ({ lngLat: at }) => {
    field.value = `${at.lat.toFixed(5)}, ${at.lng.toFixed(5)}`;
    mark([at.lng, at.lat]);
  });
}

async function ready() {
  await AREAS.show(map);
  if (field.value && typed().length === 2 && typed().every(Number.isFinite) && covered(typed())) {
    mark(typed());
    map.jumpTo({ center: typed(), zoom: Math.max(map.getZoom(), 12) });
  }
}

openMap("map", AREA_SOURCES, areaLayers, { made, ready }).catch((error) => {
  console.warn("no map:", error);
  note(text("no_map"), "map");
});
