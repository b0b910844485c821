// Bundles the command line and its worker threads into dist/. Packages stay external: npm installs them.
import { build } from 'esbuild'
import { existsSync } from 'node:fs'

const entries = { mtlc: 'src/cli/main.ts', 'onnxruntime-worker': 'src/runtime/engines/onnxruntime/worker.ts', 'data-worker': 'src/runtime/data/worker.ts' }
for (const [name, path] of Object.entries(entries).reverse().filter(([, path]) => existsSync(path))) await build({
  entryPoints: { [name]: path },
  outdir: 'dist', bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external', sourcemap: true, logLevel: 'warning',
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
})
