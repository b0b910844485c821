// What doctor finds on this machine: the default works, what is missing comes with a reason and a way to get it.
import { expect, test } from 'vitest'
import { deviceFacts } from '../../src/runtime/doctor/devices.ts'
import { allDevices, examine } from '../../src/runtime/doctor/examine.ts'
import { countFallbacks } from '../../src/runtime/doctor/fallbacks.ts'
import { largestDifference, makeTrial } from '../../src/runtime/doctor/trial.ts'

const trial = makeTrial()

test('the trial trains: the loss falls, and every parameter moves', () => {
  const losses = trial.losses.map(l => l.loss.data[0])
  expect(losses.at(-1)).toBeLessThan(losses[0])
  const parameters = trial.program.inputs.filter(i => i.role === 'parameter').map(i => i.name)
  expect(parameters.filter(name => trial.after[name].data.every((v, i) => v === trial.state[name].data[i]))).toEqual([])
  expect(trial.program.nodes.map(n => n.op)).toEqual(expect.arrayContaining(['conv2d', 'batchNorm', 'layerNorm', 'softmax', 'matmul', 'roll', 'resize2d', 'sqrt']))
})

test('no gradient of the trial is zero but for rounding', () => {
  const moments = Object.entries(trial.after).filter(([name]) => name.startsWith('adam.m/'))
  for (const [name, { data }] of moments) expect(Math.max(...data.map(Math.abs)), name).toBeGreaterThan(1e-5)
})

test('every device is known', () => {
  expect(allDevices().map(d => `${d.engine}/${d.device}`).filter(name => !(name in deviceFacts))).toEqual([])
})

test('the default engine gives the values of the interpreter', async () => {
  const [report] = await examine(trial, { only: ['onnxruntime/cpu'] })
  expect(report).toMatchObject({ engine: 'onnxruntime', device: 'cpu', present: true, works: true, remedy: [] })
  expect(report.difference).toBeLessThan(1e-5)
  expect(report.detail).toMatch(/^onnxruntime-node \d/)
})

test('a device that is not there says why, and how to get it', async () => {
  const [report] = await examine(trial, { only: ['onnxruntime/webgpu'], env: { ...process.env, VK_ICD_FILENAMES: '/nowhere.json', VK_DRIVER_FILES: '/nowhere.json' } })
  expect(report.works).toBe(false)
  expect(report.problem).toMatch(/no GPU was found/)
  expect(report.remedy.join()).toContain('vulkaninfo')
})

test('a process that hangs is ended', async () => {
  const [report] = await examine(trial, { only: ['onnxruntime/cpu'], timeLimit: 1 })
  expect(report).toMatchObject({ works: false, problem: 'gave no answer within 0.001 s' })
})

test('a process that crashes is reported with its last words', async () => {
  const [report] = await examine(trial, { only: ['onnxruntime/cpu'], env: { ...process.env, NODE_OPTIONS: '--import=data:text/javascript,process.stderr.write(`the%20driver%20is%20broken\\n`);process.abort()' } })
  expect(report).toMatchObject({ works: false, problem: 'the process ended (SIGABRT): the driver is broken' })
})

test('wrong values are no working device', () => {
  const wrong = { a: { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2.2) } } as const, right = { a: { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } } as const
  expect(largestDifference(wrong, right).relative).toBeCloseTo(0.1)
  expect(largestDifference({}, right)).toEqual({ name: 'a', relative: NaN })
  expect(largestDifference({ a: { ...right.a, data: Float32Array.of(1, NaN) } }, right).relative).toBeNaN()
})

test('the profile of onnxruntime is counted by operator', () => {
  const node = (name: string, op: string, provider: string): object => ({ cat: 'Node', name: `${name}_kernel_time`, args: { op_name: op, provider } })
  const text = JSON.stringify([{ cat: 'Session', name: 'run', args: {} }, node('a', 'Add', 'WebGpuExecutionProvider'), node('b', 'Where', 'CPUExecutionProvider'), node('c', 'Where', 'CPUExecutionProvider'), node('d', 'Erf', 'CPUExecutionProvider'), { cat: 'Node', name: 'a_fence_before', args: { op_name: 'Add' } }])
  expect(countFallbacks(text)).toEqual({ nodes: 4, fallbacks: [{ operator: 'Where', nodes: 2 }, { operator: 'Erf', nodes: 1 }] })
})
