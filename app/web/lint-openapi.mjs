// Lints an OpenAPI document: `node lint-openapi.mjs FILE`. Redocly's engine with its strict rules and some more of its
// own; used as a library, so that nothing is asked of or told to any network.
import { createConfig, lint } from '@redocly/openapi-core'

const STRICTER = {
  'array-parameter-serialization': 'error',
  'component-name-unique': 'error',
  'no-http-verbs-in-paths': 'error',
  'no-invalid-parameter-examples': 'error',
  'no-invalid-schema-examples': 'error',
  'no-required-schema-properties-undefined': 'error',
  'operation-4xx-problem-details-rfc7807': 'error',
  'operation-singular-tag': 'error',
  'operation-tag-defined': 'error',
}

const config = await createConfig({ extends: ['recommended-strict'], rules: STRICTER })
const problems = await lint({ ref: process.argv[2], config })
for (const { ruleId, message, location } of problems) {
  console.error(`${ruleId}: ${message} (${location.map((place) => place.pointer).join(', ')})`)
}
process.exitCode = problems.length > 0 ? 1 : 0
