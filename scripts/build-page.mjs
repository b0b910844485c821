// Bundles what exported models consist of beside their own text into dist/page: the library that runs them (TensorFlow.js with its wasm and WebGPU backends inside), the page and its worker.
import { build } from 'esbuild'
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const out = 'dist/page'
const common = { outdir: out, bundle: true, format: 'esm', target: 'es2022', platform: 'browser', minify: true, legalComments: 'eof', logLevel: 'warning' }

/** In Node the wasm backend would look for its files with `require`, which modules lack; without `process` it leaves that to the library. Any other import of a part of Node is an error of the build. */
const network = build({ ...common, entryPoints: { network: 'src/page/network/index.ts' }, define: { process: 'undefined' }, external: ['node:fs/promises'] })
/** The bundle of the exported model lies beside the worker. */
const page = build({ ...common, entryPoints: { page: 'src/page/page.ts', worker: 'src/page/worker.ts' }, external: ['./bundle.js'] })
await Promise.all([network, page])

const { resolve } = createRequire(import.meta.url)
const wasm = dirname(resolve('@tensorflow/tfjs-backend-wasm'))
mkdirSync(out, { recursive: true })
for (const name of readdirSync(wasm).filter(n => n.endsWith('.wasm'))) copyFileSync(join(wasm, name), join(out, name))
for (const name of ['index.html', 'page.css']) copyFileSync(join('src/page', name), join(out, name))
