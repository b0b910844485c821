// mtlc fmt: canonical formatting.
import { Command } from 'commander'
import { formatFile, type Diagnostic } from '../compiler/index.ts'
import { existsSync } from 'node:fs'
import { writeAtomically } from '../runtime/files.ts'
import { FileHost, printDiagnostics, sourceName, UserError } from './project.ts'

export const fmtCommand = (): Command => new Command('fmt')
  .description('format files in place')
  .argument('<files...>')
  .option('--check', 'change nothing; exit 1 if a file is not formatted')
  .action((files: string[], options: { check?: boolean }) => {
    const host = new FileHost()
    const diagnostics: Diagnostic[] = []
    const changed: string[] = []
    for (const file of files) {
      const name = sourceName(file)
      const before = host.read(name)
      if (before === undefined) throw new UserError(`${file}: ${existsSync(file) ? 'is a folder, not a file' : 'no such file'}`)
      const { text, diagnostics: found } = formatFile(before, name)
      diagnostics.push(...found)
      if (text === undefined || text === before) continue
      changed.push(file)
      if (options.check !== true) writeAtomically(file, text)
    }
    printDiagnostics(diagnostics, host)
    for (const file of changed) process.stderr.write(`${file}: ${options.check === true ? 'is not formatted; `mtlc fmt` formats it' : 'formatted'}\n`)
    if (diagnostics.length > 0 || (options.check === true && changed.length > 0)) throw new UserError('')
  })
