// What threads import first: sets the flags of V8 that `setThreadFlags` was told. They are those of
// the whole process, in which V8 has just set them back.
import {setFlagsFromString} from 'node:v8'

for (const flag of process.argv.slice(2)) setFlagsFromString(flag)
