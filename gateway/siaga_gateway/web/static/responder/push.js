// Switches messages to this browser on and off.
"use strict";
(async () => {
  const box = document.getElementById("push");
  if (!box || !("serviceWorker" in navigator) || !("PushManager" in window) || !window.isSecureContext) return;
  const on = document.getElementById("push-on"), off = document.getElementById("push-off");
  const said = box.querySelector("[role=status]"), words = box.dataset;
  const worker = await navigator.serviceWorker.register("/sw.js");
  const key = Uint8Array.from(atob(words.key.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));

  async function name(endpoint) {
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
    return [...new Uint8Array(hash)].slice(0, 8).map((each) => each.toString(16).padStart(2, "0")).join("");
  }
  async function tell(step, form) {
    const answer = await fetch(words.url + step, { method: "POST", body: new URLSearchParams(form), signal: AbortSignal.timeout(20000) });
    if (!answer.ok) throw new Error(String(answer.status));
  }
  const now = await worker.pushManager.getSubscription();
  const theirs = now && now.options && now.options.applicationServerKey; // some browsers do not tell
  const other = Boolean(theirs) && String(new Uint8Array(theirs)) !== String(key); // which the gateway has no more
  const known = now !== null && !other && words.known.split(" ").includes(await name(now.endpoint));
  on.hidden = known;
  off.hidden = !known;
  said.textContent = known ? words.here : now ? words.ended : "";
  box.hidden = false;

  const kept = (name, value) => { // whose messages this browser takes: somebody else may look at his page on it
    try { return value === undefined ? localStorage.getItem(name) : localStorage.setItem(name, value); } catch { return null; }
  };
  async function subscribe() {
    on.disabled = true;
    try {
      if (now) await now.unsubscribe();
      const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
      await tell("push", { subscription: JSON.stringify(made) });
      kept("push of", words.who);
      location.reload();
    } catch { said.textContent = words.failed; on.disabled = false; }
  }
  on.addEventListener("click", subscribe);
  // Browsers renew subscriptions by themselves, and push services drop them: nobody has to notice.
  if (known) kept("push of", words.who);
  else if (kept("push of") === words.who && Notification.permission === "granted"
    && Math.abs(Date.now() - kept("push tried")) > 3600000) {
    kept("push tried", String(Date.now()));
    await subscribe();
  }
  off.addEventListener("click", async () => {
    try {
      kept("push of", "");
      await tell("unpush", { endpoint: now.endpoint });
      await now.unsubscribe();
      location.reload();
    } catch { said.textContent = words.failed; }
  });
})();
