//! Records as the rows of a table: `get-query-results` of CloudTrail Lake and of Athena, and CSV.
//!
//! A row is put together to the JSON object that it stands for, so that a row is read like any other value.

use std::io::Write;

use memchr::{memchr3_iter, memmem};
use serde::de::IgnoredAny;
use simd_json::prelude::*;
use simd_json::tape::{Array, Object};

use crate::cloudtrail::carrier;
use crate::cloudtrail::event::{Json, canonical, names_a_record};

/// A row: the names of its columns with their values.
pub(super) type Row<'a> = Vec<(&'a str, &'a str)>;

/// A row of Lake's `QueryResultRows`: `[{"eventID": "…"}, {"eventName": "…"}]`, one object a column. `None` where the
/// array is something else, an array of objects of the same name among them.
pub(super) fn name_value_row<'a>(elements: &Array<'_, 'a>) -> Option<Row<'a>> {
    let mut row = Row::with_capacity(elements.len());
    for element in elements {
        let object = element.as_object()?;
        let (name, value) = object.iter().next()?;
        if object.len() > 1
            || row.iter().any(|(other, _)| *other == name)
            || row.len() > MAX_COLUMNS
        {
            return None;
        }
        row.push((name, value.into_string()?));
    }
    (!row.is_empty()).then_some(row)
}

/// CloudTrail Lake's widest table has 27 columns; a join can have more.
const MAX_COLUMNS: usize = 256;

/// The rows of Athena's `ResultSet`: `{"Rows": [{"Data": [{"VarCharValue": "…"}]}], "ResultSetMetadata": {…}}`. The names
/// stand in `ColumnInfo` or, where that is missing, in the first row; the first page repeats them there anyway.
pub(super) fn athena_table<'a>(object: &Object<'_, 'a>) -> Option<Vec<Row<'a>>> {
    let rows = object.get("Rows")?.as_array()?;
    let mut cells = rows.iter().map(athena_cells);
    let names = object
        .get("ResultSetMetadata")
        .and_then(|metadata| column_names(&metadata.as_object()?));
    let names = match names {
        Some(names) => names,
        None => cells.next()??,
    };
    let mut table = Vec::new();
    for cells in cells {
        let cells = cells?;
        if cells != names {
            table.push(names.iter().copied().zip(cells).collect());
        }
    }
    Some(table)
}

fn athena_cells<'a>(row: Json<'_, 'a>) -> Option<Vec<&'a str>> {
    let data = row.as_object()?.get("Data")?.as_array()?;
    let cell = |cell: Json<'_, 'a>| {
        Some(
            cell.as_object()?
                .get("VarCharValue")
                .and_then(|text| text.into_string())
                .unwrap_or_default(),
        )
    };
    data.iter().map(cell).collect()
}

fn column_names<'a>(metadata: &Object<'_, 'a>) -> Option<Vec<&'a str>> {
    let columns = metadata.get("ColumnInfo")?.as_array()?;
    columns
        .iter()
        .map(|column| column.as_object()?.get("Name")?.into_string())
        .collect()
}

/// One cell of a row of CloudWatch Logs Insights (`GetQueryResults`): `{"field": "@message", "value": "…"}`.
pub(super) fn field_and_value<'a>(object: &Object<'_, 'a>) -> Option<(&'a str, &'a str)> {
    let text = |name| object.get(name)?.into_string();
    let cell = (text("field")?, text("value")?);
    (object.len() == 2).then_some(cell)
}

/// Where a table has no column that is known to hold records, and neither a source nor a name of events, the one cell of
/// `row` outside of a record's fields that reads like a record is taken for it, and its column named so. False where there
/// are several, so that it can not be told which of them an attacker wrote.
pub(super) fn name_record(row: &mut [(&str, &str)]) -> bool {
    let known = |name| carrier::tells_a_row(name) || carrier::may_carry(name);
    if row.iter().any(|(name, _)| known(name)) {
        return true;
    }
    let mut records = row.iter_mut().filter(|(name, value)| {
        let value = value.trim_ascii_start();
        !carrier::is_field(name)
            && value.starts_with(['{', '['])
            && names_a_record(value.as_bytes())
    });
    match (records.next(), records.next()) {
        (Some(_), Some(_)) => false,
        (Some(cell), None) => {
            cell.0 = "eventJson";
            true
        }
        (None, _) => true,
    }
}

/// Whether a text that does not begin as JSON begins as CSV with records: one of its cells holds a JSON object, the quotes
/// of which are doubled (RFC 4180), or its header names the columns that every record has.
pub(super) fn looks_like_csv(head: &[u8]) -> bool {
    let header = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let has = |name: &[u8]| {
        header
            .windows(name.len())
            .any(|part| part.eq_ignore_ascii_case(name))
    };
    if header.contains(&b',') && has(b"eventSource") && has(b"eventName") && !header.contains(&b'{')
    {
        return true;
    }
    memmem::find_iter(head, b"\"{")
        .any(|found| head[found + 2..].trim_ascii_start().starts_with(b"\"\""))
}

/// Writes a row as a JSON object. An empty cell is null, any other a string, except in the columns of a record's fields
/// that are objects or arrays: there JSON stays JSON, and a struct as Athena and Lake print it becomes JSON.
pub(super) fn write_object<'a>(row: impl Iterator<Item = (&'a str, &'a str)>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, (name, value)) in row.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(name, out);
        out.push(b':');
        if value.is_empty() {
            out.extend_from_slice(b"null");
        } else if !is_structured(name) {
            write_string(value, out);
        } else if value.starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(value).is_ok()
        {
            out.extend_from_slice(value.as_bytes());
        } else if !is_printed(name) || !write_struct(value, out) {
            write_string(value, out);
        }
    }
    out.push(b'}');
}

/// Whether a column holds objects or arrays.
fn is_structured(column: &str) -> bool {
    let names = [
        "requestParameters",
        "responseElements",
        "additionalEventData",
        "serviceEventDetails",
        "insightDetails",
        "tlsDetails",
    ];
    is_printed(column) || names.iter().any(|name| name.eq_ignore_ascii_case(column))
}

/// Whether a column is a struct in Athena's and Lake's tables.
fn is_printed(column: &str) -> bool {
    ["userIdentity", "resources"]
        .iter()
        .any(|name| name.eq_ignore_ascii_case(column))
}

/// Writes a struct as Athena prints it, `{type=AssumedRole, sessioncontext={attributes=null}}`, as JSON; false, with
/// nothing written, where `text` is none. What is in `userIdentity` and `resources` holds neither `, ` nor a bracket, so
/// that the text has one reading.
fn write_struct(text: &str, out: &mut Vec<u8>) -> bool {
    let before = out.len();
    let whole = text.starts_with(['{', '[']) && write_printed(text, 0, out) == Some("");
    if !whole {
        out.truncate(before);
    }
    whole
}

/// Structs in a record are nested three deep.
const MAX_STRUCTS: usize = 8;

/// Writes the printed value that `text` begins with; what follows it.
fn write_printed<'a>(text: &'a str, depth: usize, out: &mut Vec<u8>) -> Option<&'a str> {
    let close = match text.as_bytes().first()? {
        b'{' => '}',
        b'[' => ']',
        _ => {
            let ends = memchr3_iter(b',', b'}', b']', text.as_bytes());
            let end = ends
                .into_iter()
                .find(|&end| !text[end..].starts_with(',') || text[end..].starts_with(", "))?;
            match &text[..end] {
                "null" => out.extend_from_slice(b"null"),
                value => write_string(value, out),
            }
            return Some(&text[end..]);
        }
    };
    if depth == MAX_STRUCTS {
        return None;
    }
    out.push(text.as_bytes()[0]);
    let mut rest = &text[1..];
    while !rest.starts_with(close) {
        if !out.ends_with(b"{") && !out.ends_with(b"[") {
            rest = rest.strip_prefix(", ")?;
            out.push(b',');
        }
        if close == '}' {
            let (name, value) = rest.split_once('=')?;
            write_string(canonical(name, true), out);
            out.push(b':');
            rest = value;
        }
        rest = write_printed(rest, depth + 1, out)?;
    }
    out.push(close as u8);
    Some(&rest[1..])
}

/// Writes a JSON string (RFC 8259, section 7).
fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..0x20 => {
                // Writing to a vector does not fail.
                let _ = write!(out, "\\u{byte:04x}");
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use simd_json::prelude::*;

    use super::{
        athena_table, looks_like_csv, name_record, name_value_row, write_object, write_struct,
    };
    use crate::cloudtrail::event::Json;

    fn with_value<T>(json: &str, check: impl FnOnce(Json<'_, '_>) -> T) -> T {
        let mut bytes = json.as_bytes().to_vec();
        let tape = simd_json::to_tape(&mut bytes).unwrap();
        check(tape.as_value())
    }

    #[test]
    fn rows_of_names_and_values() {
        let table = [
            (r#"[{"a":"1"},{"b":""}]"#, Some(vec![("a", "1"), ("b", "")])),
            (r#"[{"a":"1"},{"a":"2"}]"#, None),
            (r#"[{"a":"1","b":"2"}]"#, None),
            (r#"[{"a":1}]"#, None),
            (r#"[{}]"#, None),
            (r#"["a"]"#, None),
            ("[]", None),
        ];
        for (json, expected) in table {
            with_value(json, |value| {
                assert_eq!(
                    name_value_row(&value.as_array().unwrap()),
                    expected,
                    "{json}"
                )
            });
        }
    }

    #[test]
    fn athena_pages() {
        let row = |cells: &str| format!(r#"{{"Data":[{cells}]}}"#);
        let cell = |text: &str| format!(r#"{{"VarCharValue":"{text}"}}"#);
        let header = row(&format!("{},{}", cell("a"), cell("b")));
        let data = row(&format!("{},{{}}", cell("1")));
        let columns = r#""ResultSetMetadata":{"ColumnInfo":[{"Name":"a"},{"Name":"b"}]}"#;
        let expected = Some(vec![vec![("a", "1"), ("b", "")]]);
        let table = [
            (format!(r#"{{"Rows":[{header},{data}]}}"#), expected.clone()),
            (
                format!(r#"{{"Rows":[{header},{data}],{columns}}}"#),
                expected.clone(),
            ),
            (format!(r#"{{"Rows":[{data}],{columns}}}"#), expected),
            (r#"{"Rows":[]}"#.to_owned(), None),
            (r#"{"Rows":[{"Data":"x"}]}"#.to_owned(), None),
            (r#"{"Rows":7}"#.to_owned(), None),
        ];
        for (json, expected) in table {
            with_value(&json, |value| {
                assert_eq!(
                    athena_table(&value.as_object().unwrap()),
                    expected,
                    "{json}"
                )
            });
        }
    }

    #[test]
    fn what_looks_like_csv() {
        let table = [
            ("a,json\n1,\"{\"\"x\"\":1}\"\n", true),
            ("json\n\"{\n  \"\"x\"\": 1}\"\n", true),
            ("eventName,eventSource,eventTime\nA,s,t\n", true),
            ("2026-03-01 {\"eventName\":\"{}\"}\n", false),
            ("eventName, eventSource {\"x\":1}\n", false),
            ("say \"{\"\n", false),
            ("", false),
        ];
        for (text, expected) in table {
            assert_eq!(looks_like_csv(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn the_column_of_records() {
        let record = r#"{"eventSource":"s","eventName":"n"}"#;
        let table = [
            (vec![("x", record), ("y", "1")], true, Some(0)),
            (
                vec![("y", "{}"), ("eventtime", "t"), ("x", record)],
                true,
                Some(2),
            ),
            (vec![("x", record), ("useragent", record)], true, Some(0)),
            (vec![("UserAgent", record)], true, None),
            (vec![("x", record), ("EventName", "n")], true, None),
            (vec![("x", record), ("message", "m")], true, None),
            (vec![("x", record), ("y", record)], false, None),
            (vec![("x", "{}")], true, None),
            (vec![], true, None),
        ];
        for (mut row, expected, column) in table {
            let before = row.clone();
            assert_eq!(name_record(&mut row), expected, "{before:?}");
            let named = row.iter().position(|(name, _)| *name == "eventJson");
            assert_eq!(named, column, "{before:?}");
        }
    }

    proptest! {
        #[test]
        fn a_row_is_written_as_the_object_it_stands_for(row in prop::collection::vec((prop_oneof![any::<String>(), Just("requestparameters".to_owned())], prop_oneof![any::<String>(), Just("{\"a\":[1]}".to_owned())]), 0..5)) {
            let mut out = Vec::new();
            write_object(row.iter().map(|(name, value)| (name.as_str(), value.as_str())), &mut out);
            let read: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&out).unwrap();
            let mut expected = serde_json::Map::new();
            for (name, value) in row {
                let is_json = name == "requestparameters" && value.starts_with(['{', '[']);
                let json = serde_json::from_str(&value).ok().filter(|_| is_json);
                let text = if value.is_empty() { serde_json::Value::Null } else { serde_json::Value::String(value) };
                expected.insert(name, json.unwrap_or(text));
            }
            prop_assert_eq!(read, expected);
        }
    }

    #[test]
    fn a_cell_of_json_stays_json_where_a_record_has_it() {
        let mut out = Vec::new();
        write_object(
            [
                ("responseelements", r#"{"x":[1]}"#),
                ("useragent", r#"{"x":[1]}"#),
                ("b", "{type=Root}"),
                ("c", "\u{1}\"\\"),
            ]
            .into_iter(),
            &mut out,
        );
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"responseelements":{"x":[1]},"useragent":"{\"x\":[1]}","b":"{type=Root}","c":"\u0001\"\\"}"#
        );
    }

    #[test]
    fn structs_as_athena_prints_them() {
        let table = [
            (
                "{type=AssumedRole, principalid=AROA:a=b,c, sessioncontext={attributes={mfaauthenticated=false}, sessionissuer=null}}",
                r#"{"type":"AssumedRole","principalId":"AROA:a=b,c","sessionContext":{"attributes":{"mfaAuthenticated":"false"},"sessionIssuer":null}}"#,
            ),
            (
                "[{arn=arn:aws:s3:::b/k, type=null}, {}]",
                r#"[{"arn":"arn:aws:s3:::b/k","type":null},{}]"#,
            ),
            ("{}", "{}"),
            ("{type=}", r#"{"type":""}"#),
            // No struct after all: a string.
            ("{type=a", r#""{type=a""#),
            ("{type=a}, x", r#""{type=a}, x""#),
            ("{type}", r#""{type}""#),
            ("type=a", r#""type=a""#),
        ];
        for (cell, expected) in table {
            let mut out = Vec::new();
            write_object([("useridentity", cell)].into_iter(), &mut out);
            assert_eq!(
                String::from_utf8(out).unwrap(),
                format!(r#"{{"useridentity":{expected}}}"#)
            );
        }
        let deep = "{a=".repeat(1_000_000);
        assert!(!write_struct(&deep, &mut Vec::new()));
        let long = format!("{{{}a=b}}", "a=b, ".repeat(100_000));
        assert!(write_struct(&long, &mut Vec::new()));
    }
}
