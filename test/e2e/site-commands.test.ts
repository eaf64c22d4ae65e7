import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {inject, injectJson} from '../support/cli.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {expectSound} from '../support/site.js'
import {tempDir} from '../support/temp-dir.js'

it('publish, check and unpublish: one line each, exit codes, and the same as a document', async () => {
  const folder = await tempDir()
  const image = await makeLayoutImage(folder)
  const site = join(folder, 'site')
  const first = await inject(['publish', image, site, '--repository', 'team/app'])
  expect(first.exitCode, first.stderr).toBe(0)
  expect(first.stdout).toMatch(new RegExp(`^${site}/team/app@sha256:[0-9a-f]{64}$`))
  expect(first.stderr).toContain('1 manifest published: 2 blobs written (')
  expect(first.stderr).toContain('; tagged v1')
  const digest = first.stdout.split('@')[1]
  const again = await injectJson(['publish', image, site, '--name', 'b', '--tag', 'x', '-t', 'y'])
  expect(again).toMatchObject({
    schemaVersion: 1,
    reference: `${site}/b@${digest}`,
    source: image,
    tags: ['x', 'y'],
    moved: ['x', 'y'],
    blobs: {copied: 0, mounted: 2, present: 0, bytes: 0},
  })
  const checked = await inject(['site', 'check', site])
  expect([checked.exitCode, checked.stdout]).toEqual([0, `ok        b:x,y\nok        team/app:v1`])

  const plan = await inject(['unpublish', `${site}/b:x`, '--grace', '0s', '--dry-run'])
  expect([plan.exitCode, plan.stdout]).toEqual([0, 'b:x'])
  expect(plan.stderr).toContain('tag x, 0 manifests, 0 blobs (0 B) would be removed')
  const kept = await inject(['unpublish', `${site}/b:x`])
  expect(kept.exitCode).toBe(0)
  const waiting = await inject(['unpublish', `${site}/b:y`, '--dry-run'])
  expect(waiting.stderr).toContain('; 2 blobs kept for now, published within --grace (default: 1h)')
  const gone = await injectJson(['unpublish', `${site}/b:y`, '--grace', '0'])
  expect(gone).toMatchObject({schemaVersion: 1, name: 'b', tag: 'y', manifests: [digest], bytes: 0})
  await expectSound(site)

  // what a publisher leaves who was killed before his manifest
  const blobs = join(site, 'v2/begun/blobs')
  await mkdir(blobs, {recursive: true})
  const abandoned = digestOf(Buffer.from('abandoned'))
  await writeFile(join(blobs, abandoned), 'abandoned')
  const unused = await inject(['site', 'check', site])
  expect([unused.exitCode, unused.stdout]).toEqual([
    0,
    'ok        team/app:v1\nunused    begun  1 blob, 9 B',
  ])
  expect(unused.stderr).toContain('no problems; 1 blob that no manifest names')
  expect(await injectJson(['site', 'check', site])).toMatchObject({
    schemaVersion: 1,
    sound: true,
    unused: [{name: 'begun', blobs: 1, bytes: 9}],
  })
  const waits = await inject(['unpublish', site, '--untagged'])
  expect([waits.exitCode, waits.stdout]).toEqual([0, ''])
  expect(waits.stderr).toContain('0 manifests, 0 blobs (0 B) removed; 1 blob kept for now')
  const would = await inject(['unpublish', site, '--untagged', '--grace', '0', '--dry-run'])
  expect(would.stdout).toBe(`begun  ${abandoned}`)
  expect(await injectJson(['unpublish', site, '--untagged', '--grace', '0'])).toMatchObject({
    schemaVersion: 1,
    site,
    repositories: [
      {name: 'begun', tag: null, manifests: [], blobs: [abandoned], bytes: 9},
      {name: 'team/app', blobs: [], kept: {referenced: 2, leased: 0}},
    ],
    pool: [],
    bytes: 9,
  })
  await expectSound(site)

  await writeFile(join(site, 'v2/_catalog'), '{}')
  const damaged = await inject(['check', site])
  expect([damaged.exitCode, damaged.stdout]).toEqual([
    6,
    'ok        team/app:v1\nfault     _catalog  _catalog is not the list of the repositories that are there',
  ])
})

it.each([
  [['publish', 'oci:nowhere', 'SITE', '--name', '../x'], 2],
  [['publish', 'IMAGE', 'SITE'], 2],
  [['publish', 'IMAGE', 'FOLDER', '--name', 'a'], 9],
  [['publish', 'oci:nowhere:v1', 'SITE', '--name', 'a'], 4],
  [['unpublish', 'SITE/a:v1'], 4],
  [['unpublish', 'SITE'], 2],
  [['unpublish', 'SITE', '--untagged'], 2],
  [['check', 'SITE'], 4],
  [['site', 'check', 'FOLDER'], 2],
] as const)('%j ends with %i', async (args, expected) => {
  const folder = await tempDir()
  const image = await makeLayoutImage(folder)
  const real = args.map((arg) =>
    arg.replace('SITE', join(folder, 'site')).replace('FOLDER', folder).replace('IMAGE', image),
  )
  const {exitCode, stdout, stderr} = await inject(real)
  expect([exitCode, stdout], stderr).toEqual([expected, ''])
  expect(stderr.trim().split('\n').at(-1)).toMatch(/^inject: /)
})
