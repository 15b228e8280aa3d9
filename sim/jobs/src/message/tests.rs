//! Orders and reports over the wire, both ways; and messages that lie about their lengths.

use proptest::prelude::*;
use stayput_runtime::outcome::{DeviceAccount, EndReason, LimitKind};

use super::*;
use crate::fixtures::{bytes_of, object};
use crate::session::result::SessionRefusal;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,12}", Just(String::new()), Just("\"\\\u{0}\n,".to_owned())]
}

fn role() -> impl Strategy<Value = PartRole> {
    prop_oneof![Just(PartRole::Module), Just(PartRole::Image), text().prop_map(PartRole::Device)]
}

/// Roles and contents of parts.
fn parts() -> impl Strategy<Value = Vec<(PartRole, Vec<u8>)>> {
    prop::collection::vec((role(), prop::collection::vec(any::<u8>(), 0..40)), 0..5)
}

fn kind() -> impl Strategy<Value = DeviceKind> {
    prop::sample::select(vec![
        DeviceKind::SequentialRead,
        DeviceKind::SequentialWrite,
        DeviceKind::RandomRead,
        DeviceKind::RandomWrite,
    ])
}

fn mode() -> impl Strategy<Value = DeviceMode> {
    use DeviceMode::{Block, Char, File, Pipe};
    prop::sample::select(vec![File, Char, Block, Pipe])
}

fn source() -> impl Strategy<Value = OrderedSource> {
    let reader = prop::option::of((any::<[u8; 4]>(), any::<u16>()).prop_map(SocketAddr::from));
    prop_oneof![
        Just(OrderedSource::Local),
        Just(OrderedSource::Pushed),
        Just(OrderedSource::Written),
        (any::<u32>(), reader).prop_map(|(number, reader)| OrderedSource::Pipe { number, reader }),
    ]
}

fn device() -> impl Strategy<Value = OrderedDevice> {
    (text(), kind(), mode(), source()).prop_map(|(name, kind, mode, source)| OrderedDevice {
        name,
        kind,
        mode,
        source,
    })
}

fn local() -> impl Strategy<Value = LocalObject> {
    (text(), any::<u32>(), "[a-z/%*]{1,9}", 0_u64..1 << 40).prop_map(
        |(disk, partition, name, ns)| LocalObject {
            disk,
            partition,
            path: object(&name),
            version: Timestamp::at(stayput_host::Time::from_nanos(ns)),
        },
    )
}

fn module() -> impl Strategy<Value = OrderedModule> {
    let in_image = (prop::option::of(text()), text());
    prop_oneof![
        Just(OrderedModule::Pushed),
        in_image.prop_map(|(image, path)| OrderedModule::InImage { image, path }),
    ]
}

fn heads_of(parts: &[(PartRole, Vec<u8>)]) -> Vec<PartHead> {
    let head = |(role, content): &(PartRole, Vec<u8>)| PartHead {
        role: role.clone(),
        bytes: content.len() as u64,
    };
    parts.iter().map(head).collect()
}

prop_compose! {
    fn order(parts: Vec<(PartRole, Vec<u8>)>)
        (id in text(), attempt: u32, session in text(), args in prop::collection::vec(text(), 0..3),
         env in prop::collection::vec((text(), text()), 0..3), module in module(),
         system_images in prop::collection::vec(text(), 0..3),
         devices in prop::collection::vec(device(), 0..4), gang in text(), pipe_room: usize,
         (local, wants_load) in (prop::option::of(local()), any::<bool>()))
        -> SessionOrder {
        let parts = heads_of(&parts);
        SessionOrder {
            id, attempt, session, args, env, module, system_images, devices, gang, pipe_room, local,
            parts, wants_load,
        }
    }
}

fn end() -> impl Strategy<Value = SessionEnd> {
    let guest = prop_oneof![
        any::<u32>().prop_map(|code| EndReason::Exited { code }),
        text().prop_map(|reason| EndReason::Trapped { reason }),
        Just(EndReason::OutOfFuel),
        Just(EndReason::OutOfMemory),
        Just(EndReason::LimitReached { what: LimitKind::TableElements }),
        text().prop_map(|reason| EndReason::NotStarted { reason }),
        (text(), text()).prop_map(|(device, reason)| EndReason::DeviceFailed { device, reason }),
    ];
    prop_oneof![
        guest.prop_map(SessionEnd::Guest),
        Just(SessionEnd::OutOfTime),
        text().prop_map(|why| SessionEnd::Refused(SessionRefusal::Module { why })),
        text().prop_map(|why| SessionEnd::Refused(SessionRefusal::Image { why })),
    ]
}

prop_compose! {
    fn account()
        (name in text(), figures: [u64; 4])
        -> DeviceAccount {
        let [reads, read_bytes, writes, written_bytes] = figures;
        DeviceAccount { name, reads, read_bytes, writes, written_bytes }
    }
}

prop_compose! {
    fn report(parts: Vec<(PartRole, Vec<u8>)>)
        (id in text(), attempt: u32, end in end(), figures: [u64; 5],
         devices in prop::collection::vec(account(), 0..3), load: Option<(u32, u32)>)
        -> SessionReport {
        let [fuel, core_us, took_us, clock_reads, random_bytes] = figures;
        let accounting = Accounting { devices, clock_reads, random_bytes };
        let load = load.map(|(running, waiting)| NodeLoad { running, waiting });
        let parts = heads_of(&parts);
        SessionReport { id, attempt, end, fuel, core_us, took_us, accounting, parts, load }
    }
}

/// The message of a head and its parts.
fn message(head: &impl Serialize, parts: &[(PartRole, Vec<u8>)]) -> Bytes {
    let part = |(_, content): &(PartRole, Vec<u8>)| (Purpose::JobCode, content.clone().into());
    let body = encode(head, parts.iter().map(part).collect()).expect("it is short");
    let length = body.len();
    let whole = bytes_of(body);
    assert_eq!(length, Some(whole.len() as u64));
    whole
}

fn with_order() -> impl Strategy<Value = (SessionOrder, Vec<(PartRole, Vec<u8>)>)> {
    parts().prop_flat_map(|parts| (order(parts.clone()), Just(parts)))
}

fn with_report() -> impl Strategy<Value = (SessionReport, Vec<(PartRole, Vec<u8>)>)> {
    parts().prop_flat_map(|parts| (report(parts.clone()), Just(parts)))
}

fn plain(parts: Vec<(PartRole, Bytes)>) -> Vec<(PartRole, Vec<u8>)> {
    parts.into_iter().map(|(role, content)| (role, content.to_vec())).collect()
}

proptest! {
    #[test]
    fn an_order_comes_out_as_it_went_in((order, parts) in with_order()) {
        let (head, read) = decode::<SessionOrder>(message(&order, &parts)).expect("it is whole");
        prop_assert_eq!(head, order);
        prop_assert_eq!(plain(read), parts);
    }

    #[test]
    fn a_report_comes_out_as_it_went_in((report, parts) in with_report()) {
        let (head, read) = decode::<SessionReport>(message(&report, &parts)).expect("it is whole");
        prop_assert_eq!(head, report);
        prop_assert_eq!(plain(read), parts);
    }

    #[test]
    fn a_message_cut_anywhere_is_refused((report, parts) in with_report(), at: prop::sample::Index) {
        let whole = message(&report, &parts);
        let at = at.index(whole.len());
        let read = decode::<SessionReport>(whole.slice(..at));
        let json_ends = 4 + u32::from_be_bytes(whole[..4].try_into().expect("four")) as usize;
        match read.expect_err("it is cut") {
            MessageError::NoHead => prop_assert!(at < 4),
            MessageError::HeadCut { length, left } => {
                prop_assert!((4..json_ends).contains(&at));
                prop_assert_eq!((length, left), (json_ends - 4, at - 4));
            }
            MessageError::PartCut { .. } => prop_assert!(at >= json_ends),
            other => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn whatever_follows_the_parts_is_refused(
        (order, parts) in with_order(), more in prop::collection::vec(any::<u8>(), 1..9),
    ) {
        let long = [&message(&order, &parts)[..], &more].concat();
        let read = decode::<SessionOrder>(long.into());
        prop_assert_eq!(read.expect_err("more follows"), MessageError::Rest);
    }

    #[test]
    fn a_changed_byte_is_refused_or_read_and_never_more_than_came(
        (report, parts) in with_report(), at: prop::sample::Index, to: u8,
    ) {
        let mut changed = message(&report, &parts).to_vec();
        let at = at.index(changed.len());
        changed[at] = to;
        let came = changed.len();
        if let Ok((head, read)) = decode::<SessionReport>(changed.into()) {
            let bytes: usize = read.iter().map(|(_, content)| content.len()).sum();
            prop_assert!(bytes < came);
            prop_assert_eq!(head.parts.len(), read.len());
        }
    }

    #[test]
    fn any_bytes_are_taken_apart_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _either = decode::<SessionOrder>(Bytes::from(bytes));
    }

    #[test]
    fn a_head_of_json_without_its_parts_is_refused(claimed in any::<u32>(), json in ".{0,100}") {
        let message = [&claimed.to_be_bytes()[..], json.as_bytes()].concat();
        prop_assert!(decode::<SessionReport>(Bytes::from(message)).is_err());
    }

    #[test]
    fn no_figure_of_time_changes_how_many_bytes_a_report_has(
        (report, parts) in with_report(), took_us: u64,
    ) {
        let other = SessionReport { took_us, ..report.clone() };
        prop_assert_eq!(message(&report, &parts).len(), message(&other, &parts).len());
    }
}

fn small_report(parts: Vec<PartHead>) -> SessionReport {
    SessionReport {
        id: "job-0-0".to_owned(),
        attempt: 1,
        end: SessionEnd::OutOfTime,
        fuel: 1,
        core_us: 2,
        took_us: 3,
        accounting: Accounting::default(),
        parts,
        load: None,
    }
}

/// A message with that head, whose length is right.
fn raw(json: &str, rest: &[u8]) -> Bytes {
    let length = u32::try_from(json.len()).expect("it is short");
    [&length.to_be_bytes()[..], json.as_bytes(), rest].concat().into()
}

#[test]
fn the_form_on_the_wire_is_a_length_a_head_and_the_parts() {
    let part = PartHead { role: PartRole::Device("stdout".to_owned()), bytes: 2 };
    let report = small_report(vec![part]);
    let body = encode(&report, vec![(Purpose::JobResult, Bytes::from_static(b"ok"))]);
    let json = [
        r#"{"id":"job-0-0","attempt":1,"end":"out_of_time","fuel":1,"core_us":2,"#,
        r#""took_us":"00000000000000000003","#,
        r#""accounting":{"devices":[],"clock_reads":0,"random_bytes":0},"#,
        r#""parts":[{"role":{"device":"stdout"},"bytes":2}]}"#,
    ];
    assert_eq!(bytes_of(body.expect("it is short")), raw(&json.concat(), b"ok"));
}

#[test]
fn parts_longer_than_memory_are_refused_before_anything_is_kept_for_them() {
    let whole = |bytes: &str| {
        let head = serde_json::to_string(&small_report(Vec::new())).expect("it is plain data");
        let part = format!(r#""parts":[{{"role":"image","bytes":{bytes}}}]"#);
        raw(&head.replace(r#""parts":[]"#, &part), b"abc")
    };
    let cut = MessageError::PartCut { role: PartRole::Image, left: 3 };
    for bytes in ["4", "4294967296", "18446744073709551615"] {
        assert_eq!(decode::<SessionReport>(whole(bytes)).expect_err(bytes), cut);
    }
    for bytes in ["18446744073709551616", "-1", "1.5", "\"3\""] {
        let refused = decode::<SessionReport>(whole(bytes)).expect_err(bytes);
        assert!(matches!(refused, MessageError::Json { .. }), "{bytes}: {refused}");
    }
    assert_eq!(decode::<SessionReport>(whole("2")).expect_err("a byte"), MessageError::Rest);
    assert!(decode::<SessionReport>(whole("3")).is_ok());
}

#[test]
fn a_head_that_claims_more_than_any_description_is_refused_unread() {
    let length = u32::try_from(HEAD_BYTES_MAX).expect("it fits") + 1;
    let message = [&length.to_be_bytes()[..], &vec![b' '; HEAD_BYTES_MAX + 1]].concat();
    let left = HEAD_BYTES_MAX + 1;
    let refused = decode::<SessionReport>(message.into()).expect_err("it is too long");
    assert_eq!(refused, MessageError::HeadCut { length: left, left });
}

#[test]
fn a_head_is_taken_up_to_its_bound_and_no_longer() {
    let of = |bytes: usize| {
        let id = "x".repeat(bytes);
        encode(&SessionReport { id, ..small_report(Vec::new()) }, Vec::new())
    };
    let without = bytes_of(of(0).expect("it is short")).len() - 4;
    let longest = of(HEAD_BYTES_MAX - without).expect("it just fits");
    assert!(decode::<SessionReport>(bytes_of(longest)).is_ok());
    let refused = of(HEAD_BYTES_MAX - without + 1).expect_err("it is a byte too long");
    assert_eq!(refused, MessageError::HeadTooLong { length: HEAD_BYTES_MAX + 1 });
}

#[test]
fn a_time_that_is_no_number_is_refused_with_its_text() {
    let head = serde_json::to_string(&small_report(Vec::new())).expect("it is plain data");
    for bad in ["", "-1", "1.0", "99999999999999999999", "soon"] {
        let head = head.replace("00000000000000000003", bad);
        let refused = decode::<SessionReport>(raw(&head, b"")).expect_err("it is no number");
        assert!(refused.to_string().contains(&format!("{bad:?} is no number")), "{refused}");
    }
    let number = head.replace("\"00000000000000000003\"", "3");
    assert!(decode::<SessionReport>(raw(&number, b"")).is_err(), "it is not of the same width");
}

#[test]
fn the_load_costs_no_bytes_unless_it_is_wanted() {
    let report = small_report(Vec::new());
    let loaded =
        SessionReport { load: Some(NodeLoad { running: 1, waiting: 2 }), ..report.clone() };
    let text = |report: &SessionReport| serde_json::to_string(report).expect("it is plain data");
    assert!(!text(&report).contains("load"));
    assert!(text(&loaded).ends_with(r#","load":{"running":1,"waiting":2}}"#), "{}", text(&loaded));
}

#[test]
fn each_attempt_has_a_path_of_its_own() {
    assert_eq!(status_path("tx1-0-2", 3), "/running/tx1-0-2/3");
}
