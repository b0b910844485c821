// Messages of files, names, models, tasks, variants.
import type { Message } from './catalogue.ts'

export const semanticsMessages = {
  // Files and imports
  'file-not-found': { severity: 'error', message: 'cannot read {path}: no file of this name can be read', label: '' },
  'import-not-found': { severity: 'error', message: 'cannot find "{path}"', label: 'imported here', hint: 'looked for {tried}, from {from}; import paths are relative to the importing file' },
  'import-cycle': { severity: 'error', message: 'these files import each other: {path}', label: 'this import closes the cycle', hint: 'move what both need into a third file' },
  'unknown-import': { severity: 'error', message: '{path} has no block or model `{name}`', label: 'not declared there' },
  'duplicate-definition': { severity: 'error', message: '`{name}` has two meanings in this file', label: 'again here', hint: 'rename one of them; an import takes `{name} as Other`' },
  'too-many-files': { severity: 'error', message: 'more than {limit} files', label: 'this import is one too many' },
  'unused-import': { severity: 'warning', message: '`{name}` is imported but not used', label: 'not used' },

  // Names
  'unknown-name': { severity: 'error', message: 'unknown name `{name}`', label: 'not defined here' },
  'unknown-member': { severity: 'error', message: 'this has no member `{name}`', label: 'not a member' },
  'duplicate-name': { severity: 'error', message: 'two {what}s have the name `{name}`', label: 'the second' },
  'unused-let': { severity: 'warning', message: '`{name}` is not used', label: 'no one reads it', hint: 'remove it, or begin its name with `_`' },

  // Blocks
  'without-forward': { severity: 'error', message: '{what} `{name}` has no forward', label: 'declared here', hint: 'add `forward(...) = ...`: it says what the {what} computes' },
  'second-forward': { severity: 'error', message: 'there are two forwards', label: 'the second' },
  'recursive-block': { severity: 'error', message: 'block `{name}` contains itself: {path}', label: 'this closes the cycle', hint: 'blocks cannot contain themselves; repeat with a list, `[for i in 0..depth: ...]`' },
  'after-return': { severity: 'error', message: 'nothing can follow `return`', label: 'never reached' },
  'return-in-loop': { severity: 'error', message: '`return` inside a loop', label: 'here', hint: 'loops are unrolled: collect into a local and return it after the loop' },

  // Models
  'no-models': { severity: 'error', message: '{path} declares no model', label: '' },
  'choose-model': { severity: 'error', message: '{path} declares several models: {names}', label: '', hint: 'choose one with --model NAME' },
  'unknown-model': { severity: 'error', message: 'there is no model `{name}`', label: 'not found' },
  'not-a-model': { severity: 'error', message: '`{name}` is a block, not a model', label: 'a model is expected' },
  'no-tasks': { severity: 'error', message: 'model `{name}` has no tasks', label: 'declared here', hint: 'add at least one, for example `task semseg = segmentation(classes = cityscapes.classes)`' },
  'no-data': { severity: 'error', message: 'model `{name}` names no data set', label: 'declared here' },
  'second-section': { severity: 'error', message: 'there are two `{what}` sections', label: 'the second' },
  'unknown-data': { severity: 'error', message: 'there is no data set `{name}`', label: 'unknown' },
  'field-value': { severity: 'error', message: '{where}: {reason}', label: 'here' },
  'member-cycle': { severity: 'error', message: '`{name}` is defined by way of itself: {path}', label: 'this depends on itself' },
  'task-name': { severity: 'error', message: '`{name}` cannot be the name of a task', label: 'here', hint: 'outputs are named after tasks: no blanks, `/` or `.`, and none of {reserved}' },
  'not-a-kind': { severity: 'error', message: 'task `{name}` is {found}, not a kind of task', label: 'here', hint: 'these exist: segmentation, depth, detection3d' },
  'not-a-block': { severity: 'error', message: '{what} of task `{name}` must be a block, found {found}', label: 'here' },
  'model-arguments': { severity: 'error', message: 'the forward of a model takes the image and nothing else; this one takes {count} arguments', label: 'here', hint: 'write `forward(image: [B, 3, H, W])`' },
  'model-result': { severity: 'error', message: 'the model must return a record with one field per task, found {found}', label: 'returned here' },
  'unused-task': { severity: 'error', message: 'task `{name}` is not in the result of forward', label: 'declared here', hint: 'the result has {found}; return a field `{name}`, or drop the task' },
  'extra-output': { severity: 'error', message: 'the result of forward has a field `{name}` that is no task', label: 'returned here' },
  'wrong-prediction': { severity: 'error', message: 'task `{name}` ({kind}): {reason}', label: 'the task' },
  'level-grid': { severity: 'warning', message: 'task `{name}`: level {level} has {grid} points, but stride {stride} on {image} makes {expected}', label: 'the task', hint: 'points and pixels will not agree; see `strides` and `resize`' },
  'unused-head': { severity: 'warning', message: 'the head of task `{name}` is never called', label: 'not called', hint: 'call it in forward: `t.head(...)`' },
  'nothing-to-train': { severity: 'error', message: 'no task of `{name}` has a loss', label: 'declared here', hint: 'give at least one task `loss = ...`' },
  'loss-result': { severity: 'error', message: 'the loss of task `{name}` must be a scalar or a record of scalars, found {found}', label: 'this loss' },
  'no-train': { severity: 'error', message: 'model `{name}` does not say how to train it', label: 'declared here' },
  'unused-group': { severity: 'error', message: 'no parameter has a path that fits `{pattern}`', label: 'fits nothing' },
  'all-frozen': { severity: 'error', message: 'all {count} parameters are frozen: nothing is left to train', label: 'by these groups' },
  'nothing-to-weigh': { severity: 'error', message: '{kind} weighs the losses of several tasks against each other, and one task is trained', label: 'here', hint: 'leave out `weighting`' },
  'unused-rename': { severity: 'warning', message: 'no tensor has a path that is `{name}` or begins with `{name}.`', label: 'changes nothing' },

  // Variants
  'variant-cycle': { severity: 'error', message: 'model `{name}` rests on itself', label: 'this closes the cycle' },
  'unknown-path': { severity: 'error', message: '{where} has no `{name}`', label: 'not found' },
  'path-into-value': { severity: 'error', message: '`{path}` is {found}; there is nothing inside to override', label: 'here' },
  'section-as-value': { severity: 'error', message: '`{name}` is a section of the model, not a value', label: 'here' },
  'empty-variant': { severity: 'error', message: 'variant `{name}` overrides nothing', label: 'declared here', hint: 'say what it changes, for example `train.steps = 1000`' },
  'override-changes-nothing': { severity: 'error', message: '`{path}` is already {value}', label: 'changes nothing', hint: 'remove this override' },
  'unused-replacement': { severity: 'error', message: 'no block `{name}` is used in this model', label: 'replaces nothing' },
} as const satisfies Record<string, Message>
