// Groups of parameters by patterns of their paths: what is different for them in the update.
import type { ProgramInput } from '../ir/program.ts'
import type { TrainSpec } from './spec.ts'
import { logVariances } from './weighting-names.ts'

export interface ParameterSettings {
  /** factor of the learning rate */
  readonly lr: number
  readonly weightDecay: number
  readonly frozen: boolean
}

const compiled = new Map<string, RegExp>()

/** `*` stands for anything within a part of a path, `**` for any number of parts. */
function toRegExp(pattern: string): RegExp {
  const part = (text: string): string => text.split('*').map(literal => literal.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('[^.]*')
  const body = pattern.split('.').map((text, i, all) => (text !== '**' ? `${part(text)}${i < all.length - 1 ? '\\.' : ''}` : i < all.length - 1 ? '(?:[^.]+\\.)*' : '.+')).join('')
  return new RegExp(`^${body}(?:\\.|$)`)
}

/** Whether a pattern fits a path, or the beginning of one up to a point: `backbone.*.norm` fits `backbone.0.norm` and `backbone.0.norm.weight`. */
export function fits(pattern: string, path: string): boolean {
  const known = compiled.get(pattern) ?? toRegExp(pattern)
  compiled.set(pattern, known)
  return known.test(path)
}

/** The path of a parameter as the text has it, which `rename` does not change (but its last part). */
export const pathOf = ({ name, origin }: Pick<ProgramInput, 'name' | 'origin'>): string => {
  const own = name.slice(name.lastIndexOf('.') + 1)
  return origin.path === '' ? own : `${origin.path}.${own}`
}

/** What counts for one parameter: of each setting the first group that fits its path and states it. */
export function settingsOf({ optimizer, groups = [] }: Pick<TrainSpec, 'optimizer' | 'groups'>, parameter: Pick<ProgramInput, 'name' | 'origin'>): ParameterSettings {
  const path = pathOf(parameter)
  const own = groups.filter(g => g.paths.some(p => fits(p, path)))
  return {
    lr: own.find(g => g.lr !== undefined)?.lr ?? 1,
    // Decay would pull the weight of a task to its fixed value.
    weightDecay: own.find(g => g.weightDecay !== undefined)?.weightDecay ?? (parameter.origin.path === logVariances ? 0 : optimizer.weightDecay),
    frozen: own.find(g => g.frozen !== undefined)?.frozen ?? false,
  }
}

/** Names of the parameters that the text keeps as they are. */
export const frozenParameters = (train: Pick<TrainSpec, 'optimizer' | 'groups'>, inputs: readonly ProgramInput[]): Set<string> =>
  new Set(inputs.filter(i => i.role === 'parameter' && settingsOf(train, i).frozen).map(i => i.name))
