// node bench/loop.mjs [FILE] [--steps=N] [--data=DIR]: what the training loop costs on top of the engine's steps (loop.ts). Needs a build.
import { build } from 'esbuild'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const bundles = join('node_modules', '.cache', 'mtlc-bench')
await build({
  entryPoints: ['bench/loop.ts'], outdir: bundles, bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external', logLevel: 'warning',
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
})
process.exitCode = spawnSync(process.execPath, ['--expose-gc', join(bundles, 'loop.js'), ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1
