// What the text declares under `augment`, done to a sample: which draws it gets is a function of seed and place in the run alone.
import type { AugmentSpec } from '../../../compiler/tasks/spec.ts'
import type { Sample } from '../dataset.ts'
import { Random, seedOf } from '../synth/random.ts'
import { jitterColours } from './colour.ts'
import { flip } from './flip.ts'
import { zoom } from './zoom.ts'

function applied(sample: Sample, spec: AugmentSpec, random: Random): Sample {
  switch (spec.kind) {
    case 'flip': return random.chance(spec.chance) ? flip(sample) : sample
    case 'scale_crop': {
      const scale = random.range(spec.from, spec.to)
      const [left, top] = [sample.width, sample.height].map(size => random.next() * (size - size / scale))
      return scale === 1 ? sample : zoom(sample, { scale, left, top })
    }
    case 'color_jitter': {
      const factor = (range: number): number => random.range(1 - range, 1 + range)
      return { ...sample, image: jitterColours(sample.image, { brightness: factor(spec.brightness), contrast: factor(spec.contrast), saturation: factor(spec.saturation) }) }
    }
  }
}

/** The sample after all augmentations in the order of the text. `place`: how many samples of the run came before it. A resumed run gets the draws that it would have got. */
export function augment(sample: Sample, specs: readonly AugmentSpec[], seed: number, place: number): Sample {
  const random = new Random(seedOf(seed, 0x4155474d, place, Math.floor(place / 2 ** 32)))
  return specs.reduce((s, spec) => applied(s, spec, random), sample)
}
