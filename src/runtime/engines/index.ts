// Finds the engine that was asked for, or the best one here.
import { EngineError, type Engine } from './engine.ts'
import { openOnnxRuntime } from './onnxruntime/engine.ts'
import { openTfjs } from './tfjs/engine.ts'
import { tfjsDevices } from './tfjs/protocol.ts'

export interface EngineChoice {
  readonly engine: string
  /** Devices of the engine; its default where undefined. */
  readonly device?: string
  readonly threads?: number
}

/** What an engine runs on, and how it is started. */
interface Offer { readonly devices: readonly string[]; readonly open: (choice: EngineChoice) => Promise<Engine> }

export const engines: Readonly<Record<string, Offer>> = {
  onnxruntime: { devices: ['cpu', 'webgpu', 'cuda'], open: ({ device, threads }) => openOnnxRuntime({ device, threads }) },
  tfjs: { devices: tfjsDevices, open: ({ device, threads }) => openTfjs({ device, threads }) },
}

/** Names for `--engine`. */
export const engineNames: readonly string[] = ['auto', ...Object.keys(engines)]

/** `auto` is onnxruntime. Throws EngineError for an unknown engine or device, or where the engine cannot be loaded. */
export async function openEngine(choice: EngineChoice): Promise<Engine> {
  const name = choice.engine === 'auto' ? 'onnxruntime' : choice.engine
  const offer = engines[name]
  if (offer === undefined) throw new EngineError(`there is no engine "${choice.engine}": choose one of ${engineNames.join(', ')}`)
  if (choice.device !== undefined && !offer.devices.includes(choice.device)) throw new EngineError(`the engine ${name} has no device "${choice.device}": choose one of ${offer.devices.join(', ')}`)
  return offer.open(choice)
}
