// Parity of the tfjs target on its device `webgpu`.
import { parity } from './parity.ts'

parity('webgpu', { tolerance: 1e-3, limit: 20_000 })
