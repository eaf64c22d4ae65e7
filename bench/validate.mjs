// npm run bench -- validate: what `inject rebase` makes is well-formed for crane.
import {execFileSync} from 'node:child_process'
import {existsSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {workFolder} from './parts.mjs'
import {setup} from './setup.mjs'

/**
 * Runs the tests of a vendor that moves, with images of umoci and buildah, Docker and OCI, single
 * and indexes of four platforms, on docker-registry and `inject serve`; `crane validate` then reads
 * every result, which throws when it finds one that is not.
 */
export function validate() {
  setup()
  const report = join(workFolder(), 'report')
  const crane = execFileSync('sh', ['-c', 'command -v crane'], {encoding: 'utf8'}).trim()
  execFileSync(
    'npx',
    ['vitest', 'run', 'test/e2e/follow-vendor.test.ts', '-t', 'a vendor that moves'],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {...process.env, CI: 'true', INJECT_CRANE: crane, INJECT_VALIDATE_REPORT: report},
    },
  )
  const images = existsSync(report) ? readFileSync(report, 'utf8').trim().split('\n') : []
  return {crane: execFileSync(crane, ['version'], {encoding: 'utf8'}).trim(), valid: images.length}
}
