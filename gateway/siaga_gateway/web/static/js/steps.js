// The operator's steps: htmx sends the forms, the detail takes the answer.

import * as detail from "./detail.js";
import * as ladder from "./ladder.js";
import * as queue from "./queue.js";
import { text } from "./settings.js";

/** `signedOut()`, `locked()`: a step was refused because the session is over, or its screen is locked. */
export function start(signedOut, locked) {
  document.body.addEventListener("htmx:beforeRequest", ({ target }) => {
    if (!(target instanceof HTMLFormElement)) return;
    const step = detail.stepOf(target);
    // What is sent from the message above the buttons is the draft in the form below as well.
    for (const form of document.querySelectorAll("#detail form")) if (detail.stepOf(form) === step) form.dataset.sent = "yes";
  });
  document.body.addEventListener("htmx:afterRequest", ({ detail: { successful, xhr } }) => {
    if (successful && xhr.status === 200) return;
    // The form that was sent may have been replaced meanwhile by one like it.
    for (const form of document.querySelectorAll("#detail form[data-sent]")) delete form.dataset.sent;
    if (xhr.status === 409 || xhr.status >= 500) detail.refresh();
  });
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if (xhr.status === 503 && xhr.getResponseHeader("HX-Retarget")) {
      event.detail.shouldSwap = true; // in the gateway's own words, not those of a proxy before it
      event.detail.isError = false;
    }
    if (event.detail.target.id !== "detail") return;
    event.detail.shouldSwap = false;
    if (xhr.status !== 200) { // no detail of an incident: nothing is wiped, and what rings goes on
      event.detail.isError = true;
      return;
    }
    const address = new URL(xhr.responseURL);
    if (address.pathname.endsWith("/acknowledge")) {
      ladder.acknowledged(Number(address.pathname.split("/")[2]), Number(address.searchParams.get("wave")));
    }
    detail.show(event.detail.serverResponse, { own: true });
    queue.touch([detail.current()]);
  });
  document.body.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
    if (xhr.status === 401) signedOut();
    if (xhr.status === 423) locked();
    detail.problem(text("step_error", { status: xhr.status }));
  });
  for (const lost of ["htmx:sendError", "htmx:timeout"]) {
    document.body.addEventListener(lost, () => detail.problem(text("step_failed")));
  }
  document.getElementById("detail").addEventListener("click", async (event) => {
    if (event.target.closest("[data-discard]")) document.getElementById("message").replaceChildren();
    const copied = event.target.closest("[data-copy]");
    if (!copied) return;
    await navigator.clipboard?.writeText(copied.dataset.copy).catch(() => {});
    copied.textContent = text("copied");
  });
}
