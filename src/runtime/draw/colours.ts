// Colours of everything that is drawn, and how a canvas is told of them.
import { cityscapesLabels } from '../tasks/cityscapes-labels.ts'

export type Colour = readonly [number, number, number]

export const background: Colour = [20, 23, 28]
export const ink: Colour = [232, 234, 237]
export const faint: Colour = [154, 160, 168]

/** Ground truth in line drawings. */
export const truthColour: Colour = [255, 255, 255]

/** Vehicles in line drawings. The palette of the segmentation has nothing but dark blues for them, which cannot be told apart on an image. */
const vehicleColours: Readonly<Record<string, Colour>> = {
  car: [0, 190, 255], truck: [255, 159, 28], bus: [255, 225, 77], train: [208, 138, 255], motorcycle: [255, 84, 112], bicycle: [78, 224, 130],
}
export const vehicleColour = (label: string): Colour => vehicleColours[label] ?? [245, 245, 245]

/** Names of the 19 evaluated classes, in order of their train ids. */
export const trainClasses: readonly string[] = cityscapesLabels.filter(l => l.trainId !== 255).map(l => l.name)

const palette = new Map(cityscapesLabels.map(l => [l.name, l.color]))

/** What is none of the classes. */
export const noClass: Colour = [0, 0, 0]

/** The colour of a class in the Cityscapes palette; black for a name that is none of its labels. */
export const segmentationColour = (name: string): Colour => palette.get(name) ?? noClass

/** Value of a context's `fillStyle` and `strokeStyle`. `alpha` 0 to 1. */
export const css = ([r, g, b]: Colour, alpha = 1): string => `rgba(${r}, ${g}, ${b}, ${alpha})`
