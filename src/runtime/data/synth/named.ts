// Named synthetic data sets: seed and counts that never change, and a digest that tells when the generator did.
import { createHash } from 'node:crypto'
import { boxJson } from './annotate.ts'
import { synthesise } from './write.ts'
import type { SynthSplit } from './write.ts'

/** Counts of scenes and the seed. */
export interface SplitSpec { readonly train: number; readonly val: number; readonly seed: number }

/** Raised with every change of the generator that changes a scene; a named set belongs to one version for good. */
export const generatorVersion = 2

/** What a named set is: the same scenes at every size of image. `digest`: what `generatorDigest` gave when the name was given. */
export interface NamedSplit extends SplitSpec { readonly generator: number; readonly digest: string }

export const namedSplits = {
  'synth-v1': { train: 1000, val: 200, seed: 20, generator: 2, digest: '557203359c3f5a83fc2d6420a46cd4e57d1431b17dfa2c1ade8e337149ce92ae' },
} as const satisfies Record<string, NamedSplit>
export type SplitName = keyof typeof namedSplits

/** Scenes that the digest looks at, and the size that they are rendered at for it. */
const probes: readonly (readonly [SynthSplit, number])[] = [['train', 0], ['train', 1], ['train', 2], ['val', 0], ['val', 1], ['val', 2]]
const probeSize = [64, 128] as const

/** SHA-256 of label ids, instances, disparity and vehicles of a few scenes of a seed, at 64 x 128: every change of a scene's layout changes it. Colours are not in it. */
export function generatorDigest(seed: number): string {
  const hash = createHash('sha256')
  for (const [split, index] of probes) {
    const { scene, rig, rendered } = synthesise({ split, index, size: probeSize, seed })
    const { objects, ignore } = boxJson(scene, rendered, rig.camera, ...probeSize) as { objects: unknown; ignore: unknown }
    hash.update(rendered.labelIds).update(rendered.instanceIds).update(rendered.disparity).update(JSON.stringify([objects, ignore]))
  }
  return hash.digest('hex')
}

/** `synthetic.json` in the root of a synthetic data set, written last: what made it. */
export interface SynthManifest {
  readonly format: 'mtlc synthetic scenes'
  readonly version: 1
  /** null: no named set */
  readonly name: SplitName | null
  readonly generator: number
  readonly seed: number
  readonly train: number
  readonly val: number
  /** rows, columns */
  readonly size: readonly [number, number]
  /** generatorDigest of the seed */
  readonly digest: string
}
export const manifestName = 'synthetic.json'
