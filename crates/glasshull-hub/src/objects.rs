//! Where calls lie when they are published: in the data folder, or in an object store that is named by a URL.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use glasshull_api::{Code, Failure};
use glasshull_catalog::Catalog;
use glasshull_store::{CatalogCopies, DataFolder, FolderObjects};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{
    BackoffConfig, ClientConfigKey, Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig,
};

use crate::failures;
use crate::settings::{Durability, Settings};

/// Time one request to the object store may take: many times what it does.
const REQUEST_WITHIN: &str = "60 seconds";

/// How long a request is repeated that an object store refuses for now.
const RETRY_WITHIN: Duration = Duration::from_secs(15);

/// How often it is repeated at most.
const MAX_RETRIES: usize = 6;

/// How long trying out an object store may hold up a start.
const TRY_WITHIN: Duration = Duration::from_secs(40);

/// What is in an object store that holds a hub's journal.
const SIGN: &str = "tenures";

/// The objects the settings name. What an object store can be asked for is tried out: what does not let this hub in, or
/// lacks what durability rests on, is told at once. One that cannot be reached is no obstacle where the journal is on the
/// disk. `fresh_name` is one that no other hub has.
///
/// # Errors
/// [`Code::DataFolderUnusable`], [`Code::SettingsWrong`], [`Code::ObjectStoreUnavailable`].
pub async fn open_objects(
    settings: &Settings,
    folder: &DataFolder,
    fresh_name: &str,
) -> Result<Arc<dyn ObjectStore>, Failure> {
    let Some(url) = &settings.objects else {
        let objects = FolderObjects::new(&folder.objects()).map_err(|error| failures::of_store(&error))?;
        return Ok(Arc::new(objects));
    };
    let objects = s3(url).map_err(|error| unusable(url, &error))?;
    let in_objects = settings.durability == Durability::ObjectStore;
    match tokio::time::timeout(TRY_WITHIN, try_out(&*objects, fresh_name)).await {
        Ok(Ok(true)) => {}
        Ok(Ok(false)) if !in_objects => {}
        Ok(Ok(false)) => return Err(without_conditions(url)),
        Ok(Err(error)) if in_objects || is_lasting(&error) => return Err(unusable(url, &error)),
        Ok(Err(error)) => {
            tracing::warn!(url, %error, "the object store cannot be used; calls stay in the journal until it can")
        }
        Err(_) if in_objects => return Err(unusable(url, &"it gives no answer")),
        Err(_) => tracing::warn!(url, "the object store gives no answer; calls stay in the journal until it does"),
    }
    Ok(objects)
}

/// Checks what a setting says, as far as that can be done without asking anybody; what is wrong with it.
pub(crate) fn check_url(url: &str) -> Result<(), String> {
    let Some(rest) = url.strip_prefix("s3://") else {
        return Err("`objects` must be s3://BUCKET or s3://BUCKET/PREFIX".into());
    };
    if rest.is_empty() || rest.starts_with('/') {
        return Err("`objects` names no bucket: s3://BUCKET or s3://BUCKET/PREFIX".into());
    }
    if rest.contains(['@', '?', '#']) {
        return Err("`objects` names a bucket and a prefix only; keys are taken from AWS_ACCESS_KEY_ID and \
                    AWS_SECRET_ACCESS_KEY"
            .into());
    }
    s3(url).map(drop).map_err(|error| format!("`objects`: {error}"))
}

fn s3(url: &str) -> object_store::Result<Arc<dyn ObjectStore>> {
    let named = url.trim_start_matches("s3://");
    let (bucket, prefix) = named.split_once('/').unwrap_or((named, ""));
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(3),
        ..BackoffConfig::default()
    };
    let retry = RetryConfig { backoff, max_retries: MAX_RETRIES, retry_timeout: RETRY_WITHIN };
    let bucket = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_retry(retry)
        .with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), REQUEST_WITHIN)
        .build()?;
    let prefix = Path::parse(prefix.trim_end_matches('/'))?;
    Ok(if prefix.as_ref().is_empty() { Arc::new(bucket) } else { Arc::new(PrefixStore::new(bucket, prefix)) })
}

/// Puts, reads and deletes an object; whether one is left alone that is put a second time on the condition that there is
/// none.
async fn try_out(objects: &dyn ObjectStore, fresh_name: &str) -> object_store::Result<bool> {
    let path = Path::from("tried").join(fresh_name);
    let only_new = || PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    objects.put_opts(&path, "1".into(), only_new()).await?;
    let again = objects.put_opts(&path, "2".into(), only_new()).await;
    let left = objects.get(&path).await?.bytes().await?;
    objects.delete(&path).await?;
    match again {
        Err(Error::AlreadyExists { .. }) => Ok(left == "1"),
        Ok(_) | Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether waiting does not help.
fn is_lasting(error: &Error) -> bool {
    matches!(error, Error::NotFound { .. } | Error::PermissionDenied { .. } | Error::Unauthenticated { .. })
}

fn unusable(url: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Code::ObjectStoreUnavailable, format!("The object store {url} cannot be used: {error}.")).hint(
        "Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, and AWS_ENDPOINT_URL where it is not Amazon's (with \
         AWS_ALLOW_HTTP=true for one without TLS); the key must be allowed to list, read, write and delete there.",
    )
}

fn without_conditions(url: &str) -> Failure {
    let message = format!(
        "The object store {url} overwrites objects that are to be written only where there are none: two hubs could \
         acknowledge calls at the same place."
    );
    Failure::new(Code::ObjectStoreUnavailable, message)
        .hint("Use a version that knows `If-None-Match` on PUT, or --durability journal.")
}

/// Checks that a hub with this durability may use what it finds in the data folder and in the objects: nothing that was
/// acknowledged with another one is passed over.
///
/// # Errors
/// [`Code::SettingsWrong`] with what to do first.
pub(crate) async fn check_change(
    settings: &Settings,
    folder: &DataFolder,
    objects: &Arc<dyn ObjectStore>,
) -> Result<(), Failure> {
    let has_journal = folder.has_journal().map_err(|error| failures::of_store(&error))?;
    let was_taken = match objects.list(Some(&Path::from(SIGN))).try_next().await {
        // One that cannot be reached is no obstacle, unless it is where this folder's journal was.
        Err(error) if folder.catalog_is_copied() => {
            return Err(unusable(settings.objects.as_deref().unwrap_or_default(), &error));
        }
        taken => matches!(taken, Ok(Some(_))),
    };
    let store = |error| failures::of_store(&error);
    match settings.durability {
        Durability::ObjectStore if has_journal => Err(journal_is_here(folder)),
        Durability::ObjectStore if was_taken && folder.has_catalog_of_its_own() => Err(catalog_is_here(folder)),
        // Before a hub that runs is taken over from.
        Durability::ObjectStore => CatalogCopies::check(objects, folder).await.map_err(store),
        Durability::Journal | Durability::Relaxed if was_taken => Err(journal_is_there()),
        Durability::Journal | Durability::Relaxed => folder.set_catalog_is_copied(false).map_err(store),
    }
}

fn catalog_is_here(folder: &DataFolder) -> Failure {
    let message = format!(
        "The data folder {} has a catalog of its own, which the one in the object store would replace.",
        folder.path().display()
    );
    Failure::new(Code::SettingsWrong, message)
        .hint("Give the hub another data folder, or another prefix in the object store.")
}

fn journal_is_here(folder: &DataFolder) -> Failure {
    let message = format!(
        "The journal in {} may hold calls that are not published yet, and a hub with --durability object-store does not read it.",
        folder.journal().display()
    );
    Failure::new(Code::SettingsWrong, message)
        .hint("Start the hub once with --durability journal and stop it in order; then it is empty.")
}

fn journal_is_there() -> Failure {
    Failure::new(Code::SettingsWrong, "The object store holds the journal and the catalog of a hub with --durability object-store.")
        .hint("Start with --durability object-store, or give this hub another prefix. To go back for good, see docs/object-store.md.")
}

/// Checks that the data folder's calls lie in these objects, and notes that they do.
///
/// # Errors
/// [`Code::SettingsWrong`] where they lie elsewhere.
pub(crate) async fn check_place(
    settings: &Settings,
    folder: &DataFolder,
    catalog: &dyn Catalog,
    is_restored: bool,
) -> Result<(), Failure> {
    let here = settings.objects.as_deref().unwrap_or_default().trim_end_matches('/');
    let told = folder.objects_at().map_err(|error| failures::of_store(&error))?;
    if told == here {
        return Ok(());
    }
    // A catalog that came from the object store names what lies there.
    if !is_restored && !catalog.segments().await.map_err(|error| failures::of_catalog(&error))?.is_empty() {
        let named = |place: &str| if place.is_empty() { "the folder itself".to_owned() } else { place.to_owned() };
        let message = format!(
            "The calls of the data folder {} lie in {}, not in {}.",
            folder.path().display(),
            named(&told),
            named(here)
        );
        return Err(Failure::new(Code::SettingsWrong, message)
            .hint("Give the hub the --objects it had, or another data folder."));
    }
    folder.set_objects_at(here).map_err(|error| failures::of_store(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bucket_and_a_prefix_are_taken() {
        for url in ["s3://calls", "s3://calls/", "s3://calls/shop/blue", "s3://calls/shop/"] {
            assert_eq!(check_url(url), Ok(()), "{url}");
        }
        for url in ["calls", "file:///tmp", "https://calls.s3.amazonaws.com", "s3://", "s3://calls/shop//blue"] {
            assert!(check_url(url).is_err(), "{url}");
        }
        let with_a_secret = check_url("s3://key:hunter2@calls").unwrap_err();
        assert!(
            with_a_secret.contains("AWS_SECRET_ACCESS_KEY") && !with_a_secret.contains("hunter2"),
            "{with_a_secret}"
        );
    }
}
