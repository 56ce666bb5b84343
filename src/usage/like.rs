//! Calls like one that is known: the same in all but texts that are only copied into their resources.
//!
//! What the meaning of a call owes to such a text is found by working it out once more with a mark in the text's place.
//! Where the mark comes out again in a resource, the text of any call like that one belongs. That holds because
//! [`copies`](crate::usage::request::Parameters::copies) are asked for by those only who do nothing else with them.

use std::hash::{BuildHasher as _, RandomState};

use crate::iam::arn::{ResourceArn, escape};
use crate::usage::resolve::{self, Meaning};

/// What stands in the place of texts that are copied.
pub struct Marks {
    /// What all of them begin with; no text of a log does.
    start: String,
    texts: Vec<String>,
    /// The parameters that they stand for, one bit for each.
    members: u64,
}

impl Default for Marks {
    fn default() -> Self {
        // A number of this process' own, so that nobody who writes a log can know it.
        let start = format!("\u{1}{:016x}", RandomState::new().hash_one(0));
        Self {
            texts: (0..u64::BITS)
                .map(|member| format!("{start}{member:02}"))
                .collect(),
            start,
            members: 0,
        }
    }
}

impl Marks {
    /// The marks of these parameters.
    #[must_use]
    pub fn of_members(&mut self, members: u64) -> &Self {
        self.members = members;
        self
    }

    /// The mark of the one parameter in `members`, if it has one.
    #[must_use]
    pub fn of(&self, members: u64) -> Option<&str> {
        let one = members.is_power_of_two() && members & self.members != 0;
        one.then(|| self.texts[members.trailing_zeros() as usize].as_str())
    }

    /// `meaning`, in which marks stand for texts, with these texts, each with the number of its parameter.
    #[must_use]
    pub fn replace(&self, meaning: &Meaning, texts: &[(usize, &str)]) -> Meaning {
        let mut meaning = meaning.clone();
        for need in &mut meaning.needs {
            for resource in &mut need.resources {
                if let Some(text) = self.replaced(resource.as_str(), texts) {
                    *resource = ResourceArn::from_pattern(text);
                }
            }
        }
        resolve::tidy(&mut meaning.needs);
        meaning
    }

    fn replaced(&self, marked: &str, texts: &[(usize, &str)]) -> Option<String> {
        let mut parts = marked.split(&*self.start);
        let mut out = parts.next()?.to_owned();
        let before = out.len();
        for part in parts {
            let (member, rest) = part.split_at_checked(2)?;
            let member: usize = member.parse().ok()?;
            let (_, text) = texts.iter().find(|(number, _)| *number == member)?;
            out.push_str(&escape(text));
            out.push_str(rest);
        }
        (before < marked.len()).then_some(out)
    }

    /// Whether other texts would change more of `meaning` than the texts of its resources: a mark stands elsewhere, or needs
    /// of one action could stand in another order.
    #[must_use]
    pub fn stray(&self, meaning: &Meaning) -> bool {
        let mut pairs = meaning.needs.windows(2);
        let contexts = meaning.needs.iter().flat_map(|need| need.context.iter());
        let resources = meaning.loaded.iter().flat_map(|loaded| {
            let carrier = std::iter::once(&loaded.carrier);
            carrier.chain(&loaded.roles).map(ResourceArn::as_str)
        });
        let notes = meaning.notes.iter().map(String::as_str);
        let texts = resources.chain(notes).chain([&*meaning.reason]);
        let mut texts = texts.chain(contexts.map(|(_, value)| value));
        meaning.message.is_some()
            || pairs.any(|pair| pair[0].action == pair[1].action)
            || texts.any(|text| text.contains(&*self.start))
    }
}
