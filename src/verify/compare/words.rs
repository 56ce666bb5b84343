//! Strings that some globs match and others do not.
//!
//! The globs run side by side as one automaton, of which only those states are built that a shortest string passes. A
//! state is the set of places that the globs can be at. Characters that no glob names where it stands are all alike there,
//! so that one of them serves for all.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::ops::{ControlFlow, Range};

use crate::verify::glob::{Glob, Token};

/// How many places all states of one search may hold together: it takes some 50 MB then.
const MAX_PLACES: usize = 1 << 22;

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
        let takes = token.takes(Some(c)) || self.fold && token.takes(lower(c));
        takes.then_some(token)
    }
}

/// The lower case of a character that has one of one character.
fn lower(c: char) -> Option<char> {
    only(c.to_lowercase())
}

fn only(mut characters: impl Iterator<Item = char>) -> Option<char> {
    characters.next().filter(|_| characters.next().is_none())
}

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

/// Globs that run side by side.
struct Walk<'t> {
    tapes: Vec<&'t Tape>,
    /// Of each group of tapes one has to match.
    groups: Vec<Range<u32>>,
    /// Those that must not match. The tapes between are only watched.
    unwanted: Range<u32>,
}

impl<'t> Walk<'t> {
    fn new(wanted: &'t [Vec<Tape>], watched: &'t [Tape], unwanted: &'t [Tape]) -> Self {
        let mut tapes: Vec<&Tape> = Vec::new();
        let mut groups = Vec::new();
        for group in wanted {
            let start = tapes.len() as u32;
            tapes.extend(group);
            groups.push(start..tapes.len() as u32);
        }
        tapes.extend(watched);
        let start = tapes.len() as u32;
        tapes.extend(unwanted);
        Self {
            groups,
            unwanted: start..tapes.len() as u32,
            tapes,
        }
    }

    fn start(&self) -> State {
        let mut state = State::new();
        for tape in 0..self.tapes.len() as u32 {
            self.arrive(tape, 0, &mut state);
        }
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
            if let Some(token) = self.tapes[tape as usize].takes(place as usize, c) {
                self.arrive(tape, place + u32::from(!token.is_star()), &mut next);
            }
        }
        next.sort_unstable();
        next.dedup();
        next
    }

    fn token(&self, (tape, place): (u32, u32)) -> Option<Token> {
        self.tapes[tape as usize]
            .tokens
            .get(place as usize)
            .copied()
    }

    /// The tapes that match what led to `state`.
    fn matching(&self, state: &State) -> Vec<u32> {
        let ended = state.iter().filter(|place| self.token(**place).is_none());
        ended.map(|(tape, _)| *tape).collect()
    }

    /// Whether nothing that begins so can be found: a group can no longer match, or what must not match now matches
    /// whatever comes.
    fn is_dead(&self, state: &State) -> bool {
        let lost = |group: &Range<u32>| !state.iter().any(|(tape, _)| group.contains(tape));
        let caught = |&(tape, place): &(u32, u32)| {
            self.unwanted.contains(&tape)
                && self.tapes[tape as usize].tokens[place as usize..] == [Token::Star]
        };
        self.groups.iter().any(lost) || state.iter().any(caught)
    }

    fn accepts(&self, state: &State) -> bool {
        let matching = self.matching(state);
        let hit = |tapes: &Range<u32>| matching.iter().any(|tape| tapes.contains(tape));
        self.groups.iter().all(hit) && !hit(&self.unwanted)
    }

    /// The characters to go on with: those that are named, and one for all others.
    fn letters(&self, state: &State) -> Vec<char> {
        // Where a group stands before characters only, nothing else gets further.
        for group in &self.groups {
            let mut places = state.iter().filter(|(tape, _)| group.contains(tape));
            if places.all(|place| matches!(self.token(*place), None | Some(Token::Char(_)))) {
                let named = self.named(state, |tape| group.contains(&tape));
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
    fn named(&self, state: &State, of: impl Fn(u32) -> bool) -> BTreeSet<char> {
        let mut named = BTreeSet::new();
        for &(tape, place) in state.iter().filter(|(tape, _)| of(*tape)) {
            if let Some(Token::Char(c)) = self.token((tape, place)) {
                named.insert(c);
                if self.tapes[tape as usize].fold {
                    named.extend(only(c.to_uppercase()).filter(|upper| lower(*upper) == Some(c)));
                }
            }
        }
        named
    }

    /// Goes through the states in the order of the shortest strings that reach them. `visit` gets the text of each that is
    /// not dead, and says where to stop. `None` where the search outgrew its bound.
    fn explore(
        &self,
        mut visit: impl FnMut(&State, &dyn Fn() -> String) -> ControlFlow<()>,
    ) -> Option<()> {
        let start = self.start();
        let mut seen = HashSet::from([start.clone()]);
        let mut trail = vec![(0_usize, '\0')];
        let mut open = VecDeque::from([(start, 0)]);
        let mut places = 0;
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
                    places += next.len() + 4;
                    if places > MAX_PLACES {
                        return None;
                    }
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
pub(super) fn shortest(wanted: &[Vec<Tape>], unwanted: &[Tape]) -> Word {
    let walk = Walk::new(wanted, &[], unwanted);
    let mut found = Word::None;
    let explored = walk.explore(|state, text| {
        if !walk.accepts(state) {
            return ControlFlow::Continue(());
        }
        found = Word::Found(text());
        ControlFlow::Break(())
    });
    explored.map_or(Word::TooMany, |()| found)
}

/// The sets of `watched` that together match a string of `wanted` which none of `unwanted` matches, each with a shortest
/// such string. `None` where there are too many to tell.
pub(super) fn classes(
    wanted: Tape,
    watched: &[Tape],
    unwanted: &[Tape],
) -> Option<BTreeMap<Vec<usize>, String>> {
    let wanted = [vec![wanted]];
    let walk = Walk::new(&wanted, watched, unwanted);
    let mut found = BTreeMap::new();
    walk.explore(|state, text| {
        if walk.accepts(state) {
            let matching = walk.matching(state).into_iter();
            // The wanted tape comes first.
            let set = matching
                .filter(|tape| *tape > 0)
                .map(|tape| tape as usize - 1);
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
        shortest(&wanted, &tapes(unwanted))
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
            shortest(&[vec![any_case.clone()]], &tapes(&["ab", "AB", "Ab"])),
            Word::Found("aB".to_owned())
        );
        assert_eq!(shortest(&[tapes(&["AB"])], &[any_case]), Word::None);
    }

    #[test]
    fn classes_are_the_sets_that_match_together() {
        let found = classes(
            tapes(&["*"]).remove(0),
            &tapes(&["a*", "*b", "ab"]),
            &tapes(&["a"]),
        );
        let found: Vec<(Vec<usize>, String)> = found.unwrap().into_iter().collect();
        let expected = [
            (vec![], ""),
            (vec![0], "ax"),
            (vec![0, 1], "axb"),
            (vec![0, 1, 2], "ab"),
            (vec![1], "b"),
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
