// Parity of the tfjs target on its device `wasm`.
import { parity } from './parity.ts'

parity('wasm')
