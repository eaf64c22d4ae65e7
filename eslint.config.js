import js from '@eslint/js'
import {createTypeScriptImportResolver} from 'eslint-import-resolver-typescript'
import importX from 'eslint-plugin-import-x'
import tseslint from 'typescript-eslint'

/**
 * Imports run one way, from the top row to the bottom one; a room may import itself and every room below its own row.
 * Rooms of one row are independent of each other, except that all of them share the interfaces in src/store.
 */
const rows = [
  ['bin'],
  ['commands'],
  ['src/index.ts'],
  ['src/library'],
  ['src/cli'],
  ['src/operations'],
  ['src/archive', 'src/export'],
  ['src/registry', 'src/server', 'src/layer'],
  ['src/store'],
  ['src/disk'],
  ['src/image', 'src/stream'],
  ['src/oci'],
  ['src/errors.ts'],
]

/** For every room: the rooms it must not import, which are all of its own row but itself and all of the rows above. */
const zones = rows
  .flatMap((row, depth) =>
    row.map((target) => ({
      target: `./${target}`,
      from: rows
        .slice(0, depth + 1)
        .flat()
        .filter((room) => room !== target)
        .map((room) => `./${room}`),
      message:
        'imports run bin -> commands -> library -> cli -> operations -> archive|export -> registry|server|layer -> store -> disk -> image|stream -> oci',
    })),
  )
  .filter((zone) => zone.from.length > 0)

const pure = [
  'node:fs',
  'node:fs/promises',
  'node:http',
  'node:https',
  'node:net',
  'node:os',
  'node:child_process',
  'node:process',
  'got',
  'execa',
]

/** Documents are read in one place, as every other program reads them. */
const oneReading = {
  selector:
    ':not(MemberExpression[computed=false][property.name="stringify"]) > Identifier[name="JSON"]',
  message:
    'documents are read by parseDocument, which knows their members; other JSON by parseJsonValue',
}

export default tseslint.config(
  {ignores: ['dist/', 'coverage/', 'node_modules/', 'bench/.peers/']},
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: {allowDefaultProject: ['*.ts']},
        tsconfigRootDir: import.meta.dirname,
      },
    },
    plugins: {'import-x': importX},
    settings: {
      'import-x/extensions': ['.ts', '.js', '.mjs'],
      'import-x/parsers': {'@typescript-eslint/parser': ['.ts']},
      'import-x/resolver-next': [
        createTypeScriptImportResolver({
          project: ['tsconfig.json', 'test/tsconfig.json'],
          noWarnOnMultipleProjects: true,
        }),
      ],
    },
    rules: {
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': ['error', {zones}],
      'max-lines': ['error', {max: 300, skipBlankLines: true, skipComments: true}],
      '@typescript-eslint/restrict-template-expressions': ['error', {allowNumber: true}],
      '@typescript-eslint/no-unnecessary-condition': ['error', {allowConstantLoopConditions: true}],
      '@typescript-eslint/prefer-readonly': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', {ignoreArrowShorthand: true}],
    },
  },
  {
    files: ['src/**'],
    ignores: ['src/cli/**'],
    rules: {'no-restricted-imports': ['error', {patterns: ['@oclif/*']}]},
  },
  {
    files: ['src/**', 'commands/**'],
    ignores: ['src/oci/json*.ts'],
    rules: {
      'no-restricted-syntax': ['error', oneReading],
    },
  },
  {
    files: ['src/oci/**', 'src/image/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: ['@oclif/*'],
          paths: pure.map((name) => ({name, message: 'src/oci and src/image are pure'})),
        },
      ],
      'no-restricted-globals': ['error', 'process', 'fetch', 'setTimeout', 'performance'],
      'no-restricted-properties': [
        'error',
        {object: 'Date', property: 'now', message: 'the clock is passed in'},
        {object: 'Math', property: 'random', message: 'chance is passed in'},
      ],
    },
  },
  {
    // errors are not answers: src/disk/error-answers.ts says which errors may become a value
    files: ['src/{store,disk,server,export,archive}/**'],
    ignores: [
      'src/disk/error-answers.ts',
      // who they cannot ask they take for alive, not ours, or not there: that is on the safe side
      'src/disk/{lock,lock-file,held-lock,folder-life,trusted-folder,owned-name,private-folder,own-file,home-folder,remove-tree}.ts',
    ],
    rules: {
      'no-restricted-syntax': [
        'error',
        oneReading,
        ...[
          "CallExpression[callee.property.name='catch'] > ArrowFunctionExpression[params.length=0]:not([body.type='CallExpression'])",
          "CallExpression[callee.property.name='then'] > ArrowFunctionExpression[params.length=0]:nth-child(2)",
          'CatchClause[param=null]',
        ].map((selector) => ({
          selector,
          message:
            'an error is no answer: use ifAbsent, ifDamaged, ifUnfit or quietly of src/disk/error-answers.ts',
        })),
        {
          selector: 'CallExpression[callee.name=/^(existsSync|accessSync)$/]',
          message: 'any error would mean "not there": use stat or lstat with ifAbsent',
        },
      ],
    },
  },
  {
    files: ['commands/**'],
    rules: {'max-lines': ['error', {max: 100, skipBlankLines: true, skipComments: true}]},
  },
  {
    files: ['test/**'],
    rules: {
      'max-lines': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: {
      ...tseslint.configs.disableTypeChecked.languageOptions,
      globals: {
        process: 'readonly',
        console: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
        performance: 'readonly',
        fetch: 'readonly',
        setTimeout: 'readonly',
        structuredClone: 'readonly',
      },
    },
  },
  {
    // see bin/run.js
    files: ['bin/*.js'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: {require: 'readonly', __dirname: 'readonly'},
    },
    rules: {'@typescript-eslint/no-require-imports': 'off'},
  },
)
