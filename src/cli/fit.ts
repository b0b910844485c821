// What train, eval and export share: first values of a model's tensors, from a seed or a weights file.
import { elaborate, type ElaboratedModel } from '../compiler/index.ts'
import { sameShape, type Shape, type TensorData } from '../compiler/ir/types.ts'
import { bindWeights, storedInputs, type Misshapen } from '../runtime/weights/bind.ts'
import { readWeights } from '../runtime/weights/read.ts'
import { checkBinding } from '../runtime/weights/report.ts'
import { FileHost, sourceName, type CompileOptions } from './project.ts'

export { fillState } from './first-values.ts'

/** Where the model came from: lets a misfit be explained by compiling it at other resolutions. */
export interface ModelSource { readonly file: string; readonly options: Pick<CompileOptions, 'model' | 'set'> }

/** Values of a weights file that fit the model; what does not fit is said on stderr, or is an error (`complete`: nothing may be missing). Throws WeightsError. */
export function loadWeights(path: string, model: ElaboratedModel, complete: boolean, source?: ModelSource): Record<string, TensorData> {
  const { values, report } = bindWeights(model, readWeights(path))
  const reason = source === undefined ? undefined : (misshapen: readonly Misshapen[]): string[] => explainByResolution(model, source, misshapen)
  for (const note of checkBinding(path, model, report, complete, reason)) process.stderr.write(`${note}\n`)
  return values
}

/** Resolutions that a checkpoint may be of, as parts of the model's: those in use differ by small factors. */
const ratios = [1 / 2, 2, 3 / 4, 4 / 3, 1 / 4, 4, 3 / 8, 8 / 3, 1 / 8, 8]

/** Shapes may follow from the size of the image: says so if the misfit goes away at another size, or if the tensors are of that kind. */
export function explainByResolution(model: Pick<ElaboratedModel, 'data'>, { file, options }: ModelSource, misshapen: readonly Misshapen[]): string[] {
  const text = (size: readonly number[]): string => size.join(' x ')
  const { image } = model.data
  const follows = new Set<string>()
  for (const ratio of ratios) {
    const size = image.map(n => n * ratio)
    const shapes = size.every(Number.isInteger) ? shapesAt(file, options, size) : undefined
    if (shapes === undefined) continue
    const at = (name: string): Shape => shapes.get(name) ?? []
    if (misshapen.every(m => sameShape(at(m.name), m.found))) {
      return [
        `these shapes follow from the size of the image, here ${text(image)}: the file was trained at ${text(size)}, and its tensors cannot be resized`,
        `fix: --set data.image=${size.join('x')}, or weights that were trained at ${text(image)}`,
      ]
    }
    for (const m of misshapen) if (!sameShape(at(m.name), m.expected)) follows.add(m.name)
  }
  return follows.size < misshapen.length ? [] : [`these shapes follow from the size of the image, here ${text(image)}: the file seems to have been trained at another resolution`]
}

/** Shapes by name of the same model for images of another size; undefined if it does not compile there. */
function shapesAt(file: string, { model: name, set = [] }: ModelSource['options'], size: readonly number[]): Map<string, Shape> | undefined {
  const { model } = elaborate(sourceName(file), new FileHost(), { model: name, set: [...set, `data.image=${size.join('x')}`], mode: 'infer', batch: 1 })
  return model === undefined ? undefined : new Map(storedInputs(model).map(i => [i.name, i.type.shape]))
}
