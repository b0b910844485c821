// What an exported ONNX file says about itself beside its graph: the data and the tasks that predictions are made for.
import type { ElaboratedModel } from '../compiler/semantics/model.ts'
import type { DataSpec, DepthConfig, Detection3dConfig, SegmentationConfig, TaskConfig } from '../compiler/tasks/spec.ts'
import { JsonValue } from './data/cityscapes3d/json-value.ts'
import { dataError } from './data/errors.ts'
import { FileWindow } from './weights/file-window.ts'

/** Enough to prepare an image and to decode the outputs. */
export interface ModelFacts {
  readonly name: string
  readonly data: Pick<DataSpec, 'image' | 'mean' | 'std'>
  readonly tasks: readonly { readonly name: string; readonly config: TaskConfig }[]
}

/** Key in the file's `metadata_props`. */
export const factsKey = 'mtlc'
const version = 1
const fix = 'export the model again with `mtlc export FILE --onnx OUT.onnx`'

export const factsOf = ({ name, data: { image, mean, std }, tasks }: ElaboratedModel): ModelFacts => ({ name, data: { image, mean, std }, tasks: tasks.map(t => ({ name: t.name, config: t.config })) })

/** The text under `factsKey`. */
export const factsText = (model: ElaboratedModel): string => JSON.stringify({ version, ...factsOf(model) })

/** Reads the facts of an ONNX file, not its graph. Throws DataError for a file without them, and WeightsError where it cannot be read. */
export function readFacts(path: string): ModelFacts {
  const text = metadataOf(path).get(factsKey)
  if (text === undefined) throw dataError(path, { found: `does not say what its outputs mean: it has no metadata \`${factsKey}\``, expected: 'an ONNX file written by `mtlc export` or `mtlc train`', fix: `${fix}, or predict with FILE.mtl and --weights` })
  let value: unknown
  try { value = JSON.parse(text) } catch { throw dataError(path, { found: `its metadata \`${factsKey}\` is not JSON`, expected: 'the metadata as written by `mtlc export`', fix }) }
  return parseFacts(new JsonValue(path, '', { [factsKey]: value }, fix).field(factsKey))
}

const positive = (json: JsonValue): number => json.number('a positive number', Number.MIN_VALUE)
const words = (json: JsonValue): string[] => json.items(1000).map(v => v.string())
const oneOf = <const T extends string>(json: JsonValue, names: readonly T[]): T => names.find(n => n === json.value) ?? json.wrong(names.map(n => `'${n}'`).join(' or '))
const size = (json: JsonValue): [number, number] => {
  const found = json.numbers(2, '[rows, columns]', 1, 1 << 16) as [number, number]
  return found.every(Number.isInteger) ? found : json.wrong('whole numbers of rows and columns')
}

function parseFacts(json: JsonValue): ModelFacts {
  if (json.field('version').value !== version) json.field('version').wrong(`${version}, the version that this mtlc reads`)
  const data = json.field('data')
  const channels = (name: string): [number, number, number] => data.field(name).numbers(3, 'a number for each of red, green and blue') as [number, number, number]
  return {
    name: json.field('name').string(),
    data: { image: size(data.field('image')), mean: channels('mean'), std: channels('std') },
    tasks: json.field('tasks').items(1000).map(t => ({ name: t.field('name').string(), config: parseConfig(t.field('config')) })),
  }
}

function parseConfig(c: JsonValue): TaskConfig {
  const kind = oneOf(c.field('kind'), ['segmentation', 'depth', 'detection3d'])
  switch (kind) {
    case 'segmentation': return { kind, classes: words(c.field('classes')), ignore: c.field('ignore').number(), size: size(c.field('size')) } satisfies SegmentationConfig
    case 'depth': return { kind, quantity: oneOf(c.field('quantity'), ['depth', 'disparity']), invalid: c.field('invalid').number(), max: positive(c.field('max')), size: size(c.field('size')) } satisfies DepthConfig
    case 'detection3d': return {
      kind, classes: words(c.field('classes')), strides: c.field('strides').items(100).map(positive), resize: positive(c.field('resize')),
      ranges: c.field('ranges').items(100).map(r => r.numbers(2, '[least, most]') as [number, number]), radius: positive(c.field('radius')), centernessAlpha: c.field('centernessAlpha').number(),
      rotation: oneOf(c.field('rotation'), ['corrected', 'published']), score: c.field('score').number(), nms: c.field('nms').number(), preNms: positive(c.field('preNms')), maxPerImage: positive(c.field('maxPerImage')),
    } satisfies Detection3dConfig
  }
}

/** Fields of ModelProto and StringStringEntryProto. */
const field = { irVersion: 1, graph: 7, metadata: 14, key: 1, value: 2 }
const mostMetadata = 1 << 24

interface Entry { readonly number: number; /** of a varint */ readonly value: number; /** of a field with a length */ readonly start: number; readonly length: number }

/** The fields of a protobuf message at its top level, contents skipped; undefined if the bytes are no such message. */
function entriesOf(read: (at: number, length: number) => Uint8Array, size: number): Entry[] | undefined {
  const entries: Entry[] = []
  for (let at = 0; at < size;) {
    const head = read(at, Math.min(24, size - at))
    let used = 0
    const varint = (): number => {
      for (let value = 0, scale = 1; used < head.length; scale *= 128) {
        const byte = head[used++]
        value += (byte & 127) * scale
        if (byte < 128) return value
      }
      return NaN
    }
    const tag = varint()
    const [number, wire] = [Math.floor(tag / 8), tag % 8]
    const value = wire === 0 || wire === 2 ? varint() : 0
    const length = wire === 2 ? value : wire === 5 ? 4 : wire === 1 ? 8 : 0
    if (!(number > 0) || ![0, 1, 2, 5].includes(wire) || !(at + used + length <= size)) return undefined
    entries.push({ number, value, start: at + used, length })
    at += used + length
  }
  return entries
}

function metadataOf(path: string): Map<string, string> {
  const file = new FileWindow(path)
  try {
    const entries = entriesOf((at, length) => file.read(at, length), file.size)
    if (entries === undefined || !entries.some(e => e.number === field.graph) || !entries.some(e => e.number === field.irVersion)) throw dataError(path, { found: file.size === 0 ? 'is empty' : 'is not an ONNX file, or is truncated', expected: 'an ONNX model', fix })
    return new Map(entries.filter(e => e.number === field.metadata && e.length <= mostMetadata).flatMap(e => {
      const bytes = file.read(e.start, e.length)
      const parts = entriesOf((at, length) => bytes.subarray(at, at + length), bytes.length) ?? []
      const text = (n: number): string => { const p = parts.find(q => q.number === n); return p === undefined ? '' : bytes.toString('utf8', p.start, p.start + p.length) }
      return [[text(field.key), text(field.value)] as const]
    }))
  } finally { file.close() }
}
