// Sizes of text in pictures.

/** Side of a text in pixels on a picture of that width: 28 at 2048, never less than 11. */
export const textSize = (width: number): number => Math.max(11, Math.round((28 * width) / 2048))
