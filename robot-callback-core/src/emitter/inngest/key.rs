//! The event key, kept out of everything that is read.

use reqwest::Url;

/// What must not show: the key as it was given, and as it stands in the URL.
pub(super) struct EventKey {
    forms: [String; 2],
}

impl EventKey {
    /// The key, and the URL that ends in it.
    pub(super) fn new(key: &str, endpoint: &Url) -> Self {
        let encoded = endpoint.path_segments().and_then(|mut segments| segments.next_back());
        Self { forms: [encoded.unwrap_or(key).to_owned(), key.to_owned()] }
    }

    /// A receiver's words, fit for a log: without the key, which it may repeat, without control characters, and not
    /// too long.
    pub(super) fn hide_in(&self, words: &str) -> String {
        const LONGEST: usize = 300;
        let hidden =
            self.forms.iter().fold(words.to_owned(), |words, form| words.replace(form, "[event key]"));
        hidden.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
    }
}
