// Measures the parity of every operator on every device at hand and writes the table of docs/engines.md: node scripts/engines-table.mjs [ENGINE/DEVICE...], or --render for the table alone.
// Devices that are not here, or not named, keep what was measured before (docs/engines.json).
import { build } from 'esbuild'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const PAGE = 'docs/engines.md', FIGURES = 'docs/engines.json'
const bundles = join('node_modules', '.cache', 'mtlc-engines')
await build({
  entryPoints: ['bench/engines/measure.ts', 'bench/engines/table.ts'], outdir: bundles, bundle: true, splitting: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external', logLevel: 'warning',
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
})
const { columns, renderTable } = await import(pathToFileURL(resolve(bundles, 'table.js')).href)

const measured = JSON.parse(readFileSync(FIGURES, 'utf8'))
const args = process.argv.slice(2), named = args.filter(a => !a.startsWith('--'))
for (const name of Object.keys(columns)) {
  if (args.includes('--render') || named.length > 0 && !named.includes(name)) continue
  const [engine, device] = name.split('/')
  const { stdout, status, signal } = spawnSync(process.execPath, [join(bundles, 'measure.js'), engine, device], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 3_600_000, maxBuffer: 1 << 26 })
  const answer = status === 0 ? JSON.parse(stdout.trim().split('\n').at(-1)) : { absent: `the process ended (${signal ?? status})` }
  if (answer.absent === undefined) measured[name] = answer
  console.log(`${name}: ${answer.absent ?? 'measured'}`)
}
const ordered = Object.fromEntries(Object.keys(columns).filter(n => n in measured).map(n => [n, measured[n]]))
// One operator in a line.
writeFileSync(FIGURES, `{\n${Object.entries(ordered).map(([name, { detail, operators }]) => `${JSON.stringify(name)}: { "detail": ${JSON.stringify(detail)}, "operators": {\n${Object.entries(operators).map(([op, found]) => `  ${JSON.stringify(op)}: ${JSON.stringify(found)}`).join(',\n')}\n} }`).join(',\n')}\n}\n`)
const [before, , after] = readFileSync(PAGE, 'utf8').split(/(?<=<!-- table -->\n)|(?=<!-- end of table -->)/)
writeFileSync(PAGE, `${before}${renderTable(ordered)}${after}`)
