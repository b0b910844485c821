// Texts of files for the tests of modules, models and variants, and their findings as the user sees them.
import { renderDiagnostic, type Diagnostic, type SourceHost } from '../../src/compiler/index.ts'
import { checkFile, elaborate } from '../../src/compiler/index.ts'
import type { ElaborateOptions } from '../../src/compiler/semantics/models.ts'

export type Files = Readonly<Record<string, string>>

export const hostOf = (files: Files): SourceHost => ({ read: path => files[path] })

export const rendered = (diagnostics: readonly Diagnostic[], files: Files, set: readonly string[] = []): string =>
  diagnostics.map(d => renderDiagnostic(d, path => (path === '--set' ? set.join('\n') : files[path]))).join('\n\n')

/** Everything that checkFile finds in the first file. */
export const check = (files: Files | string): string => {
  const all = typeof files === 'string' ? { 'a.mtl': files } : files
  return rendered(checkFile(Object.keys(all)[0], hostOf(all)).diagnostics, all)
}

/** What elaboration finds in the first file. */
export const complaints = (files: Files | string, options: Partial<ElaborateOptions> = {}): string => {
  const all = typeof files === 'string' ? { 'a.mtl': files } : files
  return rendered(elaborate(Object.keys(all)[0], hostOf(all), { mode: 'train', ...options }).diagnostics, all, options.set)
}

/** The elaborated model; throws what was found if there are errors. */
export function elaborated(files: Files | string, options: Partial<ElaborateOptions> = {}): NonNullable<ReturnType<typeof elaborate>['model']> {
  const all = typeof files === 'string' ? { 'a.mtl': files } : files
  const { model, diagnostics } = elaborate(Object.keys(all)[0], hostOf(all), { mode: 'train', ...options })
  if (model === undefined) throw new Error(rendered(diagnostics, all, options.set))
  return model
}

/** Blocks that the models below are made of. */
export const blocks = `block Conv(out: int, kernel: int = 1) {
  param weight: [out, C, kernel, kernel] = normal(0.02)
  forward(x: [B, C, H, W]) -> [B, out, H, W] = conv2d(x, weight, padding = kernel div 2)
}
block Stem(width: int = 8, norm: block? = none) {
  conv = Conv(width, kernel = 3)
  forward(x: [B, 3, H, W]) -> [B, width, H, W] = x |> conv |> relu
}
block Dense(out: int, hidden: int = 4, size: size) {
  inner = Conv(hidden)
  outer = Conv(out)
  forward(x: [B, C, H, W]) = x |> inner |> relu |> outer |> resize(size)
}
block CrossEntropy(ignore: int = 255) {
  forward(x: any, target: record) = cross_entropy(x, target.labels, ignore)
}
block L1() {
  forward(x: any, target: record) = mean(l1(x, target.depth))
}
`

/** A small model with two tasks; what the tests change stands on lines of its own. */
export const small = `model Small {
  data cityscapes3d { image = 16 x 32 }
  let width = 8
  task semseg = segmentation(classes = ["road", "car"]) {
    head   = Dense(out = 2, size = data.image)
    loss   = CrossEntropy()
    weight = 10
  }
  task depth = depth() {
    head = Dense(out = 1, size = data.image)
    loss = L1()
  }
  stem = Stem(width)
  forward(image: [B, 3, H, W]) {
    let x = stem(image)
    return {for t in tasks: t.head(x)}
  }
  train { optimizer = adam(lr = 1e-3); batch = 2; steps = 10 }
}
`

export const text = blocks + small
