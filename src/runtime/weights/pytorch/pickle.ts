// A reader of Python pickles that constructs data only: nothing in the file can make it call anything outside a short allow-list.
import { WeightsError } from '../tensors.ts'

/** `module.name` as the pickle names it; calls of it are handed to `construct`. */
export class Global {
  readonly name: string
  constructor(name: string) { this.name = name }
}

export type Pickled = null | boolean | number | bigint | string | Uint8Array | Pickled[] | PickledDict | Global | object
export type PickledDict = Map<Pickled, Pickled>

export interface PickleHooks {
  /** Result of calling an allowed global; must throw WeightsError for one that is not allowed. */
  construct(callable: Global, args: readonly Pickled[]): Pickled
  /** The object behind a persistent id (a storage). */
  persistent(id: Pickled): Pickled
}

const mark = Symbol('mark')
type Slot = Pickled | typeof mark

/** The bytes ended inside the pickle: more of the file may help. */
export class PickleEnd extends WeightsError {}

/** Bounds of what a pickle may build, far above any checkpoint: memory stays proportional to them whatever the file says. */
const mostSteps = 4_000_000
const longestInteger = 64

/** Reads one pickle that starts at `offset`; returns the value and where the next one starts. Throws PickleEnd where `bytes` ends inside of it, WeightsError for anything it does not know. */
export function readPickle(bytes: Uint8Array, offset: number, path: string, hooks: PickleHooks): { readonly value: Pickled; readonly end: number } {
  const machine = new Machine(bytes, offset, path, hooks)
  return { value: machine.run(), end: machine.position }
}

class Machine {
  position: number
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #path: string
  readonly #hooks: PickleHooks
  #stack: Slot[] = []
  readonly #memo = new Map<number, Pickled>()

  constructor(bytes: Uint8Array, offset: number, path: string, hooks: PickleHooks) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.position = offset
    this.#path = path
    this.#hooks = hooks
  }

  #message(what: string): string { return `${this.#path}: not a readable PyTorch checkpoint: ${what} (at byte ${this.position} of its pickle)` }
  #bad(what: string): never { throw new WeightsError(this.#message(what)) }
  #ended(): never { throw new PickleEnd(this.#message('the pickle ends too early')) }

  #take(length: number): Uint8Array {
    if (this.position + length > this.#bytes.length) this.#ended()
    this.position += length
    return this.#bytes.subarray(this.position - length, this.position)
  }

  #number(size: 1 | 2 | 4 | 8): number {
    this.#take(size)
    const at = this.position - size
    if (size === 1) return this.#view.getUint8(at)
    if (size === 2) return this.#view.getUint16(at, true)
    return size === 4 ? this.#view.getUint32(at, true) : Number(this.#view.getBigUint64(at, true))
  }

  #text(length: number): string { return new TextDecoder().decode(this.#take(length)) }
  #line(): string {
    const end = this.#bytes.indexOf(10, this.position)
    if (end < 0) this.#ended()
    const text = this.#text(end - this.position)
    this.position++
    return text
  }

  #long(length: number): number | bigint {
    if (length > longestInteger) this.#bad(`an integer of ${length} bytes`)
    let value = 0n
    const digits = this.#take(length)
    for (let i = digits.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(digits[i])
    if (length > 0 && digits[length - 1] & 0x80) value -= 1n << BigInt(8 * length)
    return value >= -(2n ** 53n) && value <= 2n ** 53n ? Number(value) : value
  }

  #pop(): Pickled {
    const top = this.#stack.pop()
    if (top === undefined || top === mark) this.#bad('its stack is out of order')
    return top as Pickled
  }

  #popToMark(): Pickled[] {
    const at = this.#stack.lastIndexOf(mark)
    if (at < 0) this.#bad('its stack has no mark')
    return this.#stack.splice(at).slice(1) as Pickled[]
  }

  #top(): Pickled {
    const top = this.#stack.at(-1)
    if (top === undefined || top === mark) this.#bad('its stack is out of order')
    return top as Pickled
  }

  #setItems(items: readonly Pickled[]): void {
    const dict = this.#top()
    if (!(dict instanceof Map)) return this.#bad('items are set on something that is no dict')
    for (let i = 0; i + 1 < items.length; i += 2) dict.set(items[i], items[i + 1])
  }

  #append(items: readonly Pickled[]): void {
    const list = this.#top()
    if (!Array.isArray(list)) return this.#bad('items are appended to something that is no list')
    for (const item of items) list.push(item)
  }

  #memoGet(index: number): Pickled {
    if (!this.#memo.has(index)) this.#bad(`memo ${index} was never set`)
    return this.#memo.get(index) as Pickled
  }

  #call(): Pickled {
    const args = this.#pop()
    const callable = this.#pop()
    if (!(callable instanceof Global) || !Array.isArray(args)) return this.#bad('a call of something that is no global')
    return this.#hooks.construct(callable, args)
  }

  run(): Pickled {
    for (let steps = 0; steps < mostSteps; steps++) {
      const code = String.fromCharCode(this.#number(1))
      if (code === '.') return this.#pop()
      this.#step(code)
    }
    return this.#bad(`it takes more than ${mostSteps.toLocaleString('en-US')} steps to read, which no checkpoint of tensors does`)
  }

  #step(code: string): void {
    const push = (value: Slot): void => { this.#stack.push(value) }
    switch (code) {
      case '\x80': { const version = this.#number(1); if (version > 5) this.#bad(`pickle protocol ${version}; 5 is the newest known`); return }
      case '\x95': this.#number(8); return
      case '(': return push(mark)
      case '0': this.#stack.pop(); return
      case '1': this.#popToMark(); return
      case '2': return push(this.#top())
      case 'N': return push(null)
      case '\x88': return push(true)
      case '\x89': return push(false)
      case 'K': return push(this.#number(1))
      case 'M': return push(this.#number(2))
      case 'J': return push(this.#number(4) | 0)
      case '\x8a': return push(this.#long(this.#number(1)))
      case '\x8b': return push(this.#long(this.#number(4)))
      case 'G': this.#take(8); return push(this.#view.getFloat64(this.position - 8, false))
      case 'X': return push(this.#text(this.#number(4)))
      case '\x8c': return push(this.#text(this.#number(1)))
      case '\x8d': return push(this.#text(this.#number(8)))
      case 'T': return push(this.#text(this.#number(4)))
      case 'U': return push(this.#text(this.#number(1)))
      case 'B': return push(this.#take(this.#number(4)))
      case 'C': return push(this.#take(this.#number(1)))
      case '\x8e': return push(this.#take(this.#number(8)))
      case '}': return push(new Map())
      case ']': case ')': case '\x8f': return push([])
      case 'd': { const items = this.#popToMark(); push(new Map()); return this.#setItems(items) }
      case 'l': case 't': return push(this.#popToMark())
      case '\x85': return push([this.#pop()])
      case '\x86': { const b = this.#pop(); return push([this.#pop(), b]) }
      case '\x87': { const c = this.#pop(); const b = this.#pop(); return push([this.#pop(), b, c]) }
      case 's': { const value = this.#pop(); const key = this.#pop(); return this.#setItems([key, value]) }
      case 'u': { const items = this.#popToMark(); return this.#setItems(items) }
      case 'a': { const item = this.#pop(); return this.#append([item]) }
      case 'e': case '\x90': { const items = this.#popToMark(); return this.#append(items) }
      case 'q': this.#memo.set(this.#number(1), this.#top()); return
      case 'r': this.#memo.set(this.#number(4), this.#top()); return
      case '\x94': this.#memo.set(this.#memo.size, this.#top()); return
      case 'h': return push(this.#memoGet(this.#number(1)))
      case 'j': return push(this.#memoGet(this.#number(4)))
      case 'c': { const module = this.#line(); return push(new Global(`${module}.${this.#line()}`)) }
      case '\x93': {
        const name = this.#pop(), module = this.#pop()
        // Nothing else is made into text: a list that holds itself many times over would not end.
        if (typeof name !== 'string' || typeof module !== 'string') return this.#bad('a global whose name is no text')
        return push(new Global(`${module}.${name}`))
      }
      case 'R': case '\x81': return push(this.#call())
      // The state of an object: kept out, as only plain data is of interest (an OrderedDict's `_metadata`).
      case 'b': this.#pop(); return
      case 'Q': return push(this.#hooks.persistent(this.#pop()))
      default: this.#bad(`opcode ${JSON.stringify(code)} is not used by checkpoints`)
    }
  }
}
