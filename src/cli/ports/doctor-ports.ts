import {randomBytes} from 'node:crypto'
import {homeFolder} from '../../disk/home-folder.js'
import type {DoctorPorts} from '../../operations/doctor/doctor.js'
import type {Ports} from '../../ports.js'
import {whichCredentials} from '../../operations/login/which-credentials.js'
import {createCredentialLookup} from '../../registry/credentials/credentials.js'
import type {CredentialLookup} from '../../registry/credentials/credential.js'
import {sleepOrAbort} from '../../registry/net/open-transport.js'
import {openProbe} from '../../registry/probe/probe.js'
import {explicitCredentials} from './explicit-credentials.js'
import {loginText} from '../render/credentials.js'
import {networkOptions, type StoreFlags} from './store-opener.js'

/** This machine's clock, chance and credentials, and the registry as the flags say to reach it. */
export async function doctorPorts(
  flags: StoreFlags,
  about: {readonly registry: string; readonly repository: string},
  {report, signal}: Ports,
): Promise<DoctorPorts> {
  const uid = process.getuid?.()
  const places = {authFile: flags.authfile, env: process.env, home: homeFolder(), uid}
  const given = await explicitCredentials(flags, process.env, () => process.stdin)
  const credentials: CredentialLookup = given
    ? () => Promise.resolve({kind: 'password', ...given})
    : createCredentialLookup({...about, ...places, signal})
  return {
    signal,
    now: () => Date.now(),
    sleep: sleepOrAbort,
    mark: () => randomBytes(6).toString('hex'),
    openProbe: (writes) =>
      openProbe(about, {
        ...networkOptions(flags),
        credentials,
        authFile: flags.authfile,
        writes,
        signal,
        onNotice: (message: string) => report({kind: 'notice', message}),
      }),
    async who() {
      const from = flags['password-stdin'] ? 'flags' : 'environment'
      const user = given && ({username: given.username, from} as const)
      const reference = {kind: 'registry', ...about} as const
      return loginText(await whichCredentials({reference, given: user}, {places, report, signal}))
    },
  }
}
