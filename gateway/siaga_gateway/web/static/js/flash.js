// The flash over the whole screen when a call comes, for a room that is loud or an operator who wears headphones: once a
// second, so that nobody is harmed by it (WCAG 2.3.1), and for a few seconds only, for it lies over what is to be read. A
// frame stays until somebody has acknowledged. Where less motion is wanted there is the frame alone.

const FLASHES_MS = 6000;

const pane = document.getElementById("flash");
let timer = null;

/** A call came, or rings more urgently than before. */
export function flash() {
  pane.classList.remove("flashing");
  void pane.offsetWidth; // begins anew
  pane.classList.add("flashing");
  clearTimeout(timer);
  timer = setTimeout(stop, FLASHES_MS);
}

export function stop() {
  pane.classList.remove("flashing");
}

/** Whether anything rings. */
export function ringing(rings) {
  pane.hidden = !rings;
  if (!rings) stop();
}
