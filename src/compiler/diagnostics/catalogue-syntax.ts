// Messages of the lexer and parser.
import type { Message } from './catalogue.ts'

export const syntaxMessages = {
  'unexpected-character': { severity: 'error', message: 'unexpected character {found}' },
} as const satisfies Record<string, Message>
