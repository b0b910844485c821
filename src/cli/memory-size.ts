// Sizes of memory as they are typed on the command line.
import { InvalidArgumentError } from 'commander'
import { parseMemorySize } from '../compiler/tasks/memory-size.ts'

/** "14GiB", "14G", "14.5 GB", "900MiB" -> bytes. */
export function memorySize(text: string): number {
  const bytes = parseMemorySize(text)
  if (bytes === undefined) throw new InvalidArgumentError('a size such as 14GiB or 900MiB is expected.')
  return bytes
}
