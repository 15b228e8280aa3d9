//! Claim about the meters of sent bytes.

use std::time::Duration;

use super::script::{close, pattern, read_to_end, start_host, start_reporting, write_all};
use super::{ContractBackend, host_address};
use crate::{Label, Purpose};

/// Claims that each byte is counted once, under the purpose and part that it was sent with.
pub fn bytes_are_counted_by_purpose_and_part(backend: &mut dyn ContractBackend) {
    let read = start_reporting(backend, 0, |host| async move {
        let mut listener = host.listen(80).expect("the port is free");
        let (mut stream, _) = listener.accept().await.expect("host 1 connects");
        read_to_end(&mut stream).await.expect("the bytes arrive").len()
    });
    start_host(backend, 1, |host| async move {
        host.sleep(Duration::from_millis(5)).await;
        let mut stream = host.connect(host_address(0, 80)).await.expect("host 0 listens");
        let sent = [
            (Label::HEAD, 300),
            (Label::body(Purpose::ObjectData), 200_000),
            (Label::body(Purpose::JobResult), 100_000),
            (Label::HEAD, 200),
        ];
        for (label, bytes) in sent {
            write_all(&mut stream, &pattern(bytes), label).await.expect("host 0 reads");
        }
        close(&mut stream).await.expect("it can be closed");
    });
    assert_eq!(read.wait(backend), 300_500);
    assert_eq!(backend.body_bytes(Purpose::ObjectData), 200_000);
    assert_eq!(backend.body_bytes(Purpose::JobResult), 100_000);
    let bodies: u64 = Purpose::ALL.into_iter().map(|purpose| backend.body_bytes(purpose)).sum();
    assert_eq!(bodies, 300_000);
    assert_eq!(backend.payload_bytes(), 300_500);
}
