// All built-in functions by name (docs/language.md, section 5).
import { constants } from './constants.ts'
import { elementwise } from './elementwise.ts'
import type { BuiltinFunction } from './function.ts'
import { initialisers } from './initialisers.ts'
import { products } from './linear.ts'
import { losses } from './losses.ts'
import { reductions } from './reduce.ts'
import { shapes } from './shape.ts'
import { statics } from './static.ts'

export const functions: ReadonlyMap<string, BuiltinFunction> = new Map(
  [...statics, ...initialisers, ...elementwise, ...reductions, ...shapes, ...products, ...constants, ...losses].map(f => [f.name, f]),
)
