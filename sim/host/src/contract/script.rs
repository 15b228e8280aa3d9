//! Scripts of hosts that report their output, and helpers over whole streams.

use std::future::{Future, poll_fn, ready};
use std::io;
use std::sync::Arc;
use std::task::Poll;

use super::{ClaimReport, ContractBackend, host_spec};
use crate::{BoxStream, Host, HostMain, Label, Purpose, Serving};

/// Label of the bytes that claims send.
pub(super) const LABEL: Label = Label::body(Purpose::ObjectData);

/// Starts host `index`, which runs `script`. It has begun when the script waits for the first time:
/// what the script listens on at once is open then.
pub fn start_host<F: Future<Output = ()> + 'static>(
    backend: &mut dyn ContractBackend,
    index: u8,
    script: impl Fn(Host) -> F + Send + Sync + 'static,
) {
    let main: HostMain = Arc::new(move |host| {
        let mut running: Serving = Box::pin(script(host));
        Box::pin(async move {
            let polled = poll_fn(|cx| Poll::Ready(running.as_mut().poll(cx))).await;
            Ok(if polled.is_ready() { Box::pin(ready(())) } else { running })
        })
    });
    backend.start(host_spec(index), main);
}

/// Starts host `index`, which runs `script` and reports its output.
pub fn start_reporting<T: Send + 'static, F: Future<Output = T> + 'static>(
    backend: &mut dyn ContractBackend,
    index: u8,
    script: impl Fn(Host) -> F + Send + Sync + 'static,
) -> ClaimReport<T> {
    let report = ClaimReport::default();
    let reported = report.clone();
    start_host(backend, index, move |host| {
        let (reported, output) = (reported.clone(), script(host));
        async move { reported.set(output.await) }
    });
    report
}

/// Writes all of `data`.
pub(super) async fn write_all(
    stream: &mut BoxStream,
    mut data: &[u8],
    label: Label,
) -> io::Result<()> {
    while !data.is_empty() {
        let written = poll_fn(|cx| stream.poll_write(cx, data, label)).await?;
        data = &data[written..];
    }
    Ok(())
}

/// Closes the writing half.
pub(super) async fn close(stream: &mut BoxStream) -> io::Result<()> {
    poll_fn(|cx| stream.poll_close(cx)).await
}

/// Reads to the end, at most 1,000 bytes at a time.
pub(super) async fn read_to_end(stream: &mut BoxStream) -> io::Result<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let data = poll_fn(|cx| stream.poll_read(cx, 1000)).await?;
        if data.is_empty() {
            return Ok(whole);
        }
        assert!(data.len() <= 1000, "a read gave {} bytes of at most 1000", data.len());
        whole.extend_from_slice(&data);
    }
}

/// Recognisable bytes: no two of 251 in a row are alike.
pub(super) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index * 31 % 251) as u8).collect()
}
