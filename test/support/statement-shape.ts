import * as v from 'valibot'

// Our own description of what the specifications say of these documents; members that they do not
// name are refused.

const hex = (length: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${length}}$`)))
const uri = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9+.-]*:[^\s]+$/))
const time = v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/))
const digests = v.union([
  v.strictObject({sha256: hex(64)}),
  v.strictObject({gitCommit: v.union([hex(40), hex(64)])}),
])

/** https://github.com/in-toto/attestation/blob/main/spec/v1/resource_descriptor.md */
const resource = v.strictObject({
  name: v.optional(v.string()),
  uri: v.optional(uri),
  digest: v.optional(digests),
  annotations: v.optional(v.record(v.string(), v.unknown())),
})

/** https://slsa.dev/spec/v1.0/provenance */
const provenance = v.strictObject({
  buildDefinition: v.strictObject({
    buildType: uri,
    externalParameters: v.record(v.string(), v.unknown()),
    internalParameters: v.optional(v.record(v.string(), v.unknown())),
    resolvedDependencies: v.optional(v.array(resource)),
  }),
  runDetails: v.strictObject({
    builder: v.strictObject({
      id: uri,
      version: v.optional(v.record(v.string(), v.string())),
      builderDependencies: v.optional(v.array(resource)),
    }),
    metadata: v.optional(
      v.strictObject({
        invocationId: v.optional(v.string()),
        startedOn: v.optional(time),
        finishedOn: v.optional(time),
      }),
    ),
    byproducts: v.optional(v.array(resource)),
  }),
})

/** https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md */
export const provenanceStatementShape = v.strictObject({
  _type: v.literal('https://in-toto.io/Statement/v1'),
  subject: v.pipe(
    v.array(v.strictObject({name: v.string(), digest: v.strictObject({sha256: hex(64)})})),
    v.minLength(1),
  ),
  predicateType: v.literal('https://slsa.dev/provenance/v1'),
  predicate: provenance,
})

/** The same where nothing is said of the run. */
export const indexStatementShape = v.strictObject({
  ...provenanceStatementShape.entries,
  predicate: v.strictObject({
    ...provenance.entries,
    runDetails: v.strictObject({builder: v.strictObject({id: uri})}),
  }),
})

const sha256 = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/))

/** https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md */
export const buildkitManifestShape = v.strictObject({
  schemaVersion: v.literal(2),
  mediaType: v.literal('application/vnd.oci.image.manifest.v1+json'),
  config: v.strictObject({
    mediaType: v.literal('application/vnd.oci.image.config.v1+json'),
    digest: sha256,
    size: v.number(),
  }),
  layers: v.pipe(
    v.array(
      v.strictObject({
        mediaType: v.literal('application/vnd.in-toto+json'),
        digest: sha256,
        size: v.number(),
        annotations: v.strictObject({'in-toto.io/predicate-type': uri}),
      }),
    ),
    v.minLength(1),
  ),
})

const base64 = v.pipe(v.string(), v.base64())

/** https://github.com/sigstore/protobuf-specs/blob/v0.5.0/protos/sigstore_bundle.proto */
export const keyBundleShape = v.strictObject({
  mediaType: v.literal('application/vnd.dev.sigstore.bundle.v0.3+json'),
  verificationMaterial: v.strictObject({
    publicKey: v.strictObject({hint: base64}),
    tlogEntries: v.optional(v.strictTuple([])),
    timestampVerificationData: v.optional(
      v.strictObject({rfc3161Timestamps: v.optional(v.strictTuple([]))}),
    ),
  }),
  dsseEnvelope: v.strictObject({
    payload: base64,
    payloadType: v.literal('application/vnd.in-toto+json'),
    signatures: v.strictTuple([v.strictObject({sig: base64, keyid: v.optional(v.literal(''))})]),
  }),
})

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md */
export const artifactShape = v.strictObject({
  schemaVersion: v.literal(2),
  mediaType: v.literal('application/vnd.oci.image.manifest.v1+json'),
  artifactType: v.string(),
  config: v.strictObject({
    mediaType: v.literal('application/vnd.oci.empty.v1+json'),
    digest: v.literal('sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'),
    size: v.literal(2),
  }),
  layers: v.strictTuple([
    v.strictObject({mediaType: v.string(), digest: v.string(), size: v.number()}),
  ]),
  subject: v.strictObject({mediaType: v.string(), digest: v.string(), size: v.number()}),
  annotations: v.record(v.string(), v.string()),
})

const identifier = v.pipe(v.string(), v.regex(/^SPDXRef-[\w.-]+$/))

/** https://spdx.github.io/spdx-spec/v2.3/ */
export const spdxShape = v.strictObject({
  spdxVersion: v.literal('SPDX-2.3'),
  dataLicense: v.literal('CC0-1.0'),
  SPDXID: v.literal('SPDXRef-DOCUMENT'),
  name: v.string(),
  documentNamespace: v.pipe(v.string(), v.regex(/^https:[^#]+$/)),
  creationInfo: v.strictObject({
    created: time,
    creators: v.array(v.pipe(v.string(), v.regex(/^Tool: /))),
  }),
  packages: v.array(
    v.strictObject({
      SPDXID: identifier,
      name: v.string(),
      versionInfo: v.optional(v.string()),
      downloadLocation: v.string(),
      filesAnalyzed: v.literal(false),
      externalRefs: v.array(
        v.strictObject({
          referenceCategory: v.picklist(['PACKAGE-MANAGER', 'OTHER']),
          referenceType: v.string(),
          referenceLocator: v.pipe(v.string(), v.regex(/^\S+$/)),
        }),
      ),
    }),
  ),
  files: v.array(
    v.strictObject({
      SPDXID: identifier,
      fileName: v.pipe(v.string(), v.regex(/^\.\//)),
      checksums: v.strictTuple([
        v.strictObject({algorithm: v.literal('SHA1'), checksumValue: hex(40)}),
        v.strictObject({algorithm: v.literal('SHA256'), checksumValue: hex(64)}),
      ]),
    }),
  ),
  relationships: v.array(
    v.strictObject({
      spdxElementId: identifier,
      relationshipType: v.picklist(['DESCRIBES', 'CONTAINS']),
      relatedSpdxElement: identifier,
    }),
  ),
})

/** https://cyclonedx.org/docs/1.5/json/ */
export const cyclonedxShape = v.strictObject({
  bomFormat: v.literal('CycloneDX'),
  specVersion: v.literal('1.5'),
  version: v.literal(1),
  metadata: v.strictObject({
    timestamp: time,
    tools: v.strictObject({
      components: v.array(
        v.strictObject({type: v.literal('application'), name: v.string(), version: v.string()}),
      ),
    }),
    component: v.strictObject({
      type: v.literal('container'),
      'bom-ref': v.string(),
      name: v.string(),
      properties: v.array(v.strictObject({name: v.string(), value: v.string()})),
    }),
  }),
  components: v.array(
    v.variant('type', [
      v.strictObject({
        type: v.literal('library'),
        'bom-ref': v.string(),
        name: v.string(),
        version: v.string(),
        purl: v.pipe(v.string(), v.regex(/^pkg:/)),
      }),
      v.strictObject({
        type: v.literal('file'),
        'bom-ref': v.string(),
        name: v.string(),
        hashes: v.array(
          v.strictObject({
            alg: v.picklist(['SHA-1', 'SHA-256']),
            content: v.union([hex(40), hex(64)]),
          }),
        ),
      }),
    ]),
  ),
  externalReferences: v.array(v.strictObject({type: v.literal('bom'), url: v.string()})),
})
