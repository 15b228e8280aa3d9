//! Claims about conclusions from any answers that nodes may give.

use proptest::prelude::*;

use super::*;

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap()
}

fn statuses() -> impl Strategy<Value = Vec<StatusCode>> {
    let codes = [201_u16, 202, 204, 400, 404, 409, 422, 499];
    proptest::collection::vec(proptest::sample::select(codes.to_vec()), 0..=5)
        .prop_map(|codes| codes.into_iter().map(status).collect())
}

fn at(ticks: u64) -> Timestamp {
    Timestamp::at(stayput_host::Time::from_nanos(ticks * 10_000))
}

fn report() -> impl Strategy<Value = ReplicaReport> {
    prop_oneof![
        (1_u64..6, "[ab]").prop_map(|(ticks, etag)| ReplicaReport::Has(at(ticks), etag)),
        proptest::option::of(1_u64..6).prop_map(|ticks| ReplicaReport::Missing(ticks.map(at))),
    ]
}

#[test]
fn the_answer_is_what_most_of_a_majority_said() {
    let best = |codes: &[u16]| {
        best_status(&codes.iter().map(|code| status(*code)).collect::<Vec<_>>(), 3).as_u16()
    };
    assert_eq!(best(&[201, 201, 503]), 201);
    assert_eq!(best(&[201, 202]), 201);
    assert_eq!(best(&[202, 202, 201]), 202);
    assert_eq!(best(&[201, 404, 404]), 404);
    assert_eq!(best(&[201, 404]), 503);
    assert_eq!(best(&[]), 503);
    assert_eq!(best(&[201, 507, 507]), 507);
    assert_eq!(best(&[201, 503, 507]), 503);
}

#[test]
fn only_a_success_is_an_outcome_and_each_failure_names_its_resource() {
    let statuses = |code| vec![status(code); 3];
    assert_eq!(changed(&statuses(202), 3), Ok(StatusCode::ACCEPTED));
    for (code, failure, part) in [
        (404, QuorumFailure::NotFound, "there is no /a/c/o"),
        (409, QuorumFailure::Conflict, "newer"),
        (412, QuorumFailure::Exists, "/a/c/o is there already"),
        (422, QuorumFailure::ChecksumMismatch, "another MD5"),
        (503, QuorumFailure::Unavailable, "too few replicas of /a/c/o"),
        (507, QuorumFailure::NoSpace, "make room"),
        (400, QuorumFailure::Other(StatusCode::BAD_REQUEST), "say 400 Bad Request"),
    ] {
        assert_eq!(changed(&statuses(code), 3), Err(failure));
        assert_eq!(failure.status(), status(code));
        let message = failure.on("/a/c/o").to_string();
        assert!(message.contains(part) && message.contains("/a/c/o"), "{message}");
    }
}

#[test]
fn a_deletion_is_acknowledged_by_tombstones_wherever_data_was() {
    let outcome =
        |codes: &[u16]| deleted(&codes.iter().map(|code| status(*code)).collect::<Vec<_>>(), 3);
    assert_eq!(outcome(&[204, 404]), Ok(StatusCode::NO_CONTENT));
    assert_eq!(outcome(&[404, 404, 404]), Err(QuorumFailure::NotFound));
    assert_eq!(outcome(&[204]), Err(QuorumFailure::Unavailable));
    assert_eq!(outcome(&[409, 409, 204]), Err(QuorumFailure::Conflict));
}

#[test]
fn a_handoff_that_has_no_object_does_not_deny_it() {
    let answers = |list: &[(bool, u16)]| {
        let list: Vec<_> = list.iter().map(|(primary, code)| (*primary, status(*code))).collect();
        posted(&list, 3)
    };
    assert_eq!(
        answers(&[(true, 202), (false, 404), (false, 404)]),
        Err(QuorumFailure::Unavailable)
    );
    assert_eq!(answers(&[(true, 202), (true, 202), (false, 404)]), Ok(StatusCode::ACCEPTED));
    assert_eq!(answers(&[(true, 404), (true, 404), (false, 202)]), Err(QuorumFailure::NotFound));
}

#[test]
fn a_copy_older_than_a_tombstone_counts_as_missing() {
    let mut search = ReplicaSearch::new(3);
    search.missing(true, Some(at(5)));
    assert!(!search.accepts(true, Some(at(4))));
    assert_eq!(search.failure(), QuorumFailure::NotFound);
    assert!(search.accepts(true, Some(at(5))));
    assert!(search.accepts(true, Some(at(6))));
}

#[test]
fn handoffs_without_it_do_not_make_it_missing() {
    let mut search = ReplicaSearch::new(3);
    search.missing(true, None);
    search.missing(false, None);
    search.missing(false, None);
    assert_eq!(search.failure(), QuorumFailure::Unavailable);
}

#[test]
fn an_upload_that_a_majority_has_or_outdates_has_lost_to_a_newer_one() {
    let told = |codes: &[u16]| -> Vec<_> {
        codes.iter().map(|code| (status(*code), Some("a".to_owned()))).collect()
    };
    for codes in
        [&[409, 409, 409][..], &[409, 409], &[201, 409], &[201, 409, 503], &[409, 201, 409]]
    {
        assert_eq!(stored(&told(codes), 3), Err(NotStored::Newer), "{codes:?}");
    }
    assert_eq!(stored(&told(&[201, 201, 409]), 3), Ok("a".to_owned()));
    // A write that one node alone knows of may be lost with it.
    let unknown = Err(NotStored::Failed(QuorumFailure::Unavailable));
    assert_eq!(stored(&told(&[409, 503, 503]), 3), unknown);
}

proptest! {
    #[test]
    fn an_upload_is_acknowledged_only_by_a_majority_that_agrees(
        answers in proptest::collection::vec(
            (proptest::sample::select(vec![201_u16, 409, 422]), proptest::option::of("[ab]")),
            0..=5,
        ),
        replicas in 1_usize..=5,
    ) {
        let answers: Vec<_> =
            answers.into_iter().map(|(code, etag)| (status(code), etag)).collect();
        if let Ok(etag) = stored(&answers, replicas) {
            let created: Vec<_> =
                answers.iter().filter(|(status, _)| *status == StatusCode::CREATED).collect();
            prop_assert!(created.len() * 2 > replicas);
            prop_assert!(created.iter().all(|(_, other)| other.as_deref() == Some(etag.as_str())));
        }
    }

    #[test]
    fn success_needs_a_majority_and_does_not_depend_on_the_order(
        mut statuses in statuses(), replicas in 1_usize..=5,
    ) {
        let best = best_status(&statuses, replicas);
        let successes = statuses.iter().filter(|status| status.is_success()).count();
        prop_assert_eq!(best.is_success(), successes * 2 > replicas);
        prop_assert!(best == StatusCode::SERVICE_UNAVAILABLE || statuses.contains(&best));
        statuses.reverse();
        prop_assert_eq!(best, best_status(&statuses, replicas));
    }

    #[test]
    fn the_newest_live_version_wins_and_nothing_is_denied_by_a_minority(
        reports in proptest::collection::vec((any::<bool>(), report()), 0..=6), all_asked: bool,
    ) {
        let replicas = 3;
        let primaries = reports.iter().filter(|(primary, _)| *primary).count();
        let tombstone = reports.iter().filter_map(|(_, said)| match said {
            ReplicaReport::Missing(tombstone) => *tombstone,
            ReplicaReport::Has(..) => None,
        }).max().unwrap_or_default();
        match newest(&reports, replicas, all_asked) {
            Newest::Found(version, etag) => {
                prop_assert!(version >= tombstone);
                prop_assert!(all_asked || primaries >= 2);
                let found = ReplicaReport::Has(version, etag.clone());
                prop_assert!(reports.iter().any(|(_, said)| *said == found));
                for (_, said) in &reports {
                    if let ReplicaReport::Has(other, other_etag) = said {
                        prop_assert!((*other, other_etag) <= (version, &etag));
                    }
                }
            }
            Newest::NotFound => {
                prop_assert!(primaries >= 2 && all_asked);
                let is_live =
                    |said: &ReplicaReport| matches!(said, ReplicaReport::Has(version, _) if *version >= tombstone);
                prop_assert!(!reports.iter().any(|(_, said)| is_live(said)));
            }
            Newest::Unavailable => prop_assert!(all_asked && primaries < 2),
            Newest::Wait => prop_assert!(!all_asked),
        }
    }
}
