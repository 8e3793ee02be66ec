// The map of the page of places: stations and areas, and the place that is tried. A click on it fills in the place.

import { AREA_SOURCES, areaLayers, showAreas } from "./areas.js";
import { covered, note, openMap } from "./base-map.js";
import { text } from "./settings.js";

const field = document.getElementById("at");
let marker = null;

async function start() {
  let library, map;
  try {
    [library, map] = await openMap("map", AREA_SOURCES, areaLayers);
  } catch (error) {
    console.warn("no map:", error);
    note(text("no_map"));
    return;
  }
  const mark = (at) => {
    marker ??= new library.Marker({ color: "#ff5a52" });
    marker.setLngLat(at).addTo(map);
  };
  const typed = () => field.value.split(",").map(Number).reverse();
  map.on("load", async () => {
    await showAreas(map);
    if (field.value && typed().length === 2 && typed().every(Number.isFinite) && covered(typed())) {
      mark(typed());
      map.jumpTo({ center: typed(), zoom: 9 });
    }
  });
  map.on("click", ({ lngLat: at }) => {
    field.value = `${at.lat.toFixed(5)}, ${at.lng.toFixed(5)}`;
    mark([at.lng, at.lat]);
  });
}

start();
