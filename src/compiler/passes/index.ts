// The passes by name, and the pipeline that runs them until nothing changes.
import type { Program } from '../ir/program.ts'
import { commonSubexpressions } from './common-subexpressions.ts'
import { constantFolding } from './constant-folding.ts'
import { deadCode } from './dead-code.ts'
import { linearOrder } from './linear-order.ts'
import type { Pass } from './rewriter.ts'
import { siblings } from './siblings.ts'
import { simplify } from './simplify.ts'
import { removeStopGradients } from './stop-gradients.ts'

export type { Pass } from './rewriter.ts'

export const passes = {
  'stop-gradients': removeStopGradients,
  simplify,
  'linear-order': linearOrder,
  siblings,
  // Before folding, so that what several blocks build alike is computed once.
  'common-subexpressions': commonSubexpressions,
  'constant-folding': constantFolding,
  'dead-code': deadCode,
} satisfies Record<string, Pass>

export type PassName = keyof typeof passes

/** In the order in which the pipeline runs them. */
export const passNames = Object.keys(passes) as readonly PassName[]

export interface OptimiseOptions {
  /** The program is differentiated, or never will be: stopGradient may go. Default: no. */
  readonly differentiated?: boolean
  /** Stop after the first run of this pass. */
  readonly until?: PassName
  /** Called after each pass with its result. */
  readonly onPass?: (name: PassName, program: Program) => void
  /** Rounds of the pipeline at most (default 8): programs settle in two to four. */
  readonly maxRounds?: number
}

/** Runs the pipeline until a round changes nothing. */
export const optimise = (program: Program, options: OptimiseOptions = {}): Program => {
  const { differentiated = false, until, onPass, maxRounds = 8 } = options
  let current = program
  for (let round = 0; round < maxRounds; round++) {
    const before = current
    for (const name of passNames) {
      if (name !== 'stop-gradients' || differentiated) {
        current = passes[name](current)
        onPass?.(name, current)
      }
      if (name === until) return current
    }
    if (current === before) break
  }
  return current
}
