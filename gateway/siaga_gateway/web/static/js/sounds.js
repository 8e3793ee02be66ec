// What the console sounds like: for each reason to ring a pattern of its own, the more urgent the rung the faster,
// higher and louder. Duress is the loudest. No imports, no state: tests read it.

/** A repeated pair of tones. */
function pairs(count, low, high, gap, shape, level) {
  return Array.from({ length: 2 * count }, (_, index) => ({
    frequency: index % 2 ? high : low, after: index * gap, length: gap * 0.86, shape, level,
  }));
}

/** The tones of a pattern, [{frequency, after, length, shape, level}], and after how many ms it comes again. */
const PATTERNS = {
  // A new call, by rung: stations, chief, region, everyone.
  first: [
    { every: 2600, tones: pairs(2, 880, 1175, 0.28, "square", 0.6) },
    { every: 2300, tones: pairs(3, 988, 1319, 0.22, "square", 0.7) },
    { every: 2000, tones: pairs(4, 1047, 1397, 0.18, "square", 0.8) },
    { every: 1700, tones: pairs(5, 1175, 1568, 0.14, "square", 0.9) },
  ],
  // It was answered, and nothing came of it: long and low, as a two-tone horn.
  again: [
    { every: 2800, tones: pairs(2, 587, 440, 0.5, "sawtooth", 0.6) },
    { every: 2500, tones: pairs(2, 659, 494, 0.46, "sawtooth", 0.68) },
    { every: 2300, tones: pairs(3, 740, 554, 0.34, "sawtooth", 0.76) },
    { every: 2000, tones: pairs(3, 831, 622, 0.3, "sawtooth", 0.84) },
  ],
  // A button whose registration is not active: a knock.
  held: [
    { every: 4000, tones: pairs(1, 660, 660, 0.22, "square", 0.5) },
    { every: 3000, tones: pairs(2, 740, 740, 0.22, "square", 0.6) },
  ],
  // Does this still matter?
  asked: [{ every: 60000, tones: pairs(1, 784, 523, 0.4, "triangle", 0.6) }],
  // Somebody who was sent is late, silent or has finished: once for each time that the desk is rung.
  scene: [{ every: 5000, tones: pairs(2, 523, 698, 0.3, "sawtooth", 0.6) }],
  duress: [{ every: 1500, tones: pairs(6, 1568, 1047, 0.1, "square", 1) }],
};

const ORDER = ["asked", "held", "first", "again", "duress"]; // of one level, the more urgent to the right

/** The pattern for a sound at a level. */
export function pattern(sound, level = 0) {
  const levels = PATTERNS[sound] ?? PATTERNS.first;
  return levels[Math.min(level, levels.length - 1)];
}

/** How urgent a call is, as a number: duress, then the rung, then the sound. */
export function urgency({ sound, level }) {
  if (!sound) return 0;
  const last = ORDER.length - 1;
  return 1 + (sound === ORDER[last] ? 100 : 0) + 10 * level + Math.max(0, ORDER.indexOf(sound));
}
