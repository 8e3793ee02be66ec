// What the server wrote into the page: texts, the last journal row that it shows, times.

export const settings = JSON.parse(document.getElementById("settings").textContent);

/** The text of `key` with {placeholders} filled in; an unknown key shows itself. */
export function text(key, values = {}) {
  const template = settings.texts[key] ?? key;
  return template.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
