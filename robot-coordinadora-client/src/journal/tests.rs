use robot_callback_core::{Amount, ErrorType, ItemId, OrderId, WorkspaceId};

use super::reading::{Condition, UNSYNCED, read};
use super::*;
use crate::request::{BatchOrder, PedidoInput};

fn order() -> BatchOrder {
    let text = String::new;
    BatchOrder {
        item_id: ItemId::random(),
        order_id: OrderId::random(),
        attempt: Some(2),
        pedido_input: PedidoInput {
            identificacion: text(),
            nombres: "Ana\nMaría \u{2028}".into(),
            apellidos: text(),
            direccion: "\nrc1 00000000 00000000\n".into(),
            ciudad: "MEDELLIN (ANTIOQUIA)".into(),
            departamento: text(),
            celular: text(),
            email: text(),
            referencia: "#1001".into(),
            unidades: 1,
            total_con_iva: Amount::from_hundredths(1999).unwrap(),
            valor_declarado: Amount::default(),
            peso: 0.1,
            alto: 1.0,
            largo: 1.0,
            ancho: 1.0,
            es_recaudo_contraentrega: true,
        },
    }
}

fn batch(orders: usize) -> Batch {
    Batch {
        workspace_id: WorkspaceId::random(),
        job_id: JobId::random(),
        callback_url: "https://crm.example.com/hook".into(),
        secret_name: "callback:0".into(),
        rejected: false,
        orders: (0..orders).map(|_| order()).collect(),
    }
}

/// The records of a batch whose last order has an intent alone, each with its frame.
fn history(batch: &Batch) -> Vec<(Record, Vec<u8>)> {
    let items: Vec<_> = batch.orders.iter().map(|order| order.item_id).collect();
    let mut records = vec![Record::Accepted(batch.clone()), Record::Accepted(batch.clone())];
    for (place, item) in items.iter().enumerate() {
        records.push(Record::Intent(*item));
        if place + 1 < items.len() {
            records.push(Record::Result(if place % 2 == 0 {
                Report::success(*item, format!("7315000{place:04}"))
            } else {
                Report::error(*item, ErrorType::Portal, "Ciudad no cubierta:\nNuquí")
            }));
            records.push(Record::Handed(*item));
        }
    }
    records.into_iter().map(|record| (record.clone(), record.framed().unwrap())).collect()
}

/// The law: an order whose intent was written, even in part, is never one that would be submitted.
fn assert_none_is_submitted_again(bytes: &[u8], written: &[ItemId], why: &str) {
    let Some(reading) = read(bytes) else { return };
    for order in reading.ledger.open() {
        let safe = !written.contains(&order.item_id) || reading.ledger.is_intended(order.item_id);
        assert!(safe, "{why}: {} would be submitted again", order.item_id);
    }
}

#[test]
fn a_whole_file_is_read_as_it_was_written() {
    let batch = batch(3);
    let history = history(&batch);
    let bytes = history.iter().flat_map(|(_, frame)| frame.clone()).collect::<Vec<_>>();
    let reading = read(&bytes).unwrap();
    assert_eq!(reading.condition, Condition::Whole);
    assert_eq!(reading.records, history.into_iter().map(|(record, _)| record).collect::<Vec<_>>());
    assert_eq!(reading.ledger.batch, batch);
    assert_eq!(reading.ledger.open().count(), 1);
    assert_eq!(reading.ledger.unhanded().count(), 0);
}

#[test]
fn cut_at_any_byte_no_order_is_submitted_again_and_no_whole_result_is_lost() {
    let history = history(&batch(3));
    let bytes = history.iter().flat_map(|(_, frame)| frame.clone()).collect::<Vec<_>>();
    for cut in 0..bytes.len() {
        let (mut at, mut written, mut results) = (0, Vec::new(), Vec::new());
        for (record, frame) in &history {
            match record {
                Record::Intent(item) if at < cut => written.push(*item),
                Record::Result(report) if at + frame.len() <= cut => results.push(report.clone()),
                _ => {}
            }
            at += frame.len();
        }
        assert_none_is_submitted_again(&bytes[..cut], &written, &format!("cut at {cut}"));
        let read = read(&bytes[..cut]);
        let known =
            |report| read.as_ref().is_some_and(|reading| reading.records.contains(&Record::Result(report)));
        assert!(results.into_iter().all(known), "cut at {cut}: a result is lost");
    }
}

#[test]
fn whatever_byte_is_changed_no_order_is_submitted_again_and_the_other_records_stay() {
    let batch = batch(2);
    let history = history(&batch);
    let bytes = history.iter().flat_map(|(_, frame)| frame.clone()).collect::<Vec<_>>();
    let written: Vec<_> = batch.orders.iter().map(|order| order.item_id).collect();
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1 << (place % 8);
        assert_none_is_submitted_again(&changed, &written, &format!("byte {place} changed"));
        let reading = read(&changed).expect("the batch is written twice");
        let kept = history.iter().filter(|(record, _)| reading.records.contains(record)).count();
        assert!(kept + 1 >= history.len(), "byte {place} changed: more than one record is lost");
    }
}

#[test]
fn what_a_power_cut_leaves_at_the_end_puts_one_order_in_doubt_and_more_damage_all() {
    let batch = batch(3);
    let history = history(&batch);
    let accepted = history[..2].iter().flat_map(|(_, frame)| frame.clone()).collect::<Vec<_>>();
    let doubtful = |zeros: usize| {
        let reading = read(&[accepted.clone(), vec![0; zeros]].concat()).unwrap();
        let intended =
            reading.ledger.open().filter(|order| reading.ledger.is_intended(order.item_id)).count();
        (reading.condition, intended)
    };
    assert_eq!(doubtful(0), (Condition::Whole, 0));
    assert_eq!(doubtful(1), (Condition::Torn, 1));
    assert_eq!(doubtful(UNSYNCED), (Condition::Torn, 1));
    assert_eq!(doubtful(UNSYNCED + 1), (Condition::Damaged, 3));
    let item = batch.orders[0].item_id;
    let unsynced = [Record::Handed(item), Record::Intent(item)].map(|record| record.framed().unwrap().len());
    assert_eq!(unsynced.iter().sum::<usize>(), UNSYNCED, "it is that much");
    let two_intents = 1 + unsynced[1] + Record::Result(Report::success(item, "123")).framed().unwrap().len();
    assert!(two_intents > UNSYNCED, "two intents never fit in");
}

#[test]
fn a_torn_result_of_the_order_under_way_puts_no_other_order_in_doubt() {
    let batch = batch(3);
    let [first, ..] = &batch.orders[..] else { panic!("there are three") };
    let result = Record::Result(Report::success(first.item_id, "73150001234")).framed().unwrap();
    let records =
        [Record::Accepted(batch.clone()), Record::Accepted(batch.clone()), Record::Intent(first.item_id)];
    let before: Vec<_> = records.iter().flat_map(|record| record.framed().unwrap()).collect();
    let zeros = [0; UNSYNCED];
    let tails = (1..result.len()).map(|length| &result[..length]).chain([&zeros[..]]);
    for tail in tails {
        let reading = read(&[&before[..], tail].concat()).unwrap();
        assert_eq!(reading.condition, Condition::Torn);
        let intended = |order: &&BatchOrder| reading.ledger.is_intended(order.item_id);
        let intended: Vec<_> = reading.ledger.open().filter(intended).map(|order| order.item_id).collect();
        assert_eq!(intended, [first.item_id], "{} bytes: the others were not begun", tail.len());
    }
}

#[test]
fn of_two_results_of_an_item_the_first_stays_and_one_that_was_handed_over_is_not_open() {
    let batch = batch(1);
    let item = batch.orders[0].item_id;
    let mut ledger = Ledger::new(batch);
    ledger.apply(Record::Handed(item));
    assert_eq!(ledger.open().count(), 0, "its result was damaged since, but it was reported");
    for number in ["first", "second"] {
        ledger.apply(Record::Result(Report::success(item, number)));
    }
    assert!(ledger.is_number_of_another("first") && !ledger.is_number_of_another("second"));
}
