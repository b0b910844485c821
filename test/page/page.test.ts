// The page of an exported model in a real browser: it computes what onnxruntime computes, serves keyboard and phone, and says what is wrong.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runOnnxFile } from '../../src/runtime/engines/onnxruntime/onnx-file.ts'
import { encodePicture } from '../../src/runtime/draw/png.ts'
import type { Picture } from '../../src/runtime/draw/picture.ts'
import { readFacts } from '../../src/runtime/model-facts.ts'
import { assumedCamera } from '../../src/runtime/predict/calibration.ts'
import { fitImage } from '../../src/runtime/predict/fit.ts'
import { modelInput } from '../../src/runtime/predict/input.ts'
import { predictions } from '../../src/runtime/predict/predict.ts'
import { serveFolder, type Serving } from '../../src/runtime/serve/static.ts'
import { mtlc } from '../cli/support.ts'
import { findChromium, launch } from '../support/chromium.ts'
import { generatedImage } from '../support/generated.ts'

const chromium = findChromium('the page of exported models')
const size = [64, 128] as const
const dir = mkdtempSync(join(tmpdir(), 'mtlc-page-'))
const at = (name: string): string => join(dir, name)
let server: Serving, browser: Browser
/** What went wrong behind the scenes, and whom the page asked for anything. */
let troubles: string[], asked: string[]

/** Not of the model's proportions: it is scaled, and gets a margin. */
const photograph: Picture = { height: 120, width: 160, data: Uint8Array.from({ length: 3 * 120 * 160 }, (_, i) => 128 + 90 * Math.sin(i / 97) * Math.cos(i / 1301)) }

beforeAll(async () => {
  if (chromium === undefined) return
  const { code, stderr } = await mtlc(['export', 'models/taskprompter-tiny.mtl', '--set', `data.image=${size.join('x')}`, '--tfjs', at('model'), '--onnx', at('model.onnx')])
  expect(code, stderr).toBe(0)
  writeFileSync(at('photograph.png'), encodePicture(photograph))
  writeFileSync(at('broken.png'), 'no picture')
  writeFileSync(at('empty.json'), '{}')
  server = await serveFolder(at('model'), 0)
  browser = await launch(chromium)
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await server?.close()
  rmSync(dir, { recursive: true, force: true })
})

const text = async (page: Page, id: string): Promise<string> => (await page.locator(`#${id}`).textContent())?.replace(/\s+/g, ' ').trim() ?? ''
const isShown = (page: Page, id: string): Promise<boolean> => page.locator(`#${id}`).isVisible()
const says = (page: Page, words: string): Promise<unknown> => page.waitForFunction(w => (globalThis as unknown as { document: { querySelector(q: string): { textContent: string } } }).document.querySelector('#status').textContent.startsWith(w), words)
/** Until the status says that a picture of that name has been predicted. */
const predicted = (page: Page, name: string): Promise<unknown> => says(page, `${name}: `)

async function open(query: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  troubles = []
  asked = []
  page.on('console', m => { if (m.type() === 'error' || m.type() === 'warning') troubles.push(m.text()) })
  page.on('pageerror', e => troubles.push(e.message))
  page.on('request', r => asked.push(r.url()))
  page.setDefaultTimeout(45_000)
  await page.goto(server.url + query)
  return page
}

describe.skipIf(chromium === undefined)('the page', () => {
  it('gives what onnxruntime gives, on wasm with threads', async () => {
    const page = await open('model.json')
    const image = generatedImage([1, 3, ...size])
    // As text: what transforms the tests knows no import inside of a page.
    const found = await page.evaluate(`(async () => {
      const { load } = await import('${server.url}bundle.js')
      const image = Float32Array.from(${JSON.stringify(Array.from(image.data))})
      const model = await load({ backend: 'wasm', threads: 2 })
      const { outputs } = await model.run(image)
      const before = model.tensors()
      await model.run(image)
      return { detail: model.detail, left: model.tensors() - before, outputs: Object.fromEntries(Object.entries(outputs).map(([n, t]) => [n, Array.from(t.data)])) }
    })()`) as { detail: string; left: number; outputs: Record<string, number[]> }
    expect([found.detail, found.left]).toEqual(['SIMD, 2 threads', 0])
    const expected = await runOnnxFile(at('model.onnx'), { image })
    expect(Object.keys(found.outputs)).toEqual(Object.keys(expected))
    for (const [name, { data }] of Object.entries(expected)) {
      const values = Array.from(data)
      const scale = values.reduce((m, v) => Math.max(m, Math.abs(v)), 0)
      expect(values.reduce((m, v, i) => Math.max(m, Math.abs(v - found.outputs[name][i])), 0) / scale, name).toBeLessThan(1e-3)
    }
    await page.close()
  })

  it('predicts the first scene by itself, and asks nobody but its server', async () => {
    const page = await open('?backend=wasm')
    await predicted(page, 'Synthetic scene 1')
    expect(await text(page, 'running')).toMatch(/^wasm · SIMD, \d+ threads?$/)
    expect(await text(page, 'status')).toMatch(/^Synthetic scene 1: 128 × 64; [\d.]+ m?s in all$/)
    expect(await text(page, 'model-time')).toMatch(/^[\d.]+ m?s$/)
    expect(await page.locator('#picture').getAttribute('aria-label')).toMatch(/^Synthetic scene 1, with segmentation: .*; 3D boxes: /)
    expect(await text(page, 'depth-title')).toBe('Depth in metres')
    expect(await text(page, 'camera')).toBe('Camera from scene-1_camera.json.')
    expect(await isShown(page, 'error')).toBe(false)
    expect(troubles).toEqual([])
    expect(asked.filter(u => !u.startsWith(server.url) && !/^(data|blob):/.test(u))).toEqual([])
    await page.close()
  })

  it('is worked by keys alone', async () => {
    const page = await open('?backend=wasm')
    await predicted(page, 'Synthetic scene 1')
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the controls')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.title')).toBe('Synthetic scene 1')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await predicted(page, 'Synthetic scene 2')
    const pixels = async (): Promise<string> => page.evaluate("document.querySelector('#picture').toDataURL()")
    const both = await pixels()
    expect(await isShown(page, 'legend')).toBe(true)
    await page.keyboard.press('1')
    expect([await page.locator('#layer-0').isChecked(), await isShown(page, 'legend')]).toEqual([false, false])
    expect(await pixels()).not.toBe(both)
    await page.keyboard.press('1')
    expect(await pixels()).toBe(both)
    await page.keyboard.press('2')
    expect(await page.locator('#layer-1').isChecked()).toBe(true)
    await page.locator('#layer-1').focus()
    await page.keyboard.press('Tab')
    await page.keyboard.press('ArrowLeft')
    expect(await page.locator('.layer output').nth(1).textContent()).toBe('80%')
    await page.locator('#again').focus()
    await page.keyboard.press('n')
    await predicted(page, 'Synthetic scene 1')
    await page.keyboard.press('m')
    await says(page, 'Measured over 10 runs')
    expect(await text(page, 'model-time-of')).toBe('the model, median of 10 runs')
    expect(troubles).toEqual([])
    await page.close()
  }, 120_000)

  it('prepares and decodes a picture of any size as mtlc predict does', async () => {
    const page = await open('?backend=wasm')
    await page.setInputFiles('#file', at('photograph.png'))
    await predicted(page, 'photograph.png')
    expect(await text(page, 'status')).toContain('160 × 120, seen by the model at 85 × 64')
    expect(await text(page, 'camera')).toMatch(/^Camera assumed: focal length \d+ px, centre \(79\.5, 59\.5\), level, 1\.22 m above the ground\.$/)
    const facts = readFacts(at('model.onnx'))
    const fit = fitImage(photograph, { height: size[0], width: size[1] })
    const outputs = await runOnnxFile(at('model.onnx'), { image: modelInput(photograph, fit, facts.data) })
    const maps = predictions(facts, outputs, fit, assumedCamera(fit).camera)
    const box = (await page.locator('#picture').boundingBox())!
    expect(Math.abs(box.width / box.height - 160 / 120)).toBeLessThan(0.01)
    for (const [x, y] of [[80, 60], [20, 100], [140, 30], [55, 15]]) {
      await page.mouse.move(box.x + ((x + 0.5) / 160) * box.width, box.y + ((y + 0.5) / 120) * box.height)
      const [, words, metres] = /^(.+) · (-?[\d.]+) m$/.exec(await text(page, 'readout'))!
      const [segmentation, depth] = maps
      if (segmentation.kind !== 'segmentation' || depth.kind !== 'depth') throw new Error('the tasks are in another order')
      expect(words).toBe(segmentation.config.classes[segmentation.classes[y * 160 + x]])
      const expected = depth.values[y * 160 + x]
      expect(Math.abs(Number(metres) - expected)).toBeLessThan(Math.abs(expected) < 10 ? 0.11 : 1.01)
    }
    await page.close()
  })

  it('says what is wrong, and goes on', async () => {
    const page = await open('?backend=wasm')
    await predicted(page, 'Synthetic scene 1')
    await page.setInputFiles('#file', at('broken.png'))
    await page.locator('#error').waitFor()
    expect(await text(page, 'error')).toMatch(/^broken\.png cannot be read as an image: this browser expects PNG, JPEG/)
    await page.setInputFiles('#file', at('photograph.png'))
    await predicted(page, 'photograph.png')
    expect(await isShown(page, 'error')).toBe(false)
    await page.setInputFiles('#camera-file', at('empty.json'))
    await page.locator('#error').waitFor()
    expect(await text(page, 'error')).toMatch(/^empty\.json: the field extrinsic is missing/)
    await page.setInputFiles('#file', at('empty.json'))
    expect(await text(page, 'error')).toMatch(/^empty\.json: the field extrinsic is missing/)
    await page.close()
  })

  it('without WebGPU it says so, and computes on wasm', async () => {
    const forced = await open('?backend=webgpu')
    await forced.locator('#error').waitFor()
    expect(await text(forced, 'error')).toMatch(/WebGPU|GPU/)
    await forced.selectOption('#backend', 'wasm')
    await predicted(forced, 'Synthetic scene 1')
    expect([await isShown(forced, 'error'), await text(forced, 'running')]).toEqual([false, expect.stringMatching(/^wasm/)])
    await forced.close()
    const automatic = await open('')
    await predicted(automatic, 'Synthetic scene 1')
    expect(await text(automatic, 'note')).toMatch(/: WebAssembly is used$/)
    await automatic.close()
  })

  it('fits windows of phones and of desktops, light and dark', async () => {
    const page = await open('?backend=wasm')
    await predicted(page, 'Synthetic scene 1')
    const grounds: unknown[] = []
    for (const [width, height, dark] of [[390, 844, true], [390, 844, false], [768, 1024, false], [1280, 800, true], [1920, 1080, false]] as const) {
      await page.setViewportSize({ width, height })
      await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' })
      // The canvas follows with the next frames.
      await page.evaluate('new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done))))')
      grounds.push(await page.evaluate('getComputedStyle(document.body).backgroundColor'))
      expect(await page.evaluate('document.scrollingElement.scrollWidth - innerWidth'), `${width}`).toBe(0)
      const { width: drawn } = (await page.locator('#picture').boundingBox())!
      expect(drawn).toBeGreaterThan(width < 760 ? width - 1 : 0.5 * width)
      expect(drawn).toBeLessThanOrEqual(width)
      // Touch needs room; every control has a name.
      for (const control of await page.locator('button:visible, select:visible, input:visible').all()) {
        const { high, inLabel, named } = await control.evaluate(e => {
          const c = e as unknown as { clientHeight: number; closest(q: string): unknown; labels?: { length: number }; ariaLabel: string | null; textContent: string; querySelector(q: string): { alt: string } | null }
          return { high: c.clientHeight, inLabel: c.closest('.layer') !== null, named: (c.labels?.length ?? 0) > 0 || (c.ariaLabel ?? '') !== '' || c.textContent.trim() !== '' || (c.querySelector('img')?.alt ?? '') !== '' }
        })
        expect(named).toBe(true)
        if (!inLabel) expect(high).toBeGreaterThanOrEqual(width < 760 ? 42 : 36)
      }
    }
    expect(new Set(grounds).size).toBe(2)
    await page.close()
  })
})
