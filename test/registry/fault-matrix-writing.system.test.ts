import {describeMatrix} from '../support/fault-matrix/describe-matrix.js'

await describeMatrix(['K9', 'K10', 'K11', 'K12', 'K13', 'K14', 'K15'])
