// Shares the phone's position while this page is open, and says so.
"use strict";
(() => {
  const EVERY_MS = 60000, SOONEST_MS = 15000, MOVED_M = 100, DEADLINE_MS = 20000;
  const HOW = { enableHighAccuracy: true, maximumAge: 0, timeout: 60000 };
  const box = document.getElementById("share"), said = box.querySelector(".sharing");
  const start = document.getElementById("start"), stop = document.getElementById("stop"), words = box.dataset;
  if (!navigator.geolocation || !window.isSecureContext) return;
  box.hidden = false;
  let watch = null, posted = 0, off = 0, at = null, timer = null;

  function say(text) { said.textContent = text; said.hidden = !text; }
  function end(text) {
    if (watch !== null) navigator.geolocation.clearWatch(watch);
    clearInterval(timer);
    watch = null;
    start.hidden = false;
    stop.hidden = true;
    say(text);
  }
  function metres(one, other) {
    const north = (one.latitude - other.latitude) * 111195;
    const east = (one.longitude - other.longitude) * 111195 * Math.cos(one.latitude * Math.PI / 180);
    return Math.hypot(north, east);
  }
  function miss(error) { if (error.code === 1) end(words.failed); else say(words.failed); }
  async function take(found) {
    const now = Date.now();
    if (watch === null || now - posted < SOONEST_MS) return;
    if (at && now - posted < EVERY_MS - 1000 && metres(found.coords, at) < MOVED_M) return;
    posted = now;
    at = found.coords;
    const form = new URLSearchParams({
      latitude: at.latitude.toFixed(7), longitude: at.longitude.toFixed(7),
      accuracy: at.accuracy.toFixed(0), age: String(Math.max(0, Math.round(now - found.timestamp))),
    });
    try {
      const answer = await fetch(words.url, { method: "POST", body: form, signal: AbortSignal.timeout(DEADLINE_MS) });
      const outcome = answer.status === 200 ? await answer.text() : "";
      if (watch === null) return;
      if (answer.status === 404) { location.reload(); return; }
      off = outcome === "off_duty" ? off + 1 : 0;
      // Once may be a fix from just before he said that he is on duty.
      if (off > 1 || outcome === "gone") end(words.off);
      else if (off) say(words.looking);
      else if (outcome === "taken" || outcome === "nothing_new") say(words.taken + " " + new Date(now).toTimeString().slice(0, 5));
      else say(outcome ? words.refused : words.failed);
    } catch { if (watch !== null) say(words.failed); }
  }
  start.addEventListener("click", () => {
    start.hidden = true;
    stop.hidden = false;
    at = null;
    posted = off = 0;
    say(words.looking);
    watch = navigator.geolocation.watchPosition(take, miss, HOW);
    // A phone that lies still reports nothing by itself.
    timer = setInterval(() => navigator.geolocation.getCurrentPosition(take, miss, HOW), EVERY_MS);
    stop.focus();
  });
  stop.addEventListener("click", () => { end(""); start.focus(); });
})();
