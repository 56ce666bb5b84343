//! Strings that some globs match and others do not.
//!
//! The globs run side by side as one automaton, of which only those states are built that a shortest string passes. A
//! state is the set of places that the globs can be at. Characters that no glob names where it stands are all alike there,
//! so that one of them serves for all.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::ops::ControlFlow;
use std::sync::LazyLock;

use crate::verify::glob::{Glob, Token};
use crate::verify::matcher::fold_char;

/// How many places all states of one search may hold together: it takes some 50 MB then.
const MAX_PLACES: u64 = 1 << 22;

/// The characters that stand for "any other", the first that is free.
const OTHERS: &str = "x0a1b2c3d4e5f6g7h8i9jklmnopqrstuvwyz";

/// A glob as a search reads it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tape {
    tokens: Box<[Token]>,
    /// Compares in lower case; the tokens are in lower case.
    fold: bool,
}

impl Tape {
    pub(super) fn new(glob: &Glob, fold: bool) -> Self {
        Self {
            tokens: glob.all_tokens().collect(),
            fold,
        }
    }

    /// What `tokens` describe.
    pub(super) fn of(tokens: &[Token]) -> Self {
        Self {
            tokens: tokens.into(),
            fold: false,
        }
    }

    fn takes(&self, place: usize, c: char) -> Option<&Token> {
        let token = self.tokens.get(place)?;
        let takes = token.takes(Some(c)) || self.fold && token.takes(Some(fold_char(c)));
        takes.then_some(token)
    }
}

/// The other characters that are taken for each, where the case of letters does not count.
static CAPITALS: LazyLock<BTreeMap<char, Vec<char>>> = LazyLock::new(|| {
    let mut out: BTreeMap<char, Vec<char>> = BTreeMap::new();
    for c in '\0'..=char::MAX {
        let lower = fold_char(c);
        if lower != c {
            out.entry(lower).or_default().push(c);
        }
    }
    out
});

/// What a search for a string found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// This one, and none is shorter.
    Found(String),
    /// There is none.
    None,
    /// The search outgrew its bound.
    TooMany,
}

/// The places of globs that run side by side: of which tape, and the token that comes next. Sorted.
type State = Vec<(u32, u32)>;

/// The place of the first tape of a group of which one matches whatever comes. What the others do is of no matter then.
const FOREVER: u32 = u32::MAX;

/// Globs that run side by side.
struct Walk<'t> {
    tapes: Vec<&'t Tape>,
    /// The group of each tape, the wanted ones first. Those behind all groups must not match.
    group_of: Vec<usize>,
    /// The first tape of each group.
    first_of: Vec<u32>,
    wanted: usize,
}

impl<'t> Walk<'t> {
    /// Of each group in `wanted` one tape has to match, `watched` are only watched, and none of `unwanted` must match.
    fn new(wanted: &'t [Vec<Tape>], watched: &'t [Vec<Tape>], unwanted: &'t [Tape]) -> Self {
        let mut walk = Self {
            tapes: Vec::new(),
            group_of: Vec::new(),
            first_of: Vec::new(),
            wanted: wanted.len(),
        };
        for group in wanted.iter().chain(watched) {
            walk.group_of
                .resize(walk.tapes.len() + group.len(), walk.first_of.len());
            walk.first_of.push(walk.tapes.len() as u32);
            walk.tapes.extend(group);
        }
        walk.tapes.extend(unwanted);
        walk.group_of.resize(walk.tapes.len(), walk.first_of.len());
        walk
    }

    fn start(&self) -> State {
        let mut state = State::new();
        for tape in 0..self.tapes.len() as u32 {
            self.arrive(tape, 0, &mut state);
        }
        self.settled(state)
    }

    fn group(&self, (tape, _): (u32, u32)) -> usize {
        self.group_of[tape as usize]
    }

    /// Whether the tape matches whatever comes.
    fn is_forever(&self, (tape, place): (u32, u32)) -> bool {
        let rest = self.tapes[tape as usize].tokens.get(place as usize..);
        place == FOREVER || rest == Some(&[Token::Star])
    }

    /// Sorted, and without what is of no matter.
    fn settled(&self, mut state: State) -> State {
        let forever = state.iter().filter(|place| self.is_forever(**place));
        let mut groups: Vec<usize> = forever.map(|place| self.group(*place)).collect();
        groups.retain(|group| *group < self.first_of.len());
        state.retain(|place| !groups.contains(&self.group(*place)));
        state.extend(groups.iter().map(|group| (self.first_of[*group], FOREVER)));
        state.sort_unstable();
        state.dedup();
        state
    }

    /// Adds a place and those that its stars lead to by taking nothing.
    fn arrive(&self, tape: u32, mut place: u32, state: &mut State) {
        state.push((tape, place));
        while self
            .token((tape, place))
            .is_some_and(|token| token.is_star())
        {
            place += 1;
            state.push((tape, place));
        }
    }

    fn step(&self, state: &State, c: char) -> State {
        let mut next = State::new();
        for &(tape, place) in state {
            if place == FOREVER {
                next.push((tape, place));
            } else if let Some(token) = self.tapes[tape as usize].takes(place as usize, c) {
                self.arrive(tape, place + u32::from(!token.is_star()), &mut next);
            }
        }
        self.settled(next)
    }

    /// The token that comes next, before the end.
    fn token(&self, (tape, place): (u32, u32)) -> Option<Token> {
        let tokens = &self.tapes[tape as usize].tokens;
        tokens.get(place as usize).copied()
    }

    /// The groups that match what led to `state`; behind them all, that something unwanted does.
    fn matching(&self, state: &State) -> BTreeSet<usize> {
        let ended = state.iter().filter(|place| self.token(**place).is_none());
        ended.map(|place| self.group(*place)).collect()
    }

    /// Whether nothing that begins so can be found: a group can no longer match, or what must not match now matches
    /// whatever comes.
    fn is_dead(&self, state: &State) -> bool {
        let lost = |group| !state.iter().any(|place| self.group(*place) == group);
        let unwanted = |place: &(u32, u32)| self.group(*place) == self.first_of.len();
        let mut caught = state.iter().filter(|place| unwanted(place));
        (0..self.wanted).any(lost) || caught.any(|place| self.is_forever(*place))
    }

    fn accepts(&self, matching: &BTreeSet<usize>) -> bool {
        (0..self.wanted).all(|group| matching.contains(&group))
            && !matching.contains(&self.first_of.len())
    }

    /// The characters to go on with: those that are named, and one for all others.
    fn letters(&self, state: &State) -> Vec<char> {
        // Where a group stands before characters only, nothing else gets further.
        for group in 0..self.wanted {
            let mut places = state.iter().filter(|place| self.group(**place) == group);
            let plain = |place: &(u32, u32)| {
                place.1 != FOREVER && matches!(self.token(*place), None | Some(Token::Char(_)))
            };
            if places.all(plain) {
                let named = self.named(state, |place| self.group(place) == group);
                return named.into_iter().collect();
            }
        }
        let mut named = self.named(state, |_| true);
        let other = OTHERS
            .chars()
            .chain('\u{a1}'..)
            .find(|c| !named.contains(c));
        // What takes any character within a field of an ARN takes no colon.
        named.insert(':');
        other.into_iter().chain(named).collect()
    }

    /// The characters that tapes name at their places.
    fn named(&self, state: &State, of: impl Fn((u32, u32)) -> bool) -> BTreeSet<char> {
        let mut named = BTreeSet::new();
        for &(tape, place) in state.iter().filter(|place| of(**place)) {
            if let Some(Token::Char(c)) = self.token((tape, place)) {
                named.insert(c);
                if self.tapes[tape as usize].fold {
                    named.extend(CAPITALS.get(&c).into_iter().flatten());
                }
            }
        }
        named
    }

    /// Goes through the states in the order of the shortest strings that reach them. `visit` gets the text of each that is
    /// not dead, and says where to stop. Each place of a state is one of `steps`. `None` where there are too many.
    fn explore(
        &self,
        steps: &mut u64,
        mut visit: impl FnMut(&State, &dyn Fn() -> String) -> ControlFlow<()>,
    ) -> Option<()> {
        let start = self.start();
        let mut seen = HashSet::from([start.clone()]);
        let mut trail = vec![(0_usize, '\0')];
        let mut open = VecDeque::from([(start, 0)]);
        let mut places_left = MAX_PLACES.min(*steps);
        while let Some((state, at)) = open.pop_front() {
            if self.is_dead(&state) {
                continue;
            }
            if visit(&state, &|| spell(&trail, at)).is_break() {
                break;
            }
            for c in self.letters(&state) {
                let next = self.step(&state, c);
                if !seen.contains(&next) {
                    let places = next.len() as u64 + 4;
                    *steps = steps.saturating_sub(places);
                    places_left = places_left.checked_sub(places)?;
                    seen.insert(next.clone());
                    open.push_back((next, trail.len()));
                    trail.push((at, c));
                }
            }
        }
        Some(())
    }
}

/// The text that leads to the place `at` of a trail: each place has the one before it and a character.
fn spell(trail: &[(usize, char)], mut at: usize) -> String {
    let mut characters = Vec::new();
    while at != 0 {
        characters.push(trail[at].1);
        at = trail[at].0;
    }
    characters.iter().rev().collect()
}

/// A shortest string that of each group in `wanted` one glob matches and none of `unwanted`.
pub(super) fn shortest(wanted: &[Vec<Tape>], unwanted: &[Tape], steps: &mut u64) -> Word {
    let walk = Walk::new(wanted, &[], unwanted);
    let mut found = Word::None;
    let explored = walk.explore(steps, |state, text| {
        if !walk.accepts(&walk.matching(state)) {
            return ControlFlow::Continue(());
        }
        found = Word::Found(text());
        ControlFlow::Break(())
    });
    explored.map_or(Word::TooMany, |()| found)
}

/// The sets of groups in `watched` that together match a string of `wanted` which none of `unwanted` matches, each with a
/// shortest such string. A group matches where one of its globs does. `None` where there are too many to tell.
pub(super) fn classes(
    wanted: Tape,
    watched: &[Vec<Tape>],
    unwanted: &[Tape],
    steps: &mut u64,
) -> Option<BTreeMap<Vec<usize>, String>> {
    let wanted = [vec![wanted]];
    let walk = Walk::new(&wanted, watched, unwanted);
    let mut found = BTreeMap::new();
    walk.explore(steps, |state, text| {
        let matching = walk.matching(state);
        if walk.accepts(&matching) {
            // The wanted group comes first.
            let set = matching.range(1..).map(|group| group - 1);
            found.entry(set.collect()).or_insert_with(text);
        }
        ControlFlow::Continue(())
    })?;
    Some(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::{Tape, Word, classes, shortest};
    use crate::verify::glob::tests::glob;

    fn tapes(texts: &[&str]) -> Vec<Tape> {
        texts
            .iter()
            .map(|text| Tape::new(&glob(text), false))
            .collect()
    }

    fn find(wanted: &[&[&str]], unwanted: &[&str]) -> Word {
        let wanted: Vec<Vec<Tape>> = wanted.iter().map(|group| tapes(group)).collect();
        shortest(&wanted, &tapes(unwanted), &mut 1_000_000)
    }

    #[test]
    fn the_shortest_word_is_found_where_there_is_one() {
        let found = |text: &str| Word::Found(text.to_owned());
        for (wanted, unwanted, expected) in [
            (&[&["a*"][..]][..], &[][..], found("a")),
            (&[&["a*"]], &["a"], found("ax")),
            (&[&["a*"]], &["a", "a?*"], Word::None),
            (&[&["a*", "b"]], &["a*"], found("b")),
            (&[&["a*"], &["*b"]], &["ab"], found("axb")),
            (&[&["*"]], &["*x*", "?", ""], found("00")),
            (&[&["*"]], &["+"], found(":")),
            (&[&["."]], &["a"], found("x")),
            (&[&["a*"], &["b*"]], &[], Word::None),
            (&[&["*"]], &["*"], Word::None),
        ] {
            assert_eq!(
                find(wanted, unwanted),
                expected,
                "{wanted:?} without {unwanted:?}"
            );
        }
    }

    #[test]
    fn letter_case_is_told_apart_where_one_glob_does() {
        let any_case = Tape::new(&glob("ab"), true);
        assert_eq!(
            shortest(
                &[vec![any_case.clone()]],
                &tapes(&["ab", "AB", "Ab"]),
                &mut 1_000_000
            ),
            Word::Found("aB".to_owned())
        );
        assert_eq!(
            shortest(&[tapes(&["AB"])], &[any_case], &mut 1_000_000),
            Word::None
        );
    }

    #[test]
    fn classes_are_the_sets_that_match_together() {
        let watched = [tapes(&["a*"]), tapes(&["*b"]), tapes(&["ab", "*c*"])];
        let found = classes(
            tapes(&["*"]).remove(0),
            &watched,
            &tapes(&["a"]),
            &mut 1_000_000,
        );
        let found: Vec<(Vec<usize>, String)> = found.unwrap().into_iter().collect();
        let expected = [
            (vec![], ""),
            (vec![0], "ax"),
            (vec![0, 1], "axb"),
            (vec![0, 1, 2], "ab"),
            (vec![0, 2], "ac"),
            (vec![1], "b"),
            (vec![1, 2], "cb"),
            (vec![2], "c"),
        ];
        assert_eq!(found, expected.map(|(set, text)| (set, text.to_owned())));
    }

    proptest! {
        /// Against all strings of up to four characters.
        #[test]
        fn a_search_agrees_with_trying(
            wanted in "[ab:*?+.]{0,4}", second in "[ab:*?+.]{0,4}", unwanted in proptest::collection::vec("[ab:*?+.]{0,4}", 0..3),
        ) {
            let mut all = vec![String::new()];
            for length in 0..4 {
                let longer: Vec<String> = all.iter().filter(|text| text.len() == length).flat_map(|text| ["a", "b", ":", "x", "0"].map(|c| format!("{text}{c}"))).collect();
                all.extend(longer);
            }
            let fits = |text: &str| glob(&wanted).matches(text) && glob(&second).matches(text) && !unwanted.iter().any(|u| glob(u).matches(text));
            let tried = all.iter().find(|text| fits(text));
            let unwanted: Vec<&str> = unwanted.iter().map(String::as_str).collect();
            match find(&[&[&wanted], &[&second]], &unwanted) {
                Word::Found(text) => {
                    prop_assert!(fits(&text), "{}", text);
                    if let Some(tried) = tried {
                        prop_assert_eq!(text.len(), tried.len());
                    }
                }
                Word::None => prop_assert_eq!(tried, None),
                Word::TooMany => prop_assert!(false),
            }
        }
    }
}
