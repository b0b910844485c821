// Holds the limit on file length: 600 lines for source, tests and models.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts', '*.mtl', '*.mjs', '*.cjs'], { encoding: 'utf8' }).split('\n').filter(f => f && !f.includes('fixtures/'))
const long = files.map(f => [f, readFileSync(f, 'utf8').split('\n').length - 1]).filter(([, n]) => n > 600)
for (const [file, lines] of long) console.error(`${file}: ${lines} lines; the limit is 600: find its second subject`)
process.exit(long.length ? 1 : 0)
