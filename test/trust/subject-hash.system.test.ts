import {execa} from 'execa'
import {readFileSync, readdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {rootCertificates} from 'node:tls'
import {expect, it} from 'vitest'
import {pemBlocks} from '../../src/trust/pem.js'
import {subjectHash} from '../../src/trust/subject-hash.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const hashOf = (pem: string) => subjectHash(pemBlocks(pem)[0]!.bytes!)

describeWith(['openssl'], 'the hash of a subject is that of openssl', () => {
  it('for all authorities that Node.js trusts', async () => {
    const folder = await tempDir()
    for (const [number, pem] of rootCertificates.entries())
      writeFileSync(join(folder, `${number}.pem`), `${pem}\n`)
    await execa('openssl', ['rehash', folder], {timeout: 60_000})
    const names = readdirSync(folder).filter((name) => !name.endsWith('.pem'))
    const expected = names.map((name) => [
      name.replace(/\..*/, ''),
      readFileSync(join(folder, name), 'utf8').trim(),
    ])
    expect(names.length).toBeGreaterThan(100)
    for (const [hash, pem] of expected) expect(hashOf(pem!)).toBe(hash)
  })

  it.each([
    ['blanks and capitals', ['-subj', '/C=DE/O=  Some   COMPANY  /CN=Root']],
    ['more than ASCII', ['-utf8', '-subj', '/O=Ünïcode ÄÖ 名前/CN=Root']],
    ['several values in one part', ['-subj', '/O=Example/CN=Root+OU=B+UID=a']],
    ['an address', ['-subj', '/CN=Root/emailAddress=Root@Example.ORG']],
  ])('with %s', async (_, subject) => {
    const folder = await tempDir()
    const [key, out] = ['key', 'ca.pem'].map((name) => join(folder, name))
    const own = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-keyout', key!]
    await execa('openssl', ['req', '-x509', ...own, ...subject, '-out', out!])
    const {stdout} = await execa('openssl', ['x509', '-in', out!, '-noout', '-subject_hash'])
    expect(hashOf(readFileSync(out!, 'utf8'))).toBe(stdout)
  })
})
