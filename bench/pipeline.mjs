// node bench/pipeline.mjs [FILE [key=value]...] [--images=N] [--data=DIR] [--beside]: how fast batches are made of a data set and of its pack, and that beside a training run (pipeline.ts).
import { build } from 'esbuild'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const bundles = join('node_modules', '.cache', 'mtlc-bench')
await build({
  entryPoints: ['bench/pipeline.ts'], outdir: bundles, bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external', logLevel: 'warning',
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
})
process.exitCode = spawnSync(process.execPath, [join(bundles, 'pipeline.js'), ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1
