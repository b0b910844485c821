// Parity of the tfjs target on its device `cpu`.
import { parity } from './parity.ts'

parity('cpu')
