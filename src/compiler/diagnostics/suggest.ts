// "did you mean": the nearest known name by edit distance.

/** Optimal string alignment: two neighbours swapped are one edit. */
function distance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2] + 1 : Infinity
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1), swapped))
    }
    before = row
    row = next
  }
  return row[b.length]
}

/** The known name nearest to `name`, if it is near enough to be a slip; undefined otherwise. Names over 64 characters are not compared. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  if (name.length > 64) return undefined
  let best: string | undefined
  let least = Math.max(1, Math.floor(name.length / 3)) + 1
  for (const k of known) {
    if (k.length > 64) continue
    const d = k.toLowerCase() === name.toLowerCase() ? 0 : distance(name, k)
    if (d < least) { least = d; best = k }
  }
  return best
}

/** "did you mean `x`?", else "these exist: a, b, c" (at most 12). */
export function didYouMean(name: string, known: Iterable<string>): string | undefined {
  const all = [...known]
  const best = nearest(name, all)
  if (best !== undefined) return `did you mean \`${best}\`?`
  if (all.length === 0) return undefined
  return `these exist: ${all.slice(0, 12).join(', ')}${all.length > 12 ? ', ...' : ''}`
}
