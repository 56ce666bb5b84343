//! `trailfit compare` against Z3, on random pairs; and its witnesses before the evaluators that are not trailfit's.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Instant;

use serde_json::{Map, Value, json};
use trailfit::verify::compare::{Answer, Side, compare};
use trailfit::verify::policy::Policy;

use crate::pairs::{
    ACTIONS, KEYS, PRINCIPAL, Random, action_pattern, condition_line, policy, resource_pattern,
    statement,
};
use crate::respell::{conditions, entries, respell};
use crate::{
    Expected, Outcome, Question, ask, ask_all, attach, count, documents_of, hold_trailfit_to, root,
    seed,
};

/// Two sets of policies.
pub(crate) struct Pair {
    /// Where it comes from.
    pub(crate) source: String,
    /// `{"old": side, "new": side}`, as `judge_z3.py` reads it.
    pub(crate) line: Value,
    /// They mean the same by the way they were made.
    pub(crate) same: bool,
}

/// `count` pairs: some that mean the same, some that differ in little, either side the one that was first.
pub(crate) fn pairs(seed: u64, count: usize) -> Vec<Pair> {
    let mut random = Random(seed ^ 0xc0de);
    (0..count)
        .map(|index| pair(&mut random, format!("seed {seed}, comparison {index}")))
        .collect()
}

fn pair(random: &mut Random, source: String) -> Pair {
    let (action, resources) = random.pick(ACTIONS);
    let resource = random.pick(resources);
    let first = side(random, action, resource);
    let mut second = first.clone();
    let same = random.chance(25);
    if !same {
        for _ in 0..1 + random.below(3) {
            mutate_side(random, &mut second, action, resource);
        }
    }
    if same || random.chance(40) {
        for _ in 0..1 + random.below(4) {
            respell_side(random, &mut second);
        }
    }
    let line = if random.chance(40) {
        json!({"old": second, "new": first})
    } else {
        json!({"old": first, "new": second})
    };
    Pair { source, line, same }
}

/// Most policies without what is hard on Z3: variables, as strings that must be equal to each other, and what may be read in
/// two ways, a star that ends a field and refuses.
fn plainer(random: &mut Random, mut policy: Value) -> Value {
    if !random.chance(15) {
        let text = policy.to_string();
        let text = text.replace("${aws:PrincipalTag/team, 'x'}", "x");
        let text = text.replace("${aws:username}", "ann");
        policy = serde_json::from_str(&text).unwrap();
    }
    if !random.chance(15) {
        for statement in policy["Statement"].as_array_mut().unwrap() {
            without_wide_stars(statement);
        }
    }
    policy
}

/// A star that ends one of the first fields of an ARN, with other fields behind it, as a name without a star.
fn without_wide_stars(statement: &mut Value) {
    let element = match &statement["Effect"] {
        deny if deny == "Deny" => "Resource",
        _ => "NotResource",
    };
    let Some(list) = entries(statement, element) else {
        return;
    };
    let plain = list.iter().map(|text| text.replace("*:", "x:"));
    let plain: Vec<String> = plain.collect();
    statement[element] = json!(plain);
}

fn side(random: &mut Random, action: &str, resource: &str) -> Value {
    let policies: Vec<Value> = (0..1 + random.below(2))
        .map(|_| {
            let policy = policy(random, action, resource);
            plainer(random, policy)
        })
        .collect();
    let mut out = json!({ "policies": policies });
    if random.chance(20) {
        out["boundary"] = limit(random, action, resource);
    }
    if random.chance(15) {
        let scps: Vec<Value> = (0..1 + random.below(2))
            .map(|_| limit(random, action, resource))
            .collect();
        out["scps"] = scps.into();
    }
    out
}

/// A boundary or an SCP: all but what it denies, or a policy like any other.
fn limit(random: &mut Random, action: &str, resource: &str) -> Value {
    if random.chance(40) {
        let policy = policy(random, action, resource);
        return plainer(random, policy);
    }
    let mut statements = vec![json!({"Effect": "Allow", "Action": ["*"], "Resource": ["*"]})];
    if random.chance(70) {
        let mut deny = statement(random, action, resource);
        deny["Effect"] = "Deny".into();
        statements.push(deny);
    }
    document(&statements)
}

fn document(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// A document of `side`, most often one of its identity policies.
fn one_document<'s>(random: &mut Random, side: &'s mut Value) -> &'s mut Value {
    let fields = side.as_object_mut().unwrap();
    let place = match random.below(6) {
        0 if fields.contains_key("boundary") => "boundary",
        1 if fields.contains_key("scps") => "scps",
        _ => "policies",
    };
    let value = &mut fields[place];
    if value.is_object() {
        return value;
    }
    let list = value.as_array_mut().unwrap();
    let at = random.below(list.len());
    &mut list[at]
}

fn respell_side(random: &mut Random, side: &mut Value) {
    let all = document(&[json!({"Effect": "Allow", "Action": "*", "Resource": "*"})]);
    match random.below(14) {
        0 if side.get("boundary").is_none() => side["boundary"] = all,
        1 if side.get("scps").is_none() => side["scps"] = json!([all]),
        // What allows it twice allows it.
        2 if side.get("boundary").is_none() && side["policies"].as_array().unwrap().len() == 1 => {
            side["boundary"] = side["policies"][0].clone();
        }
        3 => side["policies"].as_array_mut().unwrap().reverse(),
        _ => {
            let document = one_document(random, side);
            let statements = document["Statement"].as_array_mut().unwrap();
            respell(random, statements);
        }
    }
}

/// Changes `side` so that it most likely means something else.
fn mutate_side(random: &mut Random, side: &mut Value, action: &str, resource: &str) {
    match random.below(20) {
        0 if side.get("boundary").is_some() => {
            side.as_object_mut().unwrap().remove("boundary");
            return;
        }
        1 if side.get("scps").is_some() => {
            side.as_object_mut().unwrap().remove("scps");
            return;
        }
        2 => {
            side["boundary"] = limit(random, action, resource);
            return;
        }
        _ => {}
    }
    let document = one_document(random, side);
    let statements = document["Statement"].as_array_mut().unwrap();
    let at = random.below(statements.len());
    match random.below(12) {
        0 if statements.len() > 1 => {
            statements.remove(at);
        }
        1 => statements.push(statement(random, action, resource)),
        2 if statements.len() > 1 && statements.iter().any(|s| s["Effect"] == "Deny") => {
            statements.retain(|s| s["Effect"] != "Deny");
            if statements.is_empty() {
                statements.push(statement(random, action, resource));
            }
        }
        3 | 4 => change_list(random, &mut statements[at], "Action", |random, text, _| {
            action_pattern(
                random,
                if text.contains(['*', '?']) {
                    action
                } else {
                    text
                },
            )
        }),
        5 | 6 => change_list(
            random,
            &mut statements[at],
            "Resource",
            |random, text, negated| {
                let plain = text.split(':').count() >= 6 && !text.contains(['*', '?', '$']);
                resource_pattern(random, if plain { text } else { resource }, negated)
            },
        ),
        7 | 8 => drop_condition(random, &mut statements[at]),
        9 => {
            let (operator, key, values) = condition_line(random);
            let conditions = statements[at].as_object_mut().unwrap();
            let conditions = conditions.entry("Condition").or_insert_with(|| json!({}));
            conditions[&operator] = json!({ (key): values });
        }
        _ => change_values(random, &mut statements[at]),
    }
}

/// Replaces, adds or removes an entry of `element` or of its negation.
fn change_list(
    random: &mut Random,
    statement: &mut Value,
    element: &str,
    pattern: impl Fn(&mut Random, &str, bool) -> String,
) {
    let not = format!("Not{element}");
    let negated = statement.get(element).is_none();
    let element = if negated { &not } else { element };
    let mut list = entries(statement, element).unwrap();
    let at = random.below(list.len());
    let other = pattern(random, &list[at], negated);
    match random.below(4) {
        0 if list.len() > 1 => {
            list.remove(at);
        }
        1 => list.push(other),
        _ => list[at] = other,
    }
    statement[element] = json!(list);
}

fn drop_condition(random: &mut Random, statement: &mut Value) {
    let Some(conditions) = statement
        .get_mut("Condition")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    let operators: Vec<String> = conditions.keys().cloned().collect();
    conditions.remove(&operators[random.below(operators.len())]);
    if conditions.is_empty() {
        statement.as_object_mut().unwrap().remove("Condition");
    }
}

/// Other values for a condition, one fewer, or `IfExists` put on or taken off.
fn change_values(random: &mut Random, statement: &mut Value) {
    let conditions = conditions(statement);
    if conditions.is_empty() {
        return;
    }
    let (operator, key, values) = conditions[random.below(conditions.len())].clone();
    if random.chance(30) && operator != "Null" && !operator.starts_with("For") {
        let other = operator
            .strip_suffix("IfExists")
            .map_or_else(|| format!("{operator}IfExists"), str::to_owned);
        let fields = statement["Condition"].as_object_mut().unwrap();
        let keys = fields.remove(&operator).unwrap();
        fields.insert(other, keys);
        return;
    }
    if random.chance(30) && values.len() > 1 {
        statement["Condition"][&operator][&key] = json!(values[1..]);
        return;
    }
    // Another line of the same operator's family, if one comes up, has values that fit.
    for _ in 0..60 {
        let (line, other_key, other) = condition_line(random);
        if other_key == key && operator != "Null" && line != "Null" {
            let wild = other.iter().any(|value| value.contains(['*', '?']));
            if wild && !operator.contains("Like") {
                continue;
            }
            let mut all = values.clone();
            all.extend(other.into_iter().map(Value::from));
            all.sort_by_key(Value::to_string);
            all.dedup();
            statement["Condition"][&operator][&key] = json!(all);
            return;
        }
    }
}

/// The question whether `side` allows `request`, as the judges of single requests read it.
fn question(side: &Value, request: &Value) -> Value {
    let mut line = json!({"policies": side["policies"], "request": request});
    // As policies spell them: iam-simulate finds a variable's tag only so.
    let keys = request["context"].as_object().unwrap().iter();
    let spelled = keys.map(|(key, values)| {
        let known = KEYS.iter().map(|(known, ..)| *known);
        let known = known
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(key));
        (known.unwrap_or(key).to_owned(), values.clone())
    });
    line["request"]["context"] = spelled.collect::<Map<_, _>>().into();
    line["request"]["principal"] = PRINCIPAL.into();
    // Whoever the resource's ARN says it belongs to: one account's policies are compared.
    line["request"]["context"]["aws:ResourceAccount"] = json!(["111122223333"]);
    if let Some(boundary) = side.get("boundary") {
        line["boundary"] = boundary.clone();
    }
    if let Some(scps) = side["scps"].as_array() {
        line["scps"] = scps.iter().map(|scp| json!([scp])).collect();
    }
    line
}

/// That NEW allows `request`, and that OLD does not.
fn confirmations(source: &str, pair: &Value, request: &Value) -> [Question; 2] {
    let ask = |side: &str, expected| Question {
        source: format!("{source} by {side}"),
        line: question(&pair[side], request),
        expected,
    };
    [
        ask("new", Expected::Exactly("allowed".to_owned())),
        ask("old", Expected::NotAllowed),
    ]
}

/// The documents of a side.
struct Documents {
    identity: Vec<Policy>,
    boundary: Vec<Policy>,
    scps: Vec<Policy>,
}

impl Documents {
    fn read(side: &Value) -> Self {
        let read = |place: &str| match &side[place] {
            Value::Null => Vec::new(),
            Value::Array(list) => list.iter().flat_map(documents_of).collect(),
            one => documents_of(one),
        };
        Self {
            identity: read("policies"),
            boundary: read("boundary"),
            scps: read("scps"),
        }
    }
}

/// What `trailfit compare` says to a pair, in the words of `judge_z3.py`.
pub(crate) fn compared(pair: &Value) -> Value {
    let [old, new] = ["old", "new"].map(|side| Documents::read(&pair[side]));
    let identity = [&old, &new].map(|side| attach(&side.identity));
    let boundary = [&old, &new].map(|side| attach(&side.boundary));
    let scps = [&old, &new].map(|side| {
        let each = attach(&side.scps).into_iter().map(|scp| vec![scp]);
        each.collect::<Vec<_>>()
    });
    let [old, new] = [0, 1].map(|at| Side {
        identity: &identity[at],
        boundary: &boundary[at],
        scps: &scps[at],
    });
    let comparison = compare(&old, &new);
    match comparison.answer {
        Answer::No => json!({"answer": "no"}),
        Answer::Undecided => json!({"answer": "undecided", "why": comparison.undecided}),
        Answer::Yes(witness) => json!({"answer": "yes", "request": {
            "action": witness.action, "resource": witness.resource, "context": witness.context,
        }}),
    }
}

#[test]
#[ignore = "needs Node.js and Python: run tests/oracle/run.sh"]
fn z3_compares_the_same() {
    let pairs = pairs(seed(), count("TRAILFIT_ORACLE_COMPARISONS", 1_000));
    let start = Instant::now();
    let own: Vec<Value> = pairs.iter().map(|pair| compared(&pair.line)).collect();
    println!("compare: {} pairs in {:?}", pairs.len(), start.elapsed());
    let start = Instant::now();
    let z3 = z3(&pairs);
    println!("z3: {} pairs in {:?}", pairs.len(), start.elapsed());

    let mut outcome = Outcome::default();
    let mut tally: BTreeMap<String, usize> = BTreeMap::new();
    let mut witnesses = Vec::new();
    for ((pair, own), z3) in pairs.iter().zip(&own).zip(&z3) {
        let said = |answer: &Value| answer["answer"].as_str().unwrap_or("an error").to_owned();
        let (own_said, z3_said) = (said(own), said(z3));
        let meant = if pair.same {
            "made to mean the same"
        } else {
            "made to differ"
        };
        *tally
            .entry(format!("trailfit {own_said}, z3 {z3_said}, {meant}"))
            .or_default() += 1;
        let decided = |said: &str| said == "yes" || said == "no";
        let right = z3_said != "an error"
            && (!decided(&own_said) || !decided(&z3_said) || own_said == z3_said)
            && !(pair.same && [&own_said, &z3_said].contains(&&"yes".to_owned()));
        outcome.add(right, || {
            format!(
                "{}: trailfit says {own}, z3 {z3}\n  {}",
                pair.source, pair.line
            )
        });
        if own_said == "undecided" {
            println!("{}: trailfit says {own}\n  {}", pair.source, pair.line);
        }
        if own_said == "yes" {
            let source = format!("{}, its witness", pair.source);
            witnesses.extend(confirmations(&source, &pair.line, &own["request"]));
        }
        if z3_said == "yes" {
            let source = format!("{}, Z3's witness", pair.source);
            let own_words = confirmations(&source, &pair.line, &z3["request"]);
            hold_trailfit_to(&own_words, &mut outcome);
        }
    }
    for (said, count) in tally {
        println!("{count} × {said}");
    }
    hold_trailfit_to(&witnesses, &mut outcome);
    ask_all(&witnesses, &mut outcome);
    outcome.end();
}

/// The answers of two Z3 judges, who share the work.
fn z3(pairs: &[Pair]) -> Vec<Value> {
    let lines: Vec<&Value> = pairs.iter().map(|pair| &pair.line).collect();
    let (first, second) = lines.split_at(lines.len() / 2);
    let judge = |lines: &[&Value]| {
        let here = root().join("oracle");
        let mut command = Command::new("python3");
        let command = command.arg(here.join("judge_z3.py"));
        ask(
            command.env("PYTHONPATH", here.join("python_modules")),
            lines,
        )
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(|| judge(first));
        let second = judge(second);
        let mut out = first.join().unwrap();
        out.extend(second);
        out
    })
}
