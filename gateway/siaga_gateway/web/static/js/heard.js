// What the live link brings that must be heard and seen on every page that rings, locked or not: the calls of whom somebody
// knows already, attacks, and what is wrong with the gateway.

import * as alarm from "./alarm.js";
import * as banners from "./banners.js";
import { tickFromServer } from "./clock.js";
import * as lock from "./lock.js";

// Heard after an acknowledgement, too: with which sound.
const CALLS_AGAIN = new Map([["pressed_again", "first"], ["duress", "duress"], ["key_copied", "first"], ["made_real", "first"], ["desk_rung", "scene"]]);
// Somebody is at work: heard, and shown with the button that it is about.
const ATTACKS = new Set(["counter_jump", "contradiction", "broker_shut_out", "broker_flood", "broker_door_closed"]);
const LOST_CALLS = new Set(["unprocessed"]); // unheard where it was no call
const STORE_MENDED = new Set(["rescued", "store_put_back"]); // something may be lost: the feed says what
let linkDead = false;
let storeDead = false; // presses are not stored, or not shown: heard like a dead link
let undelivered = []; // warnings about outputs and calls, by name, that were heard

/** Rows of the journal. True where one of them is to be read in the feed at once. */
export function rows(list) {
  let read = false;
  for (const row of list) {
    if (CALLS_AGAIN.has(row.kind) && !row.unheard) {
      alarm.callAgain(CALLS_AGAIN.get(row.kind));
      lock.calledAgain();
    }
    if (ATTACKS.has(row.kind) || STORE_MENDED.has(row.kind) || (LOST_CALLS.has(row.kind) && !row.unheard)) {
      alarm.warn();
      read = true;
    }
    if (row.kind === "broker_lost") banners.broker(row.at_ms);
    else if (row.kind === "broker_back" || row.kind === "gateway_started") banners.broker(null);
  }
  return read;
}

/** What the gateway says of itself. True where its troubles are others than before. */
export function tick(data) {
  tickFromServer(data.now_ms);
  banners.store(data.store);
  storeDead = !data.store || data.troubles.includes("store");
  alarm.setDead(linkDead || storeDead);
  const told = data.troubles.filter((name) => name.startsWith("outputs_") || ["escalations", "calls_unreadable", "ways_failing"].includes(name));
  if (told.some((name) => !undelivered.includes(name))) alarm.warn(); // somebody must pass messages on, or call
  undelivered = told;
  return banners.troubles(data.troubles);
}

/** The link is up, or dead. */
export function link(data) {
  banners.link(data.state, data.silent_ms);
  linkDead = data.state === "dead";
  alarm.setDead(linkDead || storeDead);
}

export function signedOut() {
  banners.signedOut();
  alarm.setDead(true);
}
