// A whole data set surveyed: what is there per split and city, what each task lacks, how it differs from the published one.
import { existsSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { kinds, listIds, pathOf, splitsOf } from '../cityscapes3d/layout.ts'
import type { Kind } from '../cityscapes3d/layout.ts'
import { pngSize } from '../cityscapes3d/png.ts'
import { chosenIds } from '../cityscapes3d/split-file.ts'
import type { SplitList } from '../cityscapes3d/split-file.ts'
import { DataError } from '../dataset.ts'
import { WorkerPool } from '../pool.ts'
import { manifestName } from '../synth/named.ts'
import type { SynthManifest } from '../synth/named.ts'
import type { Setup } from '../worker.ts'
import type { Inspection, Problem } from './inspect.ts'

/** Images of each city in the published data set: 2975 for training, 500 for validation. */
export const published: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  train: {
    aachen: 174, bochum: 96, bremen: 316, cologne: 154, darmstadt: 85, dusseldorf: 221, erfurt: 109, hamburg: 248, hanover: 196, jena: 119, krefeld: 99, monchengladbach: 94,
    strasbourg: 365, stuttgart: 196, tubingen: 144, ulm: 95, weimar: 142, zurich: 122,
  },
  val: { frankfurt: 267, lindau: 59, munster: 174 },
}

/** Files that each task reads besides the image. */
export const taskFiles: Readonly<Record<string, readonly Kind[]>> = { segmentation: ['labels'], depth: ['disparity', 'camera'], detection3d: ['boxes'] }

export type CityCounts = Readonly<Record<Kind, number>>
export interface TaskSurvey { /** images with all that the task reads, and nothing wrong with it */ readonly usable: number; readonly missing: Readonly<Partial<Record<Kind, number>>> }
export interface SplitSurvey {
  readonly images: number
  /** of the published or the named synthetic set; undefined for others */
  readonly expected: number | undefined
  /** in words, why the number of images is not that */
  readonly differences: readonly string[]
  /** rows, columns of most images */
  readonly size: readonly [number, number] | undefined
  readonly cities: Readonly<Record<string, CityCounts>>
  readonly tasks: Readonly<Record<string, TaskSurvey>>
  /** images that training leaves out for want of a box */
  readonly withoutBoxes: number
  readonly boxes: number
  readonly problems: readonly Problem[]
}
export interface Survey { readonly root: string; readonly usable: boolean; /** what keeps it from being usable */ readonly obstacles: readonly string[]; readonly splits: Readonly<Record<string, SplitSurvey>> }

function syntheticCounts(root: string): Partial<SynthManifest> | undefined {
  const path = join(root, manifestName)
  if (!existsSync(path)) return undefined
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Partial<SynthManifest>
  } catch {
    return undefined
  }
}

function expectation(root: string, split: string, cities: ReadonlyMap<string, number>): { readonly expected: number | undefined; readonly differences: string[] } {
  const synthetic = syntheticCounts(root)?.[split as 'train' | 'val']
  const total = [...cities.values()].reduce((a, b) => a + b, 0)
  if (typeof synthetic === 'number') return { expected: synthetic, differences: total === synthetic ? [] : [`${total} of the ${synthetic} scenes that ${manifestName} states`] }
  const real = published[split]
  if (real === undefined || ![...cities.keys()].some(c => c in real)) return { expected: undefined, differences: [] }
  const differences = Object.entries(real).flatMap(([city, n]) => {
    const found = cities.get(city)
    return found === undefined ? [`${city} is not there (${n} images)`] : found === n ? [] : [`${city} has ${found} images instead of ${n}`]
  })
  for (const [city, n] of cities) if (!(city in real)) differences.push(`${city} (${n} images) is no city of the published split`)
  return { expected: Object.values(real).reduce((a, b) => a + b, 0), differences }
}

/** Files of a kind whose image is not there: a sign of an image package unzipped in part. */
async function orphans(root: string, split: string, ids: ReadonlySet<string>, kind: Kind): Promise<Problem[]> {
  const top = join(root, kinds[kind].folder, split)
  const found: string[] = []
  for (const city of await readdir(top).catch(() => [])) {
    for (const name of await readdir(join(top, city)).catch(() => [])) if (name.endsWith(kinds[kind].suffix) && !ids.has(name.slice(0, -kinds[kind].suffix.length))) found.push(join(top, city, name))
  }
  return found.length === 0 ? [] : [{ level: 'warning', kind, what: 'no image for a file', message: `${found[0]}: has no image beside it${found.length > 1 ? `; so have ${found.length - 1} more files of ${kinds[kind].folder}` : ''}` }]
}

const cityOf = (id: string): string => id.slice(0, id.indexOf('_'))

/** The size that most of a few images have. */
async function usualSize(root: string, split: string, ids: readonly string[]): Promise<[number, number] | undefined> {
  const counts = new Map<string, number>()
  for (let i = 0; i < Math.min(15, ids.length); i++) {
    const size = await pngSize(pathOf(root, split, ids[Math.floor(i * ids.length / Math.min(15, ids.length))], 'image')).catch(() => undefined)
    if (size) counts.set(size.join(), (counts.get(size.join()) ?? 0) + 1)
  }
  const best = [...counts].sort((a, b) => b[1] - a[1])[0]
  return best === undefined ? undefined : best[0].split(',').map(Number) as [number, number]
}

async function surveySplit(root: string, split: string, only: SplitList | undefined, onProgress: (split: string, done: number, of: number) => void): Promise<SplitSurvey> {
  const all = await listIds(root, split)
  const ids = chosenIds(all, split, only, join(root, kinds.image.folder, split))
  const size = await usualSize(root, split, ids)
  const found: Inspection[] = []
  if (size !== undefined) {
    const pool = new WorkerPool(Math.min(8, availableParallelism(), ids.length), { kind: 'check', root, split, image: size } satisfies Setup)
    let done = 0
    try {
      await Promise.all(ids.map(async (id, i) => {
        found[i] = await pool.run(id) as Inspection
        onProgress(split, ++done, ids.length)
      }))
    } finally {
      await pool.close()
    }
  }
  const cities: Record<string, Record<Kind, number>> = {}
  for (const { id, present } of found) {
    const city = (cities[cityOf(id)] ??= Object.fromEntries(Object.keys(kinds).map(k => [k, 0])) as Record<Kind, number>)
    for (const kind of present) city[kind]++
  }
  const tasks = Object.fromEntries(Object.entries(taskFiles).map(([task, files]): [string, TaskSurvey] => {
    const needed: readonly Kind[] = ['image', ...files]
    const bad = ({ present, problems }: Inspection): boolean => needed.some(k => !present.includes(k)) || problems.some(p => p.level === 'error' && needed.includes(p.kind))
    return [task, { usable: found.filter(f => !bad(f)).length, missing: Object.fromEntries(needed.map(k => [k, found.filter(f => !f.present.includes(k)).length] as const).filter(([, n]) => n > 0)) }]
  }))
  const problems = found.flatMap(f => f.problems)
  if (only === undefined) for (const kind of ['labels', 'disparity', 'camera', 'boxes'] as const) problems.push(...await orphans(root, split, new Set(all), kind))
  const perCity = new Map<string, number>()
  for (const id of all) perCity.set(cityOf(id), (perCity.get(cityOf(id)) ?? 0) + 1)
  return {
    images: ids.length, ...(only === undefined ? expectation(root, split, perCity) : { expected: undefined, differences: [] }), size, cities, tasks,
    withoutBoxes: found.filter(f => f.present.includes('boxes') && !f.evaluated).length, boxes: found.reduce((n, f) => n + f.boxes, 0), problems,
  }
}

/** Surveys the splits (those that have images and boxes, unless named). Throws DataError where there is nothing to survey, or a name breaks the layout. */
export async function survey(root: string, { splits, only, tasks = Object.keys(taskFiles) }: { readonly splits?: readonly string[]; readonly only?: SplitList; readonly tasks?: readonly string[] }, onProgress: (split: string, done: number, of: number) => void = () => {}): Promise<Survey> {
  const result: Record<string, SplitSurvey> = {}
  const obstacles: string[] = []
  for (const split of splits ?? await splitsOf(root)) {
    try {
      result[split] = await surveySplit(root, split, only, onProgress)
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      obstacles.push(error.message)
      continue
    }
    const s = result[split]
    for (const task of tasks) {
      const { usable, missing } = s.tasks[task]
      const lacking = Object.entries(missing).map(([kind, n]) => `${n} without ${kinds[kind as Kind].folder} (${kinds[kind as Kind].package})`)
      if (usable < s.images) obstacles.push(`${split}: ${task} can use ${usable} of ${s.images} images${lacking.length > 0 ? `: ${lacking.join(', ')}` : ''}`)
    }
    if (tasks.includes('detection3d') && split === 'train' && s.boxes === 0 && s.tasks.detection3d.usable > 0) obstacles.push('train: no box of an evaluated class')
  }
  if (splits === undefined) for (const split of ['train', 'val']) if (!(split in result) && obstacles.length === 0) obstacles.push(`the split '${split}' is not there`)
  return { root, usable: obstacles.length === 0, obstacles, splits: result }
}
