// What an ONNX file says about itself.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import protobuf from 'onnx-proto'
import { afterAll, expect, it } from 'vitest'
import { writeOnnx } from '../../src/runtime/export-onnx.ts'
import { factsKey, factsOf, readFacts } from '../../src/runtime/model-facts.ts'
import { compile, generatedWeights } from '../support/models.ts'

const dir = mkdtempSync(join(tmpdir(), 'mtlc-facts-'))
afterAll(() => rmSync(dir, { recursive: true }))
const { ModelProto } = protobuf.onnx
const model = compile('models/taskprompter-tiny.mtl', { mode: 'infer', batch: 1 })
const path = join(dir, 'tiny.onnx')
writeOnnx(path, model, generatedWeights(model.program), {})
const bytes = readFileSync(path)

/** The file with another text under the key, or without any. */
function changed(name: string, text: string | undefined): string {
  const proto = ModelProto.decode(bytes)
  proto.metadataProps = text === undefined ? [] : [{ key: 'other', value: 'x' }, { key: factsKey, value: text }]
  const out = join(dir, name)
  writeFileSync(out, ModelProto.encode(proto).finish())
  return out
}
const text = (edit: (facts: Record<string, Record<string, unknown>>) => void): string => {
  const facts = JSON.parse(ModelProto.decode(bytes).metadataProps[0].value!) as Record<string, Record<string, unknown>>
  edit(facts)
  return JSON.stringify(facts)
}

it('all that predictions need', () => {
  expect(readFacts(path)).toEqual(factsOf(model))
  expect(readFacts(changed('two.onnx', text(() => {})))).toEqual(factsOf(model))
})

it.each<[string, () => string, string]>([
  ['nothing about itself', () => changed('none.onnx', undefined), 'has no metadata `mtlc`'],
  ['what is no JSON', () => changed('broken.onnx', '{"version'), 'is not JSON'],
  ['a later version', () => changed('later.onnx', text(f => { f.version = 2 as never })), 'mtlc.version is 2'],
  ['too little', () => changed('little.onnx', text(f => { delete f.data.mean })), 'the field mtlc.data.mean is missing'],
  ['an unknown task', () => changed('kind.onnx', text(f => { (f.tasks as never as { config: { kind: string } }[])[0].config.kind = 'flow' })), "mtlc.tasks[0].config.kind is 'flow'"],
  ['half a pixel', () => changed('half.onnx', text(f => { f.data.image = [64.5, 128] })), 'mtlc.data.image is [64.5, 128]'],
  ['not even ONNX', () => { const p = join(dir, 'text.onnx'); writeFileSync(p, 'model'); return p }, 'is not an ONNX file, or is truncated'],
  ['half of itself', () => { const p = join(dir, 'short.onnx'); writeFileSync(p, bytes.subarray(0, bytes.length / 2)); return p }, 'is not an ONNX file, or is truncated'],
  ['nothing at all', () => { const p = join(dir, 'empty.onnx'); writeFileSync(p, ''); return p }, 'is empty'],
  ['no file', () => join(dir, 'nowhere.onnx'), 'cannot be read: no such file'],
])('a file that says %s is explained', (_, make, found) => {
  expect(() => readFacts(make())).toThrow(found)
})
