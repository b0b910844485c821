// Colours of an image changed as another camera or another light would: brightness, contrast, saturation.

/** Factors; 1 changes nothing. */
export interface ColourFactors { readonly brightness: number; readonly contrast: number; readonly saturation: number }

/** Luma of ITU-R BT.601, as image libraries convert to grey. */
const grey = (r: number, g: number, b: number): number => 0.299 * r + 0.587 * g + 0.114 * b

/** RGB bytes -> RGB bytes: times brightness; contrast away from the image's mean grey; saturation away from each pixel's grey; rounded once at the end. */
export function jitterColours(image: Uint8Array, { brightness, contrast, saturation }: ColourFactors): Uint8Array {
  const out = new Uint8Array(image.length)
  let sum = 0
  for (let i = 0; i < image.length; i += 3) sum += grey(image[i], image[i + 1], image[i + 2])
  const mean = brightness * sum / (image.length / 3 || 1)
  const contrasted = (v: number): number => mean + contrast * (brightness * v - mean)
  const byte = (v: number): number => Math.min(255, Math.max(0, Math.round(v)))
  for (let i = 0; i < image.length; i += 3) {
    const [r, g, b] = [contrasted(image[i]), contrasted(image[i + 1]), contrasted(image[i + 2])]
    const y = grey(r, g, b)
    out[i] = byte(y + saturation * (r - y))
    out[i + 1] = byte(y + saturation * (g - y))
    out[i + 2] = byte(y + saturation * (b - y))
  }
  return out
}
