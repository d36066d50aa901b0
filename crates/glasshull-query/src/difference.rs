//! *What is different here?*: what distinguishes some rows of an answer from its others: arguments and what they hold,
//! instances, releases, functions, outcomes.
//!
//! Each value of each column, and of each path into JSON, has a share among the selected rows and one among the rest. The
//! difference of the two shares has an interval that holds the true one with 99.9 % confidence (Newcombe 1998, see
//! [`measure`]); what is told is ranked by the end of that interval that is nearer to nothing. So a value that all of five
//! selected rows have ranks below one that all of five thousand have, and what chance explains is not told at all.
//! Numbers are also compared with the bound that tells the two best apart: `quantity >= 40`.

mod keys;
mod measure;
mod tally;

use datafusion::common::DataFusionError;
use futures::TryStreamExt;
use glasshull_api::Failure;
use glasshull_api::answers::{DifferenceRequest, Differences};
use tokio::time::Instant;

use crate::asking::Asking;
use crate::failure::failure;
use crate::sql::{self, Question};
use tally::Tallies;

/// Rows that are looked at: more tell nothing new, and reading their JSON takes seconds.
const MAX_ROWS: u64 = 1_000_000;

/// The column that says whether a row is selected.
pub(crate) const SELECTED: &str = "glasshull selected";

/// Compares the rows of a statement for which a condition holds with its others; what `deadline` cuts off is told.
pub(crate) async fn differences(
    asking: &Asking,
    request: &DifferenceRequest,
    deadline: Instant,
) -> Result<Differences, Failure> {
    let sql = question(request);
    let failed = |error: DataFusionError| unplaced(failure(&error, &sql));
    let Question::Plan(statement) = sql::question(&sql).map_err(unplaced)? else { return Err(sql::forbidden()) };
    let frame = asking.plan(statement, &sql).await.map_err(unplaced)?;
    let mut tallies = Tallies::new(frame.schema().as_arrow(), &request.selected);
    let mut stream = asking.stream(frame).await.map_err(failed)?;
    let mut cut = None;
    while let Some(batch) = stream.try_next().await.map_err(failed)? {
        tallies.count(&batch);
        if tallies.rows() >= MAX_ROWS || Instant::now() >= deadline {
            cut = Some(format!("Only the first {} rows were compared.", tallies.rows()));
            break;
        }
    }
    let partial: Vec<String> = cut.into_iter().chain(tallies.left_out()).chain(asking.unreadable.told()).collect();
    let differences = tallies.differences();
    let [rest, selected] = tallies.sides();
    let partial = (!partial.is_empty()).then(|| partial.join(" "));
    Ok(Differences { selected, rest, differences, partial, elapsed_ms: 0.0 })
}

/// Each part on lines of its own: a comment at its end ends there.
fn question(request: &DifferenceRequest) -> String {
    let DifferenceRequest { statement, selected } = request;
    let statement = statement.trim().trim_end_matches(';');
    format!("SELECT *, (\n{selected}\n) IS TRUE AS \"{SELECTED}\" FROM (\n{statement}\n) AS answer")
}

/// A place in what was put together is none in what was asked.
fn unplaced(mut failure: Failure) -> Failure {
    failure.position = None;
    failure
}
