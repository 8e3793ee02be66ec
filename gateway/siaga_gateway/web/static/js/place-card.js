// Where there is no map: the place that somebody looks for, in words and to be copied into another map or a message.

import { text } from "./settings.js";

let card = null;

/** Show where `feature` ({title, at: [longitude, latitude], near, code}) is; undefined: nothing. */
export function showPlace(feature) {
  const before = card;
  card = feature === undefined ? null : made(feature);
  if (before !== null && card !== null && before.textContent === card.textContent) {
    card = before; // what is under somebody's pointer stays
    return;
  }
  before?.remove();
  if (card !== null) document.getElementById("map").append(card);
}

function made({ title, at: [longitude, latitude], near, code }) {
  const box = document.createElement("div");
  box.className = "place-card";
  const plain = `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`;
  box.append(line("b", title));
  if (near) box.append(line("p", near));
  box.append(copied(plain, plain));
  if (code) box.append(copied(code, code));
  box.append(copied(text("place_link"), `geo:${latitude.toFixed(5)},${longitude.toFixed(5)}`));
  return box;
}

function line(kind, words) {
  const element = document.createElement(kind);
  element.textContent = words;
  return element;
}

function copied(words, what) {
  const row = line("p", `${words} `);
  const button = line("button", text("copy"));
  button.type = "button";
  button.className = "quiet";
  button.setAttribute("aria-label", `${text("copy")} ${words}`);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(what);
      button.textContent = text("copied");
    } catch {
      button.textContent = what; // a browser that copies nothing lets it be read
    }
  });
  row.append(button);
  return row;
}
