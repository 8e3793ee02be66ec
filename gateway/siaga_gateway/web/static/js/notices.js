// A notice of the desktop's, for an operator whose window lies under another. It names nobody: others may see the screen.

import { text } from "./settings.js";

const TAG = "siaga"; // one notice, renewed

/** Ask the browser for leave; from a click. */
export async function ask() {
  try {
    if (globalThis.Notification?.permission === "default") await Notification.requestPermission();
  } catch (error) {
    console.warn("no notices on the desktop:", error); // the sound does not depend on them
  }
}

/** Show a notice, unless the operator is looking at the page. */
export function show(words) {
  if (document.hasFocus() && !document.hidden) return;
  if (globalThis.Notification?.permission !== "granted") return;
  try {
    const notice = new Notification(words, { body: text("notice_body"), tag: TAG, renotify: true, requireInteraction: true, silent: true, icon: "/static/icon.svg" });
    notice.onclick = () => {
      window.focus();
      notice.close();
    };
  } catch (error) {
    console.warn("no notice on the desktop:", error); // telephones allow them to service workers only
  }
}
