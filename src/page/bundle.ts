// The types of what an exported model's bundle.js exports; the file itself is made at export.
import type { LoadOptions, Network } from './network/index.ts'
import type { About } from './protocol.ts'

export declare const facts: About
export declare const load: (options?: LoadOptions) => Promise<Network>
