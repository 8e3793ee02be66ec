// Shows messages that come by web push, and opens the page that they lead to. It keeps nothing.
"use strict";
function ours(url) {
  try {
    const found = new URL(url || "/me", self.location.origin);
    return found.origin === self.location.origin ? found.href : self.location.origin + "/me";
  } catch { return self.location.origin + "/me"; }
}

self.addEventListener("push", (event) => {
  let told = {};
  try { told = event.data.json(); } catch { /* shown all the same: a browser that shows nothing loses its leave */ }
  const answers = (told.answers || []).slice(0, 2);
  event.waitUntil(self.registration.showNotification(told.title || "Siaga", {
    body: told.text || "",
    lang: told.language || "id",
    tag: told.tag || "siaga",
    renotify: true,
    icon: "/static/icon.svg",
    requireInteraction: Boolean(told.urgent),
    vibrate: told.urgent ? [400, 200, 400, 200, 400] : [200],
    actions: answers.map((answer, number) => ({ action: String(number), title: answer.label })),
    data: { url: ours(told.url), answers: answers.map((answer) => ours(answer.url)) },
  }));
});

self.addEventListener("notificationclick", (event) => {
  const { url, answers } = event.notification.data;
  const answer = event.action === "" ? undefined : answers[Number(event.action)];
  event.notification.close();
  event.waitUntil((async () => {
    if (answer) try { await fetch(answer, { method: "POST", redirect: "manual", headers: { "Content-Type": "application/x-www-form-urlencoded" }, body: "by=push" }); } catch { /* the page that opens says how it stands */ }
    for (const open of await self.clients.matchAll({ type: "window" })) {
      if (open.url === url) return open.focus();
    }
    return self.clients.openWindow(url);
  })());
});

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
