// Images of other sizes and proportions than the model's: there and back.
import { describe, expect, it } from 'vitest'
import { project } from '../../src/runtime/projection.ts'
import { fitCamera, fitImage, mapBack, rectangleBack } from '../../src/runtime/predict/fit.ts'
import { sensorTransform } from '../../src/runtime/data/cityscapes3d/camera.ts'

const model = { height: 64, width: 128 }
const back = (map: Float32Array, channels: number, size: readonly [number, number], image: { height: number; width: number }): number[][] => {
  const rows: number[][] = []
  mapBack(map, channels, size, fitImage(image, model), (_, values) => rows.push(Array.from(values)))
  return rows
}

it('an image of the model\'s size is left as it is', () => {
  expect(fitImage(model, model)).toMatchObject({ content: model, left: 0, top: 0, sx: 1, sy: 1 })
  const map = Float32Array.from({ length: 64 * 128 }, (_, i) => Math.sin(i))
  expect(Float32Array.from(back(map, 1, [64, 128], model).flat())).toEqual(map)
})

it('keeps proportions, with the image in the middle', () => {
  expect(fitImage({ height: 100, width: 100 }, model)).toMatchObject({ content: { height: 64, width: 64 }, left: 32, top: 0 })
  expect(fitImage({ height: 50, width: 400 }, model)).toMatchObject({ content: { height: 16, width: 128 }, left: 0, top: 24 })
  expect(fitImage({ height: 1, width: 1 }, model)).toMatchObject({ content: { height: 64, width: 64 } })
  expect(fitImage({ height: 1, width: 9000 }, model)).toMatchObject({ content: { height: 1, width: 128 } })
})

it('the camera of the model\'s input sees a point where the image, placed there, shows it', () => {
  const camera = { fx: 900, fy: 910, u0: 333, v0: 210, baseline: 0.2, sensorTIso8855: sensorTransform({ baseline: 0.2, pitch: 0, roll: 0, yaw: 0, x: 0, y: 0, z: 0 }) }
  const fit = fitImage({ height: 480, width: 640 }, model)
  const [u, v] = project([1, -0.5, 9], camera)
  const [x, y] = project([1, -0.5, 9], fitCamera(camera, fit))
  expect(x).toBeCloseTo((u + 0.5) * fit.sx + fit.left - 0.5, 9)
  expect(y).toBeCloseTo((v + 0.5) * fit.sy + fit.top - 0.5, 9)
})

it('rectangles come back, cut at the image', () => {
  const fit = fitImage({ height: 480, width: 640 }, model)
  const there = (x: number): number => (x + 0.5) * fit.sx + fit.left - 0.5
  const down = (y: number): number => (y + 0.5) * fit.sy + fit.top - 0.5
  const found = rectangleBack([there(10), down(20), there(110) - there(10), down(220) - down(20)], fit)
  expect(found.map(v => Number(v.toFixed(9)))).toEqual([10, 20, 100, 200])
  expect(rectangleBack([0, 0, 128, 64], fit)).toEqual([0, 0, 640, 480])
})

describe('maps', () => {
  it('of a lower resolution are interpolated between the centres of their cells', () => {
    const [row] = back(Float32Array.from({ length: 4 * 8 }, (_, i) => i % 8), 1, [4, 8], model)
    // A cell has 16 pixels: centres at 7.5, 23.5, ...
    expect(row[0]).toBe(0)
    expect(row[8]).toBeCloseTo(1 / 32, 6)
    expect(row[16]).toBeCloseTo(17 / 32, 6)
    expect(row[127]).toBe(7)
  })

  it('have their channels one after the other', () => {
    const map = Float32Array.from({ length: 2 * 64 * 128 }, (_, i) => (i < 64 * 128 ? 1 : 2))
    expect(new Set(back(map, 2, [64, 128], model)[0].slice(0, 128))).toEqual(new Set([1]))
    expect(new Set(back(map, 2, [64, 128], model)[0].slice(128))).toEqual(new Set([2]))
  })

  it.each([[100, 100], [50, 400], [301, 77], [1, 1], [1, 500]])('never let the margin in: %i x %i', (height, width) => {
    const fit = fitImage({ height, width }, model)
    const map = new Float32Array(64 * 128).fill(1000)
    for (let y = fit.top; y < fit.top + fit.content.height; y++) map.fill(1, y * 128 + fit.left, y * 128 + fit.left + fit.content.width)
    const rows = back(map, 1, [64, 128], { height, width })
    expect(rows).toHaveLength(height)
    expect(new Set(rows.flat())).toEqual(new Set([1]))
  })
})
