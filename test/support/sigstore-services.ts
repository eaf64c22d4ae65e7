import {
  fulcioHandler,
  initializeCA,
  initializeCTLog,
  initializeTLog,
  rekorHandler,
} from '@sigstore/mock'
import {createHash, generateKeyPairSync} from 'node:crypto'
import {type Answer, startFakeServer, type SeenRequest} from './fake-server.js'

/** An identity token as providers issue them; the mock does not check its signature. */
export function makeToken(subject: string, issuer = 'https://issuer.example'): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = {sub: subject, iss: issuer, aud: 'sigstore', exp: 4_000_000_000}
  return `${part({alg: 'none'})}.${part(claims)}.c2lnbmF0dXJl`
}

/**
 * A proposed entry as rekor keeps it, which the mock leaves to its caller: hashes in place of the
 * statement. https://github.com/sigstore/rekor/tree/main/pkg/types/dsse
 */
function asLogged(text: string): string {
  const {spec, ...entry} = JSON.parse(text) as {
    spec: {proposedContent: {envelope: string; verifiers: string[]}}
  }
  const {envelope, verifiers} = spec.proposedContent
  const {payload, signatures} = JSON.parse(envelope) as {
    payload: string
    signatures: {sig: string}[]
  }
  const hash = (content: string | Buffer) => ({
    algorithm: 'sha256',
    value: createHash('sha256').update(content).digest('hex'),
  })
  const kept = {
    envelopeHash: hash(envelope),
    payloadHash: hash(Buffer.from(payload, 'base64')),
    signatures: signatures.map(({sig}) => ({signature: sig, verifier: verifiers[0]})),
  }
  return JSON.stringify({...entry, spec: kept})
}

/**
 * A certificate authority and a transparency log on a real port, as `@sigstore/mock` has them.
 * `answer` goes before what they say.
 */
export async function startSigstore(answer?: (request: SeenRequest) => Answer | undefined) {
  const pair = () => generateKeyPairSync('ec', {namedCurve: 'P-256'})
  const ctLog = await initializeCTLog(pair())
  const ca = await initializeCA(pair(), ctLog)
  const server = await startFakeServer(() => ({status: 404}))
  const url = `http://${server.address}`
  const log = await initializeTLog(url, pair())
  const handlers = [fulcioHandler(ca), rekorHandler(log)]
  server.handle(async (request) => {
    const other = answer?.(request)
    if (other) return other
    const handler = handlers.find(({path}) => path === request.path)
    if (!handler) return {status: 404}
    const text = request.body.toString()
    const entry = request.path.endsWith('/entries') ? asLogged(text) : text
    const {statusCode, response, contentType = 'text/plain'} = await handler.fn(entry)
    return {
      status: statusCode,
      headers: {'content-type': contentType},
      body: Buffer.from(response),
    }
  })
  const key = (rawBytes: Buffer) => ({
    rawBytes: Buffer.from(rawBytes).toString('base64'),
    keyDetails: 'PKIX_ECDSA_P256_SHA_256',
    validFor: {start: '2020-01-01T00:00:00Z'},
  })
  const trustedRoot = JSON.stringify({
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    certificateAuthorities: [
      {
        uri: url,
        certChain: {certificates: [{rawBytes: Buffer.from(ca.rootCertificate).toString('base64')}]},
        validFor: {start: '2020-01-01T00:00:00Z'},
      },
    ],
    tlogs: [
      {
        baseUrl: url,
        hashAlgorithm: 'SHA2_256',
        publicKey: key(log.publicKey),
        logId: {keyId: createHash('sha256').update(log.publicKey).digest('base64')},
      },
    ],
    ctlogs: [
      {
        baseUrl: url,
        hashAlgorithm: 'SHA2_256',
        publicKey: key(ctLog.publicKey),
        logId: {keyId: Buffer.from(ctLog.logID).toString('base64')},
      },
    ],
    timestampAuthorities: [],
  })
  return {url, server, trustedRoot}
}
