// Tiles of the streets that did not come are asked for again until they are there. The library gives each up for good: a
// server that was away for a minute would leave holes in the map of a whole night.

const FIRST_MS = 3_000;
const LONGEST_MS = 30_000;

export class TileRetry {
  /** `told(missing)` hears whether tiles are missing; `renew()` is called before they are asked for again. */
  constructor(map, source, told, renew = () => {}) {
    Object.assign(this, { map, source, told, renew, missing: new Map(), asked: new Set(), bad: false, timer: null, wait: FIRST_MS });
  }

  /** A tile did not come; undefined: nothing of the source can be read. */
  failed(tile) {
    const at = tile?.tileID?.canonical ?? null;
    this.asked.delete(named(at));
    this.missing.set(named(at), at);
    this.bad = true;
    this.told(true);
    this.plan();
  }

  came(tile) {
    if (!this.bad) return;
    for (const each of [this.missing, this.asked]) {
      each.delete(named(null));
      each.delete(named(tile.tileID.canonical));
    }
    this.settle();
  }

  plan() {
    this.timer ??= setTimeout(() => this.again(), this.wait);
  }

  /** Ask for what is missing, and no more: what is drawn must not go away for a server that is not there. */
  again() {
    this.timer = null;
    this.asked.clear(); // out of sight: asked for when somebody looks there
    this.settle();
    if (!this.bad) return;
    this.wait = Math.min(2 * this.wait, LONGEST_MS);
    const tiles = [...this.missing.values()];
    this.asked = new Set(this.missing.keys());
    this.missing.clear();
    this.renew();
    this.map.refreshTiles(this.source, tiles.includes(null) ? undefined : tiles);
    this.plan();
  }

  settle() {
    if (!this.bad || this.missing.size > 0 || this.asked.size > 0) return;
    this.end();
    this.told(false);
  }

  /** The map is gone, or whole. Returns whether tiles were missing. */
  end() {
    const { bad } = this;
    clearTimeout(this.timer);
    Object.assign(this, { bad: false, timer: null, wait: FIRST_MS });
    this.missing.clear();
    this.asked.clear();
    return bad;
  }
}

const named = (at) => (at === null ? "all" : `${at.z}/${at.x}/${at.y}`);
