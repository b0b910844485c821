// Names of what the strategies for loss weights add to a program.

/** Path of the learned logarithms of variances: one parameter per task below it. */
export const logVariances = 'log_variance'
/** Scalar input: the factor of a task in this step. */
export const weightScalar = (task: string): string => `scalar/weight/${task}`
/** State: the factor of a task, and its loss in the first step. */
export const gradnormWeight = (task: string): string => `gradnorm.weight/${task}`
export const gradnormInitial = (task: string): string => `gradnorm.initial/${task}`
