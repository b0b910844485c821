// Writes an ONNX graph as protobuf bytes, large tensors in a second file.
import protobuf from 'onnx-proto'
import { irVersionOf, type OnnxAttribute, type OnnxDType, type OnnxGraph, type OnnxNode, type OnnxTensor, type OnnxValueInfo } from './graph.ts'
import { lowerProgram, type LowerOptions, type Lowered } from './lower.ts'
import type { Program } from '../../ir/program.ts'

const { onnx } = protobuf
const ELEMENT = { float32: 1, int32: 6, int64: 7, bool: 9 } as const satisfies Record<OnnxDType, number>
const ATTRIBUTE = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, ints: 7 } as const
/** TensorProto.DataLocation.EXTERNAL */
const EXTERNAL = 1
/** Tensors below this many bytes stay in the model: shapes and scalars must be readable without the second file. */
const INLINE_BYTES = 1024
const ALIGNMENT = 64
/** protobuf messages end at 2 GiB; well before, weights go to a second file */
const DEFAULT_EXTERNAL_BYTES = 512 * 2 ** 20

export interface EncodeOptions extends LowerOptions {
  /** Weights go to a second file when all together exceed this many bytes (512 MiB); 0 for always. */
  readonly external?: number
  /** Name of the second file, as it will lie beside the model. */
  readonly dataName?: string
  /** Key -> text, kept in the file beside the graph. */
  readonly metadata?: Readonly<Record<string, string>>
}

/** The second file: its bytes are the chunks, one after the other. */
export interface ExternalData { readonly name: string; readonly size: number; readonly chunks: readonly Uint8Array[] }
export interface EncodedModel { readonly model: Uint8Array; readonly external: ExternalData | undefined; readonly lowered: Lowered }

/** Lower and encode. Throws OnnxTargetError if the program cannot be expressed with these options. */
export function encodeModel(program: Program, options: EncodeOptions = {}): EncodedModel {
  const lowered = lowerProgram(program, options)
  return { ...encodeGraph(lowered.graph, options.external, options.dataName ?? `${program.name || 'model'}.data`, options.metadata), lowered }
}

export function encodeGraph(graph: OnnxGraph, threshold = DEFAULT_EXTERNAL_BYTES, dataName = 'model.data', metadata: Readonly<Record<string, string>> = {}): { model: Uint8Array; external: ExternalData | undefined } {
  const total = graph.initialisers.reduce((n, t) => n + t.data.byteLength, 0)
  const writer = total > threshold ? new ExternalWriter(dataName) : undefined
  const initializer = graph.initialisers.map(t => writer !== undefined && t.data.byteLength >= INLINE_BYTES
    ? { name: t.name, dataType: ELEMENT[t.dtype], dims: [...t.dims], dataLocation: EXTERNAL, externalData: writer.add(bytesOf(t)) }
    : tensor(t))
  const contrib = graph.nodes.some(n => n.domain !== '')
  const model = onnx.ModelProto.encode({
    irVersion: irVersionOf(graph.opset), producerName: 'mtlc',
    opsetImport: [{ domain: '', version: graph.opset }, ...(contrib ? [{ domain: 'com.microsoft', version: 1 }] : [])],
    graph: {
      name: graph.name, initializer, input: graph.inputs.map(valueInfo), output: graph.outputs.map(valueInfo),
      node: graph.nodes.map(node),
    },
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  }).finish()
  return { model, external: writer?.finish() }
}

class ExternalWriter {
  readonly #name: string
  readonly #chunks: Uint8Array[] = []
  #size = 0

  constructor(name: string) { this.#name = name }

  /** Append at the next aligned offset; returns the tensor's reference. */
  add(bytes: Uint8Array): { key: string; value: string }[] {
    const gap = (ALIGNMENT - this.#size % ALIGNMENT) % ALIGNMENT
    if (gap > 0) this.#chunks.push(new Uint8Array(gap))
    const offset = this.#size + gap
    this.#chunks.push(bytes)
    this.#size = offset + bytes.length
    return [{ key: 'location', value: this.#name }, { key: 'offset', value: `${offset}` }, { key: 'length', value: `${bytes.length}` }]
  }

  finish(): ExternalData { return { name: this.#name, size: this.#size, chunks: this.#chunks } }
}

const bytesOf = (t: OnnxTensor): Uint8Array => new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength)

const node = (n: OnnxNode): protobuf.onnx.INodeProto => ({ name: n.name, opType: n.op, domain: n.domain, docString: n.doc, input: n.inputs, output: n.outputs, attribute: Object.entries(n.attributes).map(attribute) })

const tensor = (t: OnnxTensor): protobuf.onnx.ITensorProto => ({ name: t.name, dataType: ELEMENT[t.dtype], dims: [...t.dims], rawData: bytesOf(t) })

const valueInfo = (v: OnnxValueInfo): protobuf.onnx.IValueInfoProto => {
  const type = { tensorType: { elemType: ELEMENT[v.dtype], shape: v.hidden === true ? undefined : { dim: v.dims.map(d => typeof d === 'number' ? { dimValue: d } : { dimParam: d }) } } }
  return { name: v.name, type: v.sequence ? { sequenceType: { elemType: type } } : type }
}

function attribute([name, value]: [string, OnnxAttribute]): protobuf.onnx.IAttributeProto {
  if (typeof value === 'number') return { name, type: ATTRIBUTE.int, i: value }
  if (typeof value === 'string') return { name, type: ATTRIBUTE.string, s: new TextEncoder().encode(value) }
  if ('float' in value) return { name, type: ATTRIBUTE.float, f: value.float }
  if ('graph' in value) { const { graph } = value; return { name, type: ATTRIBUTE.graph, g: { name: graph.name, node: graph.nodes.map(node), input: graph.inputs.map(valueInfo), output: graph.outputs.map(valueInfo) } } }
  if ('tensor' in value) return { name, type: ATTRIBUTE.tensor, t: tensor(value.tensor) }
  return { name, type: ATTRIBUTE.ints, ints: [...value] }
}
