//! Claims that hold for all manners that nodes may have.

use proptest::prelude::*;

use super::*;

fn manner() -> impl Strategy<Value = Manner> {
    prop_oneof![
        4 => Just(Manner::Well),
        1 => Just(Manner::Down),
        1 => Just(Manner::Silent),
        1 => Just(Manner::Full),
        2 => (0_usize..100_000).prop_map(Manner::BreaksAfter),
        1 => (0_usize..100_000).prop_map(Manner::StallsAfter),
    ]
}

fn manners() -> impl Strategy<Value = Vec<(usize, Manner)>> {
    proptest::collection::vec(manner(), 6).prop_map(|all| all.into_iter().enumerate().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_read_gives_one_whole_version_or_says_that_it_cannot(
        manners in manners(), held in proptest::collection::vec(0_usize..4, 6), newest: bool,
    ) {
        let mut room = Room::new(&manners);
        let versions = [pattern(90_000), Bytes::from(vec![1; 90_000]), Bytes::from(vec![2; 80_000])];
        for (node, held) in room.nodes.iter().zip(&held) {
            if let Some(data) = versions.get(*held) {
                node.hold(at(*held as u64 + 1), data, data);
            }
        }
        let headers: &[_] = if newest { &[("x-newest", "true")] } else { &[] };
        for _read in 0..3 {
            let got = room.get(headers);
            match (got.status, got.body) {
                (StatusCode::OK, Some(body)) => prop_assert!(versions.contains(&body)),
                (StatusCode::OK, None) => {}
                (StatusCode::NOT_FOUND, _) => {
                    let missing = held[..3].iter().filter(|held| **held == 3).count();
                    prop_assert!(missing >= 2, "denied by a minority");
                }
                (status, _) => prop_assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE),
            }
        }
    }

    #[test]
    fn what_is_acknowledged_is_held_by_a_majority(manners in manners(), len in 0_usize..300_000) {
        let mut room = Room::new(&manners);
        let data = pattern(len);
        let put = room.send(Method::PUT, "/v1/AUTH_a/c/o", &[], data.clone());
        let whole = room.nodes.iter().filter(|node| node.holds() == Some(data.clone())).count();
        if put.status == StatusCode::CREATED {
            prop_assert!(whole >= 2);
        } else {
            let refusals = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::INSUFFICIENT_STORAGE];
            prop_assert!(refusals.contains(&put.status), "{}", put.status);
            prop_assert!(whole < 2);
        }
        prop_assert_eq!(whole, room.holding().len(), "nobody holds a part");
    }
}
