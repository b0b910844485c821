// The one form of messages about data: where, what was found, what was expected, what to do.
import { DataError } from './dataset.ts'

/** Facts of a mistake in a file or folder. */
export interface Mistake { readonly found: string; readonly expected: string; readonly fix: string }

export const dataError = (path: string, { found, expected, fix }: Mistake): DataError => new DataError(`${path}: ${found}\n  expected: ${expected}\n  fix: ${fix}`)

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read (no permission)',
  EPERM: 'may not be read (no permission)',
  EISDIR: 'is a folder, not a file',
  ENOTDIR: 'is not a folder, or a part of its path is a file',
  EMFILE: 'cannot be opened: too many open files',
  EIO: 'cannot be read: input/output error of the disk',
  ELOOP: 'is a circle of symbolic links',
}

/** In words, why the operating system refused a path. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return (code !== undefined && reasons[code]) || `cannot be read: ${message}`
}
