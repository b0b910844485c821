// mtlc ir: the program as text, at any stage of its way.
import { Command } from 'commander'
import { printProgram } from '../compiler/ir/print.ts'
import { optimise, passNames, type PassName } from '../compiler/passes/index.ts'
import { buildTrainingStep } from '../compiler/training/step.ts'
import { withModel, type ModelOptions } from './options.ts'
import { compileFile, UserError } from './project.ts'

export const irCommand = (): Command => withModel(new Command('ir')
  .description('print the intermediate representation')
  .argument('<file>')
  .option('--stage <stage>', 'forward, train, or the name of a pass (run after all passes before it, on the training step)', 'forward'))
  .action((file: string, options: ModelOptions & { stage: string }) => {
    const pass = passNames.find((name): name is PassName => name === options.stage)
    if (pass === undefined && options.stage !== 'forward' && options.stage !== 'train') throw new UserError(`stage \`${options.stage}\` is not known: forward, train, or a pass: ${passNames.join(', ')}`)
    const { model } = compileFile(file, { ...options, mode: options.stage === 'forward' ? 'infer' : 'train', quiet: true })
    const whole = options.stage === 'forward' ? model.program : buildTrainingStep(model)
    const program = pass === undefined ? whole : optimise(whole, { differentiated: true, until: pass })
    process.stdout.write(`${printProgram(program)}\n`)
  })
