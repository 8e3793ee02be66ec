// Tones as a sound file, for the second way to sound. No imports, no state: tests read it.

const RATE = 22050; // samples a second: enough for the highest tone's overtones to be told apart
const EDGE_S = 0.012; // each tone swells and fades, or it would click
const SHAPES = {
  sine: (turn) => Math.sin(2 * Math.PI * turn),
  square: (turn) => (turn % 1 < 0.5 ? 1 : -1),
  sawtooth: (turn) => 2 * (turn % 1) - 1,
  triangle: (turn) => 1 - 4 * Math.abs((turn % 1) - 0.5),
};

/** The tones [{frequency, after, length, shape, level}] (Hz, s, s, an oscillator's type, 0 to 1) as a WAV file of 16 bits. */
export function wave(tones) {
  const end = Math.max(...tones.map(({ after, length }) => after + length));
  const samples = new Float32Array(Math.ceil(end * RATE));
  for (const { frequency, after, length, shape = "square", level } of tones) {
    const first = Math.round(after * RATE);
    const count = Math.min(Math.round(length * RATE), samples.length - first);
    for (let at = 0; at < count; at += 1) {
      const edge = Math.min(1, at / (EDGE_S * RATE), (count - at) / (EDGE_S * RATE));
      samples[first + at] += level * edge * (SHAPES[shape] ?? SHAPES.square)((at * frequency) / RATE);
    }
  }
  return file(samples);
}

function file(samples) {
  const size = 2 * samples.length;
  const view = new DataView(new ArrayBuffer(44 + size));
  const word = (at, letters) => [...letters].forEach((letter, index) => view.setUint8(at + index, letter.charCodeAt(0)));
  word(0, "RIFF");
  view.setUint32(4, 36 + size, true);
  word(8, "WAVEfmt ");
  view.setUint32(16, 16, true); // what follows of the format
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // one channel
  view.setUint32(24, RATE, true);
  view.setUint32(28, 2 * RATE, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  word(36, "data");
  view.setUint32(40, size, true);
  samples.forEach((sample, index) => view.setInt16(44 + 2 * index, 32767 * Math.max(-1, Math.min(1, sample)), true));
  return new Uint8Array(view.buffer);
}
