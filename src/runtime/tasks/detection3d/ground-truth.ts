// Annotated boxes in the form of detections, to be drawn and compared beside them.
import type { Sample } from '../../data/dataset.ts'
import type { Detection } from './detection.ts'

/** Boxes of the given classes with score 1, in order of the file; none if the sample is not annotated. */
export const groundTruthDetections = (sample: Sample, classes: readonly string[]): Detection[] =>
  (sample.boxes ?? []).filter(b => classes.includes(b.label)).map(({ label, center, dimensions, rotation, modal, amodal }) => ({ label, score: 1, center, dimensions, rotation, modal, amodal }))
