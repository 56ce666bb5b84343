//! The cheapest cover of a small table by blocks, by branch and bound.
//!
//! A block that cannot take another row or column is maximal. Every block lies in a maximal one, and two blocks in the same
//! one are cheaper as one, so the cheapest cover has at most one block in each maximal one. So each mark is given to one of the
//! maximal blocks that have its place, the mark with the fewest of them first; the block grows by the mark's row and column. A cover
//! is cut off as soon as it cannot become cheaper than the best one found: marks of which no two fit into one block need a block
//! each.

use crate::generate::cover::{Block, Table};

/// The most maximal blocks of a table that is searched.
const MAX_BLOCKS: usize = 256;
/// How often at most a mark is held against a maximal block. A number and not a time, so that the same table gives the same
/// blocks on every machine.
const MAX_WORK: usize = 1 << 22;

/// Rows or columns, a bit each.
type Set = u64;

/// A cover that costs less than `best`, the cheapest that was found. `None` where there is none, or the table is too large to
/// tell, or none was found in [`MAX_WORK`].
pub(super) fn cheaper(table: &Table, best: &[Block]) -> Option<Vec<Block>> {
    let bits = Set::BITS as usize;
    if table.rows.len() > bits || table.columns.len() > bits {
        return None;
    }
    let marks: Vec<Set> = table.marks.iter().map(|columns| set(columns)).collect();
    let maximal = maximal(&marks)?;
    let mut search = Search {
        table,
        grown: vec![(0, 0); maximal.len()],
        covered: vec![0; marks.len()],
        marks,
        maximal,
        cost: 0,
        least: table.cost(best),
        found: None,
        work: 0,
    };
    search.run();
    let found = search.found?;
    let mut blocks: Vec<Block> = found
        .into_iter()
        .filter(|(rows, _)| *rows != 0)
        .map(|(rows, columns)| Block {
            rows: members(rows).collect(),
            columns: members(columns).collect(),
        })
        .collect();
    blocks.sort();
    Some(blocks)
}

fn set(members: &[usize]) -> Set {
    members.iter().fold(0, |set, member| set | 1 << member)
}

fn members(mut set: Set) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let first = set.trailing_zeros() as usize;
        set &= set.checked_sub(1)?;
        Some(first)
    })
}

/// The maximal blocks, as the rows and columns of each; `None` where there are too many. The columns of one are what some rows
/// share, its rows all that have these.
fn maximal(marks: &[Set]) -> Option<Vec<(Set, Set)>> {
    let mut shared: Vec<Set> = Vec::new();
    for row in marks {
        let met = shared
            .iter()
            .map(|columns| columns & row)
            .collect::<Vec<Set>>();
        for columns in met.into_iter().chain([*row]) {
            if columns != 0 && !shared.contains(&columns) {
                shared.push(columns);
            }
        }
        if shared.len() > MAX_BLOCKS {
            return None;
        }
    }
    let rows = |columns: Set| {
        let all = marks.iter().enumerate();
        all.filter(|(_, marked)| *marked & columns == columns)
            .fold(0, |rows, (row, _)| rows | 1 << row)
    };
    Some(
        shared
            .iter()
            .map(|&columns| (rows(columns), columns))
            .collect(),
    )
}

struct Search<'t> {
    table: &'t Table,
    /// Of each row, its columns.
    marks: Vec<Set>,
    maximal: Vec<(Set, Set)>,
    /// What is written so far of each of the maximal blocks.
    grown: Vec<(Set, Set)>,
    /// Of each row, the columns written so far.
    covered: Vec<Set>,
    /// What `grown` costs.
    cost: usize,
    /// What the cheapest cover known costs.
    least: usize,
    found: Option<Vec<(Set, Set)>>,
    work: usize,
}

/// A mark that is not written yet.
struct Open {
    row: usize,
    column: usize,
    /// The maximal blocks that have its place, each behind what it costs to take the mark in, cheapest first.
    ways: Vec<(usize, usize)>,
}

impl Search<'_> {
    fn run(&mut self) {
        if self.work > MAX_WORK {
            return;
        }
        let open = self.open();
        self.work += (1 + open.len()) * self.maximal.len();
        if open.is_empty() {
            if self.cost < self.least {
                self.least = self.cost;
                self.found = Some(self.grown.clone());
            }
            return;
        }
        if self.cost + self.at_least(&open) >= self.least {
            return;
        }
        // Of marks with as few ways, the one that costs most settles most.
        let settles = |mark: &&Open| (mark.ways.len(), usize::MAX - mark.ways[0].0);
        let Some(mark) = open.iter().min_by_key(settles) else {
            return;
        };
        for &(cost, way) in &mark.ways {
            if self.cost + cost >= self.least {
                return;
            }
            let (before, covered) = (self.grown[way], self.covered.clone());
            let (rows, columns) = (before.0 | 1 << mark.row, before.1 | 1 << mark.column);
            self.grown[way] = (rows, columns);
            members(rows).for_each(|row| self.covered[row] |= columns);
            self.cost += cost;
            self.run();
            self.cost -= cost;
            self.covered = covered;
            self.grown[way] = before;
        }
    }

    /// The marks that are not written yet.
    fn open(&self) -> Vec<Open> {
        let mut open = Vec::new();
        for (row, marks) in self.marks.iter().enumerate() {
            for column in members(marks & !self.covered[row]) {
                let mut ways: Vec<(usize, usize)> = (0..self.maximal.len())
                    .filter(|&at| has(self.maximal[at], row, column))
                    .map(|at| (self.added(at, row, column), at))
                    .collect();
                ways.sort_unstable();
                open.push(Open { row, column, ways });
            }
        }
        open
    }

    /// What it costs to write the mark in the maximal block.
    fn added(&self, at: usize, row: usize, column: usize) -> usize {
        let (rows, columns) = self.grown[at];
        let mut cost = if rows == 0 { self.table.frame } else { 0 };
        if rows & 1 << row == 0 {
            cost += self.table.rows[row];
        }
        if columns & 1 << column == 0 {
            cost += self.table.columns[column];
        }
        cost
    }

    /// The least that it costs to write all of `open`: some of the marks of which no two fit into one block, each at its cheapest,
    /// and the rows and columns beside these that stand in no block yet.
    fn at_least(&self, open: &[Open]) -> usize {
        let mut order: Vec<&Open> = open.iter().collect();
        order.sort_by_key(|mark| usize::MAX - mark.ways[0].0);
        let mut apart: Vec<&Open> = Vec::new();
        for mark in order {
            let fits = |other: &&Open| {
                self.marks[mark.row] & 1 << other.column != 0
                    && self.marks[other.row] & 1 << mark.column != 0
            };
            if !apart.iter().any(fits) {
                apart.push(mark);
            }
        }
        let written = self
            .grown
            .iter()
            .fold((0, 0), |all, block| (all.0 | block.0, all.1 | block.1));
        let reckoned = apart.iter().fold(written, |all, mark| {
            (all.0 | 1 << mark.row, all.1 | 1 << mark.column)
        });
        let needed = open.iter().fold((0, 0), |all: (Set, Set), mark| {
            (all.0 | 1 << mark.row, all.1 | 1 << mark.column)
        });
        let sum = |set: Set, costs: &[usize]| members(set).map(|at| costs[at]).sum::<usize>();
        apart.iter().map(|mark| mark.ways[0].0).sum::<usize>()
            + sum(needed.0 & !reckoned.0, &self.table.rows)
            + sum(needed.1 & !reckoned.1, &self.table.columns)
    }
}

fn has(block: (Set, Set), row: usize, column: usize) -> bool {
    block.0 & 1 << row != 0 && block.1 & 1 << column != 0
}
