#!/usr/bin/env node
// Makes the pictures of docs/pictures from real runs: an image whose slot holds the sources of
// this project, and its next version. Run it after `npm run build`.
import {spawnSync} from 'node:child_process'
import {cpSync, mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'inject-pictures-'))

function inject(...args) {
  const options = {cwd: folder, encoding: 'utf8', timeout: 120_000}
  const {status, stderr} = spawnSync(process.execPath, [here('bin/run.js'), ...args], options)
  // 20: something differs
  if (status !== 0 && status !== 20) throw new Error(`inject ${args.join(' ')}: ${stderr}`)
}

try {
  const fixed = ['--created', '2026-01-01T00:00:00Z']
  cpSync(here('src'), join(folder, 'tree/src'), {recursive: true})
  cpSync(here('docs/adr'), join(folder, 'tree/docs/adr'), {recursive: true})
  cpSync(here('test/fixtures'), join(folder, 'base'), {recursive: true})
  inject(
    'create',
    'oci:app:v1',
    './base',
    '--name',
    'base',
    '--path',
    '/opt',
    '-p',
    'linux/amd64',
    ...fixed,
  )
  inject('update', 'oci:app:v1', './tree', '--name', 'sources', '--path', '/src', ...fixed)
  rmSync(join(folder, 'tree/src/site'), {recursive: true})
  cpSync(here('docs/guides'), join(folder, 'tree/docs/guides'), {recursive: true})
  cpSync(here('src/errors.ts'), join(folder, 'tree/src/ports.ts'))
  inject('update', 'oci:app:v1', './tree', '--name', 'sources', '--tag', 'v2', ...fixed)
  inject('inspect', 'oci:app:v2', '--svg', here('docs/pictures/inspect.svg'))
  inject('diff', 'oci:app:v1', 'oci:app:v2', '--svg', here('docs/pictures/diff.svg'))
} finally {
  rmSync(folder, {recursive: true, force: true})
}
