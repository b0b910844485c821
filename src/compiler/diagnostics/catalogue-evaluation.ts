// Messages of evaluation: expressions, calls, shapes, members of blocks, limits.
import type { Message } from './catalogue.ts'

export const evaluationMessages = {
  // Names and fields
  'unknown-field': { severity: 'error', message: '{owner} has no field `{name}`', label: 'no such field' },
  'not-called-yet': { severity: 'error', message: '`{path}` has no member `{name}` yet', label: 'read here', hint: 'the members of a block exist once it has been called; call `{path}` before' },
  'unknown-type': { severity: 'error', message: 'unknown type `{name}`', label: 'no such type' },

  // Operators
  'operand-type': { severity: 'error', message: '`{operator}` does not take {left} and {right}' },
  'operand-type-unary': { severity: 'error', message: '`{operator}` does not take {operand}' },
  'inexact-division': { severity: 'error', message: '{left} / {right} leaves a rest of {rest}', label: 'int / int must be exact', hint: 'use `div` to round down, or `float(...)` of one operand for a float' },
  'division-by-zero': { severity: 'error', message: '{left} {operator} 0 has no value', label: 'division by zero' },
  'number-too-large': { severity: 'error', message: 'the result of `{operator}` is {found}, beyond what an int holds exactly (2^53)', hint: 'write one operand as a float' },
  'float-with-int-tensor': { severity: 'error', message: '`{operator}` joins the float {number} with {tensor}', hint: 'write `cast(x, "float32")` of the tensor, or an int' },
  'operands-do-not-fit': { severity: 'error', message: '`{operator}` does not take {left} and {right}: {rule}' },
  'condition-is-tensor': { severity: 'error', message: 'the condition is a tensor, {found}; it must be known when the model is compiled', label: 'a tensor', hint: 'choose between tensors element by element with `where(cond, a, b)`' },
  'condition-type': { severity: 'error', message: 'the condition is {found}, not true or false', label: 'not a bool' },

  // Lists, records, indices
  'not-indexable': { severity: 'error', message: '{found} cannot be indexed' },
  'index-type': { severity: 'error', message: '{owner} cannot be indexed with {found}', label: 'here' },
  'index-out-of-range': { severity: 'error', message: 'index {index} is out of range: {owner} has {size} items', label: 'out of range' },
  'slice-out-of-range': { severity: 'error', message: 'range {range} goes beyond {owner}, whose size is {size}', label: 'out of range' },
  'slice-step': { severity: 'error', message: 'the step of a range cannot be {found}', label: 'here' },
  'too-many-indices': { severity: 'error', message: '{count} indices for {tensor} of rank {rank}' },
  'two-ellipses': { severity: 'error', message: '`...` stands twice in one index', label: 'the second one' },
  'not-iterable': { severity: 'error', message: 'cannot iterate over {found}', label: 'not a list' },
  'range-end': { severity: 'error', message: 'an end of a range is {found}, not an int', label: 'here' },
  'no-record-key': { severity: 'error', message: '{found} gives no field name', label: 'item of this', hint: 'items must be strings or have a `name`; or iterate over a record: `for k, v in r`' },
  'duplicate-key': { severity: 'error', message: 'field `{name}` comes twice', label: 'the second one' },
  'take-apart': { severity: 'error', message: '{found} cannot be taken apart into {names}', label: 'this value' },

  // Calls
  'not-callable': { severity: 'error', message: '{found} cannot be called', label: 'called here' },
  'unknown-argument': { severity: 'error', message: '{callee} has no argument `{name}`', label: 'unknown argument' },
  'missing-argument': { severity: 'error', message: '{callee} needs the argument `{name}`', label: 'missing here' },
  'too-many-arguments': { severity: 'error', message: '{found} arguments for {callee}, which takes {most}', label: 'one too many' },
  'duplicate-argument': { severity: 'error', message: 'argument `{name}` of {callee} is given twice', label: 'the second one' },
  'argument-type': { severity: 'error', message: '`{name}` of {callee} takes {expected}, not {found}', label: '{found}' },
  'call-failed': { severity: 'error', message: '`{name}`: {reason}' },
  'unnamed-block': { severity: 'error', message: '{block} owns {what}; it must be named before it is called', label: 'called without a name', hint: 'make it a member of the block: `name = {block}(...)`, then call `name`' },
  'no-forward': { severity: 'error', message: 'block `{block}` has no forward', label: 'called here' },

  // Signatures
  'shape-mismatch': { severity: 'error', message: '`{name}` of {callee} is {found}; the signature says {expected}', label: '{rule}' },
  'unbound-dimension': { severity: 'error', message: 'dimension `{name}` is not bound', label: 'here', hint: 'a name must stand alone in the shape of some argument (`[B, {name}]`) or be a static parameter' },
  'dimension-type': { severity: 'error', message: 'dimension `{name}` is {found}, not an int', label: 'here' },

  // Members
  'not-a-child': { severity: 'error', message: '`{name}` is {found}; a child is a block, a function, or a list or record of them', label: 'here', hint: 'write `let {name} = ...` for a value' },
  'duplicate-member': { severity: 'error', message: '`{name}` is already a member', label: 'the second one' },
  'member-changed': { severity: 'error', message: '`{path}` is {now} at this call, but was {before} at another', label: 'comes out differently', hint: 'a block that is called several times shares its parameters: make a second block' },
  'duplicate-parameter': { severity: 'error', message: 'two tensors have the name `{name}`', label: 'the second one' },
  'not-an-initialiser': { severity: 'error', message: 'the initialiser of `{name}` is {found}', label: 'here', hint: 'for example `zeros`, `fill(0.5)`, `normal(0.02)`, or a number' },
  'bad-dimension': { severity: 'error', message: 'a dimension of `{name}` is {found}, not a positive int', label: 'here' },
  'member-shape': { severity: 'error', message: '`{name}` is declared {expected}, but its value is {found}', label: 'here' },
  'constant-depends-on-inputs': { severity: 'error', message: 'the constant `{name}` depends on an input of the model or a parameter', label: 'not known when the model is compiled', hint: 'use `let`' },

  // Statements
  'requirement-failed': { severity: 'error', message: '{reason}', label: 'is false' },
  'unknown-local': { severity: 'error', message: '`{name}` has not been defined', label: 'assigned here', hint: 'write `let {name} = ...` for a new name' },
  'not-assignable': { severity: 'error', message: '`{name}` is {what} and cannot be assigned', label: 'assigned here' },
  'not-a-state': { severity: 'error', message: '`{name}` is no state of this block', label: 'updated here' },
  'update-type': { severity: 'error', message: 'state `{name}` is {expected}, its next value is {found}', label: '{found}' },
  'no-result': { severity: 'error', message: 'forward of {block} ends without `return`', label: 'no value' },
  'unused-value': { severity: 'error', message: 'the value of this expression is not used', label: 'no use', hint: 'bind it with `let`, or remove it' },

  // Limits
  'limit-exceeded': { severity: 'error', message: '{what} exceed the limit of {limit}', label: 'reached here' },
} as const satisfies Record<string, Message>
