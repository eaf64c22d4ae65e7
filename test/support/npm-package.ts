import {execa} from 'execa'
import {existsSync, mkdirSync, readdirSync, renameSync} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {inject as provided} from 'vitest'

/**
 * What npm would publish, as one archive. It is made once a run, by the first worker that asks; the
 * others wait for it, for a minute at most.
 */
export async function npmPackage(): Promise<string> {
  const folder = join(provided('shared'), 'npm-package')
  const file = join(folder, 'inject.tgz')
  if (mkdirSync(folder, {recursive: true}) !== undefined) {
    await execa('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], {
      env: {npm_config_cache: join(folder, 'cache')},
      timeout: 60_000,
    })
    const [made = ''] = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
    renameSync(join(folder, made), file)
  }
  for (let tries = 0; !existsSync(file) && tries < 600; tries++) await sleep(100)
  return file
}
