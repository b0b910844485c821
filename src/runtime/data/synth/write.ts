// One synthetic sample, made and written in the layout of Cityscapes-3D.
import { writeAtomically } from '../../files.ts'
import { pathOf } from '../cityscapes3d/layout.ts'
import { encodePng } from '../cityscapes3d/png.ts'
import { boxJson, cameraJson } from './annotate.ts'
import { render } from './render.ts'
import { makeRig } from './rig.ts'
import { makeScene } from './scene.ts'
import { seedOf } from './random.ts'

export type SynthSplit = 'train' | 'val'
export interface SynthJob { readonly dir: string; readonly split: SynthSplit; readonly index: number; /** rows, columns */ readonly size: readonly [number, number]; readonly seed: number }

/** Invented towns, which keep training and validation apart as the real ones do. */
const cities: Readonly<Record<SynthSplit, readonly string[]>> = { train: ['rasterburg', 'synthville', 'texelheim', 'voxelstadt'], val: ['epochdorf', 'pixelhausen'] }

/** Name of the n-th image of a split; images go round the cities, so that a larger set contains the smaller one. */
export function synthId(split: SynthSplit, index: number): string {
  const towns = cities[split]
  return `${towns[index % towns.length]}_${String(Math.floor(index / towns.length)).padStart(6, '0')}_000019`
}

/** Renders the n-th scene of a split: a function of split, index, size and seed alone. */
export function synthesise({ split, index, size: [height, width], seed }: Omit<SynthJob, 'dir'>) {
  const order = split === 'train' ? 0 : 1
  const rig = makeRig(seed, 100 * order + index % cities[split].length, height, width)
  const scene = makeScene(seedOf(seed, order, index), rig.camera.sensorTIso8855)
  return { rig, scene, rendered: render(scene, rig.camera, height, width, rig.hood) }
}

/** Makes one sample and writes its six files. Throws FileError. */
export function writeSample(job: SynthJob): void {
  const { rig, scene, rendered } = synthesise(job)
  const [height, width] = job.size
  const id = synthId(job.split, job.index)
  const json = (value: object): string => `${JSON.stringify(value, null, 1)}\n`
  const write = (kind: Parameters<typeof pathOf>[3], content: string | Uint8Array): void => writeAtomically(pathOf(job.dir, job.split, id, kind), content, { durable: false })
  write('labels', encodePng('gray8', height, width, rendered.labelIds))
  write('instances', encodePng('gray16', height, width, rendered.instanceIds))
  write('disparity', encodePng('gray16', height, width, rendered.disparity))
  write('camera', json(cameraJson(rig.extrinsic, rig.camera)))
  write('boxes', json(boxJson(scene, rendered, rig.camera, height, width)))
  // Images are what a split is listed by: they come last, so that an interrupted run leaves no sample half written.
  write('image', encodePng('rgb8', height, width, rendered.image))
}
