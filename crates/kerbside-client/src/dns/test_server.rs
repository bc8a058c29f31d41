//! A name server for tests: one datagram socket, answers from a list.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a failure here is the test's failure

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};

use hickory_resolver::proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::{NULL, SRV, TXT};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

/// Names with their records. A name that is there without records exists all the same.
pub(crate) type Zone = HashMap<String, Vec<RData>>;

pub(crate) fn srv(priority: u16, port: u16, target: &str) -> RData {
    RData::SRV(SRV::new(priority, 0, port, Name::from_ascii(target).unwrap()))
}

pub(crate) fn uri(priority: u16, text: &str) -> RData {
    let bytes = [&priority.to_be_bytes()[..], &[0, 1], text.as_bytes()].concat();
    RData::Unknown {
        code: RecordType::from(256),
        rdata: NULL::with(bytes),
    }
}

pub(crate) fn txt(text: &str) -> RData {
    RData::TXT(TXT::new(vec![text.to_owned()]))
}

/// A running name server, and what it was asked.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl TestServer {
    pub(crate) fn start(zone: &[(&str, &[RData])]) -> Self {
        let zone: Zone = zone
            .iter()
            .map(|(name, records)| (format!("{name}."), records.to_vec()))
            .collect();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
                let query = Message::from_vec(&buffer[..length]).unwrap();
                let question = &query.queries[0];
                let kind = match u16::from(question.query_type()) {
                    256 => "URI".to_owned(),
                    _ => question.query_type().to_string(),
                };
                log.lock().unwrap().push(format!("{kind} {}", question.name()));
                let _ = socket.send_to(&answer(&zone, &query).to_vec().unwrap(), peer);
            }
        });
        Self { address, asked }
    }

    /// What it was asked, in order, and forgets it.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn answer(zone: &Zone, query: &Message) -> Message {
    let question = query.queries[0].clone();
    let mut reply = Message::new(query.metadata.id, MessageType::Response, OpCode::Query);
    reply.metadata.recursion_available = true;
    let name = question.name().to_ascii();
    match zone.get(&name) {
        Some(records) => {
            for data in records
                .iter()
                .filter(|data| data.record_type() == question.query_type())
            {
                reply.add_answer(Record::from_rdata(question.name().clone(), 60, data.clone()));
            }
        }
        None if name.contains("broken") => reply.metadata.response_code = ResponseCode::ServFail,
        None => reply.metadata.response_code = ResponseCode::NXDomain,
    }
    reply.add_query(question);
    reply
}
