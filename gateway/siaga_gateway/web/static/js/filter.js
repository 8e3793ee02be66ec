// Narrows the queue to what an operator looks for. What is new or rings is never hidden, whatever is looked for.

import { text } from "./settings.js";

const box = document.getElementById("filter");
const [words, state, mine] = ["words", "state", "mine"].map((name) => box.elements.namedItem(name));
const line = document.getElementById("filtered");
let changed = () => {};
let list = () => [];

/** cards(): all of the queue. told(): after another filter was chosen. */
export function start(cards, told) {
  [list, changed] = [cards, told];
  box.addEventListener("input", again);
  document.getElementById("unfilter").addEventListener("click", () => {
    words.value = state.value = "";
    mine.checked = false;
    again();
    document.querySelector("#queue .card")?.focus();
  });
}

function again() {
  apply(list());
  changed();
}

/** Find a call: the field for words. */
export function find() {
  box.closest("details").open = true;
  words.focus();
  words.select();
}

/** Show only the calls that this operator took, or all. */
export function toggleMine() {
  box.closest("details").open = true;
  mine.checked = !mine.checked;
  again();
}

function urgent(card) {
  return card.dataset.group === "unseen" || card.dataset.state === "unreadable" || Boolean(card.querySelector(".ladder")?.dataset.ring);
}

function fits(card, wanted) {
  if (state.value && card.dataset.state !== state.value) return false;
  if (mine.checked && card.dataset.mine === undefined) return false;
  if (!wanted.length) return true;
  const said = `${card.dataset.id} ${card.textContent}`.toLowerCase();
  return wanted.every((word) => said.includes(word));
}

/** Hide those of these cards that do not fit, show the others, and say how many are hidden. */
export function apply(cards) {
  const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  const active = Boolean(wanted.length || state.value || mine.checked);
  for (const card of cards) card.hidden = active && !urgent(card) && !fits(card, wanted);
  const hidden = active ? document.querySelectorAll("#queue .card-place[hidden]").length : 0;
  const said = active ? text("filtered", { n: hidden }) : "";
  line.hidden = !active;
  const place = line.querySelector("span");
  if (place.textContent !== said) place.textContent = said;
}
