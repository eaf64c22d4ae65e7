import {mkdirSync, writeFileSync, chmodSync} from 'node:fs'
import {execaSync} from 'execa'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {hashLayer} from '../../../src/layer/pack/hash-layer.js'
import {applyModeRule, parseModeRule} from '../../../src/layer/tree/mode-rule.js'
import {walk} from '../../../src/layer/tree/walk.js'
import {tempDir} from '../../support/temp-dir.js'
import {thrownBy} from '../../support/thrown-by.js'

describe('W14 modes of a layer', () => {
  it('a tree made under umask 022 and under 002 is one layer with a rule, and two without', async () => {
    const folders: string[] = []
    for (const umask of ['022', '002', '077']) {
      const root = await tempDir()
      // a script, because the umask is the process's
      const script = `umask ${umask}; mkdir -p d/e; echo x > d/file; echo '#!' > d/e/tool; chmod u+x d/e/tool; find . -exec touch -d @5 {} +`
      execaSync('sh', ['-c', script], {cwd: root})
      folders.push(root)
    }
    const digests = async (text?: string) => {
      const found = new Set<string>()
      for (const folder of folders) {
        const chmod = text === undefined ? undefined : parseModeRule(text)
        const content = await hashLayer(() => walk(folder, {path: '/', chmod}))
        found.add(content!.diffId)
      }
      return found.size
    }
    expect(await digests()).toBe(3)
    expect(await digests('u=rwX,go=rX')).toBe(1)
    expect(await digests('a=rX,u+w')).toBe(1)
  })

  it.each([
    ['u=rwX,go=rX', 0o600, false, 0o644],
    ['u=rwX,go=rX', 0o700, false, 0o755],
    ['u=rwX,go=rX', 0o600, true, 0o755],
    ['u=rwX,go=rX', 0o6755, false, 0o755],
    ['go-w', 0o777, false, 0o755],
    ['+x', 0o640, false, 0o751],
    ['a-x+X', 0o755, false, 0o644],
    ['g+s,o+t', 0o755, true, 0o3755],
    ['u=s', 0o755, false, 0o4055],
    ['o=', 0o777, false, 0o770],
    ['755', 0o600, false, 0o755],
    ['4711', 0o600, false, 0o4711],
  ])('%s of %o is as chmod has it', (rule, mode, isDirectory, expected) => {
    expect(applyModeRule(parseModeRule(rule), mode, isDirectory).toString(8)).toBe(
      expected.toString(8),
    )
  })

  it.each(['u=rwX,go=rX', 'go-w', 'a+r', 'ug=rw,o=', '-x+X', 'u+s', 'o+t', 'g=s', 'a=rX,u+w'])(
    '%s does what coreutils do',
    async (rule) => {
      const root = await tempDir()
      const path = join(root, 'x')
      for (const mode of [0o600, 0o644, 0o755, 0o711, 0o4755, 0o2750, 0o1777]) {
        writeFileSync(path, '')
        chmodSync(path, mode)
        execaSync('sh', ['-c', `umask 0; chmod ${rule} "$1"`, '-', path])
        const [entry] = walk(root, {path: '/'})
        expect(applyModeRule(parseModeRule(rule), mode, false)).toBe(entry?.entry.mode)
      }
    },
  )

  it('leaves symbolic links alone', async () => {
    const root = await tempDir()
    mkdirSync(join(root, 'd'))
    execaSync('ln', ['-s', 'd', join(root, 'l')])
    const modes = [...walk(root, {path: '/', chmod: parseModeRule('700')})].map(
      ({entry}) => entry.mode,
    )
    expect(modes).toEqual([0o700, 0o777])
  })

  it.each(['', 'x', 'u', 'u=rw,', 'u=q', '8', '75', '77777', 'u=rw x'])('%j is refused', (text) => {
    expect(thrownBy(() => parseModeRule(text))).toMatchObject({code: 'ERR_INJECT_MODE_INVALID'})
  })
})
