// Text that is hard to read in the colours in which it is drawn (WCAG 2.2, 1.4.3 and, for the edges of fields, 1.4.11): an
// expression for page.evaluate. Returns sentences, none where all is well.
() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const parsed = new Map();
  const rgba = (text) => {
    if (!parsed.has(text)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = text;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      parsed.set(text, [r, g, b, a / 255]);
    }
    return parsed.get(text);
  };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((each) => ((each /= 255) <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const contrast = (one, other) => {
    const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const COLOUR = /rgba?\([^)]*\)|#[0-9a-f]{3,8}\b/gi;

  // All colours that may lie behind an element: more than one only over a gradient.
  const known = new Map();
  const behind = (element) => {
    if (element === null) return [rgba(getComputedStyle(document.documentElement).colorScheme === "dark" ? "#121212" : "#fff")];
    if (!known.has(element)) {
      const style = getComputedStyle(element);
      let found = behind(element.parentElement).map((each) => over(rgba(style.backgroundColor), each));
      const stops = style.backgroundImage.match(COLOUR);
      // The round mark beside the brand carries no text, nor does an embedded icon.
      if (stops && /gradient/.test(style.backgroundImage)) found = stops.flatMap((stop) => found.map((each) => over(rgba(stop), each)));
      known.set(element, found);
    }
    return known.get(element);
  };
  const opacity = (element) => (element === null ? 1 : Number(getComputedStyle(element).opacity) * opacity(element.parentElement));

  const faults = new Set();
  let looked = 0;
  const judge = (element, colour, words, grounds, least) => {
    const part = opacity(element);
    for (const ground of grounds) {
      const [r, g, b, a] = rgba(colour);
      const ratio = contrast(over([r, g, b, a * part], ground), ground);
      looked += 1;
      if (ratio < least) faults.add(`${ratio.toFixed(2)} to 1, less than ${least}: ${colour} on rgb(${ground.slice(0, 3).map(Math.round)}): ${words.trim().slice(0, 40)} (${element.tagName.toLowerCase()}.${element.getAttribute("class") ?? ""})`);
    }
  };
  const least = (style) => {
    const size = parseFloat(style.fontSize);
    return size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
  };

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode, element = text.parentElement;
    if (!text.data.trim() || element.closest("script, noscript, template, .unheard, option, .maplibregl-ctrl-group")) continue;
    if (!element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) || element.disabled) continue;
    const style = getComputedStyle(element);
    if (!element.closest("svg")) {
      judge(element, style.color, text.data, behind(element), least(style));
      continue;
    }
    element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
    const box = element.getBoundingClientRect();
    const under = document.elementsFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2)
      .find((each) => /^(rect|circle|path)$/.test(each.tagName) && getComputedStyle(each).fill !== "none");
    const ground = behind(element.closest("svg"));
    const shape = under && getComputedStyle(under);
    const drawn = ([r, g, b, a]) => [r, g, b, a * Number(shape.fillOpacity) * Number(shape.opacity)];
    judge(element, style.fill, text.data, under ? ground.map((each) => over(drawn(rgba(shape.fill)), each)) : ground, least(style));
  }
  for (const field of document.body.querySelectorAll("input, select, textarea")) {
    if (!field.checkVisibility() || field.type === "hidden") continue;
    const style = getComputedStyle(field);
    if (/^(radio|checkbox|file)$/.test(field.type)) continue;
    judge(field, style.color, field.value || "what is typed", behind(field), 4.5);
    if (field.placeholder) judge(field, getComputedStyle(field, "::placeholder").color, field.placeholder, behind(field), 4.5);
    judge(field, style.borderTopColor, "its edge", behind(field.parentElement), 3);
  }
  scrollTo(0, 0);
  if (!looked) faults.add("nothing was looked at");
  return [...faults];
}
