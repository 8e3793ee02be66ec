// Keeps the page up to date; without this script it reloads itself.
"use strict";
(() => {
  const EVERY_MS = 5000, SLOW_MS = 15000, DEADLINE_MS = 20000;
  const main = document.querySelector("main"), lost = document.getElementById("lost");
  const url = main.dataset.live;
  let tag = main.dataset.tag, failed = 0;

  function show(text) {
    const asked = main.querySelector("[data-asked]");
    const focus = document.activeElement, at = [...main.querySelectorAll("a, button")].indexOf(focus);
    main.innerHTML = text;
    if (!asked && main.querySelector("[data-asked]")) navigator.vibrate?.([400, 200, 400, 200, 400]);
    if (at >= 0) main.querySelectorAll("a, button")[at]?.focus();
  }

  async function look() {
    if (!document.hidden) {
      try {
        const answer = await fetch(url, { headers: { "If-None-Match": tag }, cache: "no-store", signal: AbortSignal.timeout(DEADLINE_MS) });
        if (answer.status === 404) { location.reload(); return; }
        if (answer.status === 200) { show(await answer.text()); tag = answer.headers.get("ETag"); }
        else if (answer.status !== 304) throw new Error(answer.status);
        failed = 0;
      } catch { failed += 1; }
      lost.hidden = failed < 2;
    }
    setTimeout(look, failed ? SLOW_MS : EVERY_MS);
  }

  document.addEventListener("submit", (sent) => {
    if (sent.target.dataset.sent) { sent.preventDefault(); return; }
    sent.target.dataset.sent = "1";
    setTimeout(() => { delete sent.target.dataset.sent; }, DEADLINE_MS);
  });
  setTimeout(look, EVERY_MS);
})();
