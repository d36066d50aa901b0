use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use glasshull_api::Failure;
use glasshull_api::answers::{Probes, StatementAnswer, StatementRequest};
use glasshull_api::failure::FailureBody;
use glasshull_api::statement::{Statement, parse};

use crate::http::{Json, Refused};
use crate::hub::Parts;
use crate::metrics::Kind;

/// Carry out one statement: SQL, `TRACE`, `UNTRACE`, `SHOW`, `TREE` or `FIND`.
///
/// A statement that is not of the language is answered with 400 and the position of the fault.
#[utoipa::path(
    post,
    path = "/api/v1/statements",
    operation_id = "statement",
    request_body = StatementRequest,
    responses(
        (status = 200, description = "What the statement answers", body = StatementAnswer),
        (status = "default", description = "A failure", body = FailureBody),
    )
)]
pub(super) async fn statement(
    State(parts): State<Arc<Parts>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Json(request): Json<StatementRequest>,
) -> Result<axum::Json<StatementAnswer>, Refused> {
    let started = tokio::time::Instant::now();
    let parsed = parse(&request.statement);
    let kind = parsed.as_ref().map_or("unknown", kind);
    let answer = match parsed {
        Ok(statement) => carry_out(&parts, &request, statement, peer).await,
        Err(failure) => Err(failure),
    };
    parts.metrics.statements.get_or_create(&Kind { kind }).inc();
    parts.metrics.statement_seconds.observe(started.elapsed().as_secs_f64());
    match answer {
        Ok(answer) => Ok(axum::Json(answer)),
        Err(failure) => {
            parts.metrics.refused(&failure);
            Err(failure.into())
        }
    }
}

async fn carry_out(
    parts: &Parts,
    request: &StatementRequest,
    statement: Statement,
    peer: SocketAddr,
) -> Result<StatementAnswer, Failure> {
    let probes =
        |ids: Vec<String>| StatementAnswer::Probes(Probes { probes: parts.probes.named(&ids, &parts.instances) });
    match statement {
        Statement::Sql(sql) => parts.engine.query(&sql, request.max_rows).await.map(StatementAnswer::Rows),
        Statement::Show(show) => parts.engine.show(&show, request.max_rows).await.map(StatementAnswer::Rows),
        Statement::Find(find) => parts.engine.find(&find, request.max_rows).await.map(StatementAnswer::Rows),
        Statement::Tree(tree) => parts.engine.tree(&tree).await.map(StatementAnswer::Tree),
        Statement::Trace(trace) => {
            let owner = peer.ip().to_canonical().to_string();
            parts.probes.trace(&request.statement, trace, &owner).await.map(|id| probes(vec![id]))
        }
        Statement::Untrace(which) => parts.probes.untrace(&which).await.map(probes),
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
