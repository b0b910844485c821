// Names of a file -> names of the model. What they are called is in the text (paths and the rename table); this only finds at which path the file begins.

export interface NameMap {
  /** Name in the file -> name in the model, for every name of the file that the model has. */
  readonly names: ReadonlyMap<string, string>
  /** What was done to the names, where that was more than looking them up. */
  readonly note: string | undefined
}

type Renames = readonly (readonly [string, string])[]

/** The path after the first rule that fits, as in the language's `rename`. */
function renamed(path: string, renames: Renames): string {
  const rule = renames.find(([from]) => path === from || path.startsWith(`${from}.`))
  if (rule === undefined) return path
  const rest = path.slice(rule[0].length)
  return rule[1] === '' ? rest.slice(1) : rule[1] + rest
}

/**
 * Names are taken as they are, or as paths before `rename`. Where that finds less than half of the file, the file may hold a part of the model (a pretrained encoder), or the model a part of the file: the
 * path that, put before all names or taken off them, finds most of them is used, if it finds at least half and no other path finds as many.
 */
export function mapNames(file: readonly string[], model: ReadonlySet<string>, renames: Renames): NameMap {
  const lookUp = (name: string): string | undefined => (model.has(name) ? name : [renamed(name, renames)].find(n => model.has(n)))
  const under = (change: (name: string) => string | undefined): Map<string, string> => {
    const direct: [string, string][] = [], other: [string, string][] = []
    for (const name of file) {
      const changed = change(name)
      const found = changed === undefined ? undefined : lookUp(changed)
      if (found !== undefined) (found === changed ? direct : other).push([name, found])
    }
    // A tensor that is in the file under both names is taken under its published one.
    const taken = new Set(direct.map(([, to]) => to))
    return new Map([...direct, ...other.filter(([, to]) => !taken.has(to) && taken.add(to))])
  }
  const plain = under(name => name)
  if (2 * plain.size >= file.length) return { names: plain, note: undefined }
  const candidates = [
    ...best(votesToAdd(file, model)).map(path => ({ names: under(name => `${path}.${name}`), note: `names of the file are taken below "${path}" of the model` })),
    ...best(votesToRemove(file, lookUp)).map(path => ({ names: under(name => (name.startsWith(`${path}.`) ? name.slice(path.length + 1) : undefined)), note: `"${path}." is taken off the names of the file` })),
  ].filter(c => 2 * c.names.size >= file.length && c.names.size > plain.size).toSorted((a, b) => b.names.size - a.names.size)
  return candidates.length > 0 && candidates[0].names.size > (candidates[1]?.names.size ?? 0) ? candidates[0] : { names: plain, note: undefined }
}

type Votes = Map<string, number>
const vote = (votes: Votes, path: string): void => { votes.set(path, (votes.get(path) ?? 0) + 1) }

/** The two paths with most votes: a tie shows in the second. */
const best = (votes: Votes): string[] => [...votes].toSorted((a, b) => b[1] - a[1]).slice(0, 2).map(([path]) => path)

/** Each `path.rest` splits into a path and a rest at every dot. */
function* splits(name: string): Generator<readonly [path: string, rest: string]> {
  for (let at = name.indexOf('.'); at >= 0; at = name.indexOf('.', at + 1)) yield [name.slice(0, at), name.slice(at + 1)]
}

function votesToAdd(file: readonly string[], model: ReadonlySet<string>): Votes {
  const rests = new Set(file)
  const votes: Votes = new Map()
  for (const name of model) for (const [path, rest] of splits(name)) if (rests.has(rest)) vote(votes, path)
  return votes
}

function votesToRemove(file: readonly string[], lookUp: (name: string) => string | undefined): Votes {
  const votes: Votes = new Map()
  for (const name of file) for (const [path, rest] of splits(name)) if (lookUp(rest) !== undefined) vote(votes, path)
  return votes
}
