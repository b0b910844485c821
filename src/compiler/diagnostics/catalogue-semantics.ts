// Messages of names, types, shapes, models and variants.
import type { Message } from './catalogue.ts'

export const semanticsMessages = {
  'unknown-name': { severity: 'error', message: 'unknown name `{name}`', label: 'not defined here' },
} as const satisfies Record<string, Message>
