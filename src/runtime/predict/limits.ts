// The largest images that are predicted.

/** A picture of more pixels takes gigabytes to predict and draw. */
export const mostPixels = 50_000_000
export const longestSide = 16_384
