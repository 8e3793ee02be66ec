// Light or dark: the switch changes the page at once, without loading it again, and the gateway keeps it in a cookie for
// the next page. Without this script the form does the same by loading the first page.

const light = document.getElementById("light");
const schemes = document.querySelector('meta[name="color-scheme"]');
const listeners = [];

/** A colour of the theme that is shown, by its name in theme.css. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Call this whenever the colours have changed. */
export function onTheme(listener) {
  listeners.push(listener);
}

function changed() {
  for (const listener of listeners) listener();
}

function show(form, chosen) {
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button === chosen));
  schemes.content = chosen.dataset.schemes;
  light.media = chosen.dataset.media;
  changed();
}

for (const form of document.querySelectorAll("form.themes")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const chosen = event.submitter;
    show(form, chosen);
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams({ theme: chosen.value }), redirect: "manual" });
      if (answer.type !== "opaqueredirect") throw new Error(`HTTP ${answer.status}`);
    } catch (error) {
      console.warn("the theme is not kept:", error); // it holds for this page
    }
  });
}
light?.addEventListener("load", changed); // a sheet that does not hold yet is read late
matchMedia("(prefers-color-scheme: light)").addEventListener("change", changed);
