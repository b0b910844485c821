// Runs an ONNX file on the generated image and writes its outputs as .safetensors: node run-onnx.js FILE.onnx OUT ROWS COLUMNS [BATCH].
import { runOnnxFile } from '../../src/runtime/engines/onnxruntime/onnx-file.ts'
import { writeSafetensors } from '../../src/runtime/weights/safetensors.ts'
import { storeTensor } from '../../src/runtime/weights/tensors.ts'
import { generatedImage } from '../support/generated.ts'

const [file, out, rows, columns, batch = '1'] = process.argv.slice(2)
const image = generatedImage([Number(batch), 3, Number(rows), Number(columns)])
const found = await runOnnxFile(file, { image })
writeSafetensors(out, new Map([['image', storeTensor(image)], ...Object.entries(found).map(([name, t]) => [name, storeTensor(t)] as const)]))
