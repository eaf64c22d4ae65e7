import {homeFolder} from '../../disk/home-folder.js'
import type {CredentialPorts} from '../../operations/login/credential-ports.js'
import type {Ports} from '../../ports.js'
import {networkOptions, type StoreFlags} from './store-opener.js'

/** This machine's files of credentials, and registries as the flags say to reach them. */
export function credentialPorts(flags: StoreFlags, {report, signal}: Ports): CredentialPorts {
  const uid = process.getuid?.()
  return {
    report,
    signal,
    places: {authFile: flags.authfile, env: process.env, home: homeFolder(), uid},
    async ping(registry, credentials) {
      const {openRegistryStore} = await import('../../registry/registry-store.js')
      const store = openRegistryStore(
        {registry, repository: ''},
        {
          credentials,
          ...networkOptions(flags),
          mirrors: undefined,
          signal,
          onNotice: (message: string) => report({kind: 'notice', message}),
        },
      )
      try {
        await store.ping()
      } finally {
        await store.close()
      }
    },
  }
}
