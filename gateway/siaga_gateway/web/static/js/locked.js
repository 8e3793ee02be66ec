// A locked session that loads its page anew: nothing but the cover, and it rings.

import * as alarm from "./alarm.js";
import * as banners from "./banners.js";
import { tickFromServer } from "./clock.js";
import * as lock from "./lock.js";
import * as ringing from "./ringing.js";
import { settings, text } from "./settings.js";

const link = new Worker("/static/js/live-worker.js");
const pageTitle = document.title;
let linkDead = false;
let storeDead = false; // presses are not stored, or not shown
const tell = () => banners.sound(alarm.state());

lock.listen({
  rings(calls) {
    document.title = calls.length ? text("title_new", { n: calls.length }) : pageTitle;
    ringing.show(calls);
  },
});

link.onmessage = ({ data }) => {
  if (["rows", "ladders", "reset"].includes(data.type)) lock.read();
  else if (data.type === "tick") {
    tickFromServer(data.now_ms);
    storeDead = !data.store || data.troubles.includes("store");
    alarm.setDead(linkDead || storeDead);
  } else if (data.type === "link") {
    banners.link(data.state, data.silent_ms);
    linkDead = data.state === "dead";
    alarm.setDead(linkDead || storeDead);
    if (data.state === "up") lock.read();
  } else if (data.type === "signed_out") {
    banners.signedOut();
    alarm.setDead(true);
  } else if (data.type === "beat") alarm.beat();
};
link.postMessage({ type: "start", last: settings.last, watchdog: settings.watchdog });

if (!settings.silent) {
  alarm.onChange(tell);
  alarm.followDevices();
  document.getElementById("sound-on").addEventListener("click", () => alarm.start().then(tell));
  for (const kind of ["pointerdown", "keydown"]) {
    document.addEventListener(kind, () => {
      if (alarm.state() !== "on") alarm.start({ test: false }).then(tell);
    }, { capture: true, passive: true });
  }
  alarm.start({ test: false }).then(tell);
}
