// node bench/engine-steps.mjs FILE ENGINE DEVICE STEPS [key=value]...: time, tensors and memory of training steps on an engine (engine-steps.ts).
import { build } from 'esbuild'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const bundles = join('node_modules', '.cache', 'mtlc-bench')
await build({
  entryPoints: ['bench/engine-steps.ts'], outdir: bundles, bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external', logLevel: 'warning',
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
})
process.exitCode = spawnSync(process.execPath, [join(bundles, 'engine-steps.js'), ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1
