/**
 * What a peer runs, as a shell would: `$1` the registry and repository, `$2` the directory, `$3`
 * the tag of the result, `$4` a folder for what it writes.
 */
export const peers = {
  crane: 'tar -C "$2" -cf - . | crane append --insecure -b "$1:base" -t "$1:$3" -f -',
  'umoci + skopeo':
    'rm -rf "$4/l" && skopeo copy -q --src-tls-verify=false "docker://$1:base" "oci:$4/l:t" && umoci insert --image "$4/l:t" "$(readlink -f "$2")" / >&2 && skopeo copy -q --dest-tls-verify=false "oci:$4/l:t" "docker://$1:$3"',
  buildah:
    'set -e; b="buildah --root $4/b --runroot $4/r --storage-driver vfs"; c=$($b from -q --tls-verify=false "$1:base"); $b add -q "$c" "$2" / >&2; $b commit -q --disable-compression=false "$c" "$1:$3" >&2; $b push -q --tls-verify=false "$1:$3" >&2; $b rm -a >&2; $b rmi -a -f >&2',
  'old injector':
    'set -e; tar --xattrs -C "$2" -cf "$4/t.tar" .; sha256sum "$4/t.tar"; gzip -n -6 -k -f "$4/t.tar"; sha256sum "$4/t.tar.gz"; DXF_HOST="${1%%/*}" DXF_INSECURE=1 dxf push-blob "${1#*/}" "$4/t.tar.gz" || exit 1',
  regctl:
    'tar -C "$2" -cf "$4/t.tar" . && regctl registry set --tls disabled "${1%%/*}" >&2 && regctl image mod "$1:base" --create "$1:$3" --layer-add "tar=$4/t.tar"',
  'tar | pigz -p 2 -6 | sha256sum': 'tar -cf - -C "$2" . | pigz -p 2 -6 | sha256sum',
  'crane blob | tar -xz':
    'rm -rf "$4/x" && mkdir "$4/x" && crane blob --insecure "$1@$3" | tar -xzf - -C "$4/x"',
  'crane loop':
    'rm -rf "$4/x" && mkdir "$4/x" && crane blob --insecure "$1@$3" | tar -xzf - -C "$4/x" && date > "$4/x/changed" && tar -C "$4/x" -cf - . | crane append --insecure -b "$1:base" -t "$1:loop" -f -',
  'node -e 0': `${process.execPath} -e 0`,
}

/** The peers whose third argument is the digest of the first update's layer. */
export const readsFirst = new Set(['crane blob | tar -xz', 'crane loop'])

/** Whether all that the command of a peer calls is on this machine. */
export const isHere = (peer, here) =>
  peer
    .split(/[^\w]+/)
    .filter((word) => ['crane', 'umoci', 'skopeo', 'buildah', 'regctl', 'pigz'].includes(word))
    .every((word) => here.has(word)) &&
  (peer !== 'old injector' || here.has('dxf'))
