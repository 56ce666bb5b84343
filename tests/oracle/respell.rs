//! Other spellings of a list of statements that mean the same, each by a rule that is plain to see.

use serde_json::{Map, Value, json};

use crate::pairs::{Random, condition_line};

/// Turns one statement of `statements`, chosen by `random`, into one or more that together mean the same; or leaves it as it
/// is, where the chosen rule does not fit.
pub(crate) fn respell(random: &mut Random, statements: &mut Vec<Value>) {
    let at = random.below(statements.len());
    let statement = statements[at].clone();
    let said: Option<Vec<Value>> = match random.below(14) {
        0 => split_list(&statement, "Action"),
        1 => split_list(&statement, "Resource"),
        2 => split_values(random, &statement),
        3 => split_if_exists(&statement),
        4 => other_case(&statement),
        5 => split_star(random, &statement),
        6 => split_bool(&statement),
        7 => halve_networks(&statement),
        8 => split_order(&statement),
        9 => by_condition(random, &statement),
        10 => by_resource(&statement),
        11 => by_action(&statement),
        12 => equals_or_like(&statement),
        _ => Some(vec![statement.clone(), statement.clone()]),
    };
    if let Some(said) = said {
        statements.splice(at..=at, said);
    }
    let (a, b) = (
        random.below(statements.len()),
        random.below(statements.len()),
    );
    statements.swap(a, b);
}

/// A copy of `statement` with `element` set.
fn with(statement: &Value, element: &str, value: Value) -> Value {
    let mut out = statement.clone();
    out[element] = value;
    out
}

/// A copy with one more condition; `None` where its operator has one on the key already.
fn with_condition(statement: &Value, operator: &str, key: &str, values: &Value) -> Option<Value> {
    let mut out = statement.clone();
    let fields = out.as_object_mut()?;
    let conditions = fields.entry("Condition").or_insert_with(|| json!({}));
    let keys = conditions.as_object_mut()?;
    let keys = keys.entry(operator).or_insert_with(|| json!({}));
    let keys = keys.as_object_mut()?;
    if keys.contains_key(key) {
        return None;
    }
    keys.insert(key.to_owned(), values.clone());
    Some(out)
}

/// A copy without the condition of `operator` on `key`.
fn without_condition(statement: &Value, operator: &str, key: &str) -> Value {
    let mut out = statement.clone();
    let conditions = out["Condition"].as_object_mut().unwrap();
    let keys = conditions[operator].as_object_mut().unwrap();
    keys.remove(key);
    if keys.is_empty() {
        conditions.remove(operator);
    }
    if conditions.is_empty() {
        out.as_object_mut().unwrap().remove("Condition");
    }
    out
}

/// The conditions of a statement: operator, key, values.
pub(crate) fn conditions(statement: &Value) -> Vec<(String, String, Vec<Value>)> {
    let none = Map::new();
    let operators = statement["Condition"].as_object().unwrap_or(&none);
    let each = operators.iter().flat_map(|(operator, keys)| {
        let keys = keys.as_object().unwrap().iter();
        keys.map(|(key, values)| {
            let values = values.as_array().unwrap().clone();
            (operator.clone(), key.clone(), values)
        })
    });
    each.collect()
}

/// The entries of `Action`, `Resource`, …, if the statement has that element as a list.
pub(crate) fn entries(statement: &Value, element: &str) -> Option<Vec<String>> {
    let list = statement.get(element)?.as_array()?;
    Some(
        list.iter()
            .map(|text| text.as_str().unwrap().to_owned())
            .collect(),
    )
}

/// One statement for each entry of a list.
fn split_list(statement: &Value, element: &str) -> Option<Vec<Value>> {
    let entries = entries(statement, element)?;
    let each = entries
        .into_iter()
        .map(|entry| with(statement, element, json!([entry])));
    Some(each.collect())
}

/// Values under an operator that is not negated are alternatives.
fn split_values(random: &mut Random, statement: &Value) -> Option<Vec<Value>> {
    let conditions = conditions(statement);
    let plain = |(operator, _, values): &&(String, String, Vec<Value>)| {
        values.len() > 1 && !operator.contains("Not") && !operator.starts_with("ForAll")
    };
    let fitting: Vec<_> = conditions.iter().filter(plain).collect();
    if fitting.is_empty() {
        return None;
    }
    let (operator, key, values) = random.pick(&fitting);
    let each = values.iter().map(|value| {
        let mut out = statement.clone();
        out["Condition"][operator][key] = json!([value]);
        out
    });
    Some(each.collect())
}

/// With `IfExists`: the key is absent, or the operator without it.
fn split_if_exists(statement: &Value) -> Option<Vec<Value>> {
    let conditions = conditions(statement);
    let (operator, key, values) = conditions
        .iter()
        .find(|(operator, ..)| operator.ends_with("IfExists"))?;
    let without = without_condition(statement, operator, key);
    let plain = operator.strip_suffix("IfExists")?;
    Some(vec![
        with_condition(&without, plain, key, &json!(values))?,
        with_condition(&without, "Null", key, &json!(["true"]))?,
    ])
}

/// Actions are compared without regard to case.
fn other_case(statement: &Value) -> Option<Vec<Value>> {
    let element = ["Action", "NotAction"]
        .into_iter()
        .find(|e| statement.get(e).is_some())?;
    let upper = entries(statement, element)?;
    let upper: Vec<String> = upper.iter().map(|text| text.to_uppercase()).collect();
    Some(vec![with(statement, element, json!(upper))])
}

/// `x*` is `x` and `x?*`.
fn split_star(random: &mut Random, statement: &Value) -> Option<Vec<Value>> {
    let element = random.pick(&["Action", "Resource", "NotAction", "NotResource"]);
    let mut list = entries(statement, element)?;
    let fits = |text: &&mut String| {
        let stem = text.strip_suffix('*').unwrap_or_default();
        match element {
            // A name is not empty.
            "Action" | "NotAction" => stem.contains(':') && !stem.ends_with([':', '*']),
            // Behind the fields of an ARN a star is a star.
            _ => stem.split(':').count() >= 6 && !stem.ends_with('*') && !stem.contains('$'),
        }
    };
    let text = list.iter_mut().find(fits)?;
    let stem = text.strip_suffix('*')?.to_owned();
    *text = format!("{stem}?*");
    list.push(stem);
    Some(vec![with(statement, element, json!(list))])
}

/// A boolean is there and true, there and false, or absent.
fn split_bool(statement: &Value) -> Option<Vec<Value>> {
    let key = "aws:MultiFactorAuthPresent";
    Some(vec![
        with_condition(statement, "Bool", key, &json!(["true"]))?,
        with_condition(statement, "Bool", key, &json!(["false"]))?,
        with_condition(statement, "Null", key, &json!(["true"]))?,
    ])
}

/// `203.0.113.0/24` is `203.0.113.0/25` and `203.0.113.128/25`.
fn halve_networks(statement: &Value) -> Option<Vec<Value>> {
    let text = statement.to_string();
    let halved = text.replace(
        r#""203.0.113.0/24""#,
        r#""203.0.113.0/25","203.0.113.128/25""#,
    );
    let halved = halved.replace(
        r#""2001:db8::/32""#,
        r#""2001:db8::/33","2001:db8:8000::/33""#,
    );
    (halved != text).then(|| vec![serde_json::from_str(&halved).unwrap()])
}

/// `LessThanEquals` is `LessThan` or `Equals`.
fn split_order(statement: &Value) -> Option<Vec<Value>> {
    let conditions = conditions(statement);
    let (operator, key, values) = conditions
        .iter()
        .find(|(operator, ..)| operator.ends_with("ThanEquals"))?;
    let without = without_condition(statement, operator, key);
    let than = operator.strip_suffix("Equals")?;
    let equals = if operator.starts_with("Date") {
        "DateEquals"
    } else {
        "NumericEquals"
    };
    Some(vec![
        with_condition(&without, than, key, &json!(values))?,
        with_condition(&without, equals, key, &json!(values))?,
    ])
}

/// A condition holds or its opposite does, which takes an absent key for true.
fn by_condition(random: &mut Random, statement: &Value) -> Option<Vec<Value>> {
    let (operator, key, values) = condition_line(random);
    let values = json!(values);
    let opposite = match operator.as_str() {
        "StringEquals" => "StringNotEquals",
        "StringLike" => "StringNotLike",
        "StringEqualsIgnoreCase" => "StringNotEqualsIgnoreCase",
        "ArnLike" => "ArnNotEquals",
        "IpAddress" => "NotIpAddress",
        "NumericEquals" => "NumericNotEquals",
        "DateEquals" => "DateNotEquals",
        "ForAllValues:StringEquals" => "ForAnyValue:StringNotEquals",
        "ForAllValues:StringNotEquals" => "ForAnyValue:StringEquals",
        "ForAnyValue:StringLike" => return None,
        "NumericLessThan" if values.as_array()?.len() == 1 => "NumericGreaterThanEqualsIfExists",
        "DateGreaterThan" if values.as_array()?.len() == 1 => "DateLessThanEqualsIfExists",
        _ => return None,
    };
    Some(vec![
        with_condition(statement, &operator, key, &values)?,
        with_condition(statement, opposite, key, &values)?,
    ])
}

/// `*` is a resource and all others.
fn by_resource(statement: &Value) -> Option<Vec<Value>> {
    let whole = entries(statement, "Resource")?;
    if !whole.iter().any(|text| text == "*") {
        return None;
    }
    let some = json!([
        "arn:aws:s3:::reports/*",
        "arn:aws:sqs:eu-west-1:111122223333:j?bs"
    ]);
    let mut others = statement.clone();
    let fields = others.as_object_mut()?;
    fields.remove("Resource");
    fields.insert("NotResource".to_owned(), some.clone());
    Some(vec![with(statement, "Resource", some), others])
}

/// `*` is some actions and all others.
fn by_action(statement: &Value) -> Option<Vec<Value>> {
    let whole = entries(statement, "Action")?;
    if !whole.iter().any(|text| text == "*") {
        return None;
    }
    let some = json!(["s3:Get*", "ec2:*Tags", "sqs:*"]);
    let mut others = statement.clone();
    let fields = others.as_object_mut()?;
    fields.remove("Action");
    fields.insert("NotAction".to_owned(), some.clone());
    Some(vec![with(statement, "Action", some), others])
}

/// Without wildcards and variables, `StringLike` is `StringEquals`.
fn equals_or_like(statement: &Value) -> Option<Vec<Value>> {
    let conditions = conditions(statement);
    let plain = |values: &[Value]| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        !values
            .iter()
            .any(|value| text(value).contains(['*', '?', '$']))
    };
    let fits =
        |operator: &str| operator.ends_with("StringEquals") || operator.ends_with("StringLike");
    let (operator, key, values) = conditions
        .iter()
        .find(|(operator, _, values)| fits(operator) && plain(values))?;
    let other = if operator.ends_with("Like") {
        operator.replace("Like", "Equals")
    } else {
        operator.replace("Equals", "Like")
    };
    let without = without_condition(statement, operator, key);
    Some(vec![with_condition(&without, &other, key, &json!(values))?])
}
