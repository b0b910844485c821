// A program made ready for an engine, wherever the compiler runs: what only the engine's own half of the compiler knows how to do.
import type { Program } from '../../compiler/ir/program.ts'
import type { EngineTarget, PreparedProgram, PrepareOptions } from './engine.ts'

/** Loads only the target that is asked for. Throws EngineError (a user-readable message) if the engine cannot run the program. */
export async function prepareProgram(program: Program, target: EngineTarget, options: PrepareOptions = {}): Promise<PreparedProgram> {
  switch (target.engine) {
    case 'onnxruntime': return (await import('./onnxruntime/prepare.ts')).prepareOnnx(program, target, options)
    case 'tfjs': return (await import('./tfjs/prepare.ts')).prepareTfjs(program, target, options)
  }
}
