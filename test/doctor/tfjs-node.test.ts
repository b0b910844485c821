// Building tfjs-node: what is checked before anything is built. The build itself takes a minute and a wheel of 270 MB; it runs where MTLC_TEST_WHEEL names one.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildTfjsNode } from '../../src/runtime/doctor/tfjs-node/build.ts'
import { versionOf } from '../../src/runtime/doctor/tfjs-node/commands.ts'
import { checkTools } from '../../src/runtime/doctor/tfjs-node/tools.ts'
import { extractWheel, inspectWheel } from '../../src/runtime/doctor/tfjs-node/wheel.ts'

let folder: string
beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'mtlc-doctor-test-')) })
afterAll(() => { rmSync(folder, { recursive: true, force: true }) })

const text = (s: string): Uint8Array => new TextEncoder().encode(s)
const members = ['tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2', 'tensorflow/include/tensorflow/c/c_api.h', 'tensorflow/include/tensorflow/c/eager/c_api.h']

/** A small file in the form of a wheel. */
function wheel(name: string, names: readonly string[], tag = 'cp311-cp311-manylinux_2_27_x86_64'): string {
  const path = join(folder, name)
  writeFileSync(path, zipSync({
    ...Object.fromEntries(names.map(n => [n, text(n)])), 'tensorflow/python/big.py': text('x'),
    'tensorflow_cpu-2.99.0.dist-info/METADATA': text('Metadata-Version: 2.1\nName: tensorflow_cpu\nVersion: 2.99.0\n'), 'tensorflow_cpu-2.99.0.dist-info/WHEEL': text(`Wheel-Version: 1.0\nTag: ${tag}\n`),
  }))
  return path
}

const python = await versionOf('python3')

describe.skipIf(python === undefined || process.platform !== 'linux')('a wheel', () => {
  test('is described, and what is needed is taken out of it', async () => {
    const found = await inspectWheel(wheel('good.whl', members), 'x64')
    expect(found).toMatchObject({ name: 'tensorflow_cpu', version: '2.99.0' })
    const into = join(folder, 'out')
    mkdirSync(into)
    await extractWheel(found, into)
    expect(members.filter(m => !existsSync(join(into, m)))).toEqual([])
    expect(existsSync(join(into, 'tensorflow/python'))).toBe(false)
  })

  test('that does not exist, is no zip, lacks a member or is for another machine is refused', async () => {
    await expect(inspectWheel(join(folder, 'none.whl'), 'x64')).rejects.toThrow(/none\.whl: does not exist\n {2}fix: a wheel of tensorflow-cpu/)
    await expect(inspectWheel(folder, 'x64')).rejects.toThrow('is not a file')
    writeFileSync(join(folder, 'text.whl'), 'no zip')
    await expect(inspectWheel(join(folder, 'text.whl'), 'x64')).rejects.toThrow(/text\.whl: is not a wheel: File is not a zip file/)
    await expect(inspectWheel(wheel('poor.whl', members.slice(0, 3)), 'x64')).rejects.toThrow('is tensorflow_cpu 2.99.0, which lacks tensorflow/include/tensorflow/c/eager/c_api.h')
    await expect(inspectWheel(wheel('mac.whl', members, 'cp311-cp311-macosx_12_0_arm64'), 'x64')).rejects.toThrow('is for cp311-cp311-macosx_12_0_arm64; this is Linux on x86_64')
  })
})

test('missing tools are named all at once, with what brings them', async () => {
  const { PATH } = process.env
  process.env.PATH = folder
  try {
    await expect(checkTools(folder)).rejects.toThrow(process.platform === 'linux' ? /Missing:\n {2}a C\+\+ compiler \(.*\): apt install g\+\+.*\n {2}make: .*\n {2}python3: .*\n {2}npm: / : /is built on Linux/)
  } finally {
    process.env.PATH = PATH
  }
})

test.skipIf(process.platform !== 'linux' || python === undefined || await versionOf('make') === undefined || await versionOf('c++') === undefined)('a failed build leaves what was there, and nothing else', async () => {
  const place = join(folder, 'cache', 'tfjs-node')
  mkdirSync(place, { recursive: true })
  writeFileSync(join(place, 'marker'), 'old')
  // Of a process that is no more.
  mkdirSync(`${place}.999999999.tmp`)
  await expect(buildTfjsNode({ wheel: join(folder, 'none.whl'), folder: place, say: () => { /* nobody listens */ } })).rejects.toThrow('does not exist')
  expect(readdirSync(join(folder, 'cache'))).toEqual(['tfjs-node'])
  expect(readdirSync(place)).toEqual(['marker'])
})

test.skipIf(process.env.MTLC_TEST_WHEEL === undefined)('is built from a wheel', async () => {
  const said: string[] = []
  const place = join(folder, 'built', 'tfjs-node')
  expect(await buildTfjsNode({ wheel: process.env.MTLC_TEST_WHEEL, folder: place, say: line => said.push(line) })).toBe(place)
  expect(said.join('\n')).toMatch(/proved: multiplies matrices on TensorFlow 2\./)
  expect(readdirSync(join(folder, 'built'))).toEqual(['tfjs-node'])
}, 600_000)
