// What does not fit on this screen: an expression for page.evaluate, of the least side of a target in CSS pixels. Returns
// sentences, none where all is well.
async (least) => {
  const faults = new Set();
  const root = document.documentElement;
  const wide = root.clientWidth, high = root.clientHeight;
  const named = (element) => {
    const words = (element.getAttribute("aria-label") || element.textContent || element.name || "").trim().replace(/\s+/g, " ");
    return `<${element.tagName.toLowerCase()}${element.id ? `#${element.id}` : ""} class="${element.getAttribute("class") ?? ""}"> ${words.slice(0, 50)}`;
  };
  const shown = (element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const unheard = (element) => element.closest(".unheard") !== null;

  for (const box of [root, document.body]) {
    if (box.scrollWidth > wide) faults.add(`the page is ${box.scrollWidth} px wide on ${wide}`);
  }
  if (document.body.classList.contains("console") && wide > 760 && root.scrollHeight > high) {
    faults.add(`the console is ${root.scrollHeight} px high on ${high}: nothing says that it can be scrolled`);
  }

  // Text that is cut off: nobody can scroll to it, as one can with the cursor in a field.
  for (const element of document.body.querySelectorAll("*")) {
    if (!shown(element) || unheard(element) || element.closest("svg, .maplibregl-map, select, input, textarea")) continue;
    const { overflowX, overflowY } = getComputedStyle(element);
    const cut = (way) => way === "hidden" || way === "clip";
    if (cut(overflowX) && element.scrollWidth > element.clientWidth + 1) faults.add(`cut off: ${named(element)}`);
    if (cut(overflowY) && element.scrollHeight > element.clientHeight + 1) faults.add(`cut off below: ${named(element)}`);
    if (element.tagName === "BUTTON" && element.scrollWidth > element.clientWidth + 1) faults.add(`wider than its button: ${named(element)}`);
  }

  // Every control: on the screen or reachable by scrolling, not under another, large enough.
  const target = (element) => (/^(radio|checkbox)$/.test(element.type) ? element.closest("label") ?? element : element);
  const inline = (element) => {
    // A link within a sentence is as high as its line (WCAG 2.2, 2.5.8).
    if (element.tagName !== "A" || getComputedStyle(element).display !== "inline") return false;
    const around = element.closest("p, li, td, th, dd, span:not(.numbers), address") ?? element.parentElement;
    return around.textContent.trim().length > element.textContent.trim().length + 2;
  };
  const controls = "a[href], button, input:not([type=hidden]), select, textarea, summary";
  const modal = document.querySelector("dialog[open]");
  for (const element of document.body.querySelectorAll(controls)) {
    if (!shown(element) || element.disabled || (modal && !modal.contains(element))) continue;
    const touched = target(element);
    touched.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
    const { width, height } = touched.getBoundingClientRect();
    if (!inline(element) && Math.min(width, height) < least - 0.5) {
      faults.add(`${Math.round(width)}x${Math.round(height)} px, less than ${least}: ${named(element)}`);
    }
    const box = [...touched.getClientRects()].find((each) => each.width && each.height);
    if (!box) {
      faults.add(`no size: ${named(element)}`);
      continue;
    }
    if (box.left < -0.5 || box.right > wide + 0.5) faults.add(`outside the view, ${Math.round(box.left)} to ${Math.round(box.right)}: ${named(element)}`);
    const [x, y] = [(box.left + box.right) / 2, (Math.max(box.top, 0) + Math.min(box.bottom, high)) / 2];
    const top = document.elementFromPoint(x, y);
    if (top === null) faults.add(`outside the view: ${named(element)}`);
    else if (!touched.contains(top) && !top.contains(touched)) faults.add(`${named(element)} is under ${named(top)}`);
    else if (top !== touched && top.contains(touched) && top !== touched.parentElement) faults.add(`clipped: ${named(element)}`);
  }
  scrollTo(0, 0);
  return [...faults];
}
