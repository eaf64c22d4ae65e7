import {once} from 'node:events'
import {readFileSync} from 'node:fs'
import {createServer} from 'node:https'
import type {AddressInfo} from 'node:net'
import {expect, it, onTestFinished} from 'vitest'
import {type CertificateAuthority, makeAuthority} from '../../support/certificate-authority.js'
import {openRegistry} from '../../support/open-registry.js'
import {describeWith} from '../../support/tools.js'

async function serve(
  authority: CertificateAuthority,
  valid?: {readonly from: string; readonly until: string},
): Promise<string> {
  const {certificate, key} = await authority.issue('registry', 'IP:127.0.0.1', valid)
  const server = createServer({cert: readFileSync(certificate), key: readFileSync(key)}, (_, out) =>
    out.writeHead(404).end(),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

describeWith(['openssl'], 'advice about TLS', () => {
  it.each([
    [
      'that has expired is not about authorities',
      {from: '20200101000000Z', until: '20200102000000Z'},
      /expired/,
      /has to be renewed there, unless this machine's clock is wrong/,
    ],
    [
      'of tomorrow is about the clock',
      {from: '20900101000000Z', until: '20910101000000Z'},
      /not yet valid/,
      /this machine's clock/,
    ],
  ])('on a certificate %s', async (_, valid, message, hint) => {
    const authority = await makeAuthority()
    const address = await serve(authority, valid)
    const known = {plainHttp: false, tls: {caFile: authority.certificate}}
    const {store, delays} = openRegistry(address, known)
    await expect(store.getManifest('v1')).rejects.toMatchObject({
      message: expect.stringMatching(message) as string,
      hint: expect.stringMatching(hint) as string,
    })
    expect(delays).toEqual([])
  })

  it('on a server on this machine that speaks TLS where plain http was spoken', async () => {
    const {store} = openRegistry(await serve(await makeAuthority()))
    await expect(store.getManifest('v1')).rejects.toMatchObject({
      hint: 'if the registry speaks TLS, use --no-plain-http',
    })
  })
})
