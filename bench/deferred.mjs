// node bench/deferred.mjs FILE [key=value]...: what waiting gradients change in a training step (deferred.ts).
import { build } from 'esbuild'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const bundles = join('node_modules', '.cache', 'mtlc-bench')
await build({
  entryPoints: ['bench/deferred.ts'], outdir: bundles, bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external', logLevel: 'warning',
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
})
process.exitCode = spawnSync(process.execPath, [join(bundles, 'deferred.js'), ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1
