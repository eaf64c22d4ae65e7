import {execa} from 'execa'
import {chmod, copyFile, cp, mkdir, mkdtemp, symlink, utimes, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {inject} from 'vitest'

export type ImageKind = 'docker' | 'oci'

let built: Promise<string> | undefined

/**
 * An OCI layout with the image `base`, made by umoci from Debian's static busybox: two layers,
 * history, a config with a command. Not small for its own sake: it runs in a chroot.
 */
export async function makeBusyboxLayout(folder: string): Promise<string> {
  built ??= mkdtemp(join(inject('shared'), 'busybox-')).then(buildLayout)
  const layout = join(folder, 'base-layout')
  await cp(await built, layout, {recursive: true})
  return layout
}

async function buildLayout(folder: string): Promise<string> {
  const layout = join(folder, 'base-layout')
  const image = `${layout}:base`
  const root = join(folder, 'base-root')
  await mkdir(join(root, 'bin'), {recursive: true})
  await copyFile('/bin/busybox', join(root, 'bin/busybox'))
  await chmod(join(root, 'bin/busybox'), 0o755)
  for (const applet of ['sh', 'cat', 'ls']) await symlink('busybox', join(root, 'bin', applet))
  const etc = join(folder, 'base-etc')
  await mkdir(etc)
  await writeFile(join(etc, 'passwd'), 'root:x:0:0:root:/:/bin/sh\n')
  await writeFile(join(etc, 'shadow'), 'root:*::::::\n', {mode: 0o640})
  for (const path of [join(root, 'bin'), etc]) await utimes(path, 1_600_000_000, 1_600_000_000)
  await execa('umoci', ['init', '--layout', layout])
  await execa('umoci', ['new', '--image', image])
  await execa('umoci', ['insert', '--image', image, join(root, 'bin'), '/bin'])
  await execa('umoci', ['insert', '--image', image, etc, '/etc'])
  await execa('umoci', [
    'config',
    '--image',
    image,
    '--config.cmd',
    '/bin/sh',
    '--config.label',
    'org.example.vendor=base',
    '--created',
    '2024-01-01T00:00:00Z',
  ])
  return layout
}

/**
 * Copies with skopeo, a reader and writer that we did not write. A reference is one of skopeo's
 * own.
 */
export async function skopeoCopy(from: string, to: string, ...options: string[]): Promise<void> {
  await execa('skopeo', [
    '--insecure-policy',
    'copy',
    '-q',
    '--src-tls-verify=false',
    '--dest-tls-verify=false',
    ...options,
    from,
    to,
  ])
}

/**
 * Puts the image of a layout into a registry (`127.0.0.1:5000/app:v1`) as a Docker or an OCI image.
 */
export async function pushAs(kind: ImageKind, layout: string, reference: string): Promise<void> {
  await skopeoCopy(
    `oci:${layout}:base`,
    `docker://${reference}`,
    '--format',
    kind === 'docker' ? 'v2s2' : 'oci',
  )
}

/** The image's root file system as umoci unpacks it: every layer applied. */
export async function unpackRoot(reference: string, folder: string): Promise<string> {
  const layout = join(folder, 'layout')
  await skopeoCopy(
    reference.startsWith('oci:') ? reference : `docker://${reference}`,
    `oci:${layout}:image`,
    '--format',
    'oci',
  )
  const bundle = join(folder, 'bundle')
  await execa('umoci', ['unpack', '--image', `${layout}:image`, bundle])
  return join(bundle, 'rootfs')
}

/** A line for everything in a tree: what a container would see of it. */
export async function listTree(root: string): Promise<string[]> {
  const script = String.raw`find . -printf '%p\t%y %m %U:%G links=%n %Ts %l\n' | sort
    find . -type f -exec sha256sum {} + | sort -k2
    find . \( -type f -o -type d \) -exec getfattr --absolute-names -d -m 'user|security.capability' -e hex {} + | sed -n 's/^# file: /&/p; /=/p'`
  const {stdout} = await execa('sh', ['-c', script], {
    cwd: root,
    env: {LC_ALL: 'C'},
    maxBuffer: 100 * 1024 * 1024,
  })
  return stdout
    .split('\n')
    .map((line) => (line.startsWith('.\t') ? line.replace(/ \d+ $/, ' ') : line))
}
