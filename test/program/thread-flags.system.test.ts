import {execa} from 'execa'
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {tempDir} from '../support/temp-dir.js'

const program = new URL('../../src/program/program-file.js', import.meta.url).href
const flags = new URL('../../src/program/thread-flags.js', import.meta.url).href

/** The size of the young generation after a thread ran and much was allocated, in MiB. */
async function youngAfterThread({asked}: {asked: string}): Promise<number> {
  const script = `
    import {once} from 'node:events'
    import {getHeapSpaceStatistics, setFlagsFromString} from 'node:v8'
    import {setThreadFlags, startThread} from ${JSON.stringify(program)}
    const growth = '--semi-space-growth-factor=1'
    setFlagsFromString(growth)
    setThreadFlags([${asked}])
    await once(startThread(new URL(${JSON.stringify(flags)})), 'exit')
    const live = []
    for (let i = 0; i < 1e6; i++) live[i % 3e5] = {i}
    const {space_size} = getHeapSpaceStatistics().find((each) => each.space_name === 'new_space')
    console.log(space_size / 1024 ** 2)`
  const file = join(await tempDir(), 'script.mjs')
  writeFileSync(file, script)
  const {stdout} = await execa(process.execPath, [file])
  return Number(stdout)
}

describe('flags of threads', () => {
  it('are set again when a thread has started, for V8 sets them back', async () => {
    expect(await youngAfterThread({asked: 'growth'})).toBeLessThanOrEqual(2)
  })

  it('are those that the program asked for, and no others', async () => {
    expect(await youngAfterThread({asked: ''})).toBeGreaterThan(2)
  })
})
