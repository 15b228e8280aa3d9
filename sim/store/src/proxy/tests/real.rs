//! The proxy and the client before real storage nodes.

use md5::{Digest, Md5};

use super::*;
use crate::node::{NodeConfig, StorageNode};

/// A real storage node.
pub(super) async fn run(host: Host, index: u8) {
    let hash = |path: &Path| Md5::digest(path.encoded().as_bytes()).into();
    let devices = vec![target(index).device];
    let config = NodeConfig::new(devices, NODE_PORT, Rc::new(hash));
    let node = StorageNode::recover(host, config).await;
    node.listen().expect("the ports are free").await;
}

/// Real nodes, and the container of the tests.
pub(super) fn stored() -> Room {
    let mut room = Room::with(move |index, host| run(host, index));
    assert_eq!(room.ask("PUT", "c", &[], "").status, StatusCode::CREATED);
    room
}

#[test]
fn objects_live_and_die_on_real_nodes_of_which_one_is_down() {
    for down in 0..NODES {
        let mut room = Room::with(move |index, host| async move {
            if index != down {
                run(host, index).await;
            }
        });
        let container = object().to_container().unwrap();
        let data = pattern(300_000);
        let (listed, objects) = room.client(move |host| async move {
            let client = swift(host.clone());
            client.put_container(&container).await.unwrap();
            client.put_object(&object(), pattern(300_000), "text/plain").await.unwrap();
            let got = client.get_object(&object()).await.unwrap();
            // Rows may come late: container servers that do not answer are told later.
            host.sleep(Duration::from_secs(10)).await;
            let listed = client.list(&container, "", 10).await.unwrap();
            let head = client.head(&object()).await.unwrap();
            assert_eq!(head["content-length"], "300000");
            (listed, got.content)
        });
        assert_eq!(objects, data);
        assert_eq!(
            listed.iter().map(|row| (&*row.name, row.bytes)).collect::<Vec<_>>(),
            [("o", 300_000)]
        );
        let part = room.get(&[("range", "bytes=1000-1999")]);
        assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(part.body, Some(data.slice(1000..2000)));
        let meta = [("x-object-meta-color", "red")];
        let posted = room.send(Method::POST, "/v1/AUTH_a/c/o", &meta, Bytes::new());
        assert_eq!(posted.status, StatusCode::ACCEPTED);
        assert_eq!(room.get(&[("x-newest", "true")]).header("x-object-meta-color"), "red");
        let located = room.beside(|proxy| async move { proxy.locate(&object()).await }).unwrap();
        let fetched = room.beside(move |proxy| async move {
            let source = (located.version, located.confirmed());
            proxy.fetch(&object(), source, Purpose::JobCode, 1 << 20).await
        });
        assert_eq!(fetched, Ok(data));
        room.client(|host| async move {
            let client = swift(host.clone());
            let container = object().to_container().unwrap();
            assert!(client.delete(&object()).await.unwrap());
            assert!(!client.delete(&object()).await.unwrap());
            host.sleep(Duration::from_secs(10)).await;
            assert_eq!(client.list(&container, "", 10).await.unwrap(), []);
            assert!(client.delete(&container).await.unwrap());
            assert!(client.put_object(&object(), pattern(1), "text/plain").await.is_err());
        });
    }
}
