// Words beside what the pointer is on, or what was touched: one at a time.

let tip = null;

/** Show `words(properties)` for whatever is under the pointer in these layers of the map. */
export function tips(map, library, layers, words) {
  for (const layer of layers) {
    for (const when of ["mousemove", "click"]) {
      map.on(when, layer, ({ features: [found], lngLat }) => show(map, library, anchor(found, lngLat), words(found.properties)));
    }
    map.on("mouseleave", layer, hide);
  }
}

const anchor = ({ geometry }, lngLat) => (geometry.type === "Point" ? geometry.coordinates : lngLat);

function show(map, library, at, words) {
  tip ??= new library.Popup({ closeButton: false, closeOnMove: false, className: "map-tip", maxWidth: "22rem", offset: 12, focusAfterOpen: false });
  tip.setLngLat(at).setText(words).addTo(map);
}

function hide() {
  tip?.remove();
  tip = null;
}
