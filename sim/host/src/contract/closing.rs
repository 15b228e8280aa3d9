//! Claims about connections whose ends are dropped while bytes are under way.

use std::io;
use std::time::Duration;

use super::script::{LABEL, pattern, read_to_end, start_host, start_reporting, write_all};
use super::{ContractBackend, host_address};
use crate::Time;

/// Claims that an answer longer than any buffer arrives whole, though its writer leaves the request
/// unread and drops its end.
pub fn an_answer_arrives_though_its_writer_reads_nothing_and_leaves(
    backend: &mut dyn ContractBackend,
) {
    start_host(backend, 0, |host| async move {
        let mut listener = host.listen(80).expect("the port is free");
        let (mut stream, _) = listener.accept().await.expect("host 1 connects");
        host.sleep(Duration::from_millis(10)).await;
        write_all(&mut stream, &pattern(2_000_000), LABEL).await.expect("host 1 reads");
    });
    let answer = start_reporting(backend, 1, |host| async move {
        host.sleep(Duration::from_millis(5)).await;
        let mut stream = host.connect(host_address(0, 80)).await.expect("host 0 listens");
        write_all(&mut stream, &pattern(10_000), LABEL).await.expect("there is room");
        read_to_end(&mut stream).await.expect("the answer arrives")
    });
    assert_eq!(answer.wait(backend), pattern(2_000_000));
}

/// Claims that a writer gets a reset or a broken pipe once its peer has dropped its end.
pub fn a_writer_gets_an_error_when_its_reader_is_gone(backend: &mut dyn ContractBackend) {
    start_host(backend, 0, |host| async move {
        let mut listener = host.listen(80).expect("the port is free");
        drop(listener.accept().await.expect("host 1 connects"));
        host.sleep_until(Time::MAX).await;
    });
    let error = start_reporting(backend, 1, |host| async move {
        host.sleep(Duration::from_millis(5)).await;
        let mut stream = host.connect(host_address(0, 80)).await.expect("host 0 listens");
        let endless = async {
            loop {
                if let Err(error) = write_all(&mut stream, &[7; 65_536], LABEL).await {
                    break error.kind();
                }
            }
        };
        host.timeout(Duration::from_secs(600), endless).await
    });
    let kind = error.wait(backend).expect("the writer gets an error");
    let gone = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
    assert!(gone.contains(&kind), "{kind}");
}
