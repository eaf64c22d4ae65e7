import {execa} from 'execa'

/** Sets one extended attribute with `setfattr`, a program that we did not write. */
export async function setXattr(path: string, name: string, value: Uint8Array): Promise<void> {
  await execa('setfattr', [
    '--no-dereference',
    '-n',
    name,
    '-v',
    `0x${Buffer.from(value).toString('hex')}`,
    '--',
    path,
  ])
}
