// A locked session that loads its page anew: nothing but the cover, and it rings.

import * as alarm from "./alarm.js";
import * as awake from "./awake.js";
import * as banners from "./banners.js";
import * as heard from "./heard.js";
import * as lock from "./lock.js";
import * as ringing from "./ringing.js";
import { settings, text } from "./settings.js";

const link = new Worker("/static/js/live-worker.js");
const pageTitle = document.title;
const tell = () => banners.sound(alarm.state());

lock.listen({
  rings(calls) {
    document.title = calls.length ? text("title_new", { n: calls.length }) : pageTitle;
    ringing.show(calls);
  },
  signedOut: heard.signedOut,
});

link.onmessage = ({ data }) => {
  if (data.type === "rows") heard.rows(data.rows);
  if (["rows", "ladders", "reset"].includes(data.type)) lock.read();
  else if (data.type === "tick") heard.tick(data);
  else if (data.type === "link") {
    heard.link(data);
    if (data.state === "up") lock.read();
  } else if (data.type === "signed_out") heard.signedOut();
  else if (data.type === "beat") {
    awake.beat();
    alarm.beat();
    banners.sessionEnds();
  }
};
if (settings.broker_lost !== null) banners.broker(settings.broker_lost);
link.postMessage({ type: "start", last: settings.last, watchdog: settings.watchdog });
awake.start(() => {
  link.postMessage({ type: "try" });
  lock.read();
});
awake.keepScreenOn();

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
