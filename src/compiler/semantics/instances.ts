// What an instance remembers between its calls: children, tensors, and the members of the latest call.
import type { Span } from '../diagnostics/diagnostic.ts'
import type { Machine } from './machine.ts'
import { join } from './machine.ts'
import { describe, error, list, record, type BlockValue, type Instance, type Value } from './values.ts'

/** A child: the description it was made from, and what stands for it. `call`: where the block was called when it was made. */
export interface Child { readonly description: Value; readonly value: Value; readonly call: Span | undefined }

/** A parameter, state or constant, with its name in the program. `current` is the value a reader sees: for a state the latest update. `key`: what the constant was computed from. */
export interface OwnedTensor { readonly kind: 'param' | 'state' | 'constant'; readonly name: string; readonly finalName: string; current: Value; key: readonly Value[]; readonly call: Span | undefined }

export interface InstanceState {
  /** Called without a name: must not own anything. */
  readonly anonymous: boolean
  readonly children: Map<string, Child>
  readonly tensors: Map<string, OwnedTensor>
  /** Every member of the latest call, for `self.x` and for readers from outside. */
  readonly members: Map<string, Value>
  calls: number
}

export const makeInstance = (block: BlockValue, path: string, anonymous = false): Instance => {
  const state: InstanceState = { anonymous, children: new Map(), tensors: new Map(), members: new Map(), calls: 0 }
  return { t: 'instance', path, block, state }
}

export const membersOf = (instance: Instance): InstanceState => instance.state as InstanceState

/**
 * Make instances of the block values in `value`, through lists (path `path.0`) and records (`path.key`). Functions, `none` and existing instances stay.
 * Anything else is reported at `span` as no child of the name `name`.
 */
export function instantiate(m: Machine, value: Value, path: string, name: string, span: Span): Value {
  switch (value.t) {
    case 'block': {
      const block = value.bare === true ? m.bindBlock(value.decl, [], span) : value
      return block.t === 'error' ? error : makeInstance(block, path)
    }
    case 'list': {
      const made = list(value.items.map((item, i) => instantiate(m, item, join(path, `${i}`), name, span)))
      m.sequencePaths.set(made, path)
      return made
    }
    case 'record': return record(new Map([...value.fields].map(([key, item]) => [key, instantiate(m, item, join(path, key), name, span)])))
    case 'function': case 'none': case 'instance': case 'error': return value
    default: return m.report('not-a-child', span, { name, found: describe(value) })
  }
}
