// mtlc doctor as its users run it.
import { expect, test } from 'vitest'
import { mtlc } from './support.ts'

test('says what works, as text and as one JSON document', async () => {
  const [plain, json] = await Promise.all([mtlc(['doctor']), mtlc(['doctor', '--json'])])
  expect(plain.code, plain.stderr).toBe(0)
  expect(plain.stdout).toMatch(/^works {4}onnxruntime {2}cpu .*step .* ms, difference \d\.\de-\d; onnxruntime-node /m)
  expect(plain.stdout).toContain('The default, onnxruntime on cpu, works.')
  const found = JSON.parse(json.stdout) as { default: unknown; devices: { engine: string; device: string; works: boolean; problem?: string; remedy: string[] }[] }
  expect(found.default).toEqual({ name: 'onnxruntime/cpu', works: true })
  expect(found.devices.map(d => `${d.engine}/${d.device}`)).toEqual(['onnxruntime/cpu', 'onnxruntime/webgpu', 'onnxruntime/cuda', 'tfjs/tensorflow', 'tfjs/webgpu', 'tfjs/wasm', 'tfjs/cpu'])
  for (const d of found.devices.filter(one => !one.works)) expect([d.problem !== undefined, d.remedy.length > 0], d.device).toEqual([true, true])
  expect(found.devices.filter(d => ['cpu', 'wasm'].includes(d.device) && !d.works)).toEqual([])
}, 240_000)

test('mistakes end with an explanation', async () => {
  const [wheel, unknown, missing] = await Promise.all([mtlc(['doctor', '--wheel', 'a.whl']), mtlc(['doctor', '--fix', 'nothing']), mtlc(['doctor', '--fix', 'tfjs-node', '--wheel', '/nowhere/a.whl'])])
  expect([wheel.code, wheel.stderr]).toEqual([2, 'error: --wheel is for --fix tfjs-node\n(--help lists what there is)\n'])
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('Allowed choices are tfjs-node')])
  expect([missing.code, missing.stderr]).toEqual([1, expect.stringMatching(/error: (\/nowhere\/a\.whl: does not exist\n {2}fix: |tfjs-node (cannot be|is) built )/)])
})
