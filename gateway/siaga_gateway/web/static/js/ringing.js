// What rings, to ear and eye: the sound, the flash, and a notice of the desktop's.

import * as alarm from "./alarm.js";
import * as flash from "./flash.js";
import * as notices from "./notices.js";
import { settings, text } from "./settings.js";

let last = [];

/** [{id, sound, level}], the most urgent first. */
export function show(calls) {
  last = calls;
  if (settings.silent) return;
  flash.ringing(calls.length > 0);
  if (!alarm.setCalls(calls)) return;
  flash.flash();
  notices.show(text("notice", { n: calls.length }));
}

/** Whether anything rings. */
export function rings() {
  return last.length > 0;
}
