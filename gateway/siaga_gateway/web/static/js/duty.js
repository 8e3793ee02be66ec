// The start of duty: the click without which browsers keep a page silent. The sound, and what must be said of it.

import * as alarm from "./alarm.js";
import * as awake from "./awake.js";
import * as banners from "./banners.js";
import * as notices from "./notices.js";
import { settings } from "./settings.js";

const DUTY = "siaga duty"; // sessionStorage: this tab has heard the test tones

const dialog = document.getElementById("duty");

const tell = () => banners.sound(alarm.state());

/** Whether the operator is still to begin: no key and no click may do anything else. */
export function waits() {
  return dialog.open;
}

async function begin() {
  sessionStorage.setItem(DUTY, "yes");
  dialog.close();
  notices.ask();
  await alarm.start();
  tell();
  awake.keepScreenOn();
  document.querySelector("#group-unseen .card")?.focus();
}

export function start() {
  if (settings.silent) return; // whoever may only read cannot quiet what rings: nothing wakes the sound, and the page says so
  document.getElementById("duty-start").addEventListener("click", begin);
  document.getElementById("sound-on").addEventListener("click", () => alarm.start().then(tell));
  dialog.addEventListener("cancel", (event) => event.preventDefault()); // Escape must not leave the room without sound
  alarm.onChange(tell);
  alarm.followDevices();
  // Whatever the operator touches may be the click that a browser asks for.
  for (const kind of ["pointerdown", "keydown"]) {
    document.addEventListener(kind, () => {
      if (sessionStorage.getItem(DUTY) && !dialog.open && alarm.state() !== "on") alarm.start({ test: false });
    }, { capture: true, passive: true });
  }
  if (!sessionStorage.getItem(DUTY)) {
    dialog.showModal();
    return;
  }
  // After a reload: most browsers remember the click, the banner asks for another where they do not.
  alarm.start({ test: false }).then(tell);
  awake.keepScreenOn();
}
