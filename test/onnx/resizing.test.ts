// Resizing an image as wide as those of the data sets: coordinates in float32 would be off by 1e-4 of a pixel.
import { expect, test } from 'vitest'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import { elaborate } from '../../src/compiler/index.ts'
import { encodeModel } from '../../src/compiler/targets/onnx/encode.ts'
import { runOnnxFile } from '../../src/runtime/engines/onnxruntime/onnx-file.ts'
import { generatedImage } from '../support/generated.ts'

const text = `model M {
  data cityscapes3d { image = 1024 x 2048 }
  task depth = depth(size = 768 x 1536)
  forward(image: [B, 3, H, W]) = {depth: resize(image[:, ..1], [768, 1536])}
}`

test('1024 x 2048 to 768 x 1536', async () => {
  const { model } = elaborate('m.mtl', { read: path => (path === 'm.mtl' ? text : undefined) }, { mode: 'infer', batch: 1 })
  const image = generatedImage([1, 3, 1024, 2048])
  const { depth: expected } = interpret(model!.program, { image }).outputs
  const { depth: found } = await runOnnxFile(encodeModel(model!.program, { profile: 'inference' }).model, { image })
  expect(found.shape).toEqual([1, 1, 768, 1536])
  let worst = 0
  for (const [i, v] of expected.data.entries()) worst = Math.max(worst, Math.abs(v - found.data[i]))
  expect(worst).toBeLessThan(2e-6)
})
