// An exported model on WebGPU in a browser: on SwiftShader, which is a GPU computed on the processor.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { serveFolder, type Serving } from '../../src/runtime/serve/static.ts'
import { findChromium, launch } from '../support/chromium.ts'
import { micro, mtlc } from '../cli/support.ts'

const chromium = findChromium('WebGPU in a browser')
const dir = mkdtempSync(join(tmpdir(), 'mtlc-webgpu-'))
let server: Serving | undefined, browser: Browser | undefined, found = false

beforeAll(async () => {
  if (chromium === undefined) return
  const { code, stderr } = await mtlc(['export', micro, '--tfjs', join(dir, 'model')])
  expect(code, stderr).toBe(0)
  server = await serveFolder(join(dir, 'model'), 0)
  browser = await launch(chromium, ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'])
  const page = await browser.newPage()
  await page.goto(`${server.url}model.json`)
  found = await page.evaluate('(async () => navigator.gpu !== undefined && await navigator.gpu.requestAdapter() !== null)()') as boolean
  if (!found) process.stderr.write('this Chromium has no WebGPU on SwiftShader, so WebGPU in a browser is not tested\n')
  await page.close()
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await server?.close()
  rmSync(dir, { recursive: true, force: true })
})
beforeEach(({ skip }) => { if (!found) skip() })

it('gives what wasm gives, and leaves no tensor behind', async () => {
  const page = await browser!.newPage()
  await page.goto(`${server!.url}model.json`)
  const outcome = await page.evaluate(`(async () => {
    const { load } = await import('${server!.url}bundle.js')
    const image = Float32Array.from({ length: 3 * 64 * 128 }, (_, i) => Math.sin(i / 97))
    const outputs = {}
    let left
    for (const backend of ['wasm', 'webgpu']) {
      const model = await load({ backend })
      await model.run(image)
      const before = model.tensors()
      outputs[backend] = (await model.run(image)).outputs
      left = model.tensors() - before
    }
    const apart = Object.entries(outputs.wasm).map(([name, { data }]) => {
      const scale = data.reduce((m, v) => Math.max(m, Math.abs(v)), 0)
      return [name, data.reduce((m, v, i) => Math.max(m, Math.abs(v - outputs.webgpu[name].data[i])), 0) / scale]
    })
    return { left, apart }
  })()`) as { left: number; apart: [string, number][] }
  expect(outcome.left).toBe(0)
  expect(outcome.apart.map(([name]) => name).sort()).toEqual(['depth', 'semseg'])
  expect(outcome.apart.filter(([, d]) => !(d < 1e-3))).toEqual([])
}, 180_000)
