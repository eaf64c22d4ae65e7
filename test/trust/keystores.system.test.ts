import {execa} from 'execa'
import {readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {mergeKeystore, ownCertificates} from '../../src/layer/merge/keystore.js'
import {makeCertificate} from '../support/certificate.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const none = ['certProtectionAlgorithm=NONE', 'macAlgorithm=NONE']
const sha1 = ['certProtectionAlgorithm=PBEWithSHA1AndRC2_40', 'macAlgorithm=HmacPBESHA1']
const properties = (values: readonly string[]) =>
  values.map((value) => `-J-Dkeystore.pkcs12.${value}`)

/** A keystore that `keytool` made, with one authority. */
async function makeStore(options: readonly string[], password = 'changeit') {
  const folder = await tempDir()
  const [path, own] = ['store', 'own.pem'].map((name) => join(folder, name)) as [string, string]
  writeFileSync(own, makeCertificate().certificate)
  const at = ['-keystore', path, '-storepass', password]
  const how = ['-noprompt', '-alias', 'vendor', '-file', own]
  await execa('keytool', ['-importcert', ...at, ...how, ...options], {timeout: 60_000})
  return {path, at}
}

async function aliasesIn(at: readonly string[]): Promise<string[]> {
  const {stdout} = await execa('keytool', ['-list', ...at], {timeout: 60_000})
  return stdout.match(/^\S+(?=, .*trustedCertEntry)/gm) ?? []
}

const added = makeCertificate().certificate + makeCertificate().certificate

describeWith(['keytool'], 'keytool lists the authorities of a merged keystore', () => {
  it.each([
    ['JKS', ['-storetype', 'JKS']],
    ['PKCS #12', ['-storetype', 'PKCS12']],
    ['PKCS #12 as before Java 17', ['-storetype', 'PKCS12', ...properties(sha1)]],
    ['PKCS #12 without a password, as of Java 18', ['-storetype', 'PKCS12', ...properties(none)]],
  ])('%s', async (_, options) => {
    const {path, at} = await makeStore(options)
    const merged = mergeKeystore(readFileSync(path), Buffer.from(added), '/cacerts')
    writeFileSync(path, merged)
    const aliases = await aliasesIn(at)
    expect(aliases).toHaveLength(3)
    expect(aliases).toContain('vendor')
    expect(Buffer.from(ownCertificates(merged, '/cacerts')).toString()).toBe(added)
  })

  it('and of a new one', async () => {
    const path = join(await tempDir(), 'store')
    writeFileSync(path, mergeKeystore(new Uint8Array(), Buffer.from(added), '/cacerts'))
    expect(await aliasesIn(['-keystore', path, '-storepass', 'changeit'])).toHaveLength(2)
  })

  it.each(['JKS', 'PKCS12'])('and one of another password is refused: %s', async (type) => {
    const {path} = await makeStore(['-storetype', type], 'another one')
    expect(() => mergeKeystore(readFileSync(path), Buffer.from(added), '/cacerts')).toThrow(
      expect.objectContaining({code: 'ERR_INJECT_KEYSTORE_UNREADABLE'}),
    )
  })
})
