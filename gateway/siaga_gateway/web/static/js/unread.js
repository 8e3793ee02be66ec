// Marks the cards on which something has happened since this operator looked at the call: by what the card says, not by
// which messages came, so that a page that was away or is loaded again marks the same.

import { settings } from "./settings.js";

const READ = "siaga read"; // sessionStorage: {session, seen: {incident: news}}

const session = settings.session_ends; // another one: another operator, to whom all is new
let seen = kept();

function kept() {
  try {
    const found = JSON.parse(sessionStorage.getItem(READ));
    return new Map(found?.session === session ? Object.entries(found.seen) : []);
  } catch {
    return new Map();
  }
}

function keep() {
  sessionStorage.setItem(READ, JSON.stringify({ session, seen: Object.fromEntries(seen) }));
}

/** Mark these cards; `shown`: the incident that is open before the operator, or null. */
export function mark(cards, shown) {
  let changed = false;
  for (const card of cards) {
    const { id, news, group } = card.dataset;
    if (news === undefined) continue;
    if (Number(id) === shown && !document.hidden && seen.get(id) !== news) {
      seen.set(id, news);
      changed = true;
    }
    const unread = group !== "closed" && seen.get(id) !== news;
    card.querySelector(".unread").hidden = !unread;
  }
  if (changed) keep();
}

/** Forget calls that are not in the queue any more. */
export function forget(there) {
  for (const id of seen.keys()) if (!there.has(Number(id))) seen.delete(id);
}
