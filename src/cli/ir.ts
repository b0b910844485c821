// mtlc ir: the program as text, at any stage of its way.
import { Command, Option } from 'commander'
import { printProgram } from '../compiler/ir/print.ts'
import { optimise, passNames, type PassName } from '../compiler/passes/index.ts'
import { buildTrainingStep } from '../compiler/training/step.ts'
import { withModel, type ModelOptions } from './options.ts'
import { compileFile } from './project.ts'

export const irCommand = (): Command => withModel(new Command('ir')
  .description('print the intermediate representation')
  .argument('<file>')
  .addOption(new Option('--stage <stage>', 'the forward program, the training step, or that step after a pass and all before it').choices(['forward', 'train', ...passNames]).default('forward')))
  .action((file: string, options: ModelOptions & { stage: string }) => {
    const pass = passNames.find((name): name is PassName => name === options.stage)
    const { model } = compileFile(file, { ...options, mode: options.stage === 'forward' ? 'infer' : 'train', quiet: true })
    const whole = options.stage === 'forward' ? model.program : buildTrainingStep(model)
    const program = pass === undefined ? whole : optimise(whole, { differentiated: true, until: pass })
    process.stdout.write(`${printProgram(program)}\n`)
  })
