// The calls for help on the cards: what rings, what rings again, and who is called now.

import { text } from "./settings.js";
import { urgency } from "./sounds.js";

const SETTLES_MS = 5000; // the gateway takes note of an acknowledgement within a second
const NAMED = 2; // in the banner

const banner = document.getElementById("banner-again");
const settled = new Map(); // incident -> [wave, until when]: this page has just acknowledged it
let heights = new Map(); // incident -> how urgently it rang
let recount = () => {};

/** Called when an acknowledgement should have been taken note of: what still rings is to be heard again. */
export function onSettled(listener) {
  recount = listener;
}

/** This page has acknowledged a wave: it is silent at once. */
export function acknowledged(id, wave) {
  settled.set(id, [wave, performance.now() + SETTLES_MS]);
  setTimeout(() => recount(), SETTLES_MS);
}

function isSettled(id, wave) {
  const [upTo, until] = settled.get(id) ?? [-1, 0];
  return wave <= upTo && performance.now() < until;
}

/** What rings, of these cards: [{id, sound, level, again, title, why, rung}], the most urgent first. */
export function calls(cards) {
  const found = [];
  for (const card of cards) {
    const line = card.querySelector(".ladder");
    if (!line?.dataset.ring || isSettled(Number(card.dataset.id), Number(line.dataset.wave))) continue;
    found.push({
      id: Number(card.dataset.id), title: card.dataset.title, why: line.dataset.why ?? "", rung: line.dataset.rung,
      again: line.dataset.ring === "again", level: Number(line.dataset.level),
      sound: card.dataset.duress === undefined ? line.dataset.ring : "duress",
    });
  }
  return found.sort((one, other) => urgency(other) - urgency(one));
}

/** Say on top of the page what rings again, and why. */
export function showAgain(list) {
  const again = list.filter((call) => call.again);
  const key = JSON.stringify(again.map(({ id, why }) => [id, why]));
  banner.hidden = !again.length;
  if (banner.dataset.key === key) return again.length;
  banner.dataset.key = key;
  const lines = again.slice(0, NAMED).map(({ id, title, why }) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.open = id;
    button.textContent = text("rings_again", { title, why });
    return button;
  });
  const more = again.length - lines.length;
  banner.replaceChildren(...lines, ...(more > 0 ? [text("rings_more", { n: more })] : []));
  return again.length;
}

/** What to say aloud of calls that have climbed since last time; null: nothing. */
export function climbed(list) {
  const risen = list.find(({ id, level, rung }) => rung && heights.has(id) && level > heights.get(id));
  heights = new Map(list.map(({ id, level }) => [id, level]));
  return risen ? text("climbed", risen) : null;
}
