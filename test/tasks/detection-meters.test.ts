// The depth meter beside the detection task equals the published code's on generated predictions.
import { expect, it } from 'vitest'
import { DepthMeter } from '../../src/runtime/tasks/depth.ts'
import { generate } from '../support/generated.ts'

const [images, pixels] = [3, 16 * 32]

it('errors of depth below 80, pooled over the images', () => {
  const predicted = generate('m/dp', [images * pixels], 40, 30)
  const truth = generate('m/dg', [images * pixels], 60, 45).map(v => v < 0 ? -1 : v)
  const meter = new DepthMeter(80)
  for (let i = 0; i < images; i++) meter.add(truth.subarray(i * pixels, (i + 1) * pixels), predicted.subarray(i * pixels, (i + 1) * pixels))
  const { rmse, logRmse, absRel, sqRel } = meter.scores()
  for (const [found, expected] of [[rmse, 33.54943997268241], [logRmse, 8.628840005757509], [absRel, 2.3957018002059107], [sqRel, 111.56574763808139]]) expect(Math.abs(found - expected) / expected).toBeLessThan(1e-6)
})
