//! Rows on their way from one database to the other, and the checksum of many.
//!
//! A checksum is a sum of digests, one for each row, so it does not depend on the order in which rows are
//! read, nor on the statement that reads them: the source's rows and those that the target gives back are
//! held against each other by it.

use sha2::{Digest, Sha256};
use tokio_postgres::Row;

use super::error::MigrateError;
use crate::postgres::conn::Param;

/// What a column of the target holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Bool,
    Text,
    Bytes,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Bool(bool),
    Text(String),
    Bytes(Vec<u8>),
}

impl Cell {
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Text(text) => text.len() + 32,
            Self::Bytes(bytes) => bytes.len() + 32,
            Self::Null | Self::Int(_) | Self::Bool(_) => 32,
        }
    }

    /// The value of an optional number.
    pub(crate) fn int(number: Option<i64>) -> Self {
        number.map_or(Self::Null, Self::Int)
    }

    /// The value of an optional text.
    pub(crate) fn text(text: Option<&str>) -> Self {
        text.map_or(Self::Null, |text| Self::Text(text.to_owned()))
    }

    /// Gives the value as bytes that no other value gives.
    fn digest(&self, hasher: &mut Sha256) {
        match self {
            Self::Null => hasher.update([0]),
            Self::Int(number) => {
                hasher.update([1]);
                hasher.update(number.to_le_bytes());
            }
            Self::Bool(bool) => hasher.update([2, u8::from(*bool)]),
            Self::Text(text) => {
                hasher.update([3]);
                hasher.update((text.len() as u64).to_le_bytes());
                hasher.update(text.as_bytes());
            }
            Self::Bytes(bytes) => {
                hasher.update([4]);
                hasher.update((bytes.len() as u64).to_le_bytes());
                hasher.update(bytes);
            }
        }
    }
}

/// A row.
pub(crate) type Cells = Vec<Cell>;

/// How many rows there are, and their checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sum {
    pub(crate) rows: u64,
    sum: u128,
}

impl Sum {
    pub(crate) fn add(&mut self, row: &[Cell]) {
        let mut hasher = Sha256::new();
        row.iter().for_each(|cell| cell.digest(&mut hasher));
        let digest = hasher.finalize();
        let number = digest.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte));
        self.rows += 1;
        self.sum = self.sum.wrapping_add(number);
    }

    pub(crate) fn of<'a>(rows: impl IntoIterator<Item = &'a Cells>) -> Self {
        let mut sum = Self::default();
        rows.into_iter().for_each(|row| sum.add(row));
        sum
    }

    /// Takes other rows in.
    pub(crate) fn join(&mut self, other: Self) {
        self.rows += other.rows;
        self.sum = self.sum.wrapping_add(other.sum);
    }

    /// That many rows of which nothing else is known.
    pub(crate) fn unread(rows: u64) -> Self {
        Self { rows, sum: 0 }
    }
}

/// The checksum, for people to compare.
impl std::fmt::Display for Sum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.sum)
    }
}

/// The columns of some rows as a statement's parameters.
///
/// # Errors
/// [`MigrateError::Nul`] for what PostgreSQL does not keep.
pub(crate) fn columns(
    table: &'static str,
    kinds: &[Kind],
    rows: &[Cells],
) -> Result<Vec<Box<dyn Param>>, MigrateError> {
    let bad = || MigrateError::Damaged { what: format!("a row for the table {table}").into() };
    let column = |(at, kind): (usize, &Kind)| -> Result<Box<dyn Param>, MigrateError> {
        let cells = rows.iter().map(|row| row.get(at).unwrap_or(&Cell::Null));
        Ok(match kind {
            Kind::Int => Box::new(
                cells
                    .map(|cell| match cell {
                        Cell::Null => Ok(None),
                        Cell::Int(number) => Ok(Some(*number)),
                        _ => Err(bad()),
                    })
                    .collect::<Result<Vec<Option<i64>>, _>>()?,
            ),
            Kind::Bool => Box::new(
                cells
                    .map(|cell| match cell {
                        Cell::Bool(bool) => Ok(*bool),
                        _ => Err(bad()),
                    })
                    .collect::<Result<Vec<bool>, _>>()?,
            ),
            Kind::Text => Box::new(
                cells
                    .map(|cell| match cell {
                        Cell::Null => Ok(None),
                        Cell::Text(text) if text.contains('\0') => Err(MigrateError::Nul { table }),
                        Cell::Text(text) => Ok(Some(text.clone())),
                        _ => Err(bad()),
                    })
                    .collect::<Result<Vec<Option<String>>, _>>()?,
            ),
            Kind::Bytes => Box::new(
                cells
                    .map(|cell| match cell {
                        Cell::Bytes(bytes) => Ok(bytes.clone()),
                        _ => Err(bad()),
                    })
                    .collect::<Result<Vec<Vec<u8>>, _>>()?,
            ),
        })
    };
    kinds.iter().enumerate().map(column).collect()
}

/// A row that the target gave back.
pub(crate) fn given_back(kinds: &[Kind], row: &Row) -> Result<Cells, tokio_postgres::Error> {
    let cell = |(at, kind): (usize, &Kind)| {
        Ok(match kind {
            Kind::Int => Cell::int(row.try_get(at)?),
            Kind::Bool => row.try_get::<_, Option<bool>>(at)?.map_or(Cell::Null, Cell::Bool),
            Kind::Text => Cell::text(row.try_get(at)?),
            Kind::Bytes => row.try_get::<_, Option<Vec<u8>>>(at)?.map_or(Cell::Null, Cell::Bytes),
        })
    };
    kinds.iter().enumerate().map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[Cell]) -> Cells {
        cells.to_vec()
    }

    #[test]
    fn a_sum_depends_on_every_value_and_not_on_the_order_of_rows() {
        let (a, b) =
            (row(&[Cell::Int(1), Cell::Text("x".into())]), row(&[Cell::Int(2), Cell::Null]));
        assert_eq!(Sum::of([&a, &b]), Sum::of([&b, &a]));
        let mut joined = Sum::of([&a]);
        joined.join(Sum::of([&b]));
        assert_eq!(joined, Sum::of([&a, &b]));
        for other in [
            row(&[Cell::Int(1), Cell::Text("y".into())]),
            row(&[Cell::Int(1), Cell::Bytes(b"x".to_vec())]),
            row(&[Cell::Int(1), Cell::Null]),
            row(&[Cell::Bool(true), Cell::Text("x".into())]),
            row(&[Cell::Text("x".into()), Cell::Int(1)]),
        ] {
            assert_ne!(Sum::of([&a]), Sum::of([&other]), "{other:?}");
        }
        assert_ne!(Sum::of([&a, &a]), Sum::of([&b, &b]));
        assert_ne!(Sum::of([&a]), Sum::unread(1));
    }
}
