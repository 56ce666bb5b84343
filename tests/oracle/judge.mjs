// Judges JSON lines with an IAM evaluator that is not trailfit's.
//
// In, one request a line: {"policies": [document, ...], "request": {"principal", "action", "resource", "context"}}, and
// perhaps "boundary" and "session" (a document), "scps" (levels of documents), "rcps" (documents), "resource" (a document).
// Out, one line for each: {"decision": "allowed" | "implicitlyDenied" | "explicitlyDenied"}, {"error": ...}, or
// {"skip": ...} where it refuses the question: it judges only actions that it knows, and only on a resource of a type that
// the action knows; and of several resources at once, or of `*`, it says whether some may be allowed, not whether all are.

import { createInterface } from 'node:readline'
import { runSimulation } from '@cloud-copilot/iam-simulate'

const names = {
  Allowed: 'allowed',
  ImplicitlyDenied: 'implicitlyDenied',
  ExplicitlyDenied: 'explicitlyDenied'
}

// A key and a role are closed to identity policies until their own policy hands them over to the account, as AWS's
// default key policy does ("Default key policy", AWS KMS Developer Guide). The question here is what identity policies
// allow, so they are handed over.
function ownPolicy(principal, action) {
  if (!/^(kms|sts):/i.test(action)) {
    return undefined
  }
  const [, partition, , , account] = principal.split(':')
  const statement = {
    Effect: 'Allow',
    Principal: { AWS: `arn:${partition}:iam::${account}:root` },
    Action: action
  }
  if (/^kms:/i.test(action)) {
    statement.Resource = '*'
  }
  return { Version: '2012-10-17', Statement: [statement] }
}

const unaskable = [
  'invalid.action',
  'invalid.service',
  'no.resource.types',
  'multiple.resource.types',
  'must.use.wildcard'
]

// It lets a session policy limit even what a resource policy grants to the session itself.
function grantsDirectly(resourcePolicy, principal) {
  return resourcePolicy?.Statement.some(({ Principal: named }) => {
    const list = typeof named === 'string' ? [named] : [named?.AWS ?? []].flat()
    return list.some((name) => name === '*' || name === principal)
  })
}

const resourcesOf = (documents) =>
  documents.flatMap(({ Statement }) => [Statement].flat().flatMap((s) => s.Resource ?? s.NotResource))

// It cuts a resource's type off before it fills variables in, in the midst of one where the type would stand.
function hasVariableAsType({ policies, boundary, scps = [] }) {
  const resources = resourcesOf([...policies, boundary ?? [], ...scps].flat())
  return resources.some((arn) => /^arn:[^:]*:(?!s3:)[^:]*:[^:]*:[^:]*:[^:/]*\$\{/.test(arn))
}

// It refuses these.
const isShort = (arn) => arn !== '*' && arn.split(':').length < 6

const named = (documents = []) => documents.map((policy, index) => ({ name: `policy ${index}`, policy }))

async function judge(question) {
  const { policies, request, boundary, session, scps = [], rcps } = question
  const { principal, action, resource, context } = request
  const account = principal.split(':')[4]
  // Neither identity policies nor SCPs are about an AWS service; this evaluator would apply them.
  const isService = !principal.startsWith('arn:')
  const owner = context['aws:ResourceAccount']?.[0] ?? account
  if (resource !== '*' && /[*?]/.test(resource)) {
    return { skip: 'a request for many resources' }
  }
  if (session && grantsDirectly(question.resource, principal)) {
    return { skip: 'its reading of session policies' }
  }
  if (hasVariableAsType(question)) {
    return { skip: 'a variable where the type of a resource stands' }
  }
  if (resourcesOf(scps.flat()).some(isShort)) {
    return { skip: 'a short ARN in an SCP' }
  }
  const contextVariables = {}
  for (const [key, values] of Object.entries(context)) {
    contextVariables[key] = values.length === 1 ? values[0] : values
  }
  const answer = await runSimulation(
    {
      request: {
        principal,
        action,
        resource: { resource, accountId: owner },
        contextVariables
      },
      identityPolicies: isService ? [] : named(policies),
      resourcePolicy:
        question.resource ?? (owner === account ? ownPolicy(principal, action) : undefined),
      permissionBoundaryPolicies: boundary && named([boundary]),
      sessionPolicy: session,
      serviceControlPolicies: (isService ? [] : scps).map((level, index) => ({
        orgIdentifier: `level ${index}`,
        policies: named(level)
      })),
      resourceControlPolicies: rcps ? [{ orgIdentifier: 'root', policies: named(rcps) }] : []
    },
    {}
  )
  if (unaskable.includes(answer.errors?.message)) {
    return { skip: `it says ${answer.errors.message}` }
  }
  if (answer.resultType === 'error') {
    return { error: JSON.stringify(answer.errors) }
  }
  if (answer.resultType === 'wildcard') {
    return { skip: 'a request for many resources' }
  }
  const ignored = answer.result?.ignoredContextKeys ?? []
  if (ignored.length > 0) {
    return { error: `context keys that do not belong to ${action}: ${ignored.join(', ')}` }
  }
  return { decision: names[answer.overallResult] }
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer
  try {
    answer = await judge(JSON.parse(line))
  } catch (error) {
    answer = { error: String(error) }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
