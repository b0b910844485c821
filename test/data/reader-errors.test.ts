// Whole messages for every mistake in a data set.
import { mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodePng } from '../../src/runtime/data/cityscapes3d/png.ts'
import { openCityscapes3d } from '../../src/runtime/data/cityscapes3d/reader.ts'
import { DataError } from '../../src/runtime/data/dataset.ts'
import { copyOf, everything, messageOf, remove, smallSet } from './support.ts'

const [h, w] = everything.image
const id = 'rasterburg_000000_000019'
const file = {
  image: `leftImg8bit/train/rasterburg/${id}_leftImg8bit.png`, labels: `gtFine/train/rasterburg/${id}_gtFine_labelIds.png`, disparity: `disparity/train/rasterburg/${id}_disparity.png`,
  camera: `camera/train/rasterburg/${id}_camera.json`, boxes: `gtBbox3d/train/rasterburg/${id}_gtBbox3d.json`,
}
let good = ''
let root = ''
beforeAll(() => { good = smallSet(5) }, 60_000)
afterAll(() => remove(good))

/** The message for a copy of the good data set in which `spoil` changed something. */
async function after(spoil: (root: string) => void, split = 'train', options = everything): Promise<string> {
  root = copyOf(good)
  spoil(root)
  let kind: unknown
  const message = await messageOf(root, async () => {
    try {
      await (await openCityscapes3d(root, split, options)).load(0)
    } catch (error) {
      kind = error
      throw error
    }
  })
  remove(root)
  expect(kind).toBeInstanceOf(DataError)
  return message
}

const put = (name: string, content: string | Uint8Array) => (r: string): void => writeFileSync(join(r, name), content)
/** Changes the box json. */
const boxes = (change: (json: Record<string, any>) => void) => (r: string): void => {
  const json = JSON.parse(readFileSync(join(r, file.boxes), 'utf8')) as Record<string, unknown>
  change(json)
  writeFileSync(join(r, file.boxes), JSON.stringify(json))
}
const camera = (change: (json: Record<string, any>) => void) => (r: string): void => {
  const json = JSON.parse(readFileSync(join(r, file.camera), 'utf8')) as Record<string, unknown>
  change(json)
  writeFileSync(join(r, file.camera), JSON.stringify(json))
}

const cases: Record<string, () => Promise<string>> = {
  'no such root': () => messageOf(good, () => openCityscapes3d(join(good, 'nowhere'), 'train', everything)),
  'the root is a file': () => messageOf(good, () => openCityscapes3d(join(good, file.image), 'train', everything)),
  'one folder too deep': () => messageOf(good, () => openCityscapes3d(join(good, 'leftImg8bit'), 'train', everything)),
  'no such split': () => after(() => undefined, 'trian'),
  'split without cities': () => after(r => rmSync(join(r, 'leftImg8bit/train'), { recursive: true }) as undefined ?? mkdirSync(join(r, 'leftImg8bit/train'))),
  'empty city': () => after(r => mkdirSync(join(r, 'leftImg8bit/train/leerstadt'))),
  'bad name': () => after(put(`leftImg8bit/train/rasterburg/rasterburg_1_000019_leftImg8bit.png`, '')),
  'other city in the name': () => after(put(`leftImg8bit/train/rasterburg/synthville_000009_000019_leftImg8bit.png`, '')),
  'no labels at all': () => after(r => rmSync(join(r, 'gtFine'), { recursive: true })),
  'one label file missing': () => after(r => rmSync(join(r, file.labels))),
  'two label files missing': () => after(r => { for (const n of ['000000', '000001']) rmSync(join(r, file.labels.replace('000000', n))) }),
  'truncated image': () => after(r => truncateSync(join(r, file.image), 4000)),
  'truncated labels': () => after(r => truncateSync(join(r, file.labels), 300)),
  'truncated header': () => after(r => truncateSync(join(r, file.disparity), 20)),
  'empty file': () => after(r => truncateSync(join(r, file.image), 0)),
  'not a PNG': () => after(put(file.image, 'GIF89a and so on')),
  'damaged bytes': () => after(r => {
    const bytes = readFileSync(join(r, file.labels))
    bytes[bytes.length - 30] ^= 255
    writeFileSync(join(r, file.labels), bytes)
  }),
  'a folder instead of a file': () => after(r => { rmSync(join(r, file.camera)); mkdirSync(join(r, file.camera)) }),
  'image of another size': () => after(put(file.image, encodePng('rgb8', 32, 64, new Uint8Array(32 * 64 * 3)))),
  'labels of another size': () => after(put(file.labels, encodePng('gray8', 32, 64, new Uint8Array(32 * 64)))),
  'gray image': () => after(put(file.image, encodePng('gray8', h, w, new Uint8Array(h * w)))),
  '8-bit disparity': () => after(put(file.disparity, encodePng('gray8', h, w, new Uint8Array(h * w)))),
  'label 34': () => after(put(file.labels, encodePng('gray8', h, w, new Uint8Array(h * w).fill(34, 200, 201)))),
  'train ids': () => after(put(file.labels, encodePng('gray8', h, w, new Uint8Array(h * w).fill(255)))),
  'json syntax': () => after(put(file.camera, '{\n "extrinsic": {"baseline": 0.2,\n  "pitch": .03 }\n}')),
  'json NaN': () => after(put(file.camera, '{"extrinsic": {"baseline": NaN}}')),
  'json cut short': () => after(put(file.camera, '{"extrinsic": {"baseline": 0.2')),
  'json empty': () => after(put(file.camera, '')),
  'json list': () => after(put(file.camera, '[1, 2]')),
  'json of 17 MB': () => after(put(file.boxes, ' '.repeat(17 << 20))),
  'json nested deeply': () => after(put(file.boxes, '['.repeat(100_000))),
  'missing intrinsic': () => after(camera(c => { delete c.intrinsic.fy })),
  'negative focal length': () => after(camera(c => { c.intrinsic.fx = -1 })),
  'angle in degrees': () => after(camera(c => { c.extrinsic.yaw = 40 })),
  'calibrations differ': () => after(camera(c => { c.intrinsic.fx *= 2 })),
  'boxes of another image size': () => after(boxes(b => { b.imgWidth = 2048; b.imgHeight = 1024 })),
  'missing center': () => after(boxes(b => { delete b.objects[3]['3d'].center })),
  'center of two numbers': () => after(boxes(b => { b.objects[0]['3d'].center = [1, 2] })),
  'infinite dimension': () => after(r => writeFileSync(join(r, file.boxes), readFileSync(join(r, file.boxes), 'utf8').replace(/"dimensions": \[\s*[\d.]+/, '"dimensions": [1e999'))),
  'dimension 0': () => after(boxes(b => { b.objects[0]['3d'].dimensions[1] = 0 })),
  'quaternion 0': () => after(boxes(b => { b.objects[1]['3d'].rotation = [0, 0, 0, 0] })),
  'quaternion of strings': () => after(boxes(b => { b.objects[1]['3d'].rotation = ['1', '0', '0', '0'] })),
  'other frame': () => after(boxes(b => { b.objects[1]['3d'].format = 'OPENCV' })),
  'negative width': () => after(boxes(b => { b.objects[0]['2d'].modal = [1, 2, -3, 4] })),
  'label is a number': () => after(boxes(b => { b.objects[0].label = 26 })),
  'objects is an object': () => after(boxes(b => { b.objects = {} })),
  'too many objects': () => after(boxes(b => { b.objects = new Array(10_001).fill(0) })),
  'sensor rows': () => after(boxes(b => { b.sensor.sensor_T_ISO_8855.pop() })),
  'sensor without rotation': () => after(boxes(b => { b.sensor.sensor_T_ISO_8855[0][0] = 2 })),
  'no box anywhere': () => after(r => {
    for (const n of ['rasterburg_000000', 'rasterburg_000001', 'synthville_000000', 'texelheim_000000', 'voxelstadt_000000']) {
      const path = join(r, `gtBbox3d/train/${n.split('_')[0]}/${n}_000019_gtBbox3d.json`)
      writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')) as object, objects: [] }))
    }
  }, 'train', { ...everything, boxes: 'required' }),
  'images in a renamed folder': () => after(r => renameSync(join(r, 'leftImg8bit'), join(r, 'leftimg8bit'))),
}

test.each(Object.keys(cases))('%s', async name => {
  expect(await cases[name]()).toMatchSnapshot()
})
