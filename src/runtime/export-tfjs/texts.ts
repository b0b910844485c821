// package.json and README.md of an exported model.
import type { ModelFacts } from '../model-facts.ts'
import { names } from './layout.ts'

/** A name that npm takes. */
const packageName = (model: string): string => model.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase().replace(/[^a-z0-9._-]+/g, '-').replace(/^[._-]+/, '') || 'model'

/** Everything is inside: nothing is to be installed. */
export const packageText = (model: string): string => `${JSON.stringify({
  name: packageName(model), version: '1.0.0', private: true, type: 'module', description: `${model}, exported by mtlc for TensorFlow.js`,
  exports: { '.': `./${names.bundle}`, './model.js': `./${names.module}`, './*': './*' }, sideEffects: true,
}, null, 2)}\n`

const meaning = (task: ModelFacts['tasks'][number]): string => {
  const { config, name } = task
  switch (config.kind) {
    case 'segmentation': return `- \`${name}\`: segmentation; \`classes\` holds a class index per pixel of the picture (${config.classes.length} classes: \`config.classes\`)`
    case 'depth': return `- \`${name}\`: ${config.quantity}; \`values\` holds ${config.quantity === 'depth' ? 'metres' : 'pixels of disparity'} per pixel of the picture`
    case 'detection3d': return `- \`${name}\`: 3D boxes; \`detections\` holds label, score, centre, dimensions and rotation in the frame of the vehicle (metres; x ahead, y left, z up), and 2D boxes in pixels`
  }
}

export const readmeText = ({ name, data: { image: [rows, columns], mean, std }, tasks }: ModelFacts): string => `# ${name}

Exported by mtlc for TensorFlow.js. Nothing has to be installed: \`${names.bundle}\` holds the model, TensorFlow.js and its WebAssembly and WebGPU backends.

**Try it in a browser:** \`mtlc demo .\`, or any server of static files, and open \`${names.page}\`. With the headers \`Cross-Origin-Opener-Policy: same-origin\` and \`Cross-Origin-Embedder-Policy: require-corp\` WebAssembly uses all cores.

**In a program,** in Node (from 20) and in a page alike:

\`\`\`js
import { load } from './${names.bundle}'

const model = await load({ backend: 'auto' }) // webgpu, else wasm
const picture = { height, width, data } // RGB bytes of any picture, row by row
const predictions = await model.predict(picture) // one per task; a camera may follow the picture
const { outputs, time } = await model.run(image) // Float32Array [1, 3, ${rows}, ${columns}], (RGB / 255 - mean) / std, mean [${mean.join(', ')}], std [${std.join(', ')}]
model.dispose()
\`\`\`

Predictions, in this order:

${tasks.map(meaning).join('\n')}

With a TensorFlow.js of your own (\`@tensorflow/tfjs-node-gpu\`, a backend that is not in the bundle), two modules are enough. \`run(tf, given, constants)\` of each takes the tensors that it lists as \`inputs\` and \`constants\`, and gives back a tensor per output, which is
yours to dispose of: \`${names.prepare}\` once, from the weights to what follows from them alone, then \`${names.module}\` per image, with the weights and all of that. Weights and constants are in the .safetensors files, the latter as \`constant/${names.module}/NAME\`.

| file | holds |
|---|---|
| \`${names.module}\`, \`${names.prepare}\` | the model as calls of TensorFlow.js, to be read; what is computed of its weights once |
| \`model-*.safetensors\`, \`${names.index}\` | its weights by name, and which file has which |
| \`${names.facts}\` | size, mean and standard deviation of its input, its tasks, the scenes |
| \`${names.bundle}\`, \`*.wasm\` | everything that runs it |
| \`${names.page}\`, \`page.*\`, \`worker.js\`, \`${names.scenes}/\` | the page |
`
