// What a split holds, in numbers: pixels per label, boxes per class, their distances, headings, sizes and occlusion.
import { availableParallelism } from 'node:os'
import { quaternionToMatrix, normalised } from '../geometry.ts'
import { cityscapesLabels } from '../tasks/cityscapes-labels.ts'
import { evaluatedClasses } from './cityscapes3d/boxes.ts'
import { listIds, pathOf, requireFiles } from './cityscapes3d/layout.ts'
import { pngSize } from './cityscapes3d/png.ts'
import { loadCityscapes3d } from './cityscapes3d/reader.ts'
import { WorkerPool } from './pool.ts'
import type { Setup } from './worker.ts'

export interface StatisticsSetup { readonly root: string; readonly split: string; /** rows, columns */ readonly image: readonly [number, number] }

/** Lower bounds of the bins of distance on the ground from the origin of the vehicle frame, in metres; the last one is open. */
export const distanceBins: readonly number[] = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
/** Lower bounds of the bins of the modal box's height as a share of the image's rows; the last one is open. */
export const heightBins: readonly number[] = [0, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32]
/** Headings in the vehicle frame, in eighths of a turn to the left. */
export const headings: readonly string[] = ['ahead', 'ahead left', 'left', 'back left', 'towards us', 'back right', 'right', 'ahead right']
/** Lower bounds of the bins of depth in metres; the last one is open. */
export const depthBins: readonly number[] = [0, 5, 10, 20, 40, 80]

export interface BoxStatistics { readonly boxes: number; /** images with at least one */ readonly images: number; readonly distance: number[]; readonly heading: number[]; readonly height: number[]; /** tenths: 0, 0.1 ... 1 */ readonly occlusion: number[]; readonly truncation: number[] }
export interface SplitStatistics {
  readonly images: number
  /** by label id: pixels, and images with at least one */
  readonly pixels: number[]
  readonly imagesWith: number[]
  /** pixels whose disparity was measured, and how deep they lie */
  readonly measured: number
  readonly depth: number[]
  readonly classes: Readonly<Record<string, BoxStatistics>>
  /** images by their number of evaluated boxes: 0, 1, 2 ... */
  readonly boxesPerImage: number[]
}

const zeros = (n: number): number[] => new Array<number>(n).fill(0)
const emptyBoxes = (): BoxStatistics & { boxes: number; images: number } => ({ boxes: 0, images: 0, distance: zeros(distanceBins.length), heading: zeros(headings.length), height: zeros(heightBins.length), occlusion: zeros(11), truncation: zeros(11) })
const binOf = (bins: readonly number[], v: number): number => bins.findLastIndex(low => v >= low)

/** The figures of one image. Throws DataError. */
export async function statisticsOf({ root, split, image }: StatisticsSetup, id: string): Promise<SplitStatistics> {
  const sample = await loadCityscapes3d(root, split, [id], { image, need: { labels: true, disparity: true, boxes: true }, boxes: 'optional' }).load(0)
  const pixels = zeros(cityscapesLabels.length)
  for (const l of sample.labelIds!) pixels[l]++
  const { fx, baseline } = sample.camera!
  const depth = zeros(depthBins.length)
  let measured = 0
  for (const p of sample.disparity!) {
    if (p < 2) continue
    measured++
    depth[binOf(depthBins, baseline * fx * 256 / (p - 1))]++
  }
  const classes: Record<string, ReturnType<typeof emptyBoxes>> = {}
  let evaluated = 0
  for (const box of sample.boxes!) {
    if (evaluatedClasses.includes(box.label)) evaluated++
    const c = (classes[box.label] ??= emptyBoxes())
    c.boxes++
    c.images = 1
    const m = quaternionToMatrix(normalised(box.rotation))
    c.distance[binOf(distanceBins, Math.hypot(box.center[0], box.center[1]))]++
    c.heading[(Math.round(Math.atan2(m[1][0], m[0][0]) / (Math.PI / 4)) + 8) % 8]++
    c.height[binOf(heightBins, box.modal[3] / sample.height)]++
    c.occlusion[Math.round(10 * box.occlusion)]++
    c.truncation[Math.round(10 * box.truncation)]++
  }
  return { images: 1, pixels, imagesWith: pixels.map(n => (n > 0 ? 1 : 0)), measured, depth, classes, boxesPerImage: [...zeros(evaluated), 1] }
}

const sum = (a: readonly number[], b: readonly number[]): number[] => Array.from({ length: Math.max(a.length, b.length) }, (_, i) => (a[i] ?? 0) + (b[i] ?? 0))

/** The figures of two disjoint sets of images together. */
export function together(a: SplitStatistics, b: SplitStatistics): SplitStatistics {
  const classes: Record<string, BoxStatistics> = { ...a.classes }
  for (const [name, c] of Object.entries(b.classes)) {
    const d = classes[name] ?? emptyBoxes()
    classes[name] = {
      boxes: c.boxes + d.boxes, images: c.images + d.images, distance: sum(c.distance, d.distance), heading: sum(c.heading, d.heading), height: sum(c.height, d.height),
      occlusion: sum(c.occlusion, d.occlusion), truncation: sum(c.truncation, d.truncation),
    }
  }
  return {
    images: a.images + b.images, pixels: sum(a.pixels, b.pixels), imagesWith: sum(a.imagesWith, b.imagesWith), measured: a.measured + b.measured, depth: sum(a.depth, b.depth),
    classes, boxesPerImage: sum(a.boxesPerImage, b.boxesPerImage),
  }
}

/** Looks at every image of a split, in threads; the size of the images is that of the first one. Throws DataError. */
export async function splitStatistics(root: string, split: string, onProgress: (done: number, of: number) => void = () => {}): Promise<SplitStatistics & { readonly image: readonly [number, number] }> {
  const ids = await listIds(root, split)
  await requireFiles(root, split, ids, ['labels', 'disparity', 'camera', 'boxes'])
  const image = await pngSize(pathOf(root, split, ids[0], 'image'))
  const pool = new WorkerPool(Math.min(8, availableParallelism(), ids.length), { kind: 'statistics', root, split, image } satisfies Setup)
  let done = 0
  let all: SplitStatistics = { images: 0, pixels: [], imagesWith: [], measured: 0, depth: [], classes: {}, boxesPerImage: [] }
  try {
    await Promise.all(ids.map(async id => {
      const one = await pool.run(id) as SplitStatistics
      all = together(all, one)
      onProgress(++done, ids.length)
    }))
  } finally {
    await pool.close()
  }
  return { ...all, image }
}
