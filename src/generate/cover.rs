//! Which actions to write with which resources, so that the text is shortest.
//!
//! Actions are the rows of a table and resources its columns; a mark says that the action is granted on the resource. A
//! block is some rows and some columns with a mark wherever they cross: a statement. The cheapest blocks that together have all
//! marks are found exactly where the table is small, and by factoring out what rows share where it is not. A block never
//! has a place without a mark, so that nothing widens; two blocks may share some where that is shorter.

use std::collections::BTreeMap;

use crate::generate::search;

/// Each of the rows with each of the columns. Both are sorted and not empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Block {
    pub(super) rows: Vec<usize>,
    pub(super) columns: Vec<usize>,
}

/// What is to be written, and what writing costs, in characters. A block costs `frame` and its rows and columns.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// Of each row the columns with a mark, sorted.
    pub(super) marks: Vec<Vec<usize>>,
    pub(super) rows: Vec<usize>,
    pub(super) columns: Vec<usize>,
    pub(super) frame: usize,
}

/// The most places of a table in which what rows share is looked for. In a larger one each row or each column stands once.
const MAX_PLACES: usize = 1 << 12;

/// The most rows that are looked at two by two.
const MAX_ROWS: usize = 64;

/// Blocks that have all marks of `table` and no other place, sorted: the cheapest where the parts of the table that hang
/// together are small, and never dearer than writing each row, or each column, once.
pub(super) fn cover(table: &Table) -> Vec<Block> {
    let (small, rows, columns) = table.without_twins();
    let mut blocks = Vec::new();
    for part in small.parts() {
        let found = part.table.cheapest();
        blocks.extend(found.into_iter().map(|block| Block {
            rows: block.rows.iter().map(|&row| part.rows[row]).collect(),
            columns: block.columns.iter().map(|&c| part.columns[c]).collect(),
        }));
    }
    let all = |places: &[usize], of: &[Vec<usize>]| {
        let mut all: Vec<usize> = places.iter().flat_map(|&place| of[place].clone()).collect();
        all.sort_unstable();
        all
    };
    let mut blocks: Vec<Block> = blocks
        .iter()
        .map(|block| Block {
            rows: all(&block.rows, &rows),
            columns: all(&block.columns, &columns),
        })
        .collect();
    blocks.sort();
    blocks
}

/// Some rows and columns of another table, by their numbers there.
struct Excerpt {
    table: Table,
    rows: Vec<usize>,
    columns: Vec<usize>,
}

impl Table {
    /// What the blocks cost.
    pub(super) fn cost(&self, blocks: &[Block]) -> usize {
        let cost = |block: &Block| {
            let rows = block.rows.iter().map(|&row| self.rows[row]);
            let columns = block.columns.iter().map(|&column| self.columns[column]);
            self.frame + rows.sum::<usize>() + columns.sum::<usize>()
        };
        blocks.iter().map(cost).sum()
    }

    /// The table with rows that have the same marks as one, and columns too, and what each stands for. There are cheapest
    /// blocks that never part them: whichever of two twins stands in fewer blocks can take the other along.
    fn without_twins(&self) -> (Self, Vec<Vec<usize>>, Vec<Vec<usize>>) {
        let (marks, rows) = merged(&self.marks);
        let by_column = turned(&marks, self.columns.len());
        let (by_column, columns) = merged(&by_column);
        let sum = |groups: &[Vec<usize>], costs: &[usize]| {
            let cost = |group: &Vec<usize>| group.iter().map(|&at| costs[at]).sum();
            groups.iter().map(cost).collect()
        };
        let small = Self {
            marks: turned(&by_column, rows.len()),
            rows: sum(&rows, &self.rows),
            columns: sum(&columns, &self.columns),
            frame: self.frame,
        };
        (small, rows, columns)
    }

    /// Rows for columns, and columns for rows.
    fn turned(&self) -> Self {
        Self {
            marks: turned(&self.marks, self.columns.len()),
            rows: self.columns.clone(),
            columns: self.rows.clone(),
            frame: self.frame,
        }
    }

    /// The parts of the table that share no row and no column.
    fn parts(&self) -> Vec<Excerpt> {
        // A forest: each row points to one of its part, the first to itself.
        let mut leader: Vec<usize> = (0..self.rows.len()).collect();
        fn find(leader: &mut [usize], mut at: usize) -> usize {
            while leader[at] != at {
                leader[at] = leader[leader[at]];
                at = leader[at];
            }
            at
        }
        let mut first_row: Vec<Option<usize>> = vec![None; self.columns.len()];
        for (row, columns) in self.marks.iter().enumerate() {
            for &column in columns {
                let other = *first_row[column].get_or_insert(row);
                let (a, b) = (find(&mut leader, other), find(&mut leader, row));
                leader[a.max(b)] = a.min(b);
            }
        }
        let mut parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (row, columns) in self.marks.iter().enumerate() {
            if !columns.is_empty() {
                parts.entry(find(&mut leader, row)).or_default().push(row);
            }
        }
        parts.into_values().map(|rows| self.excerpt(rows)).collect()
    }

    /// The rows of a part, with the columns that they have.
    fn excerpt(&self, rows: Vec<usize>) -> Excerpt {
        let mut columns: Vec<usize> = rows.iter().flat_map(|&r| self.marks[r].clone()).collect();
        columns.sort_unstable();
        columns.dedup();
        // Sorted, so that every column is found.
        let place = |column: &usize| columns.binary_search(column).unwrap_or_default();
        let table = Self {
            marks: rows
                .iter()
                .map(|&row| self.marks[row].iter().map(place).collect())
                .collect(),
            rows: rows.iter().map(|&row| self.rows[row]).collect(),
            columns: columns.iter().map(|&c| self.columns[c]).collect(),
            frame: self.frame,
        };
        Excerpt {
            table,
            rows,
            columns,
        }
    }

    /// The blocks of a part.
    fn cheapest(&self) -> Vec<Block> {
        let by_row = self.factored();
        // One row or one column is one block.
        if by_row.len() < 2 {
            return by_row;
        }
        let by_column = self.turned().factored().into_iter().map(|block| Block {
            rows: block.columns,
            columns: block.rows,
        });
        let by_column: Vec<Block> = by_column.collect();
        let best = match self.cost(&by_column) < self.cost(&by_row) {
            true => by_column,
            false => by_row,
        };
        search::cheaper(self, &best).unwrap_or(best)
    }

    /// Each row once with all its columns, and then, again and again, what it saves most to write once for several rows.
    fn factored(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut left = self.marks.clone();
        let places = self.rows.len() * self.columns.len();
        if self.rows.len() <= MAX_ROWS && places <= MAX_PLACES {
            while let Some(block) = self.best_factor(&left) {
                for &row in &block.rows {
                    left[row].retain(|column| block.columns.binary_search(column).is_err());
                }
                blocks.push(block);
            }
        }
        let rows = left.into_iter().enumerate();
        blocks.extend(
            rows.filter(|(_, columns)| !columns.is_empty())
                .map(|(row, columns)| Block {
                    rows: vec![row],
                    columns,
                }),
        );
        blocks
    }

    /// The block that saves most where each row's columns `left` are still to be written; `None` where none saves any.
    fn best_factor(&self, left: &[Vec<usize>]) -> Option<Block> {
        let mut best: Option<(usize, Block)> = None;
        for one in 0..left.len() {
            for other in 0..one {
                let columns = shared(&left[one], &left[other]);
                if columns.is_empty() {
                    continue;
                }
                let (saved, block) = self.factor(left, columns);
                if saved > best.as_ref().map_or(0, |(most, _)| *most) {
                    best = Some((saved, block));
                }
            }
        }
        best.map(|(_, block)| block)
    }

    /// The block of these columns with all rows for which that saves, and how much it saves.
    fn factor(&self, left: &[Vec<usize>], columns: Vec<usize>) -> (usize, Block) {
        let (mut saved, mut rows) = (0, Vec::new());
        let costs = |columns: &[usize]| columns.iter().map(|&c| self.columns[c]).sum::<usize>();
        for (row, rest) in left.iter().enumerate() {
            // A row may also take up what it has already, but then only as part of all.
            if shared(&self.marks[row], &columns).len() < columns.len() {
                continue;
            }
            let spared = shared(rest, &columns);
            let ends = spared.len() == rest.len() && !rest.is_empty();
            let gain = costs(&spared) + if ends { self.frame + self.rows[row] } else { 0 };
            if gain > self.rows[row] {
                saved += gain - self.rows[row];
                rows.push(row);
            }
        }
        let cost = self.frame + costs(&columns);
        (saved.saturating_sub(cost), Block { rows, columns })
    }
}

/// Lists that are equal as one, and the places of each; in the order of the first of them.
fn merged(lists: &[Vec<usize>]) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
    let mut places: BTreeMap<&[usize], usize> = BTreeMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (at, list) in lists.iter().enumerate() {
        let place = *places.entry(list).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(at);
    }
    let firsts = groups.iter().map(|group| lists[group[0]].clone());
    (firsts.collect(), groups)
}

/// Of each column the rows with a mark, where there are `columns` of them.
fn turned(marks: &[Vec<usize>], columns: usize) -> Vec<Vec<usize>> {
    let mut out = vec![Vec::new(); columns];
    for (row, marked) in marks.iter().enumerate() {
        for &column in marked {
            out[column].push(row);
        }
    }
    out
}

/// What stands in both sorted lists.
fn shared(one: &[usize], other: &[usize]) -> Vec<usize> {
    let (less, more) = match one.len() < other.len() {
        true => (one, other),
        false => (other, one),
    };
    let both = less.iter().filter(|at| more.binary_search(at).is_ok());
    both.copied().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{ProptestConfig, Strategy, prop, proptest};

    use super::{Block, Table, cover};

    fn table(marks: &[&[usize]], columns: usize) -> Table {
        Table {
            marks: marks.iter().map(|columns| columns.to_vec()).collect(),
            rows: vec![16; marks.len()],
            columns: vec![50; columns],
            frame: 80,
        }
    }

    fn marks(table: &Table) -> BTreeSet<(usize, usize)> {
        let rows = table.marks.iter().enumerate();
        rows.flat_map(|(row, columns)| columns.iter().map(move |&column| (row, column)))
            .collect()
    }

    fn places(blocks: &[Block]) -> BTreeSet<(usize, usize)> {
        let place = |block: &Block| {
            let columns = block.columns.clone();
            let cross = move |row: usize| columns.clone().into_iter().map(move |c| (row, c));
            block
                .rows
                .clone()
                .into_iter()
                .flat_map(cross)
                .collect::<Vec<_>>()
        };
        blocks.iter().flat_map(place).collect()
    }

    #[test]
    fn what_rows_share_is_written_once() {
        // Five columns that two rows share, and one that the first has alone.
        let table = table(&[&[0, 1, 2, 3, 4, 5], &[0, 1, 2, 3, 4]], 6);
        let blocks = cover(&table);
        let block = |rows: &[usize], columns: &[usize]| Block {
            rows: rows.to_vec(),
            columns: columns.to_vec(),
        };
        assert_eq!(
            blocks,
            [block(&[0], &[5]), block(&[0, 1], &[0, 1, 2, 3, 4])]
        );
    }

    #[test]
    fn blocks_overlap_where_that_is_shorter() {
        // The middle column is shared by all three rows, the outer ones by two each.
        let mut table = table(&[&[0, 1], &[0, 1, 2], &[1, 2]], 3);
        table.rows = vec![900, 10, 900];
        let blocks = cover(&table);
        let written: usize = blocks.iter().map(|b| b.rows.len() * b.columns.len()).sum();
        assert_eq!((blocks.len(), written), (2, 8));
        assert_eq!(places(&blocks), marks(&table));
    }

    #[test]
    fn a_table_too_large_to_search_is_still_factored() {
        // Sixty rows of sixty-one columns each, all but the last of which they share.
        let rows: Vec<Vec<usize>> = (0..60)
            .map(|row| (0..60).chain([60 + row]).collect())
            .collect();
        let rows: Vec<&[usize]> = rows.iter().map(Vec::as_slice).collect();
        let table = table(&rows, 120);
        let blocks = cover(&table);
        assert_eq!(places(&blocks), marks(&table));
        assert_eq!(blocks.len(), 61);
    }

    /// The cheapest cover, by trying every set of blocks that could be one.
    fn brute(table: &Table) -> usize {
        let marks: Vec<(usize, usize)> = marks(table).into_iter().collect();
        let number = |at: (usize, usize)| marks.iter().position(|mark| *mark == at);
        let mut blocks: Vec<(usize, usize)> = Vec::new();
        for rows in 1_usize..1 << table.rows.len() {
            for columns in 1_usize..1 << table.columns.len() {
                let members = |set: usize| (0..16).filter(move |at| set & 1 << at != 0);
                let block = Block {
                    rows: members(rows).collect(),
                    columns: members(columns).collect(),
                };
                let places = places(std::slice::from_ref(&block));
                let numbers: Option<Vec<usize>> = places.into_iter().map(number).collect();
                if let Some(numbers) = numbers {
                    let set = numbers.into_iter().fold(0, |set, at| set | 1 << at);
                    blocks.push((set, table.cost(&[block])));
                }
            }
        }
        let mut least = vec![usize::MAX / 2; 1 << marks.len()];
        least[0] = 0;
        for set in 0..least.len() {
            for (block, cost) in &blocks {
                let with = set | block;
                least[with] = least[with].min(least[set] + cost);
            }
        }
        least[least.len() - 1]
    }

    fn small() -> impl Strategy<Value = Table> {
        let cost = || prop::collection::vec(5_usize..120, 4);
        let sets = prop::collection::vec(prop::collection::btree_set(0_usize..4, 1..4), 2..=4);
        (sets, cost(), cost(), 0_usize..100)
            .prop_map(|(sets, rows, columns, frame)| Table {
                rows: rows[..sets.len()].to_vec(),
                marks: sets
                    .into_iter()
                    .map(|row| row.into_iter().collect())
                    .collect(),
                columns,
                frame,
            })
            .prop_filter("all sets of marks are tried", |table| {
                marks(table).len() <= 11
            })
    }

    fn large() -> impl Strategy<Value = Table> {
        let cost = |many| prop::collection::vec(5_usize..120, many);
        let sets = prop::collection::vec(prop::collection::btree_set(0_usize..40, 1..30), 1..20);
        (sets, cost(20), cost(40)).prop_map(|(sets, rows, columns)| Table {
            rows: rows[..sets.len()].to_vec(),
            marks: sets
                .into_iter()
                .map(|row| row.into_iter().collect())
                .collect(),
            columns,
            frame: 80,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn a_small_table_is_covered_as_cheaply_as_can_be(table in small()) {
            let blocks = cover(&table);
            assert_eq!(places(&blocks), marks(&table));
            assert_eq!(table.cost(&blocks), brute(&table));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_cover_has_all_marks_and_is_never_dearer_than_the_plain_ways(table in large()) {
            let blocks = cover(&table);
            assert_eq!(places(&blocks), marks(&table));
            let by_row: Vec<Block> = table.marks.iter().enumerate().map(|(row, columns)| Block {
                rows: vec![row],
                columns: columns.clone(),
            }).collect();
            let by_column: Vec<Block> = (0..40).map(|column| Block {
                rows: (0..table.rows.len()).filter(|&row| table.marks[row].contains(&column)).collect(),
                columns: vec![column],
            }).filter(|block| !block.rows.is_empty()).collect();
            let cost = table.cost(&blocks);
            assert!(cost <= table.cost(&by_row) && cost <= table.cost(&by_column));
        }
    }
}
