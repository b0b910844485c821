// How fast batches are made: each stage in one thread, then whole batches by one and by two threads, from the folder of a data set. Run by pipeline.mjs.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { compileFile } from '../src/cli/project.ts'
import { readBoxFile } from '../src/runtime/data/cityscapes3d/reader.ts'
import { pathOf } from '../src/runtime/data/cityscapes3d/layout.ts'
import type { Kind } from '../src/runtime/data/cityscapes3d/layout.ts'
import { readPng } from '../src/runtime/data/cityscapes3d/png.ts'
import { loadCityscapes3d, openCityscapes3d } from '../src/runtime/data/cityscapes3d/reader.ts'
import { openBatches, openImages } from '../src/runtime/data/prefetch.ts'
import { writePack } from '../src/runtime/data/pack/write.ts'
import { writeSynthetic } from '../src/runtime/data/synth/index.ts'
import { needOf } from '../src/runtime/data/batch.ts'
import { encodeSample } from '../src/runtime/tasks/encode.ts'

const given = process.argv.slice(2)
const option = (name: string): string | undefined => given.find(a => a.startsWith(`--${name}=`))?.slice(name.length + 3)
const [file = 'models/taskprompter.mtl', ...set] = given.filter(a => !a.startsWith('--'))
const images = Number(option('images') ?? 12)
const { model } = compileFile(file, { mode: 'train', set: [...set, 'train.batch=1'] })
const { image } = model.data
const [height, width] = image
const made = option('data') === undefined ? mkdtempSync(join(tmpdir(), 'mtlc-pipeline-')) : undefined
const root = option('data') ?? made!
const pack = mkdtempSync(join(tmpdir(), 'mtlc-pack-'))
const options = { image, need: needOf(model.tasks), boxes: 'optional' as const }

async function stages(): Promise<void> {
  const { ids } = await openCityscapes3d(root, 'train', options)
  const path = (i: number, kind: Kind): string => pathOf(root, 'train', ids[i % ids.length], kind)
  const time = async (name: string, work: (i: number) => unknown): Promise<void> => {
    // The first ten are compiled while they run.
    for (let i = 0; i < 10; i++) await work(i)
    const start = performance.now()
    for (let i = 0; i < images; i++) await work(i)
    process.stdout.write(`  ${name.padEnd(34)} ${((performance.now() - start) / images).toFixed(1).padStart(7)} ms\n`)
  }
  const dataset = loadCityscapes3d(root, 'train', ids, options)
  const samples = await Promise.all(ids.slice(0, 4).map((_, i) => dataset.load(i)))
  process.stdout.write('one image in one thread (decoding runs in native threads beside it)\n')
  await time('image: read, decode', i => readPng(path(i, 'image'), 'rgb8', height, width, '', ''))
  await time('labels: read, decode', i => readPng(path(i, 'labels'), 'gray8', height, width, '', ''))
  await time('disparity: read, decode', i => readPng(path(i, 'disparity'), 'gray16', height, width, '', ''))
  await time('boxes: read, parse', i => readBoxFile(root, 'train', ids[i % ids.length], image))
  await time('all of the sample, checked', i => dataset.load(i % ids.length))
  await time('encode the image', i => encodeSample(samples[i % samples.length], model.data, []))
  for (const task of model.tasks) await time(`encode the image and ${task.name}`, i => encodeSample(samples[i % samples.length], model.data, [task]))
}

async function rate(name: string, workers: number, from: string): Promise<void> {
  const source = openBatches({ images: await openImages(from, 'train', { ...model.data, boxes: 'optional' }, model.tasks), batch: 1, seed: 0, workers })
  try {
    for (let i = 0; i < 10 * workers; i++) await source.next()
    const start = performance.now()
    for (let i = 0; i < 3 * images; i++) await source.next()
    process.stdout.write(`  ${`${name}, ${workers} thread${workers > 1 ? 's' : ''}`.padEnd(34)} ${(3 * images / (performance.now() - start) * 1000).toFixed(1).padStart(7)} images/s\n`)
  } finally {
    await source.close()
  }
}

/** `mtlc train` of the tiny network in a process of its own, on every processor, since its first step. */
async function trainer(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [resolve('bin/mtlc.js'), 'train', resolve('models/taskprompter-tiny.mtl'), '--steps', '1000000', '--out', join(pack, 'run'), '--no-eval', '--no-export'], { cwd: pack, stdio: ['ignore', 'ignore', 'pipe'] })
  let text = ''
  await new Promise<void>((done, fail) => {
    child.stderr!.on('data', (d: Buffer) => { text += d.toString(); if (text.includes('step 1/')) done() })
    child.on('exit', () => fail(new Error(`the trainer has ended: ${text}`)))
  })
  return child
}

/** Takes `wanted` images a second for ten seconds, and says how many came in time. */
async function paced(name: string, wanted: number, from: string): Promise<void> {
  const source = openBatches({ images: await openImages(from, 'train', { ...model.data, boxes: 'optional' }, model.tasks), batch: 1, seed: 0, workers: 2 })
  try {
    for (let i = 0; i < 20; i++) await source.next()
    const start = performance.now(), count = 10 * wanted
    for (let i = 0; i < count; i++) {
      await source.next()
      await sleep(Math.max(0, start + 1000 * (i + 1) / wanted - performance.now()))
    }
    process.stdout.write(`  ${`${name}, ${wanted} a second wanted`.padEnd(34)} ${(count / (performance.now() - start) * 1000).toFixed(1).padStart(7)} images/s\n`)
  } finally {
    await source.close()
  }
}

try {
  if (made !== undefined) await writeSynthetic(root, { train: images, val: 0, size: image, seed: 20 })
  process.stdout.write(`${model.name}, ${height} x ${width}, ${images} images\n`)
  await stages()
  process.stdout.write('batches of one\n')
  for (const workers of [1, 2]) await rate('folder', workers, root)
  const start = performance.now()
  const report = await writePack(root, pack, { data: model.data, tasks: model.tasks, splits: ['train'] })
  process.stdout.write(`  packed: ${(report.bytes / report.images / 2 ** 20).toFixed(1)} MiB an image, ${(report.images / (performance.now() - start) * 1000).toFixed(1)} images/s\n`)
  for (const workers of [1, 2]) await rate('pack', workers, pack)
  if (given.includes('--beside')) {
    const child = await trainer()
    process.stdout.write('beside mtlc train models/taskprompter-tiny.mtl\n')
    try {
      await paced('folder', 6, root)
      await paced('pack', 20, pack)
      for (const [name, from] of [['folder', root], ['pack', pack]] as const) await rate(name, 2, from)
    } finally {
      child.removeAllListeners('exit')
      child.kill('SIGKILL')
    }
  }
} finally {
  rmSync(pack, { recursive: true, force: true })
  if (made !== undefined) rmSync(made, { recursive: true, force: true })
}
