// Times the 3D metric on folders of a set of the benchmark's size: 500 images with 20 boxes and 20 predictions each, reading files included.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { evaluatedClasses } from '../src/runtime/data/cityscapes3d/boxes.ts'
import { sensorTransform } from '../src/runtime/data/cityscapes3d/camera.ts'
import { amodalBox } from '../src/runtime/projection.ts'
import { evaluateDetections } from '../src/runtime/score/detections.ts'
import { readDetectionFolders } from '../src/runtime/score/folders.ts'

const images = Number(process.argv[2] ?? 500)
const boxes = Number(process.argv[3] ?? 20)

/** Uniform in [0, 1), the same numbers in every run (mulberry32). */
let state = 7
const random = (): number => {
  state = (state + 0x6d2b79f5) | 0
  let z = Math.imul(state ^ (state >>> 15), state | 1)
  z ^= z + Math.imul(z ^ (z >>> 7), z | 61)
  return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32
}
const around = (middle: number, spread: number): number => middle + spread * (2 * random() - 1)

const transform = sensorTransform({ baseline: 0.209313, pitch: 0.038, roll: 0, yaw: -0.0195, x: 1.7, y: 0.1, z: 1.22 })
const sensor = { fx: 2262.52, fy: 2265.3017905988554, u0: 1096.98, v0: 513.137, baseline: 0.209313 }
const camera = { ...sensor, sensorTIso8855: transform }

type Three = [number, number, number]
const flat = (center: Three, dimensions: Three, rotation: [number, number, number, number], round: (v: number) => number): number[] => {
  const [x0, y0, x1, y1] = amodalBox(center, dimensions, rotation, camera, 2048, 1024).map(round)
  return [x0, y0, x1 - x0, y1 - y0]
}

/** Every prediction is a box of the ground truth, a little off; one in five is somewhere else. */
function writeImage(index: number, gt: string, predictions: string): void {
  const truth = []
  const predicted = []
  for (let i = 0; i < boxes; i++) {
    const center: Three = [around(50, 45), around(0, 12), around(0.7, 0.3)]
    const dimensions: Three = [around(4.4, 0.6), around(1.8, 0.2), around(1.5, 0.2)]
    const yaw = around(0, Math.PI)
    const rotation: [number, number, number, number] = [Math.cos(yaw / 2), 0, 0, Math.sin(yaw / 2)]
    const label = evaluatedClasses[random() < 0.7 ? 0 : Math.floor(6 * random())]
    const seen = flat(center, dimensions, rotation, Math.trunc)
    truth.push({ '2d': { modal: seen, amodal: seen }, '3d': { center, dimensions, rotation, type: 'Mid Size Car', format: 'CRS_ISO8855' }, occlusion: 0, truncation: 0, instanceId: 26000 + i, label, score: 1 })
    const off = random() < 0.2 ? 10 : 0.3
    const near: Three = [around(center[0], off), around(center[1], off), center[2]]
    const box = flat(near, dimensions, rotation, v => v)
    predicted.push({ '2d': { modal: box, amodal: box }, '3d': { center: near, dimensions, rotation }, label, score: random() })
  }
  const ignore = [0, 1].map(i => ({ '2d': [Math.trunc(1800 * random()), 400, 200, 100], label: 'car', instanceId: 26100 + i }))
  const base = `bench_${String(index).padStart(6, '0')}_000019`
  writeFileSync(join(gt, `${base}_gtBbox3d.json`), JSON.stringify({ imgWidth: 2048, imgHeight: 1024, sensor: { ...sensor, sensor_T_ISO_8855: transform }, objects: truth, ignore }, null, 1))
  writeFileSync(join(predictions, `${base}_predBbox3d.json`), JSON.stringify({ objects: predicted }, null, 1))
}

const folder = mkdtempSync(join(tmpdir(), 'mtlc-bench-score-'))
const [gt, predictions] = ['gt', 'pred'].map(name => join(folder, name))
try {
  for (const path of [gt, predictions]) mkdirSync(path)
  for (let i = 0; i < images; i++) writeImage(i, gt, predictions)
  console.log(`\n3D metric: ${images} images with ${boxes} boxes and ${boxes} predictions each`)
  for (const round of [1, 2, 3]) {
    const start = performance.now()
    const read = await readDetectionFolders(gt, predictions, evaluatedClasses)
    const half = performance.now()
    const scores = evaluateDetections(read.images)
    const end = performance.now()
    console.log(`  run ${round}: ${((end - start) / 1000).toFixed(2)} s (reading ${((half - start) / 1000).toFixed(2)}, scoring ${((end - half) / 1000).toFixed(2)}); mDS ${(100 * scores.mean.detectionScore).toFixed(2)}, peak ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
