//! What a transaction writes last, where that is something said: it is sent together with the `COMMIT`.
//!
//! So a message takes two round trips, one to decide it and one to write it, and no node waits for the counter while
//! another's answer is on its way. Until the server answers, its entries have places in their conversations and no
//! positions.

use std::sync::Arc;

use parlor_chat::entry::Entry;
use parlor_chat::store::{Appended, Committed, Origin, StoreError};

use super::appends::{Run, Spoken};
use super::conn::Conn;
use super::entries::New;
use super::entry_rows::Rows;
use super::turn::Work;

/// A run that is decided, and has yet to be written.
pub(crate) struct Closing {
    run: Run,
    rows: Rows,
    /// Where each of the run's appends comes from.
    origins: Vec<Origin>,
}

impl Closing {
    /// Of a run that is plain.
    pub(crate) fn new(run: Run, spoken: &[Spoken<'_>], search: bool) -> Self {
        let mut rows = Rows::default();
        run.news().iter().for_each(|new| rows.add(new, search));
        let origins = spoken.iter().take(run.len()).map(|it| it.append.origin).collect();
        Self { run, rows, origins }
    }

    /// What would be committed by it, without positions.
    pub(crate) fn expected(&self) -> impl Iterator<Item = Committed> {
        let origins = self.run.places().filter_map(|at| self.origins.get(at));
        let committed = |(new, origin): (&New, &Origin)| Committed {
            entry: Arc::new(new.entry.clone()),
            origin: *origin,
        };
        self.run.news().iter().zip(origins).map(committed)
    }

    /// Writes it and commits; gives the position before its first entry's. Errors are those of
    /// [`Rows::put_and_commit`].
    pub(crate) async fn commit(&self, conn: Conn<'_>) -> Result<i64, tokio_postgres::Error> {
        self.rows.put_and_commit(conn, self.run.touched()).await
    }

    /// The first entry that it writes.
    pub(crate) fn first(&self) -> Option<&Entry> {
        self.run.news().first().map(|new| &new.entry)
    }

    /// Notes what it came to, its entries having the positions behind `after`; gives the answers of its appends, which
    /// are the last of their batch.
    pub(crate) fn settle(self, after: i64, work: &mut Work) -> Vec<Result<Appended, StoreError>> {
        let Self { run, origins, .. } = self;
        match run.placed(after) {
            Ok(said) => said
                .into_iter()
                .zip(origins)
                .map(|(done, origin)| work.told(done, origin))
                .collect(),
            Err(error) => origins.iter().map(|_| Err(error.clone())).collect(),
        }
    }
}
