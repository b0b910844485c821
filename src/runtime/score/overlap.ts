// Overlap of rectangles, with the pixels of both borders counted.

/** xmin, ymin, xmax, ymax in pixels; both borders belong to the rectangle. */
export type Corners = readonly [number, number, number, number]

/** [x, y, width, height], as files hold boxes. */
export const cornersOf = ([x, y, w, h]: readonly [number, number, number, number]): Corners => [x, y, x + w, y + h]

const area = (a: Corners): number => (a[2] - a[0] + 1) * (a[3] - a[1] + 1)
const intersection = (a: Corners, b: Corners): number => Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]) + 1) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]) + 1)

/** Intersection over union, 0 to 1. (cityscapesScripts, objectDetectionUtils.) */
export function iou(a: Corners, b: Corners): number {
  const common = intersection(a, b)
  return common / (area(a) + area(b) - common + 1e-10)
}

/** Share of a prediction that lies in a region, 0 to 1. */
export const shareInside = (prediction: Corners, region: Corners): number => intersection(prediction, region) / (area(prediction) + 1e-10)
