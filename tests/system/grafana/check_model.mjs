// Checks dashboards against the types that Grafana publishes for its own programs. Every key must be known and of its
// type: of the dashboard, of each query (Prometheus), and of the options of each panel, by the type of the panel.
//
//   node check_model.mjs FOLDER_OF_NODE_MODULES DASHBOARD.json ...
//
// Prints one line for each error. Exit status 1 if there is one.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'

const [, , modules, ...files] = process.argv
const require = createRequire(join(modules, 'from.cjs'))
const { createGenerator } = require('ts-json-schema-generator')
const { Ajv } = require('ajv')

function schemaOf (module, type) {
  const path = join(modules, 'node_modules/@grafana/grafana-foundation-sdk/dist', module, 'types.gen.d.ts')
  const schema = createGenerator({ path, type, skipTypeCheck: true, topRef: false }).createSchema(type)
  delete schema.$schema
  return schema
}

const ajv = new Ajv({ strict: false, allErrors: true })
const dashboard = schemaOf('dashboard', 'Dashboard')
dashboard.definitions.Dataquery = {} // of the data source, checked below
const checks = {
  dashboard: ajv.compile(dashboard),
  query: ajv.compile(schemaOf('prometheus', 'Dataquery'))
}
for (const type of ['timeseries', 'stat', 'heatmap']) {
  checks[type] = ajv.compile(schemaOf(type, 'Options'))
  if (type !== 'stat') checks[type + ' custom'] = ajv.compile(schemaOf(type, 'FieldConfig'))
}

let errors = 0
function check (name, place, value) {
  if (checks[name]?.(value)) return
  for (const error of checks[name]?.errors ?? [{ instancePath: '', message: 'is of a type that is not checked' }]) {
    errors++
    console.log(`${place}${error.instancePath} ${error.message} ${JSON.stringify(error.params ?? {})}`)
  }
}

for (const file of files) {
  const board = JSON.parse(readFileSync(file, 'utf8'))
  const name = basename(file)
  check('dashboard', name, board)
  for (const panel of board.panels.filter(({ type }) => type !== 'row')) {
    const place = `${name}: ${panel.title}`
    check(panel.type, place + ' options', panel.options)
    const custom = panel.fieldConfig.defaults.custom
    if (custom !== undefined) check(panel.type + ' custom', place + ' custom', custom)
    for (const query of panel.targets) check('query', `${place} ${query.refId}`, query)
  }
}
process.exit(errors > 0 ? 1 : 0)
