//! Functions, instances and probes as people and queries see them.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use glasshull_api::Failure;
use glasshull_api::answers::{self, Functions, Instance, Load, Probes as ProbesAnswer};
use glasshull_api::statement::Trace;
use glasshull_catalog::{Catalog, FunctionRow, InstanceRow};
use glasshull_query::Tables;
use glasshull_store::Clock;

use crate::failures;
use crate::instances::{Connected, Instances};
use crate::limits::{MAX_FUNCTIONS_SHOWN, MAX_INSTANCES_SHOWN, SHOWN_AFTER_LEAVING};
use crate::probes::Probes;
use crate::text::rfc3339;

/// Where the lists come from.
#[derive(Clone)]
pub(crate) struct Lists {
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) instances: Arc<Instances>,
    pub(crate) probes: Arc<Probes>,
}

#[async_trait]
impl Tables for Lists {
    async fn functions(&self) -> Result<Functions, Failure> {
        Ok(self.list_functions())
    }

    async fn instances(&self) -> Result<answers::Instances, Failure> {
        self.list_instances().await
    }

    async fn probes(&self) -> Result<ProbesAnswer, Failure> {
        Ok(self.list_probes())
    }
}

impl Lists {
    /// Functions that connected instances can trace.
    pub(crate) fn list_functions(&self) -> Functions {
        let all = self.instances.functions();
        let running = self.probes.orders();
        let partial = (all.len() > MAX_FUNCTIONS_SHOWN).then(|| {
            format!(
                "{} more are known; ask with SQL: SELECT .. FROM functions WHERE ..",
                all.len() - MAX_FUNCTIONS_SHOWN
            )
        });
        let shown = all.iter().take(MAX_FUNCTIONS_SHOWN);
        let functions = shown.map(|(row, instances)| function(row, *instances, &running)).collect();
        Functions { functions, partial }
    }

    /// Connected instances, then those that left lately.
    pub(crate) async fn list_instances(&self) -> Result<answers::Instances, Failure> {
        let connected = self.instances.all();
        let ids: HashSet<_> = connected.iter().map(|instance| instance.row.id).collect();
        let since_ns = self.clock.now_ns().saturating_sub(SHOWN_AFTER_LEAVING.as_nanos() as i64);
        let known =
            self.catalog.instances(since_ns, MAX_INSTANCES_SHOWN).await.map_err(|e| failures::of_catalog(&e))?;
        let gone = known.iter().filter(|row| !ids.contains(&row.id)).map(left);
        let mut instances: Vec<_> = connected.iter().map(here).collect();
        instances.sort_by(|a, b| (&a.service, &a.class, &a.instance).cmp(&(&b.service, &b.class, &b.instance)));
        instances.extend(gone);
        Ok(answers::Instances { instances })
    }

    /// Running probes and the last that ended.
    pub(crate) fn list_probes(&self) -> ProbesAnswer {
        ProbesAnswer { probes: self.probes.list(&self.instances) }
    }
}

fn function(row: &FunctionRow, instances: u32, running: &[(String, Arc<Trace>)]) -> answers::Function {
    let probes = running.iter().filter(|(_, trace)| crate::probes::names(trace, row)).map(|(id, _)| id.clone());
    answers::Function {
        service: row.service.clone(),
        function: row.path.clone(),
        file: row.file.clone(),
        line: row.line,
        arguments: row.arguments.clone(),
        is_async: row.is_async,
        instances,
        probes: probes.collect(),
    }
}

fn here(connected: &Connected) -> Instance {
    Instance {
        connected: true,
        since: rfc3339(connected.row.connected_at_ns),
        functions: connected.functions.len() as u32,
        load: connected.load.clone(),
        ..left(&connected.row)
    }
}

fn left(row: &InstanceRow) -> Instance {
    Instance {
        id: row.id.to_string(),
        service: row.service.clone(),
        instance: row.instance.clone(),
        class: row.class.clone(),
        release: row.release.clone(),
        host: row.host.clone(),
        pid: row.pid,
        sdk: row.sdk.clone(),
        tags: row.tags.clone(),
        started_at: rfc3339(row.started_at_ns),
        connected: false,
        since: rfc3339(row.left_at_ns.unwrap_or(row.connected_at_ns)),
        functions: 0,
        load: Load::default(),
    }
}
