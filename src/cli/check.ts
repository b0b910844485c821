// mtlc check: all diagnostics of the files.
import { Command } from 'commander'
import { checkFile, toJson, type Diagnostic } from '../compiler/index.ts'
import { FileHost, printDiagnostics, sourceName, UserError } from './project.ts'

export const checkCommand = (): Command => new Command('check')
  .description('check syntax, names, types and every shape')
  .argument('<files...>')
  .option('--json', 'one JSON document with all diagnostics on stdout')
  .action((files: string[], options: { json?: boolean }) => {
    const host = new FileHost()
    const diagnostics: Diagnostic[] = files.flatMap(file => checkFile(sourceName(file), host).diagnostics)
    if (options.json === true) process.stdout.write(`${JSON.stringify({ diagnostics: diagnostics.map(d => toJson(d, f => host.sources.get(f))) }, null, 2)}\n`)
    else {
      printDiagnostics(diagnostics, host)
      if (diagnostics.length === 0) process.stderr.write(`${files.length === 1 ? files[0] : `${files.length} files`}: no mistakes found\n`)
    }
    if (diagnostics.some(d => d.severity === 'error')) throw new UserError('')
  })
