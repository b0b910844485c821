// Names of a file to names of a model: as they are, before rename, of a part of the model, below a path of the file.
import { describe, expect, it } from 'vitest'
import { mapNames } from '../../src/runtime/weights/names.ts'

const model = new Set(['encoder.stem.weight', 'encoder.stem.bias', 'encoder.norm.weight', 'encoder.norm.bias', 'encoder.fuse.weight', 'head.weight', 'head.bias'])
const renames = [['decoder.fuse', 'encoder.fuse'], ['wrapped', '']] as const
const map = (...file: string[]): Record<string, unknown> => { const { names, note } = mapNames(file, model, renames); return { ...Object.fromEntries(names), ...(note === undefined ? {} : { note }) } }

describe('names', () => {
  it('are taken as they are', () => {
    expect(map('encoder.stem.weight', 'head.bias', 'other')).toEqual({ 'encoder.stem.weight': 'encoder.stem.weight', 'head.bias': 'head.bias' })
  })
  it('may be paths before rename', () => {
    expect(map('decoder.fuse.weight', 'wrapped.head.weight')).toEqual({ 'decoder.fuse.weight': 'encoder.fuse.weight', 'wrapped.head.weight': 'head.weight' })
  })
  it('are taken once: the published name wins', () => {
    expect(map('decoder.fuse.weight', 'encoder.fuse.weight')).toEqual({ 'encoder.fuse.weight': 'encoder.fuse.weight' })
  })
  it('of a part of the model are found below its path', () => {
    expect(map('stem.weight', 'stem.bias', 'norm.weight', 'classifier.bias')).toEqual({
      'stem.weight': 'encoder.stem.weight', 'stem.bias': 'encoder.stem.bias', 'norm.weight': 'encoder.norm.weight', note: 'names of the file are taken below "encoder" of the model',
    })
  })
  it('are found below a path of the file', () => {
    expect(map('net.model.encoder.stem.weight', 'net.model.head.bias', 'net.decoder.fuse.weight')).toEqual({
      'net.model.encoder.stem.weight': 'encoder.stem.weight', 'net.model.head.bias': 'head.bias', note: '"net.model." is taken off the names of the file',
    })
  })
  it('are not guessed where two paths fit as well', () => {
    expect(map('weight', 'bias')).toEqual({})
    expect(map('a.weight', 'b.bias', 'c')).toEqual({})
  })
  it('are not guessed from less than half of the file', () => {
    expect(map('stem.weight', 'x', 'y')).toEqual({})
  })
})
