// Tiles of the streets that did not come are asked for again until they are there. The library gives each up for good: a
// server that was away for a minute would leave holes in the map of a whole night.

const FIRST_MS = 3_000;
const LONGEST_MS = 30_000;

export class TileRetry {
  /** `told(missing)` hears whether tiles are missing; `answers(at)` says whether such a tile ({z, x, y} or null) comes now. */
  constructor(map, source, told, answers) {
    Object.assign(this, { map, source, told, answers, missing: new Map(), asked: new Set(), bad: false, timer: null, wait: FIRST_MS, turn: 0 });
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

  /**
   * Try one of those that are missing, and only if it comes have the map ask again: what is drawn must not go away for a
   * server that is not there. Pictures all, for the library draws a failed one that is asked for by itself as if it had
   * come; others by themselves, for among all it waits for failed ones without asking.
   */
  async again() {
    this.asked.clear(); // out of sight: asked for when somebody looks there
    this.settle();
    if (!this.bad) return;
    this.wait = Math.min(2 * this.wait, LONGEST_MS);
    const tiles = [...this.missing.values()];
    const came = await this.answers(tiles[this.turn++ % tiles.length]);
    if (!this.bad) return;
    this.timer = null;
    if (came) {
      this.asked = new Set(this.missing.keys());
      this.missing.clear();
      const pictures = this.map.getSource(this.source).type === "raster";
      this.map.refreshTiles(this.source, pictures ? undefined : tiles.filter((at) => at !== null));
    }
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
