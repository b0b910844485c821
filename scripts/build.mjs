// Bundles the command line, its processes and its worker threads into dist/. Packages stay external: npm installs them. Chevrotain alone is bundled: its hundreds of small files take longer to find and
// load than the compiler takes to check a model. Parts that not every command needs are files of their own, in dist/chunks.
import { build } from 'esbuild'
import { readdirSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'

const keepChevrotain = {
  name: 'packages',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) => kind === 'entry-point' || /^(chevrotain|@chevrotain\/.*|lodash-es(\/.*)?)$/.test(path) || /node_modules\/(@?chevrotain|lodash-es)/.test(importer) ? undefined : { path, external: true })
  },
}

const common = {
  outdir: 'dist', bundle: true, platform: 'node', format: 'esm', target: 'node20', plugins: [keepChevrotain], sourcemap: true, logLevel: 'warning',
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
}

await build({ ...common, entryPoints: { 'onnxruntime-worker': 'src/runtime/engines/onnxruntime/worker.ts', 'tfjs-worker': 'src/runtime/engines/tfjs/worker.ts', 'data-worker': 'src/runtime/data/worker.ts' } })
const { metafile } = await build({ ...common, entryPoints: { mtlc: 'src/cli/main.ts', 'compiler-process': 'src/cli/compiler-process.ts', 'doctor-process': 'src/runtime/doctor/process.ts' }, splitting: true, chunkNames: 'chunks/[name]-[hash]', metafile: true })
const made = new Set(Object.keys(metafile.outputs).map(path => basename(path)))
// A command that has just been started may still ask for the parts of the build before.
const old = Date.now() - 600_000
for (const path of readdirSync('dist/chunks').map(name => join('dist/chunks', name))) if (!made.has(basename(path)) && statSync(path).mtimeMs < old) rmSync(path, { force: true })
await import('./build-page.mjs')
