// What a checkpoint may construct: an allow-list of names and the plain data that stands for each. Nothing is ever called.
import { WeightsError } from '../tensors.ts'
import type { Global, Pickled, PickledDict } from './pickle.ts'
import { tensorView } from './storage.ts'

/** Stands for an object that training scripts store beside the weights and that nothing here reads. */
const unread = (): Pickled => ({})

const isDict = (v: Pickled | undefined): v is PickledDict => v instanceof Map
const pairs = (v: Pickled | undefined): PickledDict => (isDict(v) ? new Map(v) : new Map(Array.isArray(v) ? v.filter(p => Array.isArray(p) && p.length === 2) as [Pickled, Pickled][] : []))

const constructors: Readonly<Record<string, (path: string, args: readonly Pickled[]) => Pickled>> = {
  'torch._utils._rebuild_tensor_v2': tensorView,
  'torch._utils._rebuild_tensor': tensorView,
  'torch._utils._rebuild_parameter': (_, [tensor = null]) => tensor,
  'torch.Size': (_, [sizes = null]) => sizes,
  'collections.OrderedDict': (_, [items]) => pairs(items),
  'collections.defaultdict': (_, [, items]) => pairs(items),
  'collections.Counter': (_, [items]) => pairs(items),
  // Settings, schedules and random states: kept out of the way.
  'argparse.Namespace': unread,
  'yacs.config.CfgNode': () => new Map(),
  'easydict.EasyDict': () => new Map(),
  'torch.device': unread,
  'numpy.dtype': unread,
  'numpy.core.multiarray.scalar': unread,
  'numpy._core.multiarray.scalar': unread,
  '_codecs.encode': unread,
}

/** The data that a call in the pickle stands for. Throws WeightsError, naming the callable, for everything that is not in the list. */
export const construct = (path: string) => (callable: Global, args: readonly Pickled[]): Pickled => {
  const make = Object.hasOwn(constructors, callable.name) ? constructors[callable.name] : undefined
  if (make !== undefined) return make(path, args)
  const name = callable.name.length > 100 ? `${callable.name.slice(0, 100)}...` : callable.name
  throw new WeightsError(`${path}: refused: the file asks to call \`${name}\`, which a checkpoint of tensors does not need; only tensors, parameters and ordered dicts are constructed. If you trust the file, load it in Python and save its state_dict`)
}
