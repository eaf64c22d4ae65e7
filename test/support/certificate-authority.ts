import {execa} from 'execa'
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {tempDir} from './temp-dir.js'

export interface CertificateFiles {
  /** Paths. */
  readonly certificate: string
  readonly key: string
}

export interface CertificateAuthority extends CertificateFiles {
  /** A certificate for DNS names and addresses (`DNS:x`, `IP:127.0.0.1`), or of a client. */
  issue(name: string, alternatives: string, valid?: Validity): Promise<CertificateFiles>
}

/** As openssl writes times: `20200131120000Z`. Default: from now on for two days. */
export interface Validity {
  readonly from: string
  readonly until: string
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc']

/** A certificate authority of the running test, made with openssl. */
export async function makeAuthority(): Promise<CertificateAuthority> {
  const folder = await tempDir()
  const at = (name: string): string => join(folder, name)
  const openssl = (args: readonly string[]) => execa('openssl', args, {timeout: 30_000})
  const own = {certificate: at('ca.crt'), key: at('ca.key')}
  const ca = ['-subj', '/CN=test authority', '-days', '2', '-keyout', own.key]
  await openssl(['req', '-x509', ...newKey, ...ca, '-out', own.certificate])
  return {
    ...own,
    async issue(name, alternatives, valid) {
      const files = {certificate: at(`${name}.cert`), key: at(`${name}.key`)}
      const request = at(`${name}.csr`)
      const extensions = at(`${name}.ext`)
      await writeFile(extensions, `subjectAltName=${alternatives}\n`)
      await openssl([
        'req',
        ...newKey,
        '-subj',
        `/CN=${name}`,
        '-keyout',
        files.key,
        '-out',
        request,
      ])
      if (valid) {
        await writeFile(at('index.txt'), '')
        await writeFile(at('ca.cnf'), settings(at('index.txt'), folder))
        const own = ['-cert', at('ca.crt'), '-keyfile', at('ca.key'), '-create_serial', '-batch']
        const times = ['-startdate', valid.from, '-enddate', valid.until, '-notext']
        const files = ['-in', request, '-out', at(`${name}.cert`), '-extfile', extensions]
        await openssl(['ca', '-config', at('ca.cnf'), ...own, ...times, ...files])
        return {certificate: at(`${name}.cert`), key: at(`${name}.key`)}
      }
      const by = ['-CA', own.certificate, '-CAkey', own.key, '-CAcreateserial', '-days', '2']
      await openssl([
        'x509',
        '-req',
        '-in',
        request,
        ...by,
        '-extfile',
        extensions,
        '-out',
        files.certificate,
      ])
      return files
    },
  }
}

/** `openssl ca` is the command that takes times, and wants these. */
function settings(database: string, folder: string): string {
  return [
    '[ca]\ndefault_ca=own\n[own]',
    `database=${database}\nnew_certs_dir=${folder}\ndefault_md=sha256\npolicy=any\nserial=${folder}/serial`,
    '[any]\ncommonName=supplied\n',
  ].join('\n')
}
