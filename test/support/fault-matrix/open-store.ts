import type {Credential} from '../../../src/registry/credentials/credential.js'
import {openRegistryStore} from '../../../src/registry/registry-store.js'
import {type Fault, startTime} from './faults.js'
import type {Kind} from './kinds.js'
import {identityToken, type ScriptedRegistry, user} from './scripted-registry.js'

/** What `update` is asked for in all runs. */
export const matrixUpdate = {created: 1_700_000_000}

export interface StoreWishes {
  readonly writes: boolean
  readonly chunkSize: number | undefined
  readonly said: unknown[]
  readonly virtual: {waited: number}
}

/** A client whose waits between tries are over at once and whose clock goes by them. */
export function openStore(
  registry: ScriptedRegistry,
  kind: Kind,
  fault: Fault | undefined,
  {writes, chunkSize, said, virtual}: StoreWishes,
) {
  const patience = fault?.stalls ? 600 : 20_000
  return openRegistryStore(
    {registry: registry.address, repository: 'team/app'},
    {
      env: {},
      home: '/nonexistent',
      writes,
      chunkSize,
      plainHttp: registry.certificate === undefined,
      ...(registry.certificate !== undefined && {certificateAuthority: [registry.certificate]}),
      credentials: () =>
        Promise.resolve(
          kind.credential
            ? {kind: 'identity-token', token: identityToken, username: undefined}
            : {kind: 'password', ...user},
        ) as Promise<Credential>,
      timeouts: {
        connect: patience,
        response: patience,
        commit: patience,
        idle: patience,
        rateWindow: patience,
      },
      onNotice: (text) => said.push(text),
      ports: {
        sleep: async (milliseconds, signal) => {
          signal?.throwIfAborted()
          virtual.waited += milliseconds
          // the end of a connection is to be seen meanwhile, as it would be
          await new Promise((resolve) => setTimeout(resolve, 3))
        },
        random: () => 1,
        now: () => startTime + virtual.waited,
      },
    },
  )
}
