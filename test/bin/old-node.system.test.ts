import {execa} from 'execa'
import {readFileSync} from 'node:fs'
import {resolve} from 'node:path'
import {expect, it} from 'vitest'

const script = resolve('bin/run.js')

it('an old Node says which one is needed, and nothing else', async () => {
  const old = `
    Object.defineProperty(process, 'versions', {value: {...process.versions, node: '18.20.4'}})
    require(${JSON.stringify(script)})`
  const {exitCode, stdout, stderr} = await execa(process.execPath, ['-e', old], {reject: false})
  expect({exitCode, stdout, stderr}).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: 'inject: this is Node 18.20.4, and inject needs Node 20 or newer',
  })
})

it('the script has no syntax that Node 12 cannot read', () => {
  const code = readFileSync(script, 'utf8').replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, '')
  expect(code).not.toMatch(/\?\.[\w[(]|\?\?|\|\|=|&&=|#\w|\d_\d|catch \{[^]*\bstatic \{/)
})
