// Judges JSON lines with an IAM evaluator that is not trailfit's.
//
// In, one request a line: {"policies": [document, ...], "request": {"principal", "action", "resource", "context"}}.
// Out, one line for each: {"decision": "allowed" | "implicitlyDenied" | "explicitlyDenied"}, {"error": ...}, or
// {"skip": ...} where it refuses the question: it judges an action only on a resource of a type that the action knows,
// and of several resources at once it says whether some may be allowed, not whether all are.

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

const unaskable = ['no.resource.types', 'multiple.resource.types', 'must.use.wildcard']

async function judge({ policies, request }) {
  const { principal, action, resource, context } = request
  if (resource !== '*' && /[*?]/.test(resource)) {
    return { skip: 'a request for many resources' }
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
        // The caller's own account: another account would need a resource policy as well.
        resource: { resource, accountId: principal.split(':')[4] },
        contextVariables
      },
      identityPolicies: policies.map((policy, index) => ({ name: `policy ${index}`, policy })),
      resourcePolicy: ownPolicy(principal, action),
      serviceControlPolicies: [],
      resourceControlPolicies: []
    },
    {}
  )
  if (unaskable.includes(answer.errors?.message)) {
    return { skip: `it says ${answer.errors.message}` }
  }
  if (answer.resultType === 'error') {
    return { error: JSON.stringify(answer.errors) }
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
