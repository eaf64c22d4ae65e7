// Run as a process of its own: writes the file named on the command line.
import {writeFileAtomic} from '../../src/disk/atomic-file.js'

await writeFileAtomic(process.argv[2]!, 'content', {mode: 0o644})
