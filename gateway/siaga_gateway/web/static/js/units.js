// Who can be sent, and where each was last: with his age, for nothing says that he is there now.

import { FONT, SCALE, collection } from "./base-map.js";
import { duration, now } from "./clock.js";
import { LayerSwitch } from "./layer-switch.js";
import { tips } from "./map-tip.js";
import { settings, text } from "./settings.js";
import { colour } from "./theme.js";

const EVERY_MS = 15_000;
const SIGNS = { sent: "▶", on_duty: "◆", available: "▲", off: "▶" };
const OLD_SIGNS = { sent: "▷", on_duty: "◇", available: "△", off: "▷" };
const of = (values) => ["match", ["get", "state"], ...Object.entries(values).slice(0, -1).flat(), Object.values(values).at(-1)];
const old = (then, otherwise) => ["case", ["get", "old"], then, otherwise];

export const UNIT_SOURCES = { units: { type: "geojson", data: collection([]) } };
export const unitLayers = () => [
  {
    id: "unit", type: "symbol", source: "units",
    layout: {
      "text-field": old(of(OLD_SIGNS), of(SIGNS)), "text-font": FONT, "text-size": 18 * SCALE, "text-allow-overlap": true,
      "text-ignore-placement": true, "symbol-sort-key": ["case", ["==", ["get", "state"], "sent"], 1, 0],
    },
    paint: { "text-color": old(colour("map-unit-old"), colour("map-unit")), "text-halo-color": colour("map-halo"), "text-halo-width": 2 },
  },
  {
    id: "unit-name", type: "symbol", source: "units", minzoom: 10,
    layout: { "text-field": ["get", "label"], "text-font": FONT, "text-size": 12 * SCALE, "text-variable-anchor": ["top", "bottom", "left", "right"], "text-radial-offset": 1, "text-justify": "auto" },
    paint: { "text-color": old(colour("map-unit-old"), colour("map-words")), "text-halo-color": colour("map-halo"), "text-halo-width": 1.8 },
  },
];

class Units extends LayerSwitch {
  taken(map, data) {
    super.taken(map, data === null ? null : aged(data));
    this.data = data; // without its age, which grows also while nothing comes
  }

  async draw(map) {
    const well = await super.draw(map);
    if (!well && this.shown && this.data !== null) this.taken(map, this.data); // older, and looks it
    return well;
  }
}

const units = settings.units == null ? null : new Units({ name: "units", source: "units", url: "/map/units.geojson", failed: "no_units", shown: true, every: EVERY_MS });

function age({ fix_ms: fixMs, sure }) {
  return text(sure ? "unit_ago" : "unit_about", { age: duration(now() - fixMs) });
}

function aged({ features }) {
  return collection(features.map((each) => {
    const told = each.properties;
    const isOld = now() - told.fix_ms > settings.units.old_ms;
    return { ...each, properties: { ...told, old: isOld, label: `${told.name}\n${told.state_text} · ${age(told)}` } };
  }));
}

/** Its button, and words at each; null: whoever looks has no units. */
export function addUnits(map, library) {
  if (units === null) return;
  map.addControl(units.button(map), "top-right");
  tips(map, library, ["unit"], (told) => [told.name, told.kind, told.state_text, age(told), told.accuracy ? `± ${told.accuracy}` : ""].filter(Boolean).join(" · "));
}
