// Bundles the command line and its worker threads into dist/. Packages stay external: npm installs them.
import { build } from 'esbuild'

await build({
  entryPoints: { mtlc: 'src/cli/main.ts', 'onnxruntime-worker': 'src/runtime/engines/onnxruntime/worker.ts', 'data-worker': 'src/runtime/data/worker.ts' },
  outdir: 'dist', bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external', sourcemap: true, logLevel: 'warning',
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
})
