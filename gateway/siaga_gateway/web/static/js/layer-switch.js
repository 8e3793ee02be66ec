// A button among the map's controls that shows and hides a layer, which is fetched when somebody wants to see it.

import { MapButton, collection, note, shownMap } from "./base-map.js";
import { text } from "./settings.js";

const LONGEST_MS = 20_000;

/** Fetch GeoJSON from the gateway. Throws where it does not come. */
export async function geojson(url) {
  const answer = await fetch(url, { headers: { Accept: "application/geo+json" }, signal: AbortSignal.timeout(LONGEST_MS) });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return await answer.json();
}

/**
 * A layer that can be switched: its name is also the text of its button, `source` is filled with what comes from `url`,
 * `failed` is the text where nothing comes. `shown`: whether it is on, also on the map that replaces this one. `every`:
 * how often it is fetched anew, ms; 0: once.
 */
export class LayerSwitch {
  constructor({ name, source, url, failed, shown = false, every = 0 }) {
    Object.assign(this, { name, source, url, failed, shown, every, timer: null, data: null, control: null });
  }

  /** Fetch it, and draw it. Returns whether that went well; if not, the map says so. */
  async draw(map) {
    try {
      const data = await geojson(this.url);
      if (this.shown) {
        this.taken(map, data);
        note(null, this.name);
      }
      return true;
    } catch (error) {
      console.warn(`the layer ${this.name}:`, error);
      if (this.shown) note(text(this.failed), this.name);
      return false;
    }
  }

  /** What came; null: nothing is shown any more. */
  taken(map, data) {
    this.data = data;
    map.getSource(this.source)?.setData(data ?? collection([]));
  }

  /** Switch it on, if it is not, and return what it shows; null: it does not come. */
  async show(map) {
    this.shown = true;
    this.shown = await this.draw(map);
    this.control?.setAttribute("aria-pressed", String(this.shown));
    return this.data;
  }

  button(map) {
    const control = new MapButton(`map-${this.name}`, text(this.name), async () => {
      control.button.disabled = true;
      this.shown = !this.shown;
      if (this.shown) this.shown = (await this.draw(map)) || this.every > 0;
      else this.taken(map, null);
      if (!this.shown && this.every > 0) note(null, this.name); // who switched it off wants no more of it
      control.button.setAttribute("aria-pressed", String(this.shown));
      control.button.disabled = false;
    });
    control.button.setAttribute("aria-pressed", String(this.shown));
    this.control = control.button;
    map.on("load", () => { if (this.shown) this.draw(map); });
    if (this.every > 0) {
      clearInterval(this.timer);
      this.timer = setInterval(() => { if (this.shown && shownMap() === map && !document.body.classList.contains("locked")) this.draw(map); }, this.every);
    }
    return control;
  }
}
