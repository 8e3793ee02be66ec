// The second way to sound, for when WebAudio is dead: an <audio> element with the same tones as a file. It, too, is
// believed by its progress.

import { wave } from "./wave.js";

const PROVEN_MS = 2500;
const KEPT = 24; // files; there are about a dozen patterns

const files = new Map(); // the tones, as text -> the address of their file
let goes = null;
/** Whether it sounded when it was needed last. null: it has not been needed yet. */
export function works() {
  return goes;
}

/** Sound these tones, as web-audio.js does. `told` is called once it is known whether they came out. */
export function play(tones, told = () => {}) {
  const element = new Audio(address(tones));
  let known = false;
  const tell = (sounds) => {
    if (known) return;
    known = true;
    goes = sounds;
    told();
  };
  element.addEventListener("timeupdate", () => element.currentTime > 0 && tell(true));
  element.addEventListener("error", () => tell(false));
  setTimeout(() => tell(element.currentTime > 0), PROVEN_MS);
  element.play().catch(() => tell(false)); // the browser wants a click first, or there is no device
}

function address(tones) {
  const key = JSON.stringify(tones);
  if (!files.has(key)) {
    if (files.size >= KEPT) {
      for (const old of files.values()) URL.revokeObjectURL(old);
      files.clear();
    }
    files.set(key, URL.createObjectURL(new Blob([wave(tones)], { type: "audio/wav" })));
  }
  return files.get(key);
}
