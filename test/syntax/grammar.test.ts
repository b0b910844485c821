// Chevrotain's own checks of the grammar (ambiguities, left recursion, empty alternatives), which are skipped when mtlc starts.
import { expect, it } from 'vitest'
import { Parser } from '../../grammar/parser.ts'

it('the grammar is sound', () => { expect(() => new Parser(false)).not.toThrow() })
