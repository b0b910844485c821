// The colour map of depth: even steps of lightness from violet to yellow, computed in OKLab.
import type { Colour } from './colours.ts'

/** OKLab -> linear sRGB (B. Ottosson, A perceptual color space for image processing, 2020). */
function linearRgb(lightness: number, a: number, b: number): [number, number, number] {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
  return [4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s, -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s, -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s]
}

/** The transfer function of sRGB (IEC 61966-2-1), to a byte. */
const byte = (v: number): number => Math.round(255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055))

/** Most chroma of any colour of the map. */
const mostChroma = 0.15
const lightnessAt = (t: number): number => 0.22 + 0.7 * t
const hueAt = (t: number): number => ((300 - 195 * t) * Math.PI) / 180
const linearAt = (t: number, chroma: number): [number, number, number] => linearRgb(lightnessAt(t), chroma * Math.cos(hueAt(t)), chroma * Math.sin(hueAt(t)))

/** The largest chroma that sRGB holds there. */
function chromaLimit(t: number): number {
  let [low, high] = [0, mostChroma]
  for (let i = 0; i < 30; i++) {
    const middle = (low + high) / 2
    if (linearAt(t, middle).every(v => v >= 0 && v <= 1)) low = middle
    else high = middle
  }
  return low
}

const steps = 256
/** Over so many entries to each side the chroma is levelled: a kink in it would look like an edge in the picture. */
const level = 40
const around = (values: readonly number[], i: number): readonly number[] => values.slice(Math.max(0, i - level), i + level + 1)

/** 256 colours: 0 dark violet, 255 bright yellow. */
export const colourMap: readonly Colour[] = (() => {
  const limits = Array.from({ length: steps }, (_, i) => chromaLimit(i / (steps - 1)))
  // The mean over a window of the least over a window is nowhere above the limit itself.
  const least = limits.map((_, i) => Math.min(...around(limits, i)))
  return least.map((_, i) => {
    const near = around(least, i)
    const [r, g, b] = linearAt(i / (steps - 1), near.reduce((x, y) => x + y, 0) / near.length)
    return [byte(r), byte(g), byte(b)]
  })
})()
