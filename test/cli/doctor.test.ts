// mtlc doctor as its users run it.
import { expect, test } from 'vitest'
import { lines } from '../../src/cli/doctor.ts'
import { mtlc } from './support.ts'

test('says what works as one JSON document', async () => {
  const json = await mtlc(['doctor', '--json'])
  expect(json.code, json.stderr).toBe(0)
  const found = JSON.parse(json.stdout) as { default: unknown; devices: { engine: string; device: string; works: boolean; problem?: string; remedy: string[] }[] }
  expect(found.default).toEqual({ name: 'onnxruntime/cpu', works: true })
  expect(found.devices.map(d => `${d.engine}/${d.device}`)).toEqual(['onnxruntime/cpu', 'onnxruntime/webgpu', 'onnxruntime/cuda', 'tfjs/tensorflow', 'tfjs/webgpu', 'tfjs/wasm', 'tfjs/cpu'])
  for (const d of found.devices.filter(one => !one.works)) expect([d.problem !== undefined, d.remedy.length > 0], d.device).toEqual([true, true])
  expect(found.devices.filter(d => ['cpu', 'wasm'].includes(d.device) && !d.works)).toEqual([])
}, 240_000)

test('shows a device in lines', () => {
  const known = { engine: 'onnxruntime', device: 'webgpu', present: true, limit: 1e-3, detail: 'onnxruntime-node 1.30.0' } as const
  expect(lines({ ...known, works: true, stepMs: 12.34, difference: 1.2e-6, remedy: [], nodes: 388, fallbacks: [{ operator: 'Where', nodes: 2 }, { operator: 'Sign', nodes: 1 }] }, [11, 6])).toEqual([
    'works    onnxruntime  webgpu  step 12 ms, difference 1.2e-6; onnxruntime-node 1.30.0',
    '         on the CPU all the same: Where 2, Sign 1 (of 388 nodes)',
  ])
  expect(lines({ ...known, works: false, problem: 'no GPU was found', remedy: ['a driver', 'or another'] }, [11, 6])).toEqual([
    'missing  onnxruntime  webgpu  onnxruntime-node 1.30.0', '         no GPU was found', '         to get it: a driver', '                    or another',
  ])
})

test('mistakes end with an explanation', async () => {
  const [wheel, unknown, missing] = await Promise.all([mtlc(['doctor', '--wheel', 'a.whl']), mtlc(['doctor', '--fix', 'nothing']), mtlc(['doctor', '--fix', 'tfjs-node', '--wheel', '/nowhere/a.whl'])])
  expect([wheel.code, wheel.stderr]).toEqual([2, 'error: --wheel is for --fix tfjs-node\n(--help lists what there is)\n'])
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('Allowed choices are tfjs-node')])
  expect([missing.code, missing.stderr]).toEqual([1, expect.stringMatching(/error: (\/nowhere\/a\.whl: does not exist\n {2}fix: |tfjs-node (cannot be|is) built )/)])
})
