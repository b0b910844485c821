// Which camera an image is taken with.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { cameraOf, siblingCamera } from '../../src/runtime/predict/camera.ts'
import { fitImage } from '../../src/runtime/predict/fit.ts'

const dir = mkdtempSync(join(tmpdir(), 'mtlc-camera-'))
afterAll(() => rmSync(dir, { recursive: true }))
const put = (name: string, value: object | string): string => {
  const path = join(dir, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value))
  return path
}
const json = (fx: number, u0 = 300): object => ({ extrinsic: { baseline: 0.2, pitch: 0, roll: 0, yaw: 0, x: 1, y: 0, z: 1.2 }, intrinsic: { fx, fy: fx, u0, v0: 200 } })
const fit = fitImage({ height: 480, width: 640 }, { height: 64, width: 128 })

it('the one that is given', async () => {
  const path = put('mine.json', json(700))
  expect(await cameraOf('photo.jpg', path, fit)).toMatchObject({ camera: { fx: 700, u0: 300 }, source: `from ${path}`, assumed: false })
})

it('that of the data set around the image', async () => {
  put('camera/val/town/town_000000_000019_camera.json', json(800))
  const image = join(dir, 'leftImg8bit/val/town/town_000000_000019_leftImg8bit.png')
  expect(await cameraOf(image, undefined, fit)).toMatchObject({ camera: { fx: 800 }, source: 'from town_000000_000019_camera.json', assumed: false })
  expect(siblingCamera(image.replace('000000', '000001'))).toBeUndefined()
  expect(siblingCamera(join(dir, 'town_000000_000019_leftImg8bit.png'))).toBeUndefined()
})

it('an assumed one, like that of Cityscapes at the size of the model', async () => {
  const { camera, source, assumed } = await cameraOf('photo.jpg', undefined, fit)
  expect(assumed).toBe(true)
  expect(camera.fx).toBeCloseTo((2262.52 / 2048) * 128 * 7.5, 9)
  expect(camera.fy).toBe(camera.fx)
  expect([camera.u0, camera.v0]).toEqual([319.5, 239.5])
  expect(source).toBe('assumed: focal length 1061 px, centre (319.5, 239.5), level, 1.22 m above the ground')
})

it.each<[string, () => string, string]>([
  ['of another size', () => put('large.json', json(2262, 1096)), 'the principal point (1096, 200) lies outside of photo.jpg, which is 640 x 480'],
  ['with NaN', () => put('nan.json', '{"extrinsic": NaN}'), 'is not JSON'],
  ['with a null', () => put('null.json', JSON.stringify(json(700)).replace('700', 'null')), 'intrinsic.fx is null'],
  ['with a part missing', () => put('part.json', { extrinsic: {} }), 'the field intrinsic is missing'],
  ['with a focal length of zero', () => put('zero.json', json(0)), 'intrinsic.fx is 0'],
  ['missing', () => join(dir, 'nowhere.json'), 'does not exist'],
])('a calibration %s is explained', async (_, make, found) => {
  await expect(cameraOf('photo.jpg', make(), fit)).rejects.toThrow(found)
})
