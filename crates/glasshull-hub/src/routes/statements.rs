use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures::stream;
use glasshull_api::Failure;
use glasshull_api::answers::{DifferenceRequest, Differences, Probes, StatementAnswer, StatementRequest, TreeForm};
use glasshull_api::failure::FailureBody;
use glasshull_api::statement::{Statement, parse};
use utoipa::ToSchema;

use crate::http::{Json, Refused};
use crate::hub::Parts;
use crate::metrics::Kind;

/// The media type of an answer in columns.
const ARROW: &str = "application/vnd.apache.arrow.stream";

/// An Arrow IPC stream.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "only the document names it")]
struct ArrowStream(Vec<u8>);

/// Carry out one statement: SQL, `TRACE`, `UNTRACE`, `SHOW`, `TREE` or `FIND`.
///
/// A statement that is not of the language is answered with 400 and the position of the fault.
///
/// Rows come as JSON, or, where `Accept` names `application/vnd.apache.arrow.stream`, in columns: an Arrow IPC stream of up
/// to a million rows. Its schema's metadata says what a JSON answer's members would: `glasshull.elapsed_ms`,
/// `glasshull.partial` (only where rows are missing), and of each column `glasshull.kind` (a `ColumnKind`). Texts that
/// repeat are dictionaries, times are timestamps, durations whole nanoseconds, JSON is text. What is no rows (trees,
/// probes, failures) comes as JSON whatever is accepted: look at the answer's `Content-Type`.
#[utoipa::path(
    post,
    path = "/api/v1/statements",
    operation_id = "statement",
    request_body = StatementRequest,
    responses(
        (status = 200, description = "What the statement answers", content(
            (StatementAnswer = "application/json"),
            (ArrowStream = "application/vnd.apache.arrow.stream"),
        )),
        (status = "default", description = "A failure", body = FailureBody),
    )
)]
pub(super) async fn statement(
    State(parts): State<Arc<Parts>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Json(request): Json<StatementRequest>,
) -> Result<Response, Refused> {
    let started = tokio::time::Instant::now();
    let parsed = parse(&request.statement);
    let kind = parsed.as_ref().map_or("unknown", kind);
    let answer = match parsed {
        Ok(statement) => answer(&parts, &request, statement, peer, takes_arrow(&headers)).await,
        Err(failure) => Err(failure),
    };
    parts.metrics.statements.get_or_create(&Kind { kind }).inc();
    parts.metrics.statement_seconds.observe(started.elapsed().as_secs_f64());
    match answer {
        Ok(answer) => Ok(answer),
        Err(failure) => {
            parts.metrics.refused(&failure);
            Err(failure.into())
        }
    }
}

/// Tell what distinguishes some rows of a `SELECT` from its others: values of columns and of paths into their JSON, each
/// with its shares on both sides, the surest difference first.
#[utoipa::path(
    post,
    path = "/api/v1/differences",
    operation_id = "differences",
    request_body = DifferenceRequest,
    responses(
        (status = 200, description = "What is different", body = Differences),
        (status = "default", description = "A failure", body = FailureBody),
    )
)]
pub(super) async fn differences(
    State(parts): State<Arc<Parts>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Json(request): Json<DifferenceRequest>,
) -> Result<axum::Json<Differences>, Refused> {
    let differences = parts.engine.differences(&asker(peer.ip()), &request).await;
    differences.map(axum::Json).map_err(|failure| {
        parts.metrics.refused(&failure);
        failure.into()
    })
}

/// Whether columns are asked for, rather than JSON.
fn takes_arrow(headers: &HeaderMap) -> bool {
    let named = |accepted: &HeaderValue| {
        let kinds = accepted.to_str().unwrap_or_default().split(',');
        kinds.into_iter().any(|kind| kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(ARROW))
    };
    headers.get_all(ACCEPT).iter().any(named)
}

async fn answer(
    parts: &Parts,
    request: &StatementRequest,
    statement: Statement,
    peer: SocketAddr,
    in_columns: bool,
) -> Result<Response, Failure> {
    match glasshull_query::question(&statement) {
        Some(sql) if in_columns => {
            let columns = parts.engine.columns(&asker(peer.ip()), &sql, request.max_rows).await?;
            Ok(([(CONTENT_TYPE, ARROW)], Body::from_stream(stream::iter(columns.stream()))).into_response())
        }
        _ => Ok(axum::Json(carry_out(parts, request, statement, peer).await?).into_response()),
    }
}

async fn carry_out(
    parts: &Parts,
    request: &StatementRequest,
    statement: Statement,
    peer: SocketAddr,
) -> Result<StatementAnswer, Failure> {
    let asker = asker(peer.ip());
    let probes =
        |ids: Vec<String>| StatementAnswer::Probes(Probes { probes: parts.probes.named(&ids, &parts.instances) });
    match statement {
        Statement::Sql(sql) => parts.engine.query(&asker, &sql, request.max_rows).await.map(StatementAnswer::Rows),
        Statement::Show(show) => parts.engine.show(&asker, &show, request.max_rows).await.map(StatementAnswer::Rows),
        Statement::Find(find) => parts.engine.find(&asker, &find, request.max_rows).await.map(StatementAnswer::Rows),
        Statement::Tree(tree) if request.tree == TreeForm::Columns => {
            let columns = parts.engine.tree_columns(&asker, &tree).await?;
            Ok(StatementAnswer::TreeColumns(Box::new(columns)))
        }
        Statement::Tree(tree) => parts.engine.tree(&asker, &tree).await.map(StatementAnswer::Tree),
        Statement::Trace(trace) => {
            let owner = peer.ip().to_canonical().to_string();
            parts.probes.trace(&request.statement, trace, &owner).await.map(|id| probes(vec![id]))
        }
        Statement::Untrace(which) => parts.probes.untrace(&which).await.map(probes),
    }
}

/// Who asks, as far as a hub without accounts knows: the address, of which with IPv6 the half that is given to a site.
fn asker(peer: IpAddr) -> String {
    match peer.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => (Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)).to_string(),
    }
}

fn kind(statement: &Statement) -> &'static str {
    match statement {
        Statement::Trace(_) => "trace",
        Statement::Untrace(_) => "untrace",
        Statement::Show(_) => "show",
        Statement::Tree(_) => "tree",
        Statement::Find(_) => "find",
        Statement::Sql(_) => "sql",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_from_one_site_is_one_asker() {
        let asker = |address: &str| asker(address.parse().expect("an address"));
        assert_eq!(asker("::ffff:10.0.0.1"), asker("10.0.0.1"));
        assert_ne!(asker("10.0.0.2"), asker("10.0.0.1"));
        assert_eq!(asker("2001:db8:1:2::3"), asker("2001:db8:1:2:ffff::4"));
        assert_ne!(asker("2001:db8:1:3::3"), asker("2001:db8:1:2::3"));
    }
}
