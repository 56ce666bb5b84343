//! Colours for the first word of a message, on a terminal.

use std::borrow::Cow;
use std::io::{IsTerminal as _, stderr};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ColorChoice;

static COLOURED: AtomicBool = AtomicBool::new(false);

/// The words that begin a message, and the ANSI colour of each.
const WORDS: [(&str, &str); 8] = [
    ("error:", "31"),
    ("gap:", "31"),
    ("warning:", "33"),
    ("widened by ", "33"),
    ("one-off:", "33"),
    ("not granted:", "33"),
    ("note:", "36"),
    ("help:", "36"),
];

/// Settles whether messages are coloured; `auto` looks at stderr and at `NO_COLOR` (see no-color.org).
pub(super) fn choose(choice: ColorChoice) {
    let wanted = match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    };
    COLOURED.store(wanted, Ordering::Relaxed);
}

/// `text` with the words that begin its lines coloured, if that was chosen.
pub(super) fn message(text: &str) -> Cow<'_, str> {
    match COLOURED.load(Ordering::Relaxed) {
        true => Cow::Owned(coloured(text)),
        false => Cow::Borrowed(text),
    }
}

fn coloured(text: &str) -> String {
    let paint = |line: &str| {
        let found = WORDS.iter().find(|(word, _)| line.starts_with(word));
        match found {
            Some((word, colour)) => {
                format!("\u{1b}[1;{colour}m{word}\u{1b}[0m{}", &line[word.len()..])
            }
            None => line.to_owned(),
        }
    };
    text.split_inclusive('\n').map(paint).collect()
}

#[cfg(test)]
mod tests {
    use super::coloured;

    #[test]
    fn the_first_word_of_a_line_is_coloured() {
        assert_eq!(
            coloured("read 1 event\nwarning: error: x\n"),
            "read 1 event\n\u{1b}[1;33mwarning:\u{1b}[0m error: x\n"
        );
    }
}
