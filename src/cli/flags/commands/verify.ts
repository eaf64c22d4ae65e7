import {Flags, type Interfaces} from '@oclif/core'
import {referenceFlag} from '../common.js'
import {duration} from '../store.js'

/** Who must have signed. */
export const signerFlags = {
  key: Flags.string({
    exclusive: ['identity'],
    helpValue: 'FILE|env://NAME',
    summary: 'Public key that must have signed the statement, in PEM.',
  }),
  identity: Flags.string({
    dependsOn: ['issuer', 'trusted-root'],
    helpValue: 'NAME',
    summary:
      'Identity that must have signed the statement: an e-mail address or a URI, as a whole.',
  }),
  issuer: Flags.string({
    dependsOn: ['identity'],
    helpValue: 'URL',
    summary:
      'Who must vouch for the identity, such as https://token.actions.githubusercontent.com.',
  }),
  'trusted-root': Flags.string({
    helpValue: 'FILE',
    summary:
      'Certificate authorities and logs that count, as cosign trusted-root create writes them.',
  }),
}

/** Who must have signed what. */
export const verifyFlags = {
  ...signerFlags,
  vendor: referenceFlag({
    summary: "The vendor's image: its repository must have the image below the slots.",
  }),
  'vendor-key': Flags.string({
    exclusive: ['vendor-identity'],
    helpValue: 'FILE|env://NAME',
    summary: "Public key that must have signed the vendor's image.",
  }),
  'vendor-identity': Flags.string({
    dependsOn: ['vendor-issuer', 'trusted-root'],
    helpValue: 'NAME',
    summary: "Identity that must have signed the vendor's image.",
  }),
  'vendor-issuer': Flags.string({
    dependsOn: ['vendor-identity'],
    helpValue: 'URL',
    summary: "Who must vouch for the vendor's identity.",
  }),
  'max-age': duration({summary: 'Refuse statements that are older, such as 30d.'}),
  policy: Flags.string({
    helpValue: 'FILE',
    summary:
      'Read all of these, and the claims that are needed, from a JSON file; flags count more.',
  }),
}

export type VerifyFlags = Interfaces.InferredFlags<typeof verifyFlags>
export type SignerFlags = Interfaces.InferredFlags<typeof signerFlags>
