import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {execa, execaSync} from 'execa'
import {describe, expect, it} from 'vitest'
import {readFileOrPipe, readFileOrPipeSync} from '../../src/disk/read-file-or-pipe.js'
import {readAuthFile} from '../../src/registry/credentials/auth-file-places.js'
import {readCertificates} from '../../src/registry/tls/certs-d.js'
import {tempDir} from '../support/temp-dir.js'

async function fifo(): Promise<string> {
  const path = join(await tempDir(), 'fifo')
  execaSync('mkfifo', [path])
  return path
}

describe('T-37 a file that is a pipe', () => {
  it('is read to its end, however late and slowly it is written', async () => {
    const path = await fifo()
    const script = 'sleep 0.1; exec >"$1"; printf a; sleep 0.1; printf b'
    const writing = execa('sh', ['-c', script, 'sh', path])
    expect((await readFileOrPipe(path, 10)).toString()).toBe('ab')
    await writing
    const again = execa('sh', ['-c', script, 'sh', path])
    expect(readFileOrPipeSync(path, 10).toString()).toBe('ab')
    await again
  })

  it('and has no writer is an error in the end', async () => {
    const path = await fifo()
    await expect(readAuthFile({path, named: true})).rejects.toMatchObject({
      name: 'AuthenticationError',
      code: 'ERR_INJECT_AUTH_FILE_UNREADABLE',
      message: expect.stringContaining('nothing ended the pipe') as string,
    })
    expect(() => readCertificates(path)).toThrow(/^cannot read .*: nothing ended the pipe/)
  }, 20_000)

  it('or too long, or no file, is an error', async () => {
    const path = join(await tempDir(), 'file')
    await writeFile(path, 'abc')
    await expect(readFileOrPipe(path, 2)).rejects.toThrow('larger than 2 bytes')
    expect((await readFileOrPipe(path, 3)).toString()).toBe('abc')
    await expect(readFileOrPipe('/dev/zero', 2)).rejects.toThrow('neither a file nor a pipe')
    expect(readFileOrPipeSync('/dev/null', 2)).toHaveLength(0)
  })
})
