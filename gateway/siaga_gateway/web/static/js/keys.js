// The keyboard. Function keys hold everywhere on the page. Single letters only while nothing is being typed, and can be
// switched off (WCAG 2.1.4), for whoever speaks to the computer or has it read aloud.

const LETTERS = "siaga letters"; // localStorage: "off"

const toggle = document.getElementById("letters");
let functions = {};
let letters = {};
let waits = () => false;

const on = () => toggle.checked;

/** functionKeys, letterKeys: what each does, by KeyboardEvent.key, letters lower case. waiting(): no key does anything. */
export function start(functionKeys, letterKeys, waiting) {
  [functions, letters, waits] = [functionKeys, letterKeys, waiting];
  toggle.checked = localStorage.getItem(LETTERS) !== "off";
  toggle.addEventListener("change", () => localStorage.setItem(LETTERS, on() ? "on" : "off"));
  document.addEventListener("keydown", press);
}

function press(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || event.isComposing || waits()) return;
  const key = functions[event.key] ?? (on() && !types(event.target) ? letters[event.key.toLowerCase()] : undefined);
  if (key === undefined || key(event) === false) return;
  event.preventDefault();
}

function types(target) {
  return target.closest?.("input:not([type='radio'], [type='checkbox']), textarea, select, [contenteditable], .maplibregl-map") !== null;
}
