// The memory of a training step, told before it runs, and fitted to a budget.
import { totalmem } from 'node:os'
import type { Program } from '../compiler/ir/program.ts'
import { cheapMemory, fitMemory, recomputeCheap, type Fit } from '../compiler/memory/fit.ts'
import { planMemory, type MemoryMode, type MemoryPlan } from '../compiler/memory/plan.ts'
import { sequentialPeak } from '../compiler/memory/sequence.ts'
import { freshWeights } from '../compiler/passes/fresh-weights.ts'
import { isLarge } from './allocator.ts'
import { UserError } from './errors.ts'

export { memorySize } from './memory-size.ts'

export const gib = (bytes: number): string => bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(2)} GiB` : `${Math.ceil(bytes / 2 ** 20)} MiB`

/** Above this a run says what it will need. */
const TELL = 4 * 2 ** 30
/** Buffers are freed at their last use where that saves this share of the whole; opening the session takes longer then. */
const WORTH_HIDING = 1 / 20
/** Steps with fewer bytes of results are left alone. */
const SMALL_RESULTS = 2 ** 26

/** Of a budget, what is kept free for what the estimate misses (docs/performance.md: a few percent). */
const HEADROOM = 1 / 20

/** Multiply-adds that a processor makes during a call of tfjs that computes nothing. */
const CALL = 2e5

export interface FittedStep { readonly program: Program; readonly plan: MemoryPlan; readonly mode: MemoryMode }

/** The modules with most bytes at the peak, shortened to `depth` names. */
export function largestModules(plan: MemoryPlan, count: number, depth = 4): { path: string; bytes: number }[] {
  const sums = new Map<string, number>()
  for (const { path, bytes } of plan.paths) {
    const short = path.split('.').slice(0, depth).join('.')
    sums.set(short, (sums.get(short) ?? 0) + bytes)
  }
  return [...sums].map(([path, bytes]) => ({ path, bytes })).sort((a, b) => b.bytes - a.bytes).slice(0, count)
}

const told = (plan: MemoryPlan): string => `${gib(plan.peak)} (state and batch ${gib(plan.state)}, results ${gib(plan.results)}, process ${gib(plan.base)})`

function described({ plan, modules, added, multiplyAdds }: Fit): string {
  if (modules.length === 0) return ''
  const cost = added === 0 ? 'no multiply-add more' : `${(added / 1e9).toFixed(added < 1e10 ? 2 : 0)} G multiply-adds more (${(100 * added / multiplyAdds).toFixed(1)}%)`
  return `recomputing in ${modules.length} modules, ${cost}: ${modules.slice(0, 3).join(', ')}${modules.length > 3 ? ', ...' : ''}; the peak is at ${plan.at.split('/').slice(0, -1).join('/')}\n`
}

/** The step as it runs without a budget: buffers are freed at their last use, and what is nearly free is computed again, where that saves much; in a large step always, and its buffers go back to the system. */
export function stepMemory(step: Program): FittedStep {
  const program = freshWeights(step)
  if (isLarge(step.inputs.filter(i => i.role === 'parameter'))) {
    const fit = cheapMemory(program, 'released')
    return { program: fit.program, plan: fit.plan, mode: 'released' }
  }
  const plain = planMemory(program)
  if (plain.results < SMALL_RESULTS) return { program, plan: plain, mode: 'plain' }
  const tight = planMemory(program, 'compact')
  if (plain.peak - tight.peak <= WORTH_HIDING * plain.peak) return { program, plan: plain, mode: 'plain' }
  const cheap = cheapMemory(program, 'compact')
  return tight.peak - cheap.plan.peak > WORTH_HIDING * tight.peak ? { program: cheap.program, plan: cheap.plan, mode: 'compact' } : { program, plan: tight, mode: 'compact' }
}

/** The step for an engine that runs its nodes as they stand, where no plan of buffers can be made. */
export function sequentialStep(step: Program): Program {
  const before = sequentialPeak(step)
  if (before < SMALL_RESULTS) return step
  const { program } = recomputeCheap(freshWeights(step), CALL)
  return before - sequentialPeak(program) > WORTH_HIDING * before ? program : step
}

/** The step as it is to run within `budget` bytes (any, where undefined). Says on stderr what it will need where that is much or a budget was given. Throws UserError if nothing fits. */
export function fitStep(step: Program, budget: number | undefined): FittedStep {
  const free = stepMemory(step), { plan } = free
  const say = (text: string): void => { process.stderr.write(text) }
  const room = budget === undefined ? Infinity : (1 - HEADROOM) * budget
  if (plan.peak <= room) {
    if (plan.peak > TELL || budget !== undefined) say(`memory: a step is estimated to need ${told(plan)}\n`)
    if (plan.peak > totalmem()) say(`warning: this machine has ${gib(totalmem())}: --memory ${Math.floor(0.8 * totalmem() / 2 ** 30)}GiB makes the step smaller by recomputing\n`)
    return free
  }
  const fit = fitMemory(freshWeights(step), room)
  if (!fit.fits) throw new UserError(`memory: the step does not fit into ${gib(budget!)}: the smallest it can be made is estimated at ${told(fit.plan)}. Give at least ${(Math.ceil(fit.plan.peak / (1 - HEADROOM) / 2 ** 30 * 10) / 10).toFixed(1)}GiB (a twentieth is kept free for what the estimate misses), or make the batch or the image smaller`)
  say(`memory: a step is estimated to need ${told(fit.plan)}\n${described(fit)}`)
  return { program: fit.program, plan: fit.plan, mode: fit.modules.length > 0 ? 'released' : 'compact' }
}
