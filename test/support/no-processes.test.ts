import {execa, execaSync} from 'execa'
import {exec, execFile, execFileSync, execSync, fork, spawn, spawnSync} from 'node:child_process'
import {describe, expect, it} from 'vitest'
import {describeWith} from './tools.js'

describe('a unit test', () => {
  it.each(
    Object.entries({spawn, spawnSync, exec, execSync, execFile, execFileSync, fork, execaSync}),
  )('must not start a process with %s', (_, start) => {
    expect(() => (start as (command: string) => unknown)('true')).toThrow(
      'a unit test must not start a process',
    )
  })

  it('must not start a process with execa', async () => {
    await expect(execa('true')).rejects.toThrow('a unit test must not start a process')
  })

  it('must not need a program that is installed', () => {
    expect(() => {
      describeWith(['skopeo'], 'a suite', () => undefined)
    }).toThrow('a unit test must not need skopeo')
  })
})
