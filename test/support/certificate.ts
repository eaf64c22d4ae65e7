import {generateKeyPairSync, sign} from 'node:crypto'

export interface Certificate {
  /** PEM. */
  readonly key: string
  readonly certificate: string
}

export interface CertificateRecipe {
  /** Instead of localhost, everything below it, and 127.0.0.1. */
  readonly host?: string
  /** It was valid until yesterday. */
  readonly expired?: boolean
}

/**
 * A self-signed certificate for localhost and 127.0.0.1, valid for a day: Node can use
 * certificates, but makes none.
 */
export function makeCertificate({host, expired = false}: CertificateRecipe = {}): Certificate {
  const {privateKey, publicKey} = generateKeyPairSync('ec', {namedCurve: 'P-256'})
  const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02))
  const name = sequence(der(0x31, sequence(oid(0x55, 0x04, 0x03), der(0x0c, text('localhost')))))
  const day = 86_400_000
  const names =
    host === undefined
      ? sequence(
          der(0x82, text('localhost')),
          der(0x82, text('*.localhost')),
          der(0x87, Buffer.from([127, 0, 0, 1])),
        )
      : sequence(der(0x82, text(host)))
  const isAuthority = sequence(
    oid(0x55, 0x1d, 0x13),
    der(0x04, sequence(der(0x01, Buffer.from([0xff])))),
  )
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    name,
    sequence(time(Date.now() - 2 * day), time(Date.now() + (expired ? -day : day))),
    name,
    publicKey.export({type: 'spki', format: 'der'}),
    der(0xa3, sequence(sequence(oid(0x55, 0x1d, 0x11), der(0x04, names)), isAuthority)),
  )
  const signature = sign('sha256', body, privateKey)
  const whole = sequence(body, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature))
  return {
    key: privateKey.export({type: 'pkcs8', format: 'pem'}).toString(),
    certificate: `-----BEGIN CERTIFICATE-----\n${whole.toString('base64').replaceAll(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`,
  }
}

/** One element of ASN.1's distinguished encoding. */
function der(tag: number, ...content: Buffer[]): Buffer {
  const value = Buffer.concat(content)
  const size = value.length
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), value])
}

function sequence(...content: Buffer[]): Buffer {
  return der(0x30, ...content)
}

function oid(...bytes: number[]): Buffer {
  return der(0x06, Buffer.from(bytes))
}

function text(value: string): Buffer {
  return Buffer.from(value, 'ascii')
}

function time(milliseconds: number): Buffer {
  const digits = new Date(milliseconds).toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return der(0x17, text(digits.slice(2)))
}
