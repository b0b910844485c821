// Parity of the tfjs target on its device `tensorflow`.
import { parity } from './parity.ts'

parity('tensorflow')
