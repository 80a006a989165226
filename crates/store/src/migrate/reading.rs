//! Reading the source: rows of its tables, with names in the place of numbers.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::cells::{Cell, Cells};
use super::error::MigrateError;
use super::tables::{Held, Table};
use crate::sqlite::mark_block::Block;
use crate::sqlite::mark_blocks;
use crate::sqlite::names::Names;
use crate::sqlite::rows::corrupt;

/// Whether sealed contents may be opened, to be kept as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsealed {
    /// Yes: whoever asks knows that the target does not seal them.
    Allow,
    /// No: a source that has any is refused.
    Refuse,
}

/// What a row becomes once its columns were read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Finish {
    /// Nothing else.
    None,
    /// What this makes of it.
    Each(Each),
    /// The same, and rows that other tables of the source have.
    EachAndMore(Each, More),
}

pub(crate) type Each = fn(&mut Reading<'_>, &Row<'_>, &mut Cells) -> Result<(), MigrateError>;
pub(crate) type More = fn(&mut Reading<'_>, Take<'_>) -> Result<(), MigrateError>;

/// Takes a row.
pub(crate) type Take<'a> = &'a mut dyn FnMut(Cells) -> Result<(), MigrateError>;

/// Reads a snapshot of the source.
pub(crate) struct Reading<'a> {
    pub(crate) conn: &'a Connection,
    pub(crate) names: &'a mut Names,
    pub(crate) unsealed: Unsealed,
    /// The block of watermarks that was read last, and where it is.
    block: Option<((i64, i64), Block)>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(conn: &'a Connection, names: &'a mut Names, unsealed: Unsealed) -> Self {
        Self { conn, names, unsealed, block: None }
    }

    /// Gives all rows of a table of the target.
    pub(crate) fn table(&mut self, table: &Table, take: Take<'_>) -> Result<(), MigrateError> {
        let conn = self.conn;
        let mut statement = conn.prepare(table.sql)?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            let mut cells = Vec::with_capacity(table.columns.len());
            for (at, (column, from)) in table.columns.iter().enumerate() {
                let cell = self.cell(row, at, *from)?;
                cells.push(cell.ok_or_else(|| corrupt(format!("{}.{column}", table.name)))?);
            }
            if let Finish::Each(each) | Finish::EachAndMore(each, _) = table.finish {
                each(self, row, &mut cells)?;
            }
            take(cells)?;
        }
        drop(rows);
        match table.finish {
            Finish::EachAndMore(_, more) => more(self, take),
            Finish::None | Finish::Each(_) => Ok(()),
        }
    }

    /// The value of a column; `None` if it is not of its kind.
    fn cell(&mut self, row: &Row<'_>, at: usize, from: Held) -> Result<Option<Cell>, MigrateError> {
        Ok(match (from, row.get_ref(at)?) {
            (_, ValueRef::Null) => Some(Cell::Null),
            (Held::Int, ValueRef::Integer(number)) => Some(Cell::Int(number)),
            (Held::Bool, ValueRef::Integer(number)) => Some(Cell::Bool(number != 0)),
            (Held::Text, ValueRef::Text(text)) => {
                std::str::from_utf8(text).ok().map(|text| Cell::Text(text.to_owned()))
            }
            (Held::Bytes, ValueRef::Blob(bytes)) => Some(Cell::Bytes(bytes.to_vec())),
            (Held::UserOrAll, ValueRef::Integer(0)) => Some(Cell::Text(String::new())),
            (Held::User | Held::UserOrAll, ValueRef::Integer(id)) => {
                Some(Cell::Text(self.names.user(self.conn, id)?.to_string()))
            }
            (Held::Conversation, ValueRef::Integer(id)) => {
                Some(Cell::Text(self.names.thread(self.conn, id)?.conversation.to_string()))
            }
            _ => None,
        })
    }

    /// A block of watermarks.
    pub(crate) fn block(&mut self, conversation: i64, block: i64) -> Result<&Block, MigrateError> {
        let at = (conversation, block);
        let found = match self.block.take() {
            Some((was, found)) if was == at => found,
            _ => mark_blocks::load(self.conn, conversation, block)?,
        };
        Ok(&self.block.insert((at, found)).1)
    }

    /// Refuses to open what is sealed, unless that was allowed.
    ///
    /// # Errors
    /// [`MigrateError::Sealed`].
    pub(crate) fn may_open(&self) -> Result<(), MigrateError> {
        match self.unsealed {
            Unsealed::Allow => Ok(()),
            Unsealed::Refuse => Err(MigrateError::Sealed),
        }
    }
}
