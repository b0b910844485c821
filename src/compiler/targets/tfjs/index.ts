// The tfjs target: a program as an ES module that calls TensorFlow.js.
import type { Program } from '../../ir/program.ts'
import { lowerProgram, type LowerOptions } from './lower.ts'
import type { EmittedModule } from './module.ts'
import { printModule } from './print.ts'

export type { Backend } from './emitter.ts'
export { kernelsOf } from './kernels.ts'
export type { EmittedModule, TfjsConstant, TfjsInput, TfjsModule, TfjsOutput } from './module.ts'

/** The module of `program`. All inputs of the program are inputs of the module, also those that nothing reads. */
export function emitModule(program: Program, options: LowerOptions = {}): EmittedModule {
  const lowered = lowerProgram(program, options)
  return { source: printModule(lowered), constants: lowered.emitter.constants }
}
