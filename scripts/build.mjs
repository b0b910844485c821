// Bundles the command line and its worker threads into dist/. Packages stay external: npm installs them. Chevrotain alone is bundled: its hundreds of small files take longer to find and load than
// the compiler takes to check a model.
import { build } from 'esbuild'

const keepChevrotain = {
  name: 'packages',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) => kind === 'entry-point' || /^(chevrotain|@chevrotain\/.*|lodash-es(\/.*)?)$/.test(path) || /node_modules\/(@?chevrotain|lodash-es)/.test(importer) ? undefined : { path, external: true })
  },
}

await build({
  entryPoints: { mtlc: 'src/cli/main.ts', 'onnxruntime-worker': 'src/runtime/engines/onnxruntime/worker.ts', 'data-worker': 'src/runtime/data/worker.ts' },
  outdir: 'dist', bundle: true, platform: 'node', format: 'esm', target: 'node20', plugins: [keepChevrotain], sourcemap: true, logLevel: 'warning',
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
})
