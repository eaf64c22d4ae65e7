import js from '@eslint/js'
import importX from 'eslint-plugin-import-x'
import {existsSync} from 'node:fs'
import {dirname, join} from 'node:path'
import tseslint from 'typescript-eslint'
import {zones} from './test/support/import-rows.mjs'
import {assertingTests, namedRows} from './test/support/test-rules.mjs'

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

/** Comments are wrapped; prettier, which wraps the code, leaves them alone. */
const commentWidth = {
  create: (context) => ({
    Program() {
      for (const comment of context.sourceCode.getAllComments()) {
        if (/^\s*(?:eslint|prettier|@ts|v8)\b/.test(comment.value)) continue
        for (let line = comment.loc.start.line; line <= comment.loc.end.line; line++) {
          const text = context.sourceCode.lines[line - 1]
          if (text.length <= 100 || /https?:\/\/\S{60}/.test(text)) continue
          context.report({loc: {line, column: 100}, message: 'wrap comments at 100 columns'})
        }
      }
    },
  }),
}

/**
 * Where the files of this repository import from: relative paths that say `.js`, and mean a `.ts`
 * where there is one. Packages are in no row of imports.
 */
const ownImports = {
  interfaceVersion: 3,
  name: 'own-imports',
  resolve(name, file) {
    if (!name.startsWith('.')) return {found: true, path: null}
    const path = join(dirname(file), name)
    const source = path.replace(/\.js$/, '.ts')
    const found = [source, path].find((each) => existsSync(each))
    return found === undefined ? {found: false} : {found: true, path: found}
  },
}

/** A parameter that is taken apart into many names wants to be passed on whole. */
const mostNames = 8
const namesTaken = {
  create: (context) => {
    const check = ({params}) => {
      for (const param of params) {
        const pattern = param.type === 'AssignmentPattern' ? param.left : param
        if (pattern.type !== 'ObjectPattern' || pattern.properties.length <= mostNames) continue
        const message = `takes apart more than ${mostNames} names from one argument: pass parts of it on`
        context.report({node: pattern, message})
      }
    }
    return {
      FunctionDeclaration: check,
      FunctionExpression: check,
      ArrowFunctionExpression: check,
    }
  },
}

export default tseslint.config(
  // AssemblyScript is no TypeScript, though it looks so
  // the last two are made by bin/threads.mjs
  {
    ignores: [
      '{dist,coverage,node_modules,bench/.peers,**/wasm}/',
      '**/{read,part,look}-worker.js',
    ],
  },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        // one program for all sources and tests: the sources are in that of the tests, too
        project: 'test/tsconfig.json',
        tsconfigRootDir: import.meta.dirname,
      },
    },
    plugins: {
      'import-x': importX,
      inject: {
        rules: {
          'comment-width': commentWidth,
          'asserting-tests': assertingTests,
          'names-taken': namesTaken,
          'named-rows': namedRows,
        },
      },
    },
    settings: {
      'import-x/extensions': ['.ts', '.js', '.mjs'],
      'import-x/parsers': {'@typescript-eslint/parser': ['.ts']},
      'import-x/resolver-next': [ownImports],
    },
    rules: {
      'inject/comment-width': 'error',
      'import-x/no-duplicates': ['error', {'prefer-inline': true}],
      'import-x/no-restricted-paths': ['error', {zones}],
      'max-lines': ['error', {max: 300, skipBlankLines: true, skipComments: true}],
      '@typescript-eslint/restrict-template-expressions': ['error', {allowNumber: true}],
      '@typescript-eslint/no-unnecessary-condition': ['error', {allowConstantLoopConditions: true}],
      '@typescript-eslint/prefer-readonly': 'error',
      // there are no enums here: erasableSyntaxOnly of tsconfig.json refuses them
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', {ignoreArrowShorthand: true}],
    },
  },
  {
    files: ['src/**', 'commands/**'],
    rules: {
      '@typescript-eslint/max-params': ['error', {max: 4}],
      'inject/names-taken': 'error',
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
    rules: {'no-restricted-syntax': ['error', oneReading]},
  },
  {
    files: ['src/oci/**', 'src/image/**', 'src/attest/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: ['@oclif/*'],
          paths: pure.map((name) => ({name, message: 'oci, image and attest are pure'})),
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
    files: ['src/{store,disk,server,fast,site,archive}/**'],
    ignores: [
      'src/disk/error-answers.ts',
      // who they cannot ask they take for alive, not ours, or not there: that is on the safe side
      'src/disk/{lock,lock-file,held-lock,folder-life,trusted-folder,owned-name,private-folder,home-folder,remove-tree}.ts',
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
      'inject/asserting-tests': 'error',
      'inject/named-rows': 'error',
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
        WebAssembly: 'readonly',
      },
    },
  },
  {
    // see bin/run.js
    files: ['bin/*.js'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: {require: 'readonly', __dirname: 'readonly', __filename: 'readonly'},
    },
    rules: {'@typescript-eslint/no-require-imports': 'off'},
  },
)
