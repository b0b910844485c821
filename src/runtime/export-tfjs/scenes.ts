// Synthetic scenes that an exported page brings along: an image and its camera each, of the model's size.
import { join } from 'node:path'
import { writeAtomically } from '../files.ts'
import { encodePng } from '../data/cityscapes3d/png.ts'
import { cameraJson } from '../data/synth/annotate.ts'
import { synthesise } from '../data/synth/write.ts'
import { names } from './layout.ts'

/** As model.json lists them; paths relative to the folder. */
export interface Scene { readonly title: string; readonly image: string; readonly camera: string }

/** Another seed than that of the scenes which `mtlc train` makes, so that no model has seen them; these two have vehicles near and far, parked and driving. */
const chosen = { seed: 77, indices: [6, 10] } as const

/** Throws FileError. */
export function writeScenes(dir: string, size: readonly [number, number]): Scene[] {
  return chosen.indices.map((index, i) => {
    const { rig, rendered } = synthesise({ split: 'val', index, size, seed: chosen.seed })
    const path = `${names.scenes}/scene-${i + 1}`
    writeAtomically(join(dir, `${path}.png`), encodePng('rgb8', size[0], size[1], rendered.image), { durable: false })
    writeAtomically(join(dir, `${path}_camera.json`), `${JSON.stringify(cameraJson(rig.extrinsic, rig.camera), null, 1)}\n`, { durable: false })
    return { title: `Synthetic scene ${i + 1}`, image: `${path}.png`, camera: `${path}_camera.json` }
  })
}
