//! The account service: accounts, and the rows of their containers.
//!
//! Leaves out the reaper: an account with containers is not deleted.

use std::rc::Rc;

use super::StorageNode;
use super::error::NodeError;
use super::index::{Asked, ContainerEntry, Level, Stats, row_name};
use super::request::{self, DevicePath};
use crate::http::{HeaderName, Method, Request, Response, StatusCode};
use crate::node::reply;
use crate::swift::{Timestamp, header};

const LEVEL: Level =
    Level { meta_prefix: header::ACCOUNT_META_PREFIX, also_kept: &[], parents: None, counts };

fn counts(stats: Stats) -> Vec<(HeaderName, u64)> {
    vec![
        (header::X_ACCOUNT_CONTAINER_COUNT, stats.rows),
        (header::X_ACCOUNT_OBJECT_COUNT, stats.objects),
        (header::X_ACCOUNT_BYTES_USED, stats.bytes),
    ]
}

/// Answers one request for an account or for a row of one.
pub(super) async fn handle(
    node: Rc<StorageNode>,
    target: DevicePath,
    request: Request,
) -> Result<Response, NodeError> {
    let (head, _unread) = request.into_parts();
    let (path, headers) = (&target.path, &head.headers);
    if path.object().is_some() {
        let why = "the account service wants /account[/container]".to_owned();
        return Err(NodeError::BadRequest { path: path.to_string(), why });
    }
    let Some((account, name)) = row_name(path) else {
        let place = &node.place(&target.device, target.partition, path)?;
        let asked = Asked { place, method: &head.method, query: head.uri.query(), headers };
        return LEVEL.answer(&node, &node.accounts, &asked).await;
    };
    if head.method != Method::PUT {
        let (path, method) = (path.to_string(), head.method.to_string());
        return Err(NodeError::BadMethod { path, method });
    }
    let place = node.place(&target.device, target.partition, &account)?;
    let entry = ContainerEntry {
        put: request::timestamp(path, headers, &header::X_PUT_TIMESTAMP)?,
        deleted: request::timestamp(path, headers, &header::X_DELETE_TIMESTAMP)?,
        counted: request::timestamp(path, headers, &header::X_TIMESTAMP)?,
        objects: request::number(path, headers, &header::X_CONTAINER_OBJECT_COUNT)?,
        bytes: request::number(path, headers, &header::X_CONTAINER_BYTES_USED)?,
    };
    let now = Timestamp::at(node.host.now());
    node.accounts.put_row(&place, now, name, entry).await?;
    Ok(reply::empty(StatusCode::CREATED))
}
