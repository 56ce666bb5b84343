//! Calls like one that is known: the same in all but texts that are only copied into their resources.
//!
//! What the meaning of a call owes to such a text is found by working it out once more with a mark in the text's place.
//! Where the mark comes out again in a resource, the text of any call like that one belongs. That holds because
//! [`copies`](crate::usage::request::Parameters::copies) are asked for by those only who do nothing else with them.

use crate::iam::arn::{ResourceArn, escape};
use crate::usage::hashed::random_seed;
use crate::usage::resolve::{self, Meaning, Need};

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
        let start = format!("\u{1}{:016x}", random_seed());
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

    /// What calls mean that are like one which means `marked` with marks in the place of texts. `None` where other texts
    /// would change more than the texts of resources.
    #[must_use]
    pub fn template(&self, marked: Meaning) -> Option<Template> {
        if self.strays(&marked) {
            return None;
        }
        let mut meaning = marked;
        let resources = meaning.needs.iter_mut().map(|need| {
            let marked = std::mem::take(&mut need.resources);
            marked.iter().map(|each| self.resource(each)).collect()
        });
        Some(Template {
            resources: resources.collect::<Option<_>>()?,
            meaning,
        })
    }

    /// Whether a mark stands elsewhere than in a resource, or needs of one action could stand in another order.
    fn strays(&self, marked: &Meaning) -> bool {
        let contexts = marked.needs.iter().flat_map(|need| need.context.iter());
        let loaded = marked.loaded.iter().flat_map(|loaded| {
            let carrier = std::iter::once(&loaded.carrier);
            carrier.chain(&loaded.roles).map(ResourceArn::as_str)
        });
        let notes = marked.notes.iter().map(String::as_str);
        let texts = loaded.chain(notes).chain([&*marked.reason]);
        let mut texts = texts.chain(contexts.map(|(_, value)| value));
        let mut pairs = marked.needs.windows(2);
        marked.message.is_some()
            || pairs.any(|pair| pair[0].action == pair[1].action)
            || texts.any(|text| text.contains(&*self.start))
    }

    fn resource(&self, marked: &ResourceArn) -> Option<Resource> {
        let mut parts = marked.as_str().split(&*self.start);
        Some(Resource {
            start: parts.next()?.into(),
            parts: parts
                .map(|part| {
                    let (member, behind) = part.split_at_checked(2)?;
                    Some((member.parse().ok()?, behind.into()))
                })
                .collect::<Option<_>>()?,
        })
    }
}

/// What calls mean that are the same in all but texts that are copied.
pub struct Template {
    /// Without the resources of its needs.
    meaning: Meaning,
    /// Those of each need.
    resources: Vec<Vec<Resource>>,
}

/// A resource with gaps for texts.
struct Resource {
    start: Box<str>,
    /// The parameter whose text comes next, and what stands behind it.
    parts: Box<[(usize, Box<str>)]>,
}

impl Template {
    /// What the call means that has these texts, each with the number of its parameter.
    #[must_use]
    pub fn fill(&self, texts: &[(usize, &str)]) -> Option<Meaning> {
        let mut meaning = self.meaning.clone();
        for (need, resources) in meaning.needs.iter_mut().zip(&self.resources) {
            let filled = resources.iter().map(|resource| resource.fill(texts));
            need.resources = filled.collect::<Option<_>>()?;
        }
        resolve::tidy(&mut meaning.needs);
        Some(meaning)
    }

    /// About how many bytes of memory it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        let needs = self.meaning.needs.iter().map(Need::size).sum::<usize>();
        let resources = self.resources.iter().flatten();
        let resources = resources.map(|resource| {
            let parts = resource.parts.iter().map(|(_, behind)| 48 + behind.len());
            64 + resource.start.len() + parts.sum::<usize>()
        });
        size_of::<Self>() + self.meaning.reason.len() + needs + resources.sum::<usize>()
    }
}

impl Resource {
    fn fill(&self, texts: &[(usize, &str)]) -> Option<ResourceArn> {
        // As long as it becomes where nothing is escaped, so that it need not move.
        let length = |parts: &mut dyn Iterator<Item = &str>| parts.map(str::len).sum::<usize>();
        let texts_length = length(&mut texts.iter().map(|(_, text)| *text));
        let behind_length = length(&mut self.parts.iter().map(|(_, behind)| &**behind));
        let mut out = String::with_capacity(self.start.len() + texts_length + behind_length);
        out.push_str(&self.start);
        for (member, behind) in &self.parts {
            let (_, text) = texts.iter().find(|(number, _)| number == member)?;
            out.push_str(&escape(text));
            out.push_str(behind);
        }
        Some(ResourceArn::from_pattern(out))
    }
}

#[cfg(test)]
mod tests {
    use super::Marks;
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::usage::context::ContextKeys;
    use crate::usage::resolve::{Basis, Meaning, Need, Outcome};

    fn need(action: &'static str, resources: &[String]) -> Need {
        Need {
            action: Action::known(action),
            resources: resources
                .iter()
                .map(|text| ResourceArn::from_pattern(&**text))
                .collect(),
            basis: Basis::Event,
            context: ContextKeys::default(),
            told: true,
        }
    }

    fn meaning(needs: Vec<Need>) -> Meaning {
        Meaning {
            outcome: Outcome::Used,
            reason: "".into(),
            needs: needs.into(),
            loaded: None,
            message: None,
            notes: Vec::new(),
        }
    }

    #[test]
    fn texts_come_where_their_marks_stood() {
        let mut marks = Marks::default();
        let marks = marks.of_members(0b101);
        let mark = |member: u32| marks.of(1 << member).unwrap().to_owned();
        assert_eq!(marks.of(0b10), None);
        assert_eq!(marks.of(u64::MAX), None);
        let (a, b) = (mark(0), mark(2));
        let marked = |a: &str, b: &str| {
            let first = need(
                "s3:A",
                &[format!("arn:{a}/{b}"), format!("arn:{b}"), "*".into()],
            );
            meaning(vec![first, need("s3:B", &[format!("{a}x{a}")])])
        };
        let template = marks.template(marked(&a, &b)).unwrap();
        let found = template.fill(&[(2, "${k}*"), (0, "c")]).unwrap();
        let expected = [
            need(
                "s3:A",
                &["arn:${$}{k}${*}".into(), "arn:c/${$}{k}${*}".into()],
            ),
            need("s3:B", &["cxc".into()]),
        ];
        assert_eq!(found, meaning(expected.into()));
        assert_eq!(template.fill(&[(0, "c")]), None);
    }

    #[test]
    fn what_a_text_could_change_besides_is_not_learned() {
        let mut marks = Marks::default();
        let marks = marks.of_members(1);
        let mark = marks.of(1).unwrap();
        let of = |needs: Vec<Need>| meaning(needs);
        let plain = || of(vec![need("s3:A", &[mark.to_owned()])]);
        assert!(marks.template(plain()).is_some());
        let mut noted = plain();
        noted.notes.push(format!("on {mark}"));
        assert!(marks.template(noted).is_none());
        let mut reasoned = plain();
        reasoned.reason = mark.to_owned().into();
        assert!(marks.template(reasoned).is_none());
        let twice = of(vec![
            need("s3:A", &[mark.to_owned()]),
            need("s3:A", &["*".into()]),
        ]);
        assert!(marks.template(twice).is_none());
    }
}
