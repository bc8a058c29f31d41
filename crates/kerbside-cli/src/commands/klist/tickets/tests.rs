#![allow(clippy::unwrap_used)] // a failure here is the test's failure

use super::*;
use kerbside_asn1::{EncryptedData, KerberosTime};
use kerbside_crypto::{Key, SessionKey};
use kerbside_formats::Credential;

fn credential(client: &Principal, server: Principal, end: i64) -> Credential {
    let key = Key::new(EncryptionType::AES128_CTS_HMAC_SHA1_96, &[9; 16]).unwrap();
    Credential {
        client: client.clone(),
        server,
        session_key: SessionKey::from(key),
        auth_time: KerberosTime::from_unix_seconds(1_795_561_886),
        start_time: KerberosTime::EPOCH,
        end_time: KerberosTime::from_unix_seconds(end),
        renew_till: KerberosTime::EPOCH,
        is_skey: false,
        flags: TicketFlags::FORWARDABLE
            .with(TicketFlags::INITIAL)
            .with(TicketFlags::PRE_AUTHENT),
        addresses: Vec::new(),
        authdata: Vec::new(),
        ticket: ticket(&Principal::krbtgt("R", "R")),
        second_ticket: Vec::new(),
    }
}

fn ticket(server: &Principal) -> Vec<u8> {
    kerbside_asn1::encode(&Ticket {
        tkt_vno: 5,
        realm: server.realm.to_wire(),
        sname: server.name.to_wire(),
        enc_part: EncryptedData {
            etype: EncryptionType::AES256_CTS_HMAC_SHA1_96,
            kvno: None,
            cipher: &[7; 30],
        },
    })
    .unwrap()
}

fn alice() -> Principal {
    Principal::new("R", &["alice"])
}

fn tgt(end: i64) -> Credential {
    credential(&alice(), Principal::krbtgt("R", "R"), end)
}

fn shown(credentials: Vec<Credential>, change: impl Fn(&mut Arguments)) -> String {
    let mut cache = CredentialCache::new(alice());
    cache.set_config("pa_type", Some(&Principal::krbtgt("R", "R")), b"2");
    for credential in credentials {
        cache.add(credential);
    }
    let mut arguments = Arguments::default();
    change(&mut arguments);
    // The zone of the machine is not the test's business.
    let text = listing(&CacheName::File("/tmp/cc".into()), &cache, &arguments);
    let (start, end) = (timestamp(1_795_561_886), timestamp(1_795_597_886));
    text.replace(&start, "START").replace(&end, "END")
}

const END: i64 = 1_795_597_886;
const HEAD: &str = "Ticket cache: FILE:/tmp/cc\nDefault principal: alice@R\n\n\
    Valid starting     Expires            Service principal\n";

#[test]
fn a_ticket_is_one_line_and_what_was_asked_for() {
    let line = "START  END  krbtgt/R@R\n";
    assert_eq!(shown(vec![tgt(END)], |_| ()), format!("{HEAD}{line}"));
    assert_eq!(
        shown(vec![tgt(END)], |asked| asked.flags = true),
        format!("{HEAD}{line}\tFlags: FIA\n")
    );
    let mut renewable = tgt(END);
    renewable.renew_till = KerberosTime::from_unix_seconds(END);
    assert_eq!(
        shown(vec![renewable.clone()], |asked| asked.flags = true),
        format!("{HEAD}{line}\trenew until END, Flags: FIA\n")
    );
    assert_eq!(
        shown(vec![renewable.clone()], |asked| asked.etypes = true),
        format!(
            "{HEAD}{line}\trenew until END, Etype (skey, tkt): aes128-cts-hmac-sha1-96, aes256-cts-hmac-sha1-96 \n"
        )
    );
    assert_eq!(
        shown(vec![renewable], |asked| (asked.flags, asked.etypes) =
            (true, true)),
        format!(
            "{HEAD}{line}\trenew until END, Flags: FIA\n\tEtype (skey, tkt): aes128-cts-hmac-sha1-96, aes256-cts-hmac-sha1-96 \n"
        )
    );
    assert_eq!(
        shown(vec![tgt(END)], |asked| asked.addresses = true),
        format!("{HEAD}{line}\tAddresses: (none)\n")
    );
    assert_eq!(
        shown(vec![tgt(END)], |asked| asked.configuration = true),
        format!("{HEAD}config: pa_type(krbtgt/R@R) = 2\n{line}")
    );
    let bob = credential(&Principal::new("R", &["bob"]), Principal::krbtgt("R", "R"), END);
    assert_eq!(
        shown(vec![bob], |_| ()),
        format!("{HEAD}{line}\tfor client bob@R\n")
    );
}

#[test]
fn a_referrals_ticket_names_its_server() {
    let asked = Principal::new("", &["HTTP", "www.b.test"]);
    let mut referred = credential(&alice(), asked, END);
    referred.ticket = ticket(&Principal::new("B", &["HTTP", "www.b.test"]));
    assert_eq!(
        shown(vec![referred.clone()], |asked| asked.addresses = true),
        format!(
            "{HEAD}START  END  HTTP/www.b.test@\n\tAddresses: (none)\n\tTicket server: HTTP/www.b.test@B\n"
        )
    );
    // What is no ticket has neither a server nor an enctype.
    referred.ticket = vec![1, 2, 3];
    assert_eq!(
        shown(vec![referred], |asked| asked.etypes = true),
        format!("{HEAD}START  END  HTTP/www.b.test@\n")
    );
}

#[test]
fn configuration_values_are_wrapped_and_harmless() {
    let mut cache = CredentialCache::new(alice());
    cache.set_config(
        "k",
        None,
        &[b"a b\x1b\xff".as_slice(), &[b'x'; 60], b"yz"].concat(),
    );
    let arguments = Arguments {
        configuration: true,
        authdata: true,
        addresses: true,
        ..Arguments::default()
    };
    let xs = "x".repeat(47);
    assert_eq!(
        listing(&CacheName::File("/tmp/cc".into()), &cache, &arguments),
        format!(
            "{HEAD}config: k = a\\040b\\033\\377{xs}\n        {}yz\n\tAD types: \n\tAddresses: (none)\n",
            "x".repeat(13)
        )
    );
}

#[test]
fn addresses_are_numbers() {
    let mut bound = tgt(END);
    bound.addresses = vec![
        (AddressType::IPV4, vec![127, 0, 0, 1]),
        (AddressType::IPV6, vec![0; 16]),
        (AddressType(99), vec![1]),
    ];
    let text = shown(vec![bound], |asked| asked.addresses = true);
    assert!(
        text.ends_with("\tAddresses: 127.0.0.1, ::, unknown address type 99\n"),
        "{text}"
    );
}

#[test]
fn names_cannot_drive_the_terminal() {
    let name = Principal::new("R\x1b[2J", &["x\ny"]);
    let mut evil = credential(&name, name.clone(), END);
    evil.ticket = ticket(&Principal::new("E", &["\x1b\n"]));
    let text = shown(vec![evil], |_| ());
    assert!(!text.contains('\x1b'), "{text}");
    assert_eq!(text.lines().count(), 7, "{text}");
}

#[test]
fn a_cache_is_current_while_its_tgt_is() {
    let cache = |credentials: Vec<Credential>| {
        let mut cache = CredentialCache::new(alice());
        credentials
            .into_iter()
            .for_each(|credential| cache.add(credential));
        cache
    };
    let http = |end| credential(&alice(), Principal::new("R", &["HTTP", "x"]), end);
    assert!(current(&cache(vec![tgt(10)]), 9));
    assert!(!current(&cache(vec![tgt(10)]), 10));
    assert!(
        !current(&cache(vec![tgt(10), http(100)]), 50),
        "the TGT counts where there is one"
    );
    assert!(current(&cache(vec![http(100)]), 50));
    assert!(!current(&cache(vec![http(100)]), 100));
    assert!(!current(&cache(vec![]), 0));
    let line = summary(&CacheName::File("/cc".into()), &cache(vec![tgt(10)]), 11);
    assert_eq!(line, "alice@R                        FILE:/cc (Expired)\n");
    let mut long = cache(vec![]);
    long.primary = Principal::new("R", &[[b'a'; 40]]);
    let line = summary(&CacheName::DirFile("/d/tkt".into()), &long, 11);
    assert_eq!(line, format!("{} DIR::/d/tkt (Expired)\n", "a".repeat(30)));
}
