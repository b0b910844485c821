// How parameters and states are made before training.
import type { Initialiser } from '../../ir/program.ts'
import type { Value } from '../values.ts'
import { type Call, define } from './call.ts'
import type { BuiltinFunction } from './function.ts'

const init = (value: Initialiser): Value => ({ t: 'init', init: value })
const fan = (c: Call): { readonly fan?: number } => c.isNone('fan') ? {} : { fan: c.count('fan') }

const positive = (c: Call, name: string): number => {
  const v = c.number(name)
  return v > 0 ? v : c.fail(`\`${name}\` must be positive, but it is ${v}`, name)
}

function interval(c: Call): { readonly low: number; readonly high: number } {
  const low = c.number('low'), high = c.number('high')
  return low < high ? { low, high } : c.fail(`\`low\` ${low} must be below \`high\` ${high}`, 'low')
}

/** `zeros`, `ones` and the two Kaiming ones may also be written without a call where an initialiser is expected. */
export const initialisers: readonly BuiltinFunction[] = [
  define('zeros', [], () => init({ kind: 'constant', value: 0 })),
  define('ones', [], () => init({ kind: 'constant', value: 1 })),
  define('fill', ['v'], c => init({ kind: 'constant', value: c.number('v') })),
  define('normal', ['std', ['mean', 0]], c => init({ kind: 'normal', mean: c.number('mean'), std: positive(c, 'std') })),
  define('trunc_normal', ['std', ['mean', 0], ['low', -2], ['high', 2]], c => init({ kind: 'trunc_normal', mean: c.number('mean'), std: positive(c, 'std'), ...interval(c) })),
  define('uniform', ['low', 'high'], c => init({ kind: 'uniform', ...interval(c) })),
  define('kaiming_uniform', [['a', Math.sqrt(5)], ['fan', null]], c => init({ kind: 'kaiming_uniform', a: c.number('a'), ...fan(c) })),
  define('kaiming_normal', [['fan', null]], c => init({ kind: 'kaiming_normal', ...fan(c) })),
  define('fan_in_uniform', [['fan', null]], c => init({ kind: 'fan_in_uniform', ...fan(c) })),
]
