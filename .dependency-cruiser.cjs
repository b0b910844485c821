// Imports run one way: grammar -> compiler (in the order of the pipeline) -> runtime -> cli. The compiler is pure.
const rule = (name, from, to, comment) => ({ name, severity: 'error', comment, from: { path: from }, to: { path: to } })
const compiler = 'src/compiler'
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    rule('compiler-is-pure', '^(src/compiler|grammar)', '^(node:|fs$|path$|os$|worker_threads$|child_process$|src/runtime|src/cli)', 'the compiler touches no files, processes or engines'),
    rule('runtime-below-cli', '^src/runtime', '^src/(cli|page)'),
    rule('page-is-for-browsers', '^src/page', '^(src/cli|sharp$|onnxruntime-node$|@napi-rs)', 'what of Node the page could reach, its build refuses'),
    rule('diagnostics-first', `^${compiler}/diagnostics`, `^${compiler}/(?!diagnostics)`),
    rule('syntax-second', `^${compiler}/syntax`, `^${compiler}/(?!diagnostics|syntax)`),
    rule('ir-knows-no-language', `^${compiler}/(ir|rules)`, `^${compiler}/(syntax|semantics|passes|training|targets)`),
    rule('passes-know-no-language', `^${compiler}/passes`, `^${compiler}/(syntax|semantics|targets)`),
    rule('targets-know-no-language', `^${compiler}/targets`, `^${compiler}/syntax`),
  ],
  options: { tsPreCompilationDeps: true, tsConfig: { fileName: 'tsconfig.json' }, doNotFollow: { path: 'node_modules' }, enhancedResolveOptions: { extensions: ['.ts', '.js'] } },
}
