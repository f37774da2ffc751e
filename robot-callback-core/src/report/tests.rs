//! The contract's table of fields, row by row.

use super::*;
use serde_json::{Value, json};

const ITEM: &str = "6f9619ff-8b86-4d01-b42d-00c04fc964ff";

fn parse(body: &Value) -> Result<Report, String> {
    Report::parse(body.to_string().as_bytes()).map_err(|error| error.to_string())
}

fn success_with(field: &str, value: Value) -> Result<Report, String> {
    let mut body = json!({"itemId": ITEM, "status": "success"});
    body[field] = value;
    parse(&body)
}

fn error_with(field: &str, value: Value) -> Result<Report, String> {
    let mut body = json!({"itemId": ITEM, "status": "error"});
    body[field] = value;
    parse(&body)
}

#[test]
fn the_item_id_is_a_uuid_in_any_letter_case() {
    let lower = success_with("itemId", json!(ITEM)).unwrap();
    let upper = success_with("itemId", json!(ITEM.to_uppercase())).unwrap();
    assert_eq!(lower.item_id, upper.item_id);
    assert_eq!(success_with("itemId", Value::Null).unwrap_err(), "itemId is required");
    assert_eq!(success_with("itemId", json!(7)).unwrap_err(), "itemId must be a string");
    for not_a_uuid in ["", "7", &ITEM.replace('-', ""), &format!("{{{ITEM}}}"), &format!("urn:uuid:{ITEM}")] {
        assert_eq!(success_with("itemId", json!(not_a_uuid)).unwrap_err(), "itemId must be a UUID");
    }
}

#[test]
fn the_status_is_success_or_error() {
    assert_eq!(success_with("status", json!("error")).unwrap().outcome, Outcome::Error);
    assert_eq!(success_with("status", Value::Null).unwrap_err(), "status is required");
    assert_eq!(
        success_with("status", json!("Success")).unwrap_err(),
        "status must be \"success\" or \"error\""
    );
    assert_eq!(success_with("status", json!(true)).unwrap_err(), "status must be a string");
}

#[test]
fn a_tracking_number_is_trimmed_and_three_to_fifty_characters() {
    let number = |value: Value| success_with("trackingNumber", value).map(|report| report.tracking_number);
    assert_eq!(number(json!("  123456 \n")), Ok(Some("123456".into())));
    assert_eq!(number(json!("ñññ")), Ok(Some("ñññ".into())), "characters are counted, not bytes");
    assert_eq!(number(json!("x".repeat(50))).unwrap().unwrap().len(), 50);
    for absent in [Value::Null, json!(""), json!("   ")] {
        assert_eq!(number(absent), Ok(None));
    }
    for length in [2, 51] {
        let refused = number(json!("x".repeat(length))).unwrap_err();
        assert_eq!(refused, "trackingNumber must be 3 to 50 characters long");
    }
    for other in [json!(123_456), json!(["123456"]), json!(false)] {
        assert_eq!(number(other).unwrap_err(), "trackingNumber must be a string");
    }
    for control in ["12\u{0}34", "12\n34", "12\u{7f}34"] {
        assert_eq!(number(json!(control)).unwrap_err(), "trackingNumber must not contain control characters");
    }
}

#[test]
fn the_error_type_is_recorded_for_errors_only() {
    for kind in ErrorType::ALL {
        assert_eq!(error_with("errorType", json!(kind.name())).unwrap().error_type, Some(kind));
        assert_eq!(success_with("errorType", json!(kind.name())).unwrap().error_type, None);
    }
    assert_eq!(error_with("errorType", Value::Null).unwrap().error_type, Some(ErrorType::Unknown));
    for outcome in ["success", "error"] {
        let refused = parse(&json!({"itemId": ITEM, "status": outcome, "errorType": "weather"})).unwrap_err();
        assert_eq!(refused, "errorType must be \"validation\", \"portal\", \"timeout\" or \"unknown\"");
    }
}

#[test]
fn an_error_message_is_cleaned_and_cut_but_never_refused_for_length() {
    let message = |value: Value| error_with("errorMessage", value).map(|report| report.error_message);
    assert_eq!(message(json!("a\u{0}b\r\nc\td\u{7f}")), Ok(Some("ab\nc\td".into())));
    let cut = message(json!("ñ".repeat(5000))).unwrap().unwrap();
    assert_eq!(cut.chars().count(), 500);
    assert_eq!(message(Value::Null), Ok(None));
    assert_eq!(message(json!("\u{0}")), Ok(None));
    assert_eq!(message(json!(12)).unwrap_err(), "errorMessage must be a string");
}

#[test]
fn a_character_cut_in_half_by_javascript_costs_nobody_a_result() {
    let body = format!(r#"{{"itemId":"{ITEM}","status":"error","errorMessage":"caf\u00e9 \ud83d"}}"#);
    let report = Report::parse(body.as_bytes()).unwrap();
    let message = report.error_message.unwrap();
    assert!(message.starts_with("café "), "{message:?}");
    let ignored = format!(r#"{{"itemId":"{ITEM}","status":"success","note":"\ud83d"}}"#);
    assert!(Report::parse(ignored.as_bytes()).is_ok(), "an ignored field is not even read");
}

#[test]
fn the_attempt_is_a_whole_number_from_one() {
    assert_eq!(success_with("attempt", json!(1)).unwrap().attempt, Some(1));
    assert_eq!(success_with("attempt", json!(2.0)).unwrap().attempt, Some(2), "as Python writes one");
    assert_eq!(success_with("attempt", Value::Null).unwrap().attempt, None);
    for refused in [json!(0), json!(-1), json!(1.5), json!("1"), json!(2_147_483_648_u32), json!(true)] {
        let error = success_with("attempt", refused).unwrap_err();
        assert_eq!(error, "attempt must be a whole number from 1 to 2147483647");
    }
}

#[test]
fn other_fields_are_ignored() {
    let report = success_with("guideFound", json!({"deep": [1, 2, {"er": null}]})).unwrap();
    assert_eq!(report, success_with("status", json!("success")).unwrap());
}

#[test]
fn what_is_not_one_json_object_is_refused() {
    let twice = format!(r#"{{"itemId":"{ITEM}","itemId":"{ITEM}","status":"error"}}"#);
    let array = format!(r#"["{ITEM}","success",null,null,null,null]"#);
    for body in ["", "null", "[]", &array, "7", "{", "{} {}", "itemId=1", &twice] {
        let error = Report::parse(body.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "the body must be one JSON object", "{body}");
    }
    assert!(Report::parse(b"{\"itemId\":\"\xff\"}").is_err(), "text that is not UTF-8 is not JSON");
}

#[test]
fn a_report_made_by_hand_is_held_to_the_same_rules() {
    let item_id = ITEM.parse().unwrap();
    let report = Report::success(item_id, " 123456 ").for_attempt(2).checked().unwrap();
    assert_eq!(report, Report::success(item_id, "123456").for_attempt(2));
    let refused = Report::success(item_id, "12").checked().unwrap_err();
    assert_eq!(refused.to_string(), "trackingNumber must be 3 to 50 characters long");
    let error = Report::error(item_id, ErrorType::Portal, "").checked().unwrap();
    assert_eq!(error.error_message, None);
}

#[test]
fn the_wire_form_of_a_report_is_pinned() {
    let item_id = ITEM.parse().unwrap();
    let success = serde_json::to_string(&Report::success(item_id, "123456")).unwrap();
    assert_eq!(success, format!(r#"{{"itemId":"{ITEM}","status":"success","trackingNumber":"123456"}}"#));
    let error = Report::error(item_id, ErrorType::Portal, "Ciudad no cubierta").for_attempt(3);
    let expected = format!(
        r#"{{"itemId":"{ITEM}","status":"error","errorType":"portal","errorMessage":"Ciudad no cubierta","attempt":3}}"#
    );
    assert_eq!(serde_json::to_string(&error).unwrap(), expected);
}
