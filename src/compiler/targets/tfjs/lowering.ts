// The table of lowerings, exhaustive over the operators.
import type { OpName } from '../../ir/ops.ts'
import { convolutions } from './convolution.ts'
import { elementwise } from './elementwise.ts'
import type { Lowering } from './form.ts'
import { movement } from './movement.ts'
import { normalisation } from './normalisation.ts'
import { products } from './product.ts'
import { reductions } from './reduce.ts'
import { resizing } from './resizing.ts'

export const lowerings = {
  ...elementwise, ...reductions, ...normalisation, ...movement, ...products, ...convolutions, ...resizing,
} satisfies { [K in OpName]: Lowering<K> }
